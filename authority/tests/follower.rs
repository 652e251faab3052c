//! A follower equals the fold of the log, whatever happens to the authority behind it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test's authority answers what it needs")]
#![allow(dead_code, reason = "what a test of another file needs of the world")]

mod world;

use authority::Follower;
use protocol::Unavailable;
use ucore::Version;
use world::{BOSS, World};

#[tokio::test]
async fn a_follower_is_the_fold_and_reads_on_from_where_it_was() {
    let world = World::new(1_000);
    world.join(1);
    (1..=10).for_each(|to| drop(world.push(1, to - 1, to)));
    let mut follower = Follower::new(world.authority(), BOSS);
    assert_eq!(*follower.catch_up().await.unwrap(), world.snapshot());
    world.asked();
    world.push(1, 10, 11);
    assert_eq!(*follower.catch_up().await.unwrap(), world.snapshot());
    assert_eq!(world.asked().len(), 2, "a truth, and the one page that is new");
}

#[tokio::test]
async fn a_follower_begins_at_the_oldest_value_that_can_be_shown() {
    let world = World::new(1_000);
    world.join(1);
    (1..=10).for_each(|to| drop(world.push(1, to - 1, to)));
    world.forget(Version(7));
    let mut follower = Follower::new(world.authority(), BOSS);
    assert_eq!(*follower.catch_up().await.unwrap(), world.snapshot());
}

#[tokio::test]
async fn a_roll_back_makes_a_follower_begin_anew() {
    for (lost, new) in [(3, 0), (3, 1), (3, 2), (3, 8), (11, 20)] {
        let world = World::new(1_000);
        world.join(1);
        (1..=10).for_each(|to| drop(world.push(1, to - 1, to)));
        let mut follower = Follower::new(world.authority(), BOSS);
        follower.catch_up().await.unwrap();
        world.roll_back(Version(world.version().0 - lost));
        world.join(2);
        (1..=new).for_each(|to| drop(world.push(2, to - 1, to)));
        assert_eq!(*follower.catch_up().await.unwrap(), world.snapshot(), "{lost} lost, {new} new");
    }
}

#[tokio::test]
async fn a_follower_whose_authority_is_away_says_so_and_catches_up_later() {
    let world = World::new(1_000);
    let mut follower = Follower::new(world.authority(), BOSS);
    follower.catch_up().await.unwrap();
    world.join(1);
    world.fail_next(Unavailable::Unknown("the line is cut".to_owned()));
    let error = follower.catch_up().await.unwrap_err().to_string();
    assert!(error.contains("the line is cut"), "{error}");
    assert_eq!(*follower.catch_up().await.unwrap(), world.snapshot());
}
