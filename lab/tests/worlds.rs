//! A slice of the worlds that `worldboss loadgen sim` plays by thousands.
#![expect(clippy::print_stderr, reason = "says what was found and met")]

use lab::sim::{Fault, Sum, play, sweep};
use std::ops::Range;

/// Enough that every kind of fault is met.
const SEEDS: Range<u64> = 1..61;

#[test]
fn in_every_world_every_promise_holds() {
    let mut sum = Sum::default();
    sweep(SEEDS, 2, |outcome| {
        sum.add(outcome);
        true
    });
    for (seed, finding) in &sum.findings {
        eprintln!("seed {seed}: {finding}\n    worldboss loadgen sim --seed {seed}");
    }
    assert!(sum.findings.is_empty());
    let unmet = Fault::ALL.iter().filter(|fault| sum.met.count(**fault) == 0);
    let unmet: Vec<_> = unmet.map(|fault| fault.name()).collect();
    assert!(unmet.is_empty(), "a fault that no world met proves nothing: {unmet:?}");
    let ended = sum.ended;
    eprintln!("{} worlds: {ended:?}", sum.worlds);
    assert!(ended.accepted > 5_000 && ended.settled > 30 && ended.late > 0, "{ended:?}");
}

#[test]
fn the_same_seed_plays_the_same_world() {
    for seed in 1..9 {
        let (first, again) = (play(seed, None), play(seed, None));
        assert_eq!(first.hash, again.hash, "seed {seed}");
        assert_eq!((first.events, first.took), (again.events, again.took), "seed {seed}");
        assert_ne!(first.hash, play(seed + 100, None).hash, "another seed is another world");
    }
}

#[test]
fn a_replay_tells_what_happens_line_by_line() {
    let (lines, told) = std::sync::mpsc::sync_channel(100_000);
    let shown = play(3, Some(Box::new(move |line| lines.try_send(line.to_owned()).unwrap())));
    assert_eq!(shown.hash, play(3, None).hash, "looking changes nothing");
    let told: Vec<String> = told.iter().collect();
    for part in ["starts as shard", "spawn g=1", "syncs tick", "nothing goes wrong"] {
        assert!(told.iter().any(|line| line.contains(part)), "nobody told of `{part}`");
    }
}
