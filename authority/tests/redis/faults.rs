//! A Redis that hangs, dies, comes back, or comes back with less: the books balance afterwards.

use crate::shard::{Shard, open, spawn};
use authority::{Authority, Follower, Redis};
use protocol::{BossId, Gen, ReadLog, Status, Unavailable, Verdict};
use std::sync::Arc;
use ucore::Version;
use xtask::redis::Server;

const BOSS: BossId = BossId(1);

/// The lines of the whole log.
pub(crate) async fn lines(redis: &Redis) -> Vec<String> {
    let (mut lines, mut after) = (Vec::new(), Version(0));
    loop {
        let page = redis.read_log(ReadLog { boss: BOSS, after, wait_ms: 0 }).await.unwrap();
        let Some(last) = page.entries.last() else { return lines };
        after = last.version;
        lines.extend(page.entries.into_iter().map(|entry| entry.fields));
    }
}

#[tokio::test]
async fn a_redis_that_hangs_leaves_outcomes_unknown_and_the_next_push_repairs_it() {
    let mut server = Server::start(&[]).unwrap();
    let mut shard = Shard::start(open(&server), BOSS, 1_000_000).await;
    shard.hit(10);
    shard.push().await.unwrap();
    server.pause().unwrap();
    let mut unknown = 0;
    // More than it takes to give the connection up.
    for _ in 0..4 {
        shard.hit(10);
        let error = shard.push().await.unwrap_err();
        unknown += u32::from(matches!(error, Unavailable::Unknown(_)));
    }
    assert!(unknown >= 3, "what was sent and not answered is unknown");
    server.resume().unwrap();
    let truth = shard.settle().await;
    assert_eq!(truth.damage, 50);
    let pushes = lines(&shard.redis).await.iter().filter(|it| it.starts_with("push ")).count();
    assert!(pushes <= 1 + 4, "at most one change for each attempt, and {pushes} were made");
}

#[tokio::test]
async fn what_was_answered_survives_kills_of_a_redis_that_syncs_always() {
    let mut server = Server::start(&[("appendfsync", "always")]).unwrap();
    let mut shard = Shard::start(open(&server), BOSS, 1_000_000).await;
    for kill in 1..=4 {
        for _ in 0..5 * kill {
            shard.hit(7);
            shard.push().await.unwrap();
        }
        let answered = shard.answered;
        server.kill().unwrap();
        shard.hit(7);
        assert!(shard.push().await.is_err());
        server.restart().unwrap();
        let truth = shard.redis.truth(BOSS).await.unwrap();
        assert!(truth.damage >= answered, "{} of {answered} are left", truth.damage);
        let answer = shard.push().await.unwrap();
        assert!(!answer.rolled_back);
        assert_eq!(answer.truth.damage, shard.total);
    }
}

#[tokio::test]
async fn a_stale_replica_that_was_promoted_is_noticed_and_gets_what_it_lacks() {
    let mut master = Server::start(&[]).unwrap();
    let mut shard = Shard::start(open(&master), BOSS, 1_000_000).await;
    shard.hit(10);
    shard.push().await.unwrap();
    let replica = Server::replica_of(&master, &[]).unwrap();
    // From here on it hears nothing more.
    replica.promote().unwrap();
    for _ in 0..5 {
        shard.hit(10);
        shard.push().await.unwrap();
    }
    master.kill().unwrap();
    shard.redis = open(&replica);
    shard.hit(10);
    let answer = shard.push().await.unwrap();
    assert_eq!((answer.verdict, answer.applied, answer.rolled_back), (Verdict::Gap, 10, true));
    let answer = shard.push().await.unwrap();
    assert_eq!((answer.verdict, answer.rolled_back), (Verdict::Counted, false));
    assert_eq!(answer.truth.damage, 70, "the next push has healed it");
}

#[tokio::test]
async fn a_fork_of_the_same_length_is_noticed_by_its_chain() {
    let master = Server::start(&[]).unwrap();
    let mut shard = Shard::start(open(&master), BOSS, 1_000_000).await;
    let replica = Server::replica_of(&master, &[]).unwrap();
    replica.promote().unwrap();
    shard.hit(10);
    shard.push().await.unwrap();
    // Somebody else has written one entry there, too.
    drop(Shard::enter(open(&replica), BOSS, 2).await);
    shard.redis = open(&replica);
    assert!(shard.push().await.unwrap().rolled_back);
}

/// Waits until a boss has had so many steps.
async fn polled(server: &Server, count: i64) {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        looks.tick().await;
        let polls = server.command(&["HGET", "{boss:1}:state", "polls"]).unwrap().text();
        if polls.parse::<i64>().unwrap() >= count {
            return;
        }
    }
}

#[tokio::test]
async fn one_of_many_executors_takes_each_step_and_another_one_goes_on_without_it() {
    let server = Server::start(&[]).unwrap();
    // The first has a boss to look after before the second comes, and takes the steps.
    let first = open(&server).with_executor();
    let mut shard = Shard::start(first.clone(), BOSS, 10).await;
    polled(&server, 1).await;
    let second = open(&server).with_executor();
    let other = Shard::enter(second.clone(), BOSS, 2).await;
    polled(&server, 2).await;
    shard.hit(10);
    assert_eq!(shard.push().await.unwrap().truth.status, Status::Defeated);
    let next = |after: Version| ReadLog { boss: BOSS, after, wait_ms: 30_000 };
    let mut after = Version(0);
    while second.truth(BOSS).await.unwrap().status != Status::Collecting {
        after = second.read_log(next(after)).await.unwrap().entries.last().unwrap().version;
    }
    // Who took the step goes.
    drop((shard, first));
    while second.truth(BOSS).await.unwrap().generation == Gen(1) {
        let page = second.read_log(next(after)).await.unwrap();
        after = page.entries.last().map_or(after, |last| last.version);
    }
    drop(other);
    let lines = lines(&second).await;
    for step in ["collect g=1", "close g=1", "credit g=1", "reward g=1", "spawn g=2"] {
        let count = lines.iter().filter(|line| line.starts_with(step)).count();
        assert_eq!(count, 1, "`{step}` in {lines:#?}");
    }
    let terms = lines.iter().filter(|line| line.starts_with("term ")).count();
    assert_eq!(terms, 2, "{lines:#?}");
}

#[tokio::test]
async fn a_reader_at_the_end_of_the_log_waits_on_a_connection_of_its_own() {
    let server = Server::start(&[]).unwrap();
    let redis = open(&server);
    let mut shard = Shard::start(redis.clone(), BOSS, 1_000).await;
    let end = redis.truth(BOSS).await.unwrap().version;
    let page = ReadLog { boss: BOSS, after: end, wait_ms: 30_000 };
    let waiting = tokio::spawn(redis.read_log(page));
    // Pushes go through while it waits.
    shard.hit(5);
    shard.push().await.unwrap();
    let page = waiting.await.unwrap().unwrap();
    assert_eq!(page.entries.len(), 1);
    assert!(page.entries[0].fields.starts_with("push "));
    spawn(&redis, BossId(2), 10).await.unwrap();
    assert_eq!(redis.bosses().await.unwrap(), [BOSS, BossId(2)]);
}

#[tokio::test]
async fn a_push_whose_players_do_not_add_up_is_named_by_whoever_folds_the_log() {
    let server = Server::start(&[]).unwrap();
    let mut shard = Shard::start(open(&server), BOSS, 1_000).await;
    shard.hit(5);
    shard.push().await.unwrap();
    let honest = shard.total;
    // A journal whose line says less than its total: its shard is broken.
    shard.hit(5);
    shard.lie = 3;
    let answer = shard.push().await.unwrap();
    assert_eq!((answer.verdict, answer.truth.damage), (Verdict::Counted, honest + 5));
    let mut follower = Follower::new(Arc::new(open(&server)), BOSS);
    let error = follower.catch_up().await.unwrap_err().to_string();
    assert!(error.contains("log entry 5 does not fit"), "{error}");
}
