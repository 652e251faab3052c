//! Tick throughput, without sockets and disks: how many ticks a second, what one hit costs from its
//! worker's batch to the truth and back, and what the tick allocates. Hops 5 to 13.
//!
//! `cargo bench --bench tick` prints a line for each size. *tick* is everything: the shard's
//! machine, the encoding of record and state, and the rules of the authority; *machine* is the
//! shard's alone, and *admit* its `handle_hit`. Hits come in an order that is not the players' own.
//! Allocations are counted while times are taken, which costs some nanoseconds for each.
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its table")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "other benches use the rest")]
mod support;

use authority::machine::Machine as Rules;
use futures::executor::block_on;
use protocol::limits::SESSIONS_MAX;
use protocol::{Micros, ShardMessage};
use std::hint::black_box;
use std::ops::{AddAssign, SubAssign};
use std::time::{Duration, Instant};
use support::figures::{Fact, Figures, Line, Plot, Row, grouped, median};
use support::game::{Game, decide, open, rules};
use ucore::encode;

/// (players, hits per tick).
const SIZES: [(u32, u32); 8] = [
    (1_000, 200),
    (10_000, 200),
    (100_000, 200),
    (1_000, 2_000),
    (10_000, 2_000),
    (100_000, 2_000),
    (10_000, 20_000),
    (100_000, 20_000),
];

const COLUMNS: [&str; 11] = [
    "players",
    "shards",
    "hits/tick",
    "ticks/s",
    "tick ms",
    "spread ms",
    "machine ms",
    "ns/hit",
    "admit ns/hit",
    "allocs/hit",
    "allocs/tick",
];

/// The size that the project's aims are about.
const AIM: (u32, u32) = (10_000, 2_000);

/// Ticks of a size: at least so many, and then until the time is over.
const TICKS_MIN: usize = 20;
const TICKS_MAX: usize = 5_000;
const MEASURED: Duration = Duration::from_secs(2);

/// Shards, and the rules of their boss.
struct Games {
    rules: Rules,
    games: Vec<Game>,
    now: Micros,
}

/// What something took.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    ns: f64,
    allocations: f64,
}

impl Cost {
    fn of<T>(work: impl FnOnce() -> T) -> (Self, T) {
        let (mut done, began) = (None, Instant::now());
        let counted = allocation_counter::measure(|| done = Some(work()));
        let (ns, allocations) = (began.elapsed().as_nanos() as f64, counted.count_total as f64);
        (Self { ns, allocations }, done.expect("the work is done"))
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, more: Self) {
        self.ns += more.ns;
        self.allocations += more.allocations;
    }
}

impl SubAssign for Cost {
    fn sub_assign(&mut self, part: Self) {
        self.ns -= part.ns;
        self.allocations -= part.allocations;
    }
}

/// What one tick took.
#[derive(Debug, Default)]
struct Tick {
    /// `handle_hit` alone.
    admit: Cost,
    /// The shards' machines.
    machine: Cost,
    /// Everything.
    all: Cost,
}

/// A line of the table: medians over the ticks of one size.
struct Measured {
    players: u32,
    shards: usize,
    hits: u32,
    /// The median tick, and how far others are from it.
    all_ns: (f64, f64),
    machine_ns: f64,
    /// Per hit, as its allocations.
    admit_ns: f64,
    admit_allocations: f64,
    /// Per tick.
    machine_allocations: f64,
}

impl Games {
    /// As few shards as may have so many sessions.
    fn new(players: u32) -> Self {
        let mut rules = rules();
        let max = u32::try_from(SESSIONS_MAX).expect("a bound on sessions");
        let shards = u16::try_from(players.div_ceil(max)).expect("few shards");
        let games = (1..=shards).map(|number| {
            let opened = block_on(open(number, None, async |join| rules.handle_join(join)));
            Game::new(opened, number, players / u32::from(shards))
        });
        let mut games = Self { games: games.collect(), rules, now: Micros(0) };
        for _ in 0..3 {
            games.tick(0);
        }
        games
    }

    /// One whole tick in which `hits` hits arrive, the same number at each shard.
    fn tick(&mut self, hits: u32) -> Tick {
        // A second per tick, so that nobody runs into the rate limit.
        self.now = self.now + Micros::from_millis(1_000);
        let (now, mut tick) = (self.now, Tick::default());
        let hits = hits / u32::try_from(self.games.len()).expect("few shards");
        for game in &mut self.games {
            let (admit, ()) = Cost::of(|| game.hit(now, hits));
            let mut others = Cost::default();
            let (mut machine, ()) = Cost::of(|| {
                game.end_tick(|record, _| others += Cost::of(|| black_box(encode(&*record))).0);
            });
            machine -= others;
            machine += admit;
            let state = ShardMessage::State(game.machine.state(now));
            others += Cost::of(|| black_box(encode(&state))).0;
            let (asking, request) = Cost::of(|| game.machine.poll_request(now));
            machine += asking;
            if let Some(request) = request {
                let (deciding, answer) = Cost::of(|| decide(&mut self.rules, request));
                others += deciding;
                machine += Cost::of(|| game.machine.handle_answer(now, answer)).0;
            }
            tick.admit += admit;
            tick.machine += machine;
            tick.all += machine;
            tick.all += others;
        }
        tick
    }
}

fn measure(players: u32, hits: u32) -> Measured {
    let mut games = Games::new(players);
    let (began, mut ticks) = (Instant::now(), Vec::new());
    let measured = (TICKS_MIN, MEASURED);
    let (least, long) = if support::is_measured() { measured } else { (1, Duration::ZERO) };
    while ticks.len() < least || (began.elapsed() < long && ticks.len() < TICKS_MAX) {
        ticks.push(games.tick(hits));
    }
    let refused: u64 = games.games.iter().map(Game::refused).sum();
    assert_eq!(refused, 0, "every hit counts");
    let of = |value: fn(&Tick) -> f64| median(&ticks.iter().map(value).collect::<Vec<_>>());
    Measured {
        players,
        shards: games.games.len(),
        hits,
        all_ns: of(|tick| tick.all.ns),
        machine_ns: of(|tick| tick.machine.ns).0,
        admit_ns: of(|tick| tick.admit.ns).0 / f64::from(hits),
        admit_allocations: of(|tick| tick.admit.allocations).0 / f64::from(hits),
        machine_allocations: of(|tick| tick.machine.allocations).0,
    }
}

impl Measured {
    fn ticks_per_second(&self) -> f64 {
        1e9 / self.all_ns.0
    }

    fn hit_ns(&self) -> f64 {
        self.all_ns.0 / f64::from(self.hits)
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        [
            grouped(self.players),
            self.shards.to_string(),
            grouped(self.hits),
            format!("{:.0}", self.ticks_per_second()),
            format!("{:.3}", self.all_ns.0 / 1e6),
            format!("{:.3}", self.all_ns.1 / 1e6),
            format!("{:.3}", self.machine_ns / 1e6),
            format!("{:.0}", self.hit_ns()),
            format!("{:.0}", self.admit_ns),
            format!("{:.3}", self.admit_allocations),
            format!("{:.0}", self.machine_allocations),
        ]
    }

    fn row(&self) -> Row {
        let (players, hits) = (grouped(self.players), grouped(self.hits));
        let shards = match self.shards {
            1 => String::new(),
            more => format!(" on {more} shards"),
        };
        Row {
            name: format!("tick/{players} players{shards}, {hits} hits"),
            median_ns: self.all_ns.0,
            spread_ns: self.all_ns.1,
            per_second: self.ticks_per_second(),
            unit: "ticks",
        }
    }
}

fn main() {
    print(COLUMNS.map(str::to_owned));
    let mut sizes = Vec::new();
    for (players, hits) in SIZES {
        let measured = measure(players, hits);
        print(measured.cells());
        sizes.push(measured);
    }
    if support::is_measured() {
        figures(&sizes).write("tick");
    }
}

fn print(cells: [String; COLUMNS.len()]) {
    println!("{}", cells.map(|cell| format!("{cell:>13}")).join(""));
}

fn figures(sizes: &[Measured]) -> Figures {
    let aim = sizes.iter().find(|size| (size.players, size.hits) == AIM).expect("it is measured");
    let plot = |title, value: fn(&Measured) -> f64| plot(sizes, title, value);
    Figures {
        rows: sizes.iter().map(Measured::row).collect(),
        facts: facts(aim),
        plots: vec![
            plot("Ticks per second", Measured::ticks_per_second),
            plot("Nanoseconds per hit, from its batch to the truth and back", Measured::hit_ns),
            plot("Nanoseconds per hit in handle_hit alone", |size| size.admit_ns),
            plot("Allocations per tick of the machine", |size| size.machine_allocations),
        ],
    }
}

fn facts(aim: &Measured) -> Vec<Fact> {
    let (players, hits) = (grouped(aim.players), grouped(aim.hits));
    let fact = |name: &str, value: String, allocations: String| Fact {
        name: format!("{name}, {players} players, {hits} hits per tick"),
        value,
        more: format!("{allocations} allocations"),
    };
    vec![
        fact(
            "A tick of the machine",
            format!("{:.3} ms", aim.machine_ns / 1e6),
            format!("{:.0}", aim.machine_allocations),
        ),
        fact(
            "handle_hit",
            format!("{:.0} ns", aim.admit_ns),
            format!("{:.3}", aim.admit_allocations),
        ),
    ]
}

fn plot(sizes: &[Measured], title: &'static str, value: fn(&Measured) -> f64) -> Plot {
    let mut lines: Vec<Line> = Vec::new();
    for size in sizes {
        let name = format!("{} hits", grouped(size.hits));
        let point = (f64::from(size.players), value(size));
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push(point),
            None => lines.push(Line { name, points: vec![point] }),
        }
    }
    Plot { title, x: "players; a line for each number of hits per tick", lines }
}
