//! Settlements whose executors, replicas or masters fail: each step is taken once, and what was
//! said of it stays true.

use crate::faults::lines;
use crate::shard::{Shard, open, seconds_until};
use authority::machine::{Saga, SagaAnswer, SagaRequest};
use authority::{Authority, Executor, Redis};
use protocol::{
    BossId, ExecutorId, Gen, Micros, PlayerId, Progress, Reign, Settle, SettleAnswer, SettleStep,
    SettleVerdict, Share, Shares, SharesAnswer, Status, Term, Unavailable,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::interval;
use ucore::Bin;
use xtask::redis::{Cluster, Server};

const BOSS: BossId = BossId(1);

/// Two players kill a boss of 10 HP. Nobody says their last, so the books close after two seconds.
async fn kill(redis: &Redis) -> [Shard; 2] {
    let first = Shard::start(redis.clone(), BOSS, 10).await;
    let mut both = [first, Shard::enter(redis.clone(), BOSS, 2).await];
    for (shard, damage) in both.iter_mut().zip([7, 4]) {
        shard.hit(damage);
        shard.push().await.unwrap();
    }
    both
}

/// What a settlement of that boss writes, in this order.
const STEPS: [&str; 8] =
    ["collect", "wait", "wait", "close", "credit", "reward", "wait", "spawn g=2"];

/// Waits until a server knows what its replica has: one that is new tells it within a second or so.
async fn hears_its_replica(master: &Server) {
    let mut looks = interval(Duration::from_millis(20));
    for _ in 0..500 {
        looks.tick().await;
        let role = master.command(&["ROLE"]).unwrap();
        let acknowledged = role.items()[2].items().first().map(|replica| replica.items()[2].text());
        if acknowledged.is_some_and(|offset| offset != "0") {
            return;
        }
    }
    panic!("the replica says nothing");
}

async fn look(redis: &Redis, number: u8, supersedes: Option<u64>) -> Progress {
    let (boss, executor) = (BOSS, ExecutorId(Bin([number; 16])));
    redis.reign(Reign { boss, executor, supersedes, suspects: Vec::new() }).await.unwrap()
}

/// A new executor takes the next term and one step, and is gone.
async fn one_step(redis: &Redis, number: u8) -> SettleAnswer {
    let mut saga = Saga::new(BOSS, ExecutorId(Bin([number; 16])), 0);
    let now = Micros(1_000_000);
    loop {
        match saga.poll_request(now).expect("there is always a step") {
            SagaRequest::Reign(reign) => {
                let progress = redis.reign(reign).await.unwrap();
                saga.handle_answer(now, &SagaAnswer::Reign(progress));
            }
            SagaRequest::Settle(settle) => return redis.settle(settle).await.unwrap(),
        }
    }
}

/// The settlement's part of the log, without its terms.
async fn steps(redis: &Redis) -> Vec<String> {
    let lines = lines(redis).await;
    let kinds = ["collect", "wait", "close", "credit", "reward", "spawn g=2"];
    lines.into_iter().filter(|line| kinds.iter().any(|kind| line.starts_with(kind))).collect()
}

/// Holds the log and the shares to one whole settlement.
async fn check(redis: &Redis) {
    let steps = steps(redis).await;
    assert_eq!(steps.len(), STEPS.len(), "{steps:#?}");
    for (found, expected) in steps.iter().zip(STEPS) {
        assert!(found.starts_with(expected), "{steps:#?}");
    }
    let deaths = lines(redis).await.iter().filter(|line| line.ends_with("d=1")).count();
    assert_eq!(deaths, 1);
    let asked = Shares { boss: BOSS, generation: Gen(1), players: [1, 2, 3].map(PlayerId).into() };
    let SharesAnswer::Shared { shares, players } = redis.shares(asked).await.unwrap() else {
        panic!("no shares")
    };
    let share = |player, rank, damage, credit| {
        let player = PlayerId(player);
        Share { player, rank, damage, credit, rewards: Vec::new() }
    };
    let bare: Vec<_> = shares.into_iter().map(|it| Share { rewards: Vec::new(), ..it }).collect();
    assert_eq!(bare, [share(1, 1, 7, 6), share(2, 2, 4, 4)]);
    assert_eq!(players, 2);
}

#[tokio::test]
async fn a_step_is_not_answered_before_every_replica_has_it_and_none_follows_until_then() {
    let master = Server::start(&[]).unwrap();
    let mut replica = Server::replica_of(&master, &[]).unwrap();
    let redis = open(&master);
    kill(&redis).await;
    hears_its_replica(&master).await;
    look(&redis, 1, Some(0)).await;
    let progress = look(&redis, 1, None).await;
    replica.pause().unwrap();
    let (term, at) = (progress.term, progress.truth.stage());
    let settle = Settle { boss: BOSS, term, at, step: SettleStep::Collect };
    let Err(Unavailable::Unknown(why)) = redis.settle(settle).await else { panic!("answered") };
    assert!(why.contains("0 of 1 replicas") && why.contains("repair"), "{why}");
    let taken = redis.truth(BOSS).await.unwrap();
    assert_eq!(taken.status, Status::Collecting);
    assert_eq!(taken.announced(), Status::Defeated, "nobody is told of it");
    // Neither who repeats it is answered, nor who looks for what comes after it.
    assert!(matches!(redis.settle(settle).await, Err(Unavailable::Unknown(_))));
    let mut executor = Executor::at_once(Arc::new(redis.clone()), BOSS);
    assert!(matches!(executor.second().await, Err(Unavailable::Unknown(_))));
    assert_eq!(redis.truth(BOSS).await.unwrap().stage(), taken.stage());
    replica.resume().unwrap();
    seconds_until(&mut executor, |seen| seen.as_ref().unwrap().truth.generation == Gen(2)).await;
    check(&redis).await;
}

#[tokio::test]
async fn a_fail_over_after_any_step_takes_nothing_back_and_repeats_nothing() {
    for taken in 0..STEPS.len() {
        let mut master = Server::start(&[]).unwrap();
        let replica = Server::replica_of(&master, &[]).unwrap();
        let redis = open(&master);
        kill(&redis).await;
        hears_its_replica(&master).await;
        let mut number = 0;
        let mut last = look(&redis, 99, None).await;
        for _ in 0..taken {
            number += 1;
            let answer = one_step(&redis, number).await;
            assert_eq!(answer.verdict, SettleVerdict::Done);
            last = answer.progress;
        }
        master.kill().unwrap();
        replica.promote().unwrap();
        let redis = open(&replica);
        let now = redis.truth(BOSS).await.unwrap();
        assert_eq!(now.seen(), last.truth.seen(), "after {taken} steps");
        for _ in taken..STEPS.len() {
            number += 1;
            one_step(&redis, number).await;
        }
        check(&redis).await;
    }
}

#[tokio::test]
async fn an_executor_that_dies_after_any_step_is_followed_by_one_that_goes_on_where_it_was() {
    let server = Server::start(&[]).unwrap();
    let redis = open(&server);
    kill(&redis).await;
    for number in 1..=8 {
        assert_eq!(one_step(&redis, number).await.verdict, SettleVerdict::Done);
    }
    check(&redis).await;
    let terms: Vec<_> = steps(&redis)
        .await
        .into_iter()
        .map(|line| {
            line.split(' ').find_map(|word| word.strip_prefix("n=")?.parse::<u8>().ok()).unwrap()
        })
        .collect();
    assert_eq!(terms, [1, 2, 3, 4, 5, 6, 7, 8], "each step by another executor");
}

#[tokio::test]
async fn of_executors_that_race_one_takes_each_step() {
    let server = Server::start(&[]).unwrap();
    let (ours, theirs) = (open(&server), open(&server));
    kill(&ours).await;
    while ours.truth(BOSS).await.unwrap().generation == Gen(1) {
        let newest = look(&ours, 0xee, None).await;
        let supersedes = Some(newest.term.number);
        let (a, b) = tokio::join!(look(&ours, 1, supersedes), look(&theirs, 2, supersedes));
        let newest_term = if a.term.number < b.term.number { b.term } else { a.term };
        let at = newest.truth.stage();
        let waits = |max| at.waited < max;
        let step = match at.status {
            Status::Alive => panic!("it was killed"),
            Status::Defeated => SettleStep::Collect,
            Status::Collecting if waits(2) => SettleStep::Wait,
            Status::Collecting => SettleStep::Close,
            Status::Closed => SettleStep::Credit,
            Status::Credited => SettleStep::Reward,
            Status::Rewarded if waits(1) => SettleStep::Wait,
            Status::Rewarded => SettleStep::Respawn,
        };
        let attempts = [(&ours, 1), (&theirs, 2), (&ours, 1), (&theirs, 2)];
        let attempts = attempts.map(|(redis, executor)| {
            let executor = ExecutorId(Bin([executor; 16]));
            let term = Term { executor, ..newest_term };
            redis.settle(Settle { boss: BOSS, term, at, step })
        });
        let answers = futures::future::join_all(attempts).await;
        let verdicts: Vec<_> = answers.into_iter().map(|it| it.unwrap().verdict).collect();
        let count = |verdict| verdicts.iter().filter(|it| **it == verdict).count();
        assert_eq!(count(SettleVerdict::Done), 1, "{step:?}: {verdicts:?}");
        assert_eq!(count(SettleVerdict::Passed), 1, "{step:?}: {verdicts:?}");
        assert_eq!(count(SettleVerdict::Fenced), 2, "{step:?}: {verdicts:?}");
    }
    check(&ours).await;
}

#[tokio::test]
async fn credits_of_another_past_are_not_taken() {
    let server = Server::start(&[]).unwrap();
    let redis = open(&server);
    kill(&redis).await;
    let mut progress = look(&redis, 1, Some(0)).await;
    for number in 1..=4 {
        progress = one_step(&redis, number).await.progress;
    }
    let (term, truth) = (progress.term, progress.truth);
    assert_eq!(truth.status, Status::Closed);
    let settle = redis.load().await.unwrap().replace("worldboss_", "worldboss_settle_");
    let take = |blob: &str, chain: &str| {
        let (executor, number) = (term.executor.to_string(), term.number.to_string());
        let version = truth.version.to_string();
        let keys = ["{boss:1}:state", "{boss:1}:log"];
        let place = [&executor, &number, "1", "4", "0", "credit"];
        let folded = ["1", blob, &version, chain];
        let words = [&["FCALL", &settle, "2"], &keys[..], &place, &folded].concat();
        server.command(&words).unwrap().items()[0].text()
    };
    assert_eq!(take("credits", &"0".repeat(40)), "passed");
    assert_eq!(redis.truth(BOSS).await.unwrap().seen(), truth.seen());
    assert_eq!(take("credits", &truth.chain.to_string()), "done", "where it was folded");
}

#[tokio::test]
async fn an_executor_follows_its_boss_through_a_cluster() {
    let mut cluster = Cluster::start(&[]).unwrap();
    let redis = Redis::new(&cluster.url()).unwrap();
    kill(&redis).await;
    let slot = cluster.slot_of("{boss:1}:state").unwrap();
    hears_its_replica(&cluster.nodes()[cluster.master_of(slot).unwrap()]).await;
    assert_eq!(one_step(&redis, 1).await.progress.truth.status, Status::Collecting);
    // To another master, and to that one's replica.
    let from = cluster.master_of(slot).unwrap();
    let to = (0..3).find(|node| *node != from && cluster.replica_of(*node).is_ok()).unwrap();
    cluster.move_slot(slot, to).unwrap();
    hears_its_replica(&cluster.nodes()[to]).await;
    assert_eq!(one_step(&redis, 2).await.verdict, SettleVerdict::Done);
    cluster.kill_master(to).unwrap();
    cluster.wait_for_failover(slot).unwrap();
    let mut executor = Executor::at_once(Arc::new(redis.clone()), BOSS);
    // Its first second finds that the connection leads nowhere.
    let is_next = |seen: &Progress| seen.truth.generation == Gen(2);
    seconds_until(&mut executor, |seen| seen.as_ref().is_ok_and(is_next)).await;
    check(&redis).await;
}

#[tokio::test]
async fn a_process_that_sees_nothing_but_pushes_takes_its_part_in_the_settlement() {
    let server = Server::start(&[]).unwrap();
    let mut shards = kill(&open(&server)).await;
    // The process through which they had joined is gone; this one serves them now.
    let next = open(&server).with_executor();
    for shard in &mut shards {
        shard.redis = next.clone();
    }
    let mut ticks = interval(Duration::from_millis(100));
    for tick in 0.. {
        ticks.tick().await;
        if shards[0].push().await.unwrap().truth.generation > Gen(1) {
            return check(&next).await;
        }
        assert!(tick < 600, "nobody settles");
    }
}
