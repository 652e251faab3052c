//! One hit's road hop by hop: what each costs on the server, named as the road names them.
//!
//! `cargo bench --bench hops`. The machine's face has no door between hops 5 and 6: a refused hit
//! shows admission alone, an accepted one both. Hop 14 is the CPU of a real shard's worker, since
//! what it spends is for the most part the kernel's; the others are times.
#![allow(missing_docs, reason = "a bench is no library")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "other benches use the rest")]
mod support;

use authority::machine::Machine as Rules;
use authority::{Authority, Embedded, Redis};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, criterion_group, criterion_main};
use futures::executor::block_on;
use protocol::limits::TICK_MS_MIN;
use protocol::{Micros, ShardMessage};
use shard::Writer;
use shard::machine::{Journal, Record};
use shard::store::Store;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::crowd::Crowd;
use support::figures::grouped;
use support::game::{Game, decide, open, rules};
use support::pusher::{Pusher, begin};
use tokio::runtime::Runtime;
use ucore::encode_into;
use xtask::redis::Server;

/// Players who hit at once before the basic skill's bucket is empty.
const BURST: u32 = 16;
/// Players of the shard whose journal is written.
const PLAYERS: u32 = 10_000;
/// Sockets of hop 14.
const SOCKETS: u32 = 256;

/// One shard, and the rules of its boss.
struct Solo {
    rules: Rules,
    game: Game,
    now: Micros,
}

impl Solo {
    fn new(players: u32, store: Option<&Store>) -> Self {
        let mut rules = rules();
        let opened = block_on(open(1, store, async |join| rules.handle_join(join)));
        let game = Game::new(opened, 1, players);
        let mut solo = Self { rules, game, now: Micros(0) };
        (0..3).for_each(|_| solo.end_tick());
        solo
    }

    /// A second later, when nobody is near the rate limit.
    fn wait(&mut self) {
        self.now = self.now + Micros::from_millis(1_000);
    }

    fn end_tick(&mut self) {
        self.game.end_tick(|_, _| {});
        self.push();
    }

    fn push(&mut self) {
        if let Some(request) = self.game.machine.poll_request(self.now) {
            let answer = decide(&mut self.rules, request);
            self.game.machine.handle_answer(self.now, answer);
        }
    }

    /// How long a tick's record of so many players takes to write.
    fn record(&mut self, changed: u32, write: impl FnOnce(Arc<Record>, &Journal)) -> Duration {
        self.wait();
        self.game.hit(self.now, changed);
        let mut took = Duration::ZERO;
        self.game.end_tick(|record, journal| {
            let began = Instant::now();
            write(record, journal);
            took += began.elapsed();
        });
        self.push();
        took
    }

    /// How long so many hits take, a tick after each time that all players have hit.
    fn hits(&mut self, count: u64, players: u32, mut before: impl FnMut(&mut Self)) -> Duration {
        let (mut left, mut took) = (count, Duration::ZERO);
        while left > 0 {
            before(self);
            let hits = players.min(u32::try_from(left).unwrap_or(u32::MAX));
            let began = Instant::now();
            self.game.hit(self.now, hits);
            took += began.elapsed();
            left -= u64::from(hits);
            self.end_tick();
        }
        took
    }
}

/// Few rounds, since most of them take much longer than what is measured of them.
fn settle<'a, 'b>(
    group: &'b mut BenchmarkGroup<'a, WallTime>,
) -> &'b mut BenchmarkGroup<'a, WallTime> {
    let (warm_up, measured) = (Duration::from_millis(500), Duration::from_secs(2));
    group.sample_size(10).warm_up_time(warm_up).measurement_time(measured)
}

fn admission(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("05 admission");
    settle(&mut group);
    for players in [1_000, 10_000] {
        let mut solo = Solo::new(players, None);
        // All buckets are emptied, and time stands still: what follows is refused for its rate.
        for _ in 0..BURST {
            solo.game.hit(solo.now, players);
            solo.end_tick();
        }
        assert_eq!(solo.game.refused(), 0, "the buckets were full");
        group.bench_function(format!("a refused hit, {} players", grouped(players)), |bencher| {
            bencher.iter_custom(|rounds| {
                let refused = solo.game.refused();
                let took = solo.hits(rounds, players, |_| {});
                assert_eq!(solo.game.refused() - refused, rounds, "no bucket fills");
                took
            });
        });
    }
    group.finish();
}

fn buffer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("05-06 admission and buffer");
    settle(&mut group);
    for players in [1_000, 10_000] {
        let mut solo = Solo::new(players, None);
        group.bench_function(format!("an accepted hit, {} players", grouped(players)), |bencher| {
            bencher.iter_custom(|rounds| solo.hits(rounds, players, Solo::wait));
        });
        assert_eq!(solo.game.refused(), 0, "nobody hits too often");
    }
    group.finish();
}

fn journal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("07 journal");
    settle(&mut group);
    for changed in [200, 2_000] {
        let dir = support::directory();
        let (store, _) = Store::open(dir.path()).expect("a file");
        let mut solo = Solo::new(PLAYERS, Some(&store));
        let mut writer = Writer::start(store).expect("a thread");
        let name = format!("a record of {} players", grouped(changed));
        group.bench_function(format!("{name}, encoded"), |bencher| {
            bencher.iter_custom(|rounds| {
                let encoded = |record: Arc<Record>, _: &_| drop(black_box(ucore::encode(&*record)));
                (0..rounds).map(|_| solo.record(changed, encoded)).sum()
            });
        });
        group.bench_function(format!("{name}, encoded and on the disk"), |bencher| {
            bencher.iter_custom(|rounds| {
                let mut written = |record, journal: &_| {
                    let synced = writer.append(record, journal).blocking_recv();
                    synced.expect("its thread lives").expect("the disk takes it");
                };
                (0..rounds).map(|_| solo.record(changed, &mut written)).sum()
            });
        });
    }
    group.finish();
}

fn push(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let dir = support::directory();
    let disk = Embedded::open(dir.path()).expect("an authority");
    pushes(criterion, &runtime, "embedded, on a disk", &disk);
    drop(disk);
    let memory = Embedded::in_memory().expect("a thread");
    pushes(criterion, &runtime, "embedded, in memory", &memory);
    let server = Server::start(&[("appendfsync", "always")]).expect("redis-server starts");
    let redis = Redis::new(&server.url()).expect("an address");
    pushes(criterion, &runtime, "Redis, every write synced", &redis);
}

fn pushes<A>(criterion: &mut Criterion, runtime: &Runtime, name: &str, authority: &A)
where
    A: Authority + Clone,
{
    let mut group = criterion.benchmark_group("08-11 push");
    settle(&mut group);
    runtime.block_on(begin(authority));
    for (number, players) in [(1, 200), (2, 2_000)] {
        let mut pusher = runtime.block_on(Pusher::start(authority.clone(), number, players));
        group.bench_function(format!("{name}, {} players", grouped(players)), |bencher| {
            bencher.iter_custom(|rounds| {
                let one = |_| {
                    let push = pusher.next();
                    let began = Instant::now();
                    runtime.block_on(pusher.send(push));
                    began.elapsed()
                };
                (0..rounds).map(one).sum()
            });
        });
    }
    group.finish();
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("13 encode");
    settle(&mut group);
    let mut solo = Solo::new(1_000, None);
    let mut state = || {
        solo.wait();
        solo.game.hit(solo.now, 200);
        solo.end_tick();
        solo.game.machine.state(solo.now)
    };
    let (before, now) = (state(), state());
    let mut bytes = Vec::with_capacity(256);
    group.bench_function("a tick's state, whole and as a change", |bencher| {
        bencher.iter(|| {
            bytes.clear();
            encode_into(&ShardMessage::State(black_box(now)), &mut bytes);
            encode_into(&ShardMessage::Change(now.since(black_box(&before))), &mut bytes);
            black_box(bytes.len())
        });
    });
    group.finish();
}

fn fan_out(criterion: &mut Criterion) {
    let mut crowd = Crowd::open(TICK_MS_MIN);
    crowd.fill(SOCKETS);
    let mut group = criterion.benchmark_group("14 fan-out");
    // An iteration is a tick of 20 ms.
    settle(&mut group).measurement_time(Duration::from_secs(4)).sampling_mode(SamplingMode::Flat);
    group.bench_function(format!("a frame to {SOCKETS} sockets, CPU of the worker"), |bencher| {
        bencher.iter_custom(|ticks| crowd.cpu_of_worker(ticks));
    });
    group.finish();
}

criterion_group!(hops, admission, buffer, journal, push, encode, fan_out);
criterion_main!(hops);
