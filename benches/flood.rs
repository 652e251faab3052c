//! 500,000 hits a second into one boss: ten shards of 10,000 players each, their journals and the
//! embedded authority on a disk, in one process. Hops 5 to 13 without sockets.
//!
//! `cargo bench --bench flood` plays 20 seconds in real time, ten ticks a second, which each shard
//! has at a moment of its own, and prints how many hits it was, what they cost, and whether the
//! ticks kept their time. It fails if the truth is not what the shards have accepted; a machine
//! that can't keep up gets the figure that it reached.
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time, and its shards are threads")]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "other benches use the rest")]
mod support;

use authority::{Authority, Embedded};
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use hdrhistogram::Histogram;
use protocol::{Micros, ShardMessage, State};
use shard::Writer;
use shard::machine::{Answer, Machine};
use shard::store::Store;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use support::figures::{Fact, Figures, Row, cpu, grouped, histogram, record};
use support::game::{BOSS, Game, ask, open};
use support::pusher::begin;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::time::timeout;
use ucore::encode;

const TICKS_PER_SECOND: u32 = 10;
const TICK: Duration = Duration::from_millis(1_000 / TICKS_PER_SECOND as u64);
/// A tick that begins later than this has not kept its time.
const LATE: Duration = Duration::from_millis(10);
/// How long a frame waits for the journal's sync, as in a shard's driver.
const SYNC_PATIENCE: Duration = Duration::from_millis(20);
/// How long anything may take before and after the flood.
const SETTLED: Duration = Duration::from_secs(30);
/// A run that takes so many times what it should is over.
const PATIENCE: u32 = 3;
/// Cores for which the aim is meant.
const CORES: f64 = 2.0;

/// How much of everything.
#[derive(Clone, Copy)]
struct Sizes {
    shards: u16,
    players: u32,
    /// Of a shard in a tick.
    hits: u32,
    ticks: u32,
}

/// A shard, and what it measured.
struct Shard {
    game: Game,
    writer: Writer,
    authority: Embedded,
    began: Instant,
    shown: Option<State>,
    /// The record that is on its way to the disk, and since when.
    syncing: Option<(Instant, oneshot::Receiver<Result<(), String>>)>,
    /// The request that is on its way to the authority and back.
    asked: Option<BoxFuture<'static, Answer>>,
    /// Microseconds of a tick, its wait for the disk included.
    ticks: Histogram<u64>,
    /// Microseconds of a sync.
    syncs: Histogram<u64>,
    /// Ticks that began late.
    late: u64,
    _dir: TempDir,
}

impl Shard {
    async fn start(authority: Embedded, number: u16, players: u32) -> Self {
        let dir = support::directory();
        let (store, _) = Store::open(dir.path()).expect("a file");
        let join = async |join| authority.join(join).await.expect("it answers");
        let game = Game::new(open(number, Some(&store), join).await, number, players);
        let mut shard = Self {
            game,
            writer: Writer::start(store).expect("a thread"),
            authority,
            began: Instant::now(),
            shown: None,
            syncing: None,
            asked: None,
            ticks: histogram(),
            syncs: histogram(),
            late: 0,
            _dir: dir,
        };
        // Before its players' hits are taken, a journal enters the generation.
        shard.settle(|machine| machine.is_ready()).await;
        shard.syncs.reset();
        shard
    }

    fn now(&self) -> Micros {
        Micros(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Plays from `began` on, and returns how long it took.
    async fn play(&mut self, began: Instant, hits: u32, ticks: u32) -> Duration {
        for number in 0..ticks {
            let due = began + TICK * number;
            self.wait(due).await;
            let from = Instant::now();
            self.late += u64::from(from.saturating_duration_since(due) > LATE);
            self.tick(hits).await;
            record(&mut self.ticks, from.elapsed());
            if began.elapsed() > TICK * ticks * PATIENCE {
                break;
            }
        }
        began.elapsed()
    }

    /// Ticks without hits until something holds.
    async fn settle(&mut self, holds: fn(&Machine) -> bool) {
        let deadline = Instant::now() + SETTLED;
        while !holds(&self.game.machine) {
            assert!(Instant::now() < deadline, "it settles within {SETTLED:?}");
            self.tick(0).await;
            self.wait(Instant::now() + TICK / 10).await;
        }
    }

    /// Takes what the disk and the authority answer until it is time.
    async fn wait(&mut self, until: Instant) {
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => return,
                took = synced(&mut self.syncing) => self.synced(took),
                answer = answered(&mut self.asked) => {
                    self.game.machine.handle_answer(self.now(), answer);
                }
            }
        }
    }

    fn synced(&mut self, took: Duration) {
        record(&mut self.syncs, took);
        self.game.machine.handle_synced();
        self.game.drain();
    }

    /// A tick as a shard's driver has it, but for the sockets.
    async fn tick(&mut self, hits: u32) {
        self.game.hit(self.now(), hits);
        self.game.machine.handle_tick();
        if let Some(record) = self.game.drain() {
            let done = self.writer.append(record, self.game.machine.journal());
            self.syncing = Some((Instant::now(), done));
        }
        if self.syncing.is_some()
            && let Ok(took) = timeout(SYNC_PATIENCE, synced(&mut self.syncing)).await
        {
            self.synced(took);
        }
        let now = self.now();
        let state = self.game.machine.state(now);
        black_box(encode(&ShardMessage::State(state)));
        if let Some(before) = self.shown.replace(state) {
            black_box(encode(&ShardMessage::Change(state.since(&before))));
        }
        if let Some(request) = self.game.machine.poll_request(now) {
            let authority = self.authority.clone();
            let answer = async move { ask(&authority, request).await.expect("it answers") };
            self.asked = Some(answer.boxed());
        }
    }
}

/// Waits for the record under way; for ever if there is none. Cancel safe.
async fn synced(
    syncing: &mut Option<(Instant, oneshot::Receiver<Result<(), String>>)>,
) -> Duration {
    let Some((since, done)) = syncing else {
        return std::future::pending().await;
    };
    done.await.expect("the journal's thread lives").expect("the disk takes it");
    let took = since.elapsed();
    *syncing = None;
    took
}

/// The same for the answer of the authority.
async fn answered(asked: &mut Option<BoxFuture<'static, Answer>>) -> Answer {
    let Some(under_way) = asked else {
        return std::future::pending().await;
    };
    let answer = under_way.await;
    *asked = None;
    answer
}

fn main() -> ExitCode {
    let sizes = if support::is_measured() {
        Sizes { shards: 10, players: 10_000, hits: 5_000, ticks: 200 }
    } else {
        Sizes { shards: 2, players: 500, hits: 250, ticks: 10 }
    };
    let dir = support::directory();
    let authority = Embedded::open(dir.path()).expect("an authority");
    let mut shards: Vec<Shard> = runtime().block_on(async {
        begin(&authority).await;
        let start = |number| Shard::start(authority.clone(), number, sizes.players);
        join_all((1..=sizes.shards).map(start)).await
    });
    let (took, cpu) = flood(&mut shards, sizes);
    let flood = Flood::new(&shards, sizes, took, cpu);
    flood.print();
    if support::is_measured() {
        flood.figures().write("flood");
    }
    let truth = runtime().block_on(async {
        join_all(shards.iter_mut().map(|shard| shard.settle(Machine::is_drained))).await;
        authority.truth(BOSS).await.expect("it answers").damage
    });
    let accepted: u64 = shards.iter().map(|shard| shard.game.damage()).sum();
    println!("damage accepted {}, in the truth {}", grouped(accepted), grouped(truth));
    if truth == accepted {
        ExitCode::SUCCESS
    } else {
        println!("the truth is not what was accepted");
        ExitCode::FAILURE
    }
}

/// All shards at once, each on a thread of its own. How long it took them, and the CPU.
fn flood(shards: &mut [Shard], sizes: Sizes) -> (Duration, Option<Duration>) {
    let before = cpu();
    let (began, count) = (Instant::now() + TICK, u32::from(sizes.shards));
    let took = std::thread::scope(|scope| {
        let threads = (0..).zip(shards).map(|(number, shard)| {
            // Shards are started whenever they are: their ticks lie anywhere.
            let phase = TICK * number / count;
            scope.spawn(move || {
                let play = shard.play(began + phase, sizes.hits, sizes.ticks);
                phase + runtime().block_on(play)
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().expect("no shard panics")).max()
    });
    let used = cpu().zip(before).map(|(after, before)| after - before);
    (took.expect("there are shards"), used)
}

/// One for a thread alone.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// What came of it.
struct Flood {
    sizes: Sizes,
    took: Duration,
    cpu: Option<Duration>,
    hits: u64,
    refused: u64,
    played: u64,
    late: u64,
    ticks: Histogram<u64>,
    syncs: Histogram<u64>,
}

impl Flood {
    fn new(shards: &[Shard], sizes: Sizes, took: Duration, cpu: Option<Duration>) -> Self {
        let (mut ticks, mut syncs) = (histogram(), histogram());
        for shard in shards {
            ticks.add(&shard.ticks).expect("the same digits");
            syncs.add(&shard.syncs).expect("the same digits");
        }
        let sum = |of: fn(&Shard) -> u64| shards.iter().map(of).sum();
        let (hits, refused) =
            (sum(|shard| shard.game.machine.counts().accepted), sum(|shard| shard.game.refused()));
        let (played, late) = (ticks.len(), sum(|shard| shard.late));
        Self { sizes, took, cpu, hits, refused, played, late, ticks, syncs }
    }

    fn per_second(&self) -> u64 {
        self.hits * 1_000 / u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// Figures as (name, value, more).
    fn lines(&self) -> Vec<(&'static str, String, String)> {
        let Sizes { shards, players, hits, ticks } = self.sizes;
        let planned = grouped(hits * u32::from(shards) * TICKS_PER_SECOND);
        let per_second = grouped(self.per_second());
        let all = u64::from(ticks) * u64::from(shards);
        let of_hits = format!("of {planned} planned, {} refused", self.refused);
        let mut lines = vec![
            ("players", grouped(players * u32::from(shards)), format!("on {shards} shards")),
            ("hits a second", per_second, of_hits),
        ];
        if let Some(cpu) = self.cpu {
            let share = cpu.as_secs_f64() / self.took.as_secs_f64() / CORES * 100.0;
            let of_hit = cpu.as_nanos() as f64 / self.hits.max(1) as f64;
            lines.push((
                "CPU of two cores",
                format!("{share:.0} %"),
                format!("{of_hit:.0} ns for each hit"),
            ));
        }
        let kept = if self.late == 0 && self.played == all { "yes" } else { "no" };
        let late = format!("{} of {all} ticks began over {LATE:?} late", self.late);
        lines.push(("ticks kept their time", kept.to_owned(), late));
        for (name, of) in [("a shard's tick", &self.ticks), ("a journal's sync", &self.syncs)] {
            let ms = |micros: u64| format!("{:.1} ms", micros as f64 / 1e3);
            let more = format!("p99 {}, max {}", ms(of.value_at_quantile(0.99)), ms(of.max()));
            lines.push((name, ms(of.value_at_quantile(0.5)), more));
        }
        lines
    }

    fn print(&self) {
        for (name, value, more) in self.lines() {
            println!("{name:<24} {value:>12}   {more}");
        }
    }

    fn figures(&self) -> Figures {
        let Sizes { shards, players, hits, .. } = self.sizes;
        let micros = |at| self.ticks.value_at_quantile(at) as f64;
        let row = Row {
            name: format!(
                "flood/{} players and {} hits per tick, one of {shards} shards",
                grouped(players),
                grouped(hits),
            ),
            median_ns: micros(0.5) * 1e3,
            // The standard deviation of what is spread as a bell, and has these quartiles.
            spread_ns: (micros(0.75) - micros(0.25)) / 1.349 * 1e3,
            per_second: self.per_second() as f64,
            unit: "hits",
        };
        let fact = |(name, value, more): (&str, String, String)| Fact {
            name: format!("Flood: {name}"),
            value,
            more,
        };
        let facts = self.lines().into_iter().map(fact).collect();
        Figures { rows: vec![row], facts, plots: Vec::new() }
    }
}
