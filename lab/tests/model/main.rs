//! The protocol of damage, checked in every order of events of a small cluster: the real authority,
//! the real journals and openings, over a network that loses, repeats and reorders.
#![allow(clippy::expect_used, clippy::panic, reason = "how a test fails")]
#![allow(clippy::print_stdout, reason = "a search says what it met")]

mod shared;
mod truth;
mod uplink;
mod process;
mod executor;
mod digest;
mod state;
mod turn;
mod model;
mod properties;
mod met;
mod lockstep;

use lockstep::Walk;
use met::Met;
use model::Cluster;
use state::Left;
use stateright::{Checker, HasDiscoveries, Model};
use std::sync::Arc;

/// Random walks that real shards take part in.
const WALKS: u64 = 1_000;

/// Two shards, and a boss that two hits kill.
fn cluster(left: Left, without: &'static [Met]) -> Cluster {
    let (met, turns) = (Arc::default(), Arc::default());
    Cluster { hp_max: 2, left, unstable: false, heal_every: 64, terms: 2, without, met, turns }
}

/// Searches all states, and says what was met.
fn search(cluster: Cluster) {
    let met = Arc::clone(&cluster.met);
    let checker = cluster.checker().threads(2).finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_bfs().join();
    let (steps, states) = (checker.state_count(), checker.unique_state_count());
    println!("{states} states, {steps} steps, {} of them in a row", checker.max_depth());
    for it in Met::ALL.iter().filter(|it| met.times(**it) > 0) {
        let (times, shortest) = (met.times(*it), met.shortest(*it));
        println!("{times:>9} times, first after {shortest:>2} steps: {}", it.words());
    }
    checker.assert_properties();
}

/// What only a network does that keeps something for later, or a second executor.
const KEPT_OR_TAKEN_OVER: &[Met] = &[Met::OldAnswer, Met::Copy, Met::SecondTerm];

/// What only a crash brings about, or such a network.
const CRASHED_OR_KEPT: &[Met] =
    &[Met::Fenced, Met::Sealed, Met::JoinGap, Met::Ahead, Met::OldAnswer, Met::Copy];

/// What only a crash brings about, or a hit more than a boss survives.
const FEW_HITS: &[Met] = &[
    Met::Fenced,
    Met::Sealed,
    Met::JoinGap,
    Met::Ahead,
    Met::Overkill,
    Met::SecondCounted,
    Met::Late,
    Met::LateTold,
];

/// What only a crash or a roll-back brings about.
const CRASHED_OR_ROLLED_BACK: &[Met] = &[
    Met::Fenced,
    Met::Sealed,
    Met::JoinGap,
    Met::Ahead,
    Met::Gap,
    Met::Unknown,
    Met::JoinedAgain,
    Met::NotEntered,
    Met::RolledBack,
    Met::Healed,
    Met::DeathTakenBack,
    Met::BeginningTakenBack,
    Met::StepTakenBack,
    Met::TermTwice,
    Met::OldAnswer,
];

#[test]
fn three_hits_one_crash_and_one_roll_back_keep_every_law_in_every_order() {
    let left = Left { hits: 3, crashes: 1, roll_backs: 1, copies: 0, late: 0 };
    // Who takes over in mid-settlement changes nothing for shards; the next search has that.
    search(Cluster { terms: 1, ..cluster(left, KEPT_OR_TAKEN_OVER) });
}

#[test]
fn requests_and_answers_that_come_late_keep_every_law_in_every_order() {
    let left = Left { hits: 3, crashes: 0, roll_backs: 0, copies: 1, late: 1 };
    search(cluster(left, CRASHED_OR_ROLLED_BACK));
}

#[test]
#[ignore = "it takes minutes: `cargo test -p lab --test model -- --ignored`"]
fn requests_and_answers_that_come_late_around_a_roll_back_keep_every_law_in_every_order() {
    let left = Left { hits: 2, crashes: 0, roll_backs: 1, copies: 1, late: 1 };
    search(cluster(left, FEW_HITS));
}

#[test]
#[ignore = "it takes minutes: `cargo test -p lab --test model -- --ignored`"]
fn three_hits_in_three_generations_and_one_roll_back_keep_every_law_in_every_order() {
    let left = Left { hits: 3, crashes: 0, roll_backs: 1, copies: 0, late: 0 };
    search(Cluster { hp_max: 1, ..cluster(left, CRASHED_OR_KEPT) });
}

#[test]
fn a_fail_over_that_takes_back_closed_books_keeps_every_law() {
    let left = Left { hits: 3, crashes: 0, roll_backs: 1, copies: 0, late: 0 };
    search(Cluster { unstable: true, ..cluster(left, CRASHED_OR_KEPT) });
}

#[test]
fn real_shards_ask_what_the_processes_of_the_model_ask() {
    let left = Left { hits: 4, crashes: 1, roll_backs: 1, copies: 1, late: 2 };
    let cluster = cluster(left, &[]);
    let compared: usize = (0..WALKS).map(|seed| Walk::new(&cluster, seed).compared).sum();
    println!("{compared} requests are the same");
    assert!(compared > 10_000, "{compared} requests are too few");
}
