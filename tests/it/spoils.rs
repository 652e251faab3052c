//! What players of several shards are told of a fallen boss, by the real rules of the authority.

use crate::world::{Driven, Truth, journal, together};
use protocol::{Gen, Micros, Spoils, Status};
use shard::machine::{ConnId, Output};

/// What the player of a shard was told, oldest first.
fn told(shard: &Driven) -> Vec<&Spoils> {
    let told = shard.output.iter().filter_map(|output| match output {
        Output::Spoils(ConnId(0), spoils) => Some(spoils),
        _ => None,
    });
    told.collect()
}

/// A second: the executor looks, then every shard has ten ticks.
fn second(truth: &mut Truth, shards: &mut [Driven]) {
    truth.poll();
    for shard in shards {
        (0..10).for_each(|_| shard.tick(truth));
    }
}

/// Three players do 70, 20 and 30 to a boss with 100 HP, which then falls.
fn felled() -> (Truth, [Driven; 3]) {
    let (mut truth, mut shards) = together();
    for (shard, hits) in shards.iter_mut().zip([7, 2, 3]) {
        (1..=hits).for_each(|seq| shard.hit(0, seq));
        // All of it is accepted, and counts, before anybody hears of the death.
        shard.tick_alone();
    }
    shards.iter_mut().for_each(|shard| shard.push(&mut truth));
    assert_eq!(truth.machine.truth().status, Status::Defeated);
    (truth, shards)
}

#[test]
fn all_players_are_told_their_shares_once_and_these_add_up_to_the_boss() {
    let (mut truth, mut shards) = felled();
    let mut seconds = 0;
    while truth.machine.truth().generation == Gen(1) {
        seconds += 1;
        assert!(seconds <= 60, "nobody settles: {:#?}", truth.machine.truth());
        second(&mut truth, &mut shards);
        for shard in shards.iter().filter(|shard| !told(shard).is_empty()) {
            let state = shard.shard.state(shard.now);
            let is_drawn = state.status == Status::Rewarded || Gen(1) < state.generation;
            assert!(is_drawn, "who is told what they won knows that it is drawn");
        }
    }
    (0..3).for_each(|_| second(&mut truth, &mut shards));
    let all: Vec<_> = shards.iter().map(|shard| told(shard)).collect();
    assert!(all.iter().all(|told| told.len() == 1), "{all:?}");
    let shares = all.iter().map(|told| (told[0].share.damage, told[0].share.rank, told[0].players));
    assert_eq!(shares.collect::<Vec<_>>(), [(70, 1, 3), (20, 3, 3), (30, 2, 3)]);
    assert_eq!(all.iter().map(|told| told[0].share.credit).sum::<u64>(), 100);
    let ledger = truth.ledger();
    for told in all {
        assert!(ledger.generations[0].shares.contains(&told[0].share), "{told:?}");
    }
}

#[test]
fn a_shard_that_dies_before_it_tells_tells_in_its_next_process() {
    let (mut truth, mut shards) = felled();
    let token = shards[0].welcome(0).unwrap().session;
    second(&mut truth, &mut shards);
    second(&mut truth, &mut shards);
    assert!(told(&shards[0]).is_empty(), "nothing is announced yet");
    let mut next = Driven::start(&mut truth, 1, shards[0].disk.clone(), journal(9));
    for _ in 0..8 {
        truth.poll();
        next.tick(&mut truth);
    }
    assert!(told(&next).is_empty(), "its player is away");
    next.hello(0, Some(token));
    next.tick(&mut truth);
    assert_eq!(told(&next)[0].share.damage, 70);
}

#[test]
fn every_shard_shows_the_same_leaderboard_a_second_after_the_last_hit() {
    let (mut truth, mut shards) = felled();
    let before = shards.each_mut().map(|shard| shard.shard.board(shard.now));
    assert_eq!(before, [None, None, None], "nobody has reigned");
    second(&mut truth, &mut shards);
    let now = Micros::from_millis(100_000);
    let boards = shards.each_mut().map(|shard| shard.shard.board(now).unwrap());
    assert!(boards.iter().all(|board| *board == boards[0]));
    let damages: Vec<_> = boards[0].top.iter().map(|standing| standing.damage).collect();
    assert_eq!((boards[0].players, damages), (3, vec![70, 30, 20]));
    assert_eq!(boards[0].top[0].name, "player 0");
}
