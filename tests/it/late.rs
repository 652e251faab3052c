//! The end of a generation: who is waited for, and what comes too late.

use crate::world::{Driven, Truth, journal, together};
use protocol::{Gen, RefusalReason, Status};
use shard::machine::Request;

#[test]
fn damage_that_arrives_many_generations_later_is_late_and_its_player_is_told() {
    let (mut truth, mut shards) = together();
    let [killer, cut_off] = &mut shards;
    cut_off.hit(0, 1);
    cut_off.tick(&mut truth);
    cut_off.hit(0, 2);
    cut_off.tick_alone();
    pass_generations(killer, &mut truth, 5);
    assert!(truth.machine.boss().life(Gen(1)).is_none(), "generation 1 is no longer kept");
    (0..4).for_each(|_| cut_off.tick(&mut truth));
    let late = cut_off.ack(0).unwrap().tallies[0];
    assert_eq!((late.generation, late.damage, late.late), (Gen(1), 20, 10));
    assert!(cut_off.shard.is_drained());
    assert_eq!(truth.folded().boss(), truth.machine.boss());
    // The books of its journal are in order, so the next process takes over the sessions.
    let next = Driven::start(&mut truth, 2, cut_off.disk.clone(), journal(3));
    assert_eq!(next.shard.journal().sessions.len(), 1, "the sessions go on");
}

#[test]
fn death_closes_the_books_after_every_journal_has_said_all() {
    let (mut truth, mut shards) = together();
    let [killer, other] = &mut shards;
    other.hit(0, 1);
    other.tick_alone();
    (1..=12).for_each(|seq| killer.hit(0, seq));
    killer.tick(&mut truth);
    let dead = truth.machine.truth();
    assert_eq!((dead.status, dead.hp(), dead.damage), (Status::Defeated, 0, 120));
    killer.hit(0, 13);
    killer.tick(&mut truth);
    assert_eq!(killer.ack(0).unwrap().refused[0].reason, RefusalReason::Defeated);
    truth.poll();
    assert_eq!(truth.machine.truth().status, Status::Collecting);
    truth.poll();
    assert_eq!(truth.machine.truth().status, Status::Collecting, "two finals are missing");
    for _ in 0..3 {
        killer.tick(&mut truth);
        other.tick(&mut truth);
    }
    truth.poll();
    let closed = truth.machine.truth();
    assert_eq!((closed.status, closed.damage), (Status::Rewarded, 130), "accepted before, counted");
    (0..6).for_each(|_| truth.poll());
    let next = truth.machine.truth();
    assert_eq!((next.generation, next.status, next.damage), (Gen(2), Status::Alive, 0));
    for _ in 0..3 {
        killer.tick(&mut truth);
    }
    killer.hit_in(0, 14, Gen(1));
    killer.hit(0, 15);
    killer.tick(&mut truth);
    assert_eq!(killer.ack(0).unwrap().refused[0].reason, RefusalReason::Generation);
    assert_eq!(truth.machine.truth().damage, 10);
    assert_eq!(truth.folded().boss(), truth.machine.boss());
}

#[test]
fn damage_that_arrives_after_the_books_closed_is_late_and_its_player_is_told() {
    let (mut truth, mut shards) = together();
    let [killer, cut_off] = &mut shards;
    cut_off.hit(0, 1);
    cut_off.tick(&mut truth);
    cut_off.hit(0, 2);
    cut_off.tick_alone();
    (1..=10).for_each(|seq| killer.hit(0, seq));
    killer.tick(&mut truth);
    // The cut off shard is waited for as long as the scenario says.
    for _ in 0..40 {
        truth.poll();
        killer.tick(&mut truth);
    }
    assert_eq!(truth.machine.truth().generation, Gen(2));
    let before = truth.machine.truth().damage;
    for _ in 0..4 {
        cut_off.tick(&mut truth);
    }
    let late = cut_off.ack(0).unwrap().tallies[0];
    assert_eq!((late.generation, late.damage, late.late), (Gen(1), 20, 10));
    let life = truth.machine.boss().life(Gen(1)).unwrap();
    assert_eq!((life.damage(), life.applied(journal(2))), (110, 20));
    assert_eq!(truth.machine.truth().damage, before);
    assert_eq!(truth.folded().boss(), truth.machine.boss());
}

#[test]
fn damage_stays_counted_when_its_last_word_is_repeated_generations_later() {
    let (mut truth, mut shards) = together();
    let [killer, quiet, cut_off] = &mut shards;
    quiet.hit(0, 1);
    quiet.tick(&mut truth);
    cut_off.hit(0, 1);
    cut_off.tick(&mut truth);
    (1..=10).for_each(|seq| killer.hit(0, seq));
    killer.tick(&mut truth);
    truth.poll();
    // The quiet shard says its last word, and never hears the answer.
    quiet.tick(&mut truth);
    let request = quiet.shard.poll_request(quiet.now).unwrap();
    assert!(matches!(&request, Request::Push(push) if push.last), "{request:?}");
    truth.ask(request);
    quiet.shard.handle_no_answer(quiet.now);
    pass_generations(killer, &mut truth, 5);
    for _ in 0..4 {
        quiet.now = quiet.now + protocol::Micros::from_millis(5_000);
        quiet.tick(&mut truth);
    }
    let told = quiet.told();
    assert_eq!((told.damage, told.late), (10, 0));
    assert!(quiet.shard.is_drained() && !quiet.has_ended());
}

#[test]
fn late_damage_of_a_process_and_of_the_one_before_it_adds_up() {
    let (mut truth, [mut killer, mut first]) = together();
    let token = first.welcome(0).unwrap().session;
    let mut older = Truth::of(truth.folded(), truth.log.clone());
    first.hit(0, 1);
    first.tick_alone();
    let mut next = Driven::start(&mut truth, 2, first.disk.clone(), journal(3));
    next.hello(0, Some(token));
    next.tick(&mut truth);
    next.tick(&mut truth);
    next.hit(0, 2);
    next.tick(&mut truth);
    assert_eq!(truth.machine.truth().damage, 20);
    // The authority comes back without all of that, and the boss dies before anybody tells it.
    pass_generations(&mut killer, &mut older, 1);
    for _ in 0..8 {
        next.now = next.now + protocol::Micros::from_millis(5_000);
        next.tick(&mut older);
    }
    let told = next.told();
    assert_eq!((told.generation, told.damage, told.late), (Gen(1), 20, 20));
    assert!(next.shard.is_drained());
}

#[test]
fn a_slow_disk_loses_nothing_when_its_generation_ends_meanwhile() {
    let (mut truth, mut shards) = together();
    let [killer, first] = &mut shards;
    // The next process on that disk enters and admits while its first record is being written.
    let mut slow = Driven::start(&mut truth, 2, first.disk.clone(), journal(3));
    slow.hello(0, None);
    slow.stall();
    slow.tick(&mut truth);
    slow.hit(0, 1);
    slow.tick(&mut truth);
    pass_generations(killer, &mut truth, 1);
    slow.tick(&mut truth);
    slow.unstall();
    for _ in 0..4 {
        slow.tick(&mut truth);
    }
    let told = slow.shard.journal().sessions.values().last().unwrap().tallies[0];
    assert_eq!((told.generation, told.damage, told.late), (Gen(1), 10, 10));
}

#[test]
fn a_slow_disk_that_forgets_a_generation_does_not_make_its_shard_speak_of_it_again() {
    let (mut truth, mut shards) = together();
    let [killer, slow] = &mut shards;
    slow.hit(0, 1);
    slow.tick(&mut truth);
    (1..=10).for_each(|seq| killer.hit(0, seq));
    killer.tick(&mut truth);
    for _ in 0..3 {
        truth.poll();
        killer.tick(&mut truth);
        slow.tick(&mut truth);
    }
    (0..8).for_each(|_| truth.poll());
    assert_eq!(truth.machine.truth().generation, Gen(2));
    slow.tick(&mut truth);
    slow.stall();
    (0..4).for_each(|_| slow.tick(&mut truth));
    assert!(!slow.has_ended());
    slow.unstall();
    (0..2).for_each(|_| slow.tick(&mut truth));
    assert!(!slow.has_ended() && slow.shard.is_ready());
}

#[test]
fn a_generation_whose_beginning_is_rolled_back_ends_no_process() {
    let (mut truth, mut shards) = together();
    let [killer] = &mut shards;
    pass_generations(killer, &mut truth, 1);
    (0..4).for_each(|_| killer.tick(&mut truth));
    assert!(killer.shard.is_ready(), "generation 2 is played");
    let begin = truth.log.iter().rposition(|entry| entry.fields.starts_with("spawn ")).unwrap();
    truth.log.truncate(begin);
    let mut truth = Truth::of(truth.folded(), truth.log.clone());
    (0..4).for_each(|_| killer.tick(&mut truth));
    assert!(!killer.has_ended());
    (0..3).for_each(|_| truth.poll());
    (0..4).for_each(|_| killer.tick(&mut truth));
    assert!(killer.shard.is_ready(), "and it is played again");
}

#[test]
fn late_damage_is_told_again_when_a_roll_back_hides_behind_the_next_generation() {
    let (mut truth, [mut killer, mut cut_off]) = together();
    cut_off.hit(0, 1);
    cut_off.tick_alone();
    (1..=10).for_each(|seq| killer.hit(0, seq));
    killer.tick(&mut truth);
    truth.until(
        |now| now.status == Status::Rewarded,
        |truth| {
            truth.poll();
            killer.tick(truth);
        },
    );
    let mut older = Truth::of(truth.folded(), truth.log.clone());
    // Its damage comes late, and its last word after the next generation has begun.
    cut_off.push(&mut truth);
    let begin_next = |truth: &mut Truth| truth.until(|now| now.generation == Gen(2), Truth::poll);
    begin_next(&mut truth);
    cut_off.push(&mut truth);
    // The authority comes back without all of that, and begins the generation once more.
    begin_next(&mut older);
    (0..6).for_each(|_| cut_off.tick(&mut older));
    let life = older.machine.boss().life(Gen(1)).unwrap();
    assert_eq!(life.counted_and_late(journal(2)), (0, 10), "it is told again");
    let told = cut_off.told();
    assert_eq!((told.generation, told.damage, told.late), (Gen(1), 10, 10));
}

#[test]
fn a_disk_older_than_the_last_word_of_its_journal_gives_no_sessions() {
    let (mut truth, mut shards) = together();
    let [killer, rewound] = &mut shards;
    rewound.hit(0, 1);
    rewound.tick(&mut truth);
    let older = rewound.disk.clone();
    rewound.hit(0, 2);
    rewound.tick(&mut truth);
    (1..=10).for_each(|seq| killer.hit(0, seq));
    for _ in 0..4 {
        killer.tick(&mut truth);
        rewound.tick(&mut truth);
        truth.poll();
    }
    assert!(truth.machine.truth().status.is_closed(), "both have said their last");
    for (disk, sessions, why) in
        [(older, 0, "it knows less than was counted"), (rewound.disk.clone(), 1, "it knows all")]
    {
        let mut truth = Truth::of(truth.folded(), truth.log.clone());
        let next = Driven::start(&mut truth, 2, disk, journal(3));
        assert_eq!(next.shard.journal().sessions.len(), sessions, "{why}");
    }
}

/// Lets one shard kill the boss, again and again, until these generations are over.
fn pass_generations(killer: &mut Driven, truth: &mut Truth, generations: u32) {
    let mut seq = 1_000;
    for generation in 1..=generations {
        truth.until(
            |now| now.generation != Gen(generation),
            |truth| {
                for _ in 0..4 {
                    seq += 1;
                    killer.hit(0, seq);
                }
                killer.now = killer.now + protocol::Micros::from_millis(900);
                killer.tick(truth);
                truth.poll();
            },
        );
    }
}
