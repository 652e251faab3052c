//! 5,000 players come within five seconds: how late do ticks begin, and how soon is a player in?
//!
//! `cargo bench --bench join_storm` runs a real shard with its journal and the embedded authority
//! on a disk, and its players on real sockets, all in this process on whatever cores there are. The
//! figures of ticks are those that the shard itself exports.
#![allow(missing_docs, clippy::print_stdout, reason = "a bench prints its table")]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "other benches use the rest")]
mod support;

use std::time::Duration;
use support::crowd::Crowd;
use support::figures::{Fact, Figures, Row, grouped, median};

const TICK_MS: u16 = 100;
/// A tick that begins later than this is felt.
const LATE: &str = "0.1";

fn main() {
    let (players, within) = if support::is_measured() {
        (5_000, Duration::from_secs(5))
    } else {
        (100, Duration::from_secs(1))
    };
    let mut crowd = Crowd::open(TICK_MS);
    // The authority has let the shard in, and ticks go on.
    crowd.fill(1);
    let before = Late::read(&crowd.metrics());
    let took = crowd.storm(players, within);
    let late = Late::read(&crowd.metrics()).since(&before);
    let facts = facts(players, within, &took, &late);
    for Fact { name, value, more } in &facts {
        println!("{name:<44} {value:>12}   {more}");
    }
    if support::is_measured() {
        figures(players, &took, facts).write("join_storm");
    }
}

/// How late ticks began: upper bounds in seconds, and how many of them were no later.
struct Late(Vec<(String, u64)>);

impl Late {
    fn read(metrics: &str) -> Self {
        let buckets = metrics.lines().filter_map(|line| {
            let rest = line.strip_prefix("worldboss_tick_late_seconds_bucket{le=\"")?;
            let (bound, count) = rest.split_once("\"}")?;
            Some((bound.to_owned(), count.trim().parse().ok()?))
        });
        let late = Self(buckets.collect());
        assert!(late.0.iter().any(|(bound, _)| bound == LATE), "no bucket ends at {LATE} s");
        late
    }

    fn since(&self, before: &Self) -> Self {
        let both = self.0.iter().zip(&before.0);
        Self(both.map(|((bound, now), (_, then))| (bound.clone(), now - then)).collect())
    }

    fn all(&self) -> u64 {
        self.0.last().map_or(0, |(_, count)| *count)
    }

    fn over(&self, limit: &str) -> u64 {
        let within = self.0.iter().find(|(bound, _)| bound == limit);
        self.all() - within.map_or(0, |(_, count)| *count)
    }

    /// The bound that so many of 1,000 keep.
    fn bound_of(&self, thousandths: u64) -> &str {
        let kept = self.0.iter().find(|(_, count)| count * 1_000 >= self.all() * thousandths);
        kept.map_or("?", |(bound, _)| bound)
    }
}

fn ms(took: Duration) -> String {
    format!("{:.0} ms", took.as_secs_f64() * 1e3)
}

fn facts(players: u32, within: Duration, took: &[Duration], late: &Late) -> Vec<Fact> {
    let mut took = took.to_vec();
    took.sort_unstable();
    let at = |part: usize| took.get((took.len() - 1) * part / 100).copied().unwrap_or_default();
    let fact = |name: &str, value, more| Fact { name: format!("Join storm: {name}"), value, more };
    let half = format!("{} s", late.bound_of(500));
    let kept = format!("99 of 100 by {} s, all by {} s", late.bound_of(990), late.bound_of(1_000));
    vec![
        fact("players", grouped(players), format!("within {within:?}")),
        fact("ticks over 100 ms late", late.over(LATE).to_string(), format!("of {}", late.all())),
        fact("half of the ticks are late by at most", half, kept),
        fact(
            "until a player has its first frame",
            ms(at(50)),
            format!("p99 {}, max {}", ms(at(99)), ms(at(100))),
        ),
    ]
}

fn figures(players: u32, took: &[Duration], facts: Vec<Fact>) -> Figures {
    let nanos: Vec<_> = took.iter().map(|took| took.as_secs_f64() * 1e9).collect();
    let (median_ns, spread_ns) = median(&nanos);
    let row = Row {
        name: format!("join_storm/first frame of one of {} players", grouped(players)),
        median_ns,
        spread_ns,
        per_second: 1e9 / median_ns,
        unit: "joins",
    };
    Figures { rows: vec![row], facts, plots: Vec::new() }
}
