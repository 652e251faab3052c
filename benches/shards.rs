//! Fifty shards on one Redis, at ten ticks a second, beside their players' load.
//!
//! `cargo bench --bench shards` runs fifty shard machines for a minute, each with a connection of
//! its own to a real Redis that syncs every write, and prints what Redis counted, how long a push
//! took beside a Function that does nothing in the same run, and whether the truth is what the
//! shards accepted. It fails if it is not, or if a shard asked more than once per tick.
#![allow(missing_docs, clippy::print_stdout, clippy::panic, reason = "a bench prints its table")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "other benches use the rest")]
mod support;

use authority::{Authority, Redis};
use futures::future::join_all;
use hdrhistogram::Histogram;
use protocol::Micros;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use support::figures::{histogram, record};
use support::game::{BOSS, Game, ask, open};
use support::pusher::begin;
use support::redis::{connect, nothing};
use tokio::runtime::Runtime;
use tokio::time::{MissedTickBehavior, interval, interval_at};
use xtask::redis::Server;

const SHARDS: u16 = 50;
/// Players of a shard.
const PLAYERS: u32 = 200;
/// Hits of a shard in a tick: two a second and player.
const HITS: u32 = 40;
const TICK: Duration = Duration::from_millis(100);

/// One shard machine, its connection and what it measured.
struct Shard {
    game: Game,
    authority: Redis,
    began: Instant,
    ticks: u64,
    requests: u64,
    pushes: Histogram<u64>,
}

impl Shard {
    async fn start(url: &str, number: u16, began: Instant) -> Self {
        let authority = Redis::new(url).expect("an address").with_executor();
        let join = async |join| authority.join(join).await.expect("Redis answers");
        let game = Game::new(open(number, None, join).await, number, PLAYERS);
        Self { game, authority, began, ticks: 0, requests: 0, pushes: histogram() }
    }

    fn now(&self) -> Micros {
        Micros(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Plays until `until`, then until the authority has everything.
    async fn play(mut self, until: Duration, phase: Duration) -> Self {
        let mut ticker = interval_at((self.began + phase).into(), TICK);
        ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.began.elapsed() < until || !self.game.machine.is_drained() {
            ticker.tick().await;
            let is_over = self.began.elapsed() >= until;
            self.tick(if is_over { 0 } else { HITS }).await;
        }
        self
    }

    async fn tick(&mut self, hits: u32) {
        let now = self.now();
        self.game.hit(now, hits);
        self.game.end_tick(|_, _| {});
        self.ticks += 1;
        let Some(request) = self.game.machine.poll_request(now) else { return };
        self.requests += 1;
        let asked = Instant::now();
        let answer = ask(&self.authority, request).await.expect("nothing fails here");
        record(&mut self.pushes, asked.elapsed());
        self.game.machine.handle_answer(self.now(), answer);
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
        record(&mut calls, asked.elapsed());
    }
    calls
}

fn main() {
    let until = Duration::from_secs(if support::is_measured() { 60 } else { 1 });
    let server = Server::start(&[("appendfsync", "always")]).expect("redis-server starts");
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(run(&server, until));
}

async fn run(server: &Server, until: Duration) {
    let authority = Redis::new(&server.url()).expect("an address");
    begin(&authority).await;
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
    report(&shards, &probed, calls, (cpu as f64 / took.as_micros() as f64, took));
    let truth = authority.truth(BOSS).await.expect("it answers");
    let accepted: u64 = shards.iter().map(|shard| shard.game.damage()).sum();
    println!("damage accepted {accepted}, in the truth {}", truth.damage);
    assert_eq!(truth.damage, accepted, "the truth is what was accepted");
}

fn report(shards: &[Shard], probed: &Histogram<u64>, calls: u64, (cpu, took): (f64, Duration)) {
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
    // The executor of each shard polls once a second at most, and so does the leaderboard.
    let polls = (u64::from(SHARDS) + 1) * (took.as_secs() + 2);
    assert!(calls <= ticks + polls, "a shard asks at most once per tick, and polls once a second");
}

fn count(server: &Server) -> u64 {
    server.calls("fcall").expect("it says") + server.calls("fcall_ro").expect("it says")
}
