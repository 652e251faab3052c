//! The tick of one shard over one authority, without sockets and disks: how many per second, and
//! what one hit costs from its worker's batch to the truth and back. Hops 5 to 13.
//!
//! `cargo bench --bench tick` prints a line for each size; the last column is what to compare.
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use authority::machine::Machine as Authority;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use protocol::{
    Hello, Hit, InputSeq, JournalId, Micros, PlayerId, Scenario, ShardId, ShardMessage, Token,
};
use shard::machine::{Answer, ConnId, Disk, Fresh, Machine, Opening, Output, Request, Step};
use std::hint::black_box;
use std::time::{Duration, Instant};
use ucore::Bin;

/// (players, hits per tick).
const SIZES: [(u32, u32); 5] =
    [(1_000, 200), (1_000, 2_000), (10_000, 2_000), (10_000, 20_000), (50_000, 20_000)];

struct Game {
    authority: Authority,
    shard: Machine,
    now: Micros,
    players: u32,
    seq: u32,
    next: u32,
}

impl Game {
    fn new(players: u32) -> Self {
        let mut scenario = Scenario::parse(Scenario::default_text()).expect("it comes along");
        // Nobody wins a bench.
        scenario.spec.hp_max = protocol::limits::HP_MAX;
        let mut authority = Authority::new(scenario.id, scenario.spec);
        let id = JournalId(Bin([1; 16]));
        let mut opening = Opening::new(scenario.id, ShardId(1), Disk::default(), id)
            .expect("an empty disk is about no other boss");
        let opened = loop {
            match opening.step() {
                Step::Intend(_) | Step::Adopt(_) => opening.handle_written(),
                Step::Join(join) => {
                    let answer = authority.handle_join(join);
                    opening.handle_answer(answer).expect("a new journal joins");
                }
                Step::Done(opened) => break opened,
            }
        };
        let shard = Machine::new(*opened, Micros(0), 7);
        let mut game = Self { authority, shard, now: Micros(0), players, seq: 0, next: 0 };
        for player in 0..players {
            let mut token = [0; 16];
            token[..4].copy_from_slice(&player.to_be_bytes());
            let fresh = Fresh { token: Token(Bin(token)), player: PlayerId(u64::from(player) + 1) };
            let name = format!("player {player}");
            let hello = Hello { protocol: protocol::PROTOCOL, name, session: None, every: 1 };
            game.shard.handle_hello(ConnId(player.into()), hello, fresh);
        }
        (0..3).for_each(|_| game.tick(0));
        game
    }

    /// One whole tick in which `hits` hits arrive, from all players in turn.
    fn tick(&mut self, hits: u32) {
        // A second per tick, so that nobody runs into the rate limit.
        self.now = self.now + Micros::from_millis(1_000);
        let generation = self.shard.state(self.now).generation;
        for _ in 0..hits {
            if self.next == 0 {
                self.seq += 1;
            }
            let hit = Hit { generation, seq: InputSeq(self.seq), skill: protocol::SkillId(1) };
            self.shard.handle_hit(self.now, ConnId(self.next.into()), hit);
            self.next = (self.next + 1) % self.players;
        }
        self.shard.handle_tick();
        while let Some(output) = self.shard.poll_output() {
            match &output {
                Output::Journal(record) => {
                    black_box(ucore::encode(record));
                    self.shard.handle_synced();
                }
                Output::Welcome(..)
                | Output::Card(..)
                | Output::Ack(..)
                | Output::Spoils(..)
                | Output::Close(..)
                | Output::Fenced
                | Output::Abandoned(_) => drop(black_box(output)),
            }
        }
        black_box(ucore::encode(&ShardMessage::State(self.shard.state(self.now))));
        if let Some(request) = self.shard.poll_request(self.now) {
            let answer = match request {
                Request::Join(join) => Answer::Join(self.authority.handle_join(join)),
                Request::Enter(enter) => Answer::Enter(self.authority.handle_enter(&enter)),
                Request::Push(push) => Answer::Push(self.authority.handle_push(push)),
                Request::Shares(asked) => Answer::Shares(self.authority.handle_shares(&asked)),
            };
            while let Some(output) = self.authority.poll_output() {
                drop(black_box(output));
            }
            self.shard.handle_answer(self.now, answer);
        }
    }
}

fn tick(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for (players, hits) in SIZES {
        let mut game = Game::new(players);
        let (mut ticks, mut took) = (0_u64, Duration::ZERO);
        group.throughput(Throughput::Elements(hits.into()));
        let id = BenchmarkId::from_parameter(format!("{players} players, {hits} hits"));
        group.bench_function(id, |bencher| {
            bencher.iter_custom(|rounds| {
                let began = Instant::now();
                (0..rounds).for_each(|_| game.tick(hits));
                let elapsed = began.elapsed();
                (ticks, took) = (ticks + rounds, took + elapsed);
                elapsed
            });
        });
        let per_second = ticks as f64 / took.as_secs_f64();
        let per_hit = took.as_nanos() as f64 / (ticks as f64 * f64::from(hits));
        println!(
            "{players:>7} players x {hits:>6} hits per tick: {per_second:>9.0} ticks/s, \
             {per_hit:>6.0} ns per hit"
        );
    }
    group.finish();
}

criterion_group!(benches, tick);
criterion_main!(benches);
