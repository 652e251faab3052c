//! Worlds of programs that share one structure, each from one seed: real replicas and the real
//! machine of groups, on links that lose, delay, repeat and reorder.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "a failure is told with its seed")]

mod doc;
mod truth;
mod world;

use world::{Faults, World};

/// Worlds of each kind.
const SEEDS: u64 = 60;

fn play(name: &str, faults: Faults) {
    for seed in 0..SEEDS {
        println!("{name}: seed {seed}");
        World::new(seed, faults).play();
    }
}

#[test]
fn everything_that_was_acknowledged_is_in_the_log_once_and_all_copies_are_equal() {
    play("links fail", Faults::default());
}

#[test]
fn it_stays_so_when_programs_and_the_authority_are_killed() {
    play("kills", Faults { kills: true, ..Faults::default() });
}

#[test]
fn copies_are_equal_again_after_a_fail_over_that_takes_entries_back() {
    play("fail-overs", Faults { kills: true, fail_overs: true, ..Faults::default() });
}

#[test]
fn a_lie_about_the_value_is_found_out_by_those_who_follow() {
    play("lies", Faults { lies: true, ..Faults::default() });
}

#[test]
fn a_short_log_and_room_for_few_writers_keep_nobody_from_going_on() {
    play("narrow", Faults { kills: true, narrow: true, ..Faults::default() });
}
