//! Fifty shards on one Redis, at ten ticks a second, beside their players' load.
//!
//! `cargo bench --bench shards` runs fifty shard machines for a minute, each with a connection of
//! its own to a real Redis that syncs every write, and prints what Redis counted, how long a push
//! took beside a Function that does nothing in the same run, and whether the truth is what the
//! shards accepted. It fails if it is not, or if a shard asked more than once per tick.
#![allow(missing_docs, clippy::print_stdout, clippy::panic, reason = "a bench prints its table")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "support/redis.rs"]
#[expect(dead_code, reason = "other benches use the rest")]
mod support;

use authority::{Authority, Redis};
use futures::future::join_all;
use hdrhistogram::Histogram;
use protocol::{
    Hello, Hit, InputSeq, JournalId, Micros, PlayerId, ShardId, SkillId, Token, Unavailable,
};
use shard::machine::{Answer, ConnId, Disk, Fresh, Machine, Opening, Output, Request, Step};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::{BOSS, connect, nothing, spawn};
use tokio::runtime::Runtime;
use tokio::time::{MissedTickBehavior, interval, interval_at};
use ucore::Bin;
use xtask::redis::Server;

const SHARDS: u16 = 50;
/// Players of a shard.
const PLAYERS: u32 = 200;
/// Hits of a shard in a tick: two a second and player.
const HITS: u32 = 40;
const TICK: Duration = Duration::from_millis(100);

/// One shard machine, its connection and what it measured.
struct Shard {
    machine: Machine,
    authority: Redis,
    began: Instant,
    seq: u32,
    next: u32,
    ticks: u64,
    requests: u64,
    pushes: Histogram<u64>,
}

impl Shard {
    async fn start(url: &str, number: u16, began: Instant) -> Self {
        let authority = Redis::new(url).expect("an address").with_executor();
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        let opening = Opening::new(BOSS, ShardId(number), Disk::default(), JournalId(Bin(id)));
        let mut opening = opening.expect("an empty disk is about no other boss");
        let opened = loop {
            match opening.step() {
                Step::Intend(_) | Step::Adopt(_) => opening.handle_written(),
                Step::Join(join) => {
                    let answer = authority.join(join).await.expect("Redis answers");
                    opening.handle_answer(answer).expect("a new journal joins");
                }
                Step::Done(opened) => break opened,
            }
        };
        let mut machine = Machine::new(*opened, Micros(0), number.into());
        for player in 0..PLAYERS {
            let mut token = id;
            token[8..12].copy_from_slice(&player.to_be_bytes());
            let player_id = PlayerId(u64::from(number) * 1_000_000 + u64::from(player) + 1);
            let fresh = Fresh { token: Token(Bin(token)), player: player_id };
            let name = format!("player {player}");
            let hello = Hello { protocol: protocol::PROTOCOL, name, session: None, every: 1 };
            machine.handle_hello(ConnId(player.into()), hello, fresh);
        }
        let pushes = histogram();
        Self { machine, authority, began, seq: 0, next: 0, ticks: 0, requests: 0, pushes }
    }

    fn now(&self) -> Micros {
        Micros(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Plays until `until`, then until the authority has everything.
    async fn play(mut self, until: Duration, phase: Duration) -> Self {
        let mut ticker = interval_at((self.began + phase).into(), TICK);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.began.elapsed() < until || !self.machine.is_drained() {
            ticker.tick().await;
            let is_over = self.began.elapsed() >= until;
            self.tick(if is_over { 0 } else { HITS }).await;
        }
        self
    }

    async fn tick(&mut self, hits: u32) {
        let (now, generation) = (self.now(), self.machine.state(self.now()).generation);
        for _ in 0..hits {
            if self.next == 0 {
                self.seq += 1;
            }
            let hit = Hit { generation, seq: InputSeq(self.seq), skill: SkillId(1) };
            self.machine.handle_hit(now, ConnId(self.next.into()), hit);
            self.next = (self.next + 1) % PLAYERS;
        }
        self.machine.handle_tick();
        while let Some(output) = self.machine.poll_output() {
            if matches!(output, Output::Journal(_)) {
                self.machine.handle_synced();
            }
        }
        self.ticks += 1;
        let Some(request) = self.machine.poll_request(now) else { return };
        self.requests += 1;
        let asked = Instant::now();
        let answer: Result<Answer, Unavailable> = match request {
            Request::Join(join) => self.authority.join(join).await.map(Answer::Join),
            Request::Enter(enter) => self.authority.enter(enter).await.map(Answer::Enter),
            Request::Push(push) => self.authority.push(push).await.map(Answer::Push),
            Request::Shares(asked) => self.authority.shares(asked).await.map(Answer::Shares),
        };
        let took = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.pushes.saturating_record(took);
        match answer {
            Ok(answer) => self.machine.handle_answer(self.now(), answer),
            Err(error) => panic!("nothing fails here: {error}"),
        }
    }
}

/// Calls the Function that does nothing for as long as the shards play.
async fn probe(server: &Server, over: Arc<AtomicBool>) -> Histogram<u64> {
    let mut connection = connect(server).await;
    let mut calls = histogram();
    let mut ticker = interval(Duration::from_millis(20));
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !over.load(Ordering::Relaxed) {
        ticker.tick().await;
        let asked = Instant::now();
        nothing(&mut connection, &[7; 160]).await;
        calls.saturating_record(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    calls
}

fn main() {
    // Without `--bench` this only shows that it still runs.
    let is_measured = std::env::args().any(|arg| arg == "--bench");
    let until = Duration::from_secs(if is_measured { 60 } else { 1 });
    let server = Server::start(&[("appendfsync", "always")]).expect("redis-server starts");
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(run(&server, until));
}

async fn run(server: &Server, until: Duration) {
    let authority = Redis::new(&server.url()).expect("an address");
    spawn(&authority).await;
    let url = server.url();
    let began = Instant::now();
    let shards = join_all((0..SHARDS).map(|number| Shard::start(&url, number, began))).await;
    let over = Arc::new(AtomicBool::new(false));
    let (calls, cpu) = (count(server), server.cpu_micros().expect("it says"));
    let (began, clock) = (Instant::now(), over.clone());
    let playing = async {
        let shards = shards.into_iter().zip(0_u32..).map(|(mut shard, idx)| {
            shard.began = began;
            // Shards are started whenever they are: their ticks lie anywhere.
            tokio::spawn(shard.play(until, TICK * idx / u32::from(SHARDS)))
        });
        let shards = join_all(shards.collect::<Vec<_>>()).await;
        clock.store(true, Ordering::Relaxed);
        shards
    };
    let (shards, probed) = tokio::join!(playing, probe(server, over));
    let shards: Vec<Shard> = shards.into_iter().map(|it| it.expect("no shard panics")).collect();
    let took = began.elapsed();
    let cpu = server.cpu_micros().expect("it says") - cpu;
    let calls = count(server) - calls - probed.len();
    report(&shards, &probed, calls, (cpu as f64 / took.as_micros() as f64, took.as_secs()));
    let truth = authority.truth(BOSS).await.expect("it answers");
    let accepted: u64 = shards.iter().map(|shard| shard.machine.counts().damage).sum();
    println!("damage accepted {accepted}, in the truth {}", truth.damage);
    assert_eq!(truth.damage, accepted, "the truth is what was accepted");
}

fn report(shards: &[Shard], probed: &Histogram<u64>, calls: u64, (cpu, until_s): (f64, u64)) {
    let ticks: u64 = shards.iter().map(|shard| shard.ticks).sum();
    let requests: u64 = shards.iter().map(|shard| shard.requests).sum();
    let mut pushes = histogram();
    shards.iter().for_each(|shard| pushes.add(&shard.pushes).expect("the same digits"));
    let players = u64::from(SHARDS) * u64::from(PLAYERS);
    println!("{SHARDS} shards, {players} players, {} hits/s", u32::from(SHARDS) * HITS * 10);
    println!("\n{:<28} {:>10} {:>10}", "microseconds", "p50", "p99");
    let of = |it: &Histogram<u64>, at| it.value_at_quantile(at);
    for (name, it) in [("push", &pushes), ("FCALL of nothing", probed)] {
        println!("{name:<28} {:>10} {:>10}", of(it, 0.5), of(it, 0.99));
    }
    let ratio = |at| of(&pushes, at) as f64 / of(probed, at).max(1) as f64;
    println!("{:<28} {:>10.2} {:>10.2}", "ratio", ratio(0.5), ratio(0.99));
    println!("\nticks {ticks}, requests {requests}, FCALLs counted by Redis {calls}");
    println!("requests per shard and tick: {:.3}", requests as f64 / ticks as f64);
    println!("FCALLs of the life cycle: {}", calls.saturating_sub(requests));
    println!("Redis used {:.1} % of a core", cpu * 100.0);
    let lives = 2 * until_s + u64::from(SHARDS);
    assert!(calls <= ticks + lives, "at most one request per shard and tick, and a step a second");
}

/// Microseconds, up to a minute.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are in order")
}

fn count(server: &Server) -> u64 {
    server.calls("fcall").expect("it says") + server.calls("fcall_ro").expect("it says")
}
