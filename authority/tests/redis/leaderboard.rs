//! What whoever reigns writes beside its looks: the leaderboard, and values from which folds begin.

use crate::shard::{Shard, open};
use authority::{Executor, Redis};
use protocol::limits::REDIS_FOLD_ENTRIES_MAX;
use protocol::{BossId, PlayerId, Progress, Standings};
use std::sync::Arc;
use ucore::Version;
use xtask::redis::{Reply, Server};

const BOSS: BossId = BossId(1);

/// A second of somebody who reigns, to its end.
async fn second(executor: &mut Executor, redis: &Redis) -> Progress {
    let seen = executor.second().await.unwrap();
    redis.ranked(BOSS).await;
    seen
}

async fn standings(shard: &mut Shard) -> Option<Box<Standings>> {
    shard.push().await.unwrap().standings
}

fn damages(standings: &Standings) -> Vec<(u64, u64)> {
    standings.board.top.iter().map(|it| (it.player.0, it.damage)).collect()
}

#[tokio::test]
async fn a_shard_is_given_each_new_leaderboard_once() {
    let server = Server::start(&[]).unwrap();
    let redis = open(&server);
    let mut shard = Shard::start(redis.clone(), BOSS, 1_000).await;
    let mut other = Shard::enter(redis.clone(), BOSS, 2).await;
    assert_eq!(standings(&mut shard).await, None, "nobody reigns yet");
    let mut executor = Executor::at_once(Arc::new(redis.clone()), BOSS);
    other.hit(20);
    other.push().await.unwrap();
    second(&mut executor, &redis).await;
    shard.hit(30);
    let first = standings(&mut shard).await.expect("one is there");
    assert_eq!(damages(&first), [(2, 20)]);
    assert_eq!(standings(&mut shard).await, None, "it has this one");
    second(&mut executor, &redis).await;
    let next = standings(&mut shard).await.expect("it has changed");
    assert_eq!(damages(&next), [(1, 30), (2, 20)]);
    second(&mut executor, &redis).await;
    assert_eq!(standings(&mut shard).await, None, "nothing has changed");
    assert_eq!(*standings(&mut other).await.expect("another shard has none"), *next);
}

#[tokio::test]
async fn a_leaderboard_that_a_fail_over_has_taken_back_is_given_anew() {
    let master = Server::start(&[]).unwrap();
    let redis = open(&master);
    let mut shard = Shard::start(redis.clone(), BOSS, 1_000).await;
    let mut executor = Executor::at_once(Arc::new(redis.clone()), BOSS);
    shard.hit(30);
    shard.push().await.unwrap();
    second(&mut executor, &redis).await;
    let before = standings(&mut shard).await.expect("one is there");
    for field in ["standings", "standings_number"] {
        master.command(&["HDEL", "{boss:1}:state", field]).unwrap();
    }
    second(&mut executor, &redis).await;
    let again = standings(&mut shard).await.expect("another number");
    assert_eq!((again.board, again.number > before.number), (before.board, true));
}

#[tokio::test]
async fn who_does_not_reign_any_more_ranks_nobody() {
    let server = Server::start(&[]).unwrap();
    let (ours, theirs) = (open(&server), open(&server));
    let mut shard = Shard::start(ours.clone(), BOSS, 1_000).await;
    let mut first = Executor::at_once(Arc::new(ours.clone()), BOSS);
    second(&mut first, &ours).await;
    let old = server.command(&["HGET", "{boss:1}:state", "executor"]).unwrap().text();
    let mut next = Executor::at_once(Arc::new(theirs.clone()), BOSS);
    second(&mut next, &theirs).await;
    assert!(next.reigns());
    shard.hit(5);
    shard.push().await.unwrap();
    second(&mut first, &ours).await;
    assert!(!first.reigns());
    // What was under way when the next one began to reign comes too late.
    let rank = ours.load().await.unwrap().replace("worldboss_", "worldboss_rank_");
    let keys = ["{boss:1}:state", "{boss:1}:log", "{boss:1}:bases"];
    let words = [&["FCALL", &rank, "3"], &keys[..], &[&old, "1", "77", "a leaderboard"]].concat();
    assert_eq!(server.command(&words).unwrap().items()[0].text(), "fenced");
    assert_eq!(standings(&mut shard).await, None);
    second(&mut next, &theirs).await;
    assert_eq!(damages(&standings(&mut shard).await.unwrap()), [(1, 5)]);
}

/// Bytes of the value from which folds begin, if there is one.
fn newest(server: &Server) -> Option<Vec<u8>> {
    let newest = server.command(&["HGET", "{boss:1}:bases", "newest"]).unwrap();
    let Reply::Bulk(bytes) = newest else { panic!("{newest:?}") };
    bytes
}

#[tokio::test]
async fn folds_begin_at_the_newest_value_and_heal_after_a_roll_back_behind_it() {
    let server = Server::start(&[("appendfsync", "no")]).unwrap();
    let redis = open(&server);
    let mut shard = Shard::start(redis.clone(), BOSS, 1_000_000).await;
    let mut executor = Executor::at_once(Arc::new(redis.clone()), BOSS);
    second(&mut executor, &redis).await;
    let dumps = ["state", "log", "bases"].map(|kind| {
        let key = format!("{{boss:1}}:{kind}");
        let Reply::Bulk(Some(dump)) = server.command(&["DUMP", &key]).unwrap() else {
            panic!("no dump")
        };
        (key, dump)
    });
    for _ in 0..REDIS_FOLD_ENTRIES_MAX {
        shard.hit(1);
        shard.push().await.unwrap();
    }
    assert_eq!(newest(&server), None);
    second(&mut executor, &redis).await;
    let kept = newest(&server).expect("so many entries later, a value is kept");
    // Who comes new needs nothing that is before it.
    let gone = format!("{}-0", Version(10));
    server.command(&["XDEL", "{boss:1}:log", &gone]).unwrap();
    shard.hit(7);
    shard.push().await.unwrap();
    let newcomer = open(&server);
    let mut executor = Executor::at_once(Arc::new(newcomer.clone()), BOSS);
    second(&mut executor, &newcomer).await;
    let board = standings(&mut shard).await.expect("a leaderboard").board;
    assert_eq!(board.top[0].damage, shard.total);
    assert_eq!(newest(&server).as_ref(), Some(&kept), "the next one is not due");
    // Back to the beginning, where there is none.
    for (key, dump) in dumps {
        server.command(&["DEL", &key]).unwrap();
        server.command(&[b"RESTORE", key.as_bytes(), b"0", &dump]).unwrap();
    }
    assert!(shard.push().await.unwrap().rolled_back);
    shard.settle().await;
    // Its term is gone, too.
    executor.second().await.unwrap();
    assert!(!executor.reigns());
    let mut seconds = 0;
    while !executor.reigns() {
        seconds += 1;
        let seen = second(&mut executor, &newcomer).await;
        assert!(seconds <= 60, "it does not reign again: {seen:#?}");
    }
    let board = standings(&mut shard).await.expect("a leaderboard").board;
    assert_eq!((board.top[0].player, board.top[0].damage), (PlayerId(1), shard.total));
}
