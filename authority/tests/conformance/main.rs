//! One suite for every authority: the same random histories, with loss, duplication, reordering,
//! restarts and roll-backs, give the same answers and the same decoded log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "how a test fails")]
#![allow(clippy::print_stderr, reason = "a test says what it met")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of answer")]

mod history;
mod subject;

use history::{Ask, From, Lives, Shards, Step, steps};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use protocol::{
    BossId, EnterAnswer, JoinAnswer, SyncAnswer, SyncRequest, Truth, Unavailable, Verdict,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use subject::{Answer, InRedis, Memory, OnDisk, Place, Served, Subject, log};
use tokio::runtime::Runtime;
use ucore::Version;
use xtask::redis::{Cluster, Server};

/// What histories have met: one that met nothing proves nothing.
#[derive(Debug, Default)]
struct Met(BTreeMap<&'static str, u32>);

impl Met {
    fn note(&mut self, answer: &Answer) {
        let what = match answer {
            Ok(SyncAnswer::Push(push)) => {
                if push.rolled_back {
                    *self.0.entry("rolled back").or_default() += 1;
                }
                if push.truth.generation.0 > 5 {
                    *self.0.entry("a sixth generation").or_default() += 1;
                }
                if !push.late.is_empty() {
                    *self.0.entry("late lines").or_default() += 1;
                }
                match push.verdict {
                    Verdict::Counted => "counted",
                    Verdict::Duplicate => "duplicate",
                    Verdict::Gap => "gap",
                    Verdict::Closed => "closed",
                    Verdict::NotEntered => "not entered",
                    Verdict::Fenced => "fenced",
                    Verdict::Unknown => "unknown",
                    Verdict::Refused => "refused",
                }
            }
            Ok(SyncAnswer::Join(JoinAnswer::Joined { inherits: true, .. })) => "inherited",
            Ok(SyncAnswer::Join(JoinAnswer::Joined { .. })) => "joined",
            Ok(SyncAnswer::Join(JoinAnswer::Gap { .. })) => "gap of a claim",
            Ok(SyncAnswer::Join(JoinAnswer::Fenced)) => "join fenced",
            Ok(SyncAnswer::Enter(EnterAnswer::Entered { .. })) => "entered",
            Ok(SyncAnswer::Enter(EnterAnswer::TooLate { .. })) => "too late",
            Ok(_) => "other",
            Err(_) => "no boss",
        };
        *self.0.entry(what).or_default() += 1;
    }

    fn require(&self, whats: &[&str]) {
        eprintln!("met: {:?}", self.0);
        for what in whats {
            assert!(self.0.contains_key(what), "no history met `{what}`: {:?}", self.0);
        }
    }
}

/// What all answers of a run may differ in: players online are a hint that no log keeps, so a
/// restart loses it; and a position before the kept log can't be told from another.
#[derive(Debug, Clone, Copy)]
struct Mask {
    players: bool,
    kept_from: Version,
}

fn masked(answer: Answer, request: &SyncRequest, mask: Mask) -> Answer {
    let hide = |truth: &mut Truth| {
        if mask.players {
            truth.players = 0;
        }
    };
    let mut answer = answer?;
    match &mut answer {
        SyncAnswer::Push(push) => {
            hide(&mut push.truth);
            if let SyncRequest::Push(request) = request
                && request.seen.version <= mask.kept_from
            {
                push.rolled_back = false;
            }
        }
        SyncAnswer::Join(JoinAnswer::Joined { truth, .. })
        | SyncAnswer::Enter(EnterAnswer::Entered { truth, .. } | EnterAnswer::TooLate { truth })
        | SyncAnswer::Truth(truth) => hide(truth),
        SyncAnswer::Spawn(spawn) => {
            let mut truth = *spawn.truth();
            hide(&mut truth);
            *spawn = match spawn {
                protocol::SpawnAnswer::Begun(_) => protocol::SpawnAnswer::Begun(truth),
                protocol::SpawnAnswer::Next(_) => protocol::SpawnAnswer::Next(truth),
            };
        }
        SyncAnswer::Join(_)
        | SyncAnswer::Enter(_)
        | SyncAnswer::ReadLog(_)
        | SyncAnswer::Bosses(_) => {}
    }
    Ok(answer)
}

fn truth_of(answer: &Answer) -> Option<Truth> {
    match answer {
        Ok(SyncAnswer::Push(push)) => Some(push.truth),
        Ok(SyncAnswer::Truth(truth)) => Some(*truth),
        Ok(SyncAnswer::Join(JoinAnswer::Joined { truth, .. })) => Some(*truth),
        Ok(SyncAnswer::Enter(
            EnterAnswer::Entered { truth, .. } | EnterAnswer::TooLate { truth },
        )) => Some(*truth),
        Ok(SyncAnswer::Spawn(spawn)) => Some(*spawn.truth()),
        _ => None,
    }
}

/// Plays one history against the machine and another authority.
async fn play(steps: &[Step], boss: BossId, subject: &mut dyn Subject, met: &mut Met) {
    let (mut memory, mut shards, mut past) = (Memory::new(boss), Shards::new(boss), Vec::new());
    let mut mask = Mask { players: false, kept_from: Version(0) };
    let mut saved = false;
    for (at, step) in steps.iter().enumerate() {
        let request = match step {
            Step::Ask(ask) => shards.request(ask, memory.boss()),
            Step::Again(idx) if !past.is_empty() => {
                let request: &SyncRequest = &past[idx % past.len()];
                request.clone()
            }
            Step::Hit { journal, player, damage } => {
                shards.hit(*journal, *player, *damage);
                continue;
            }
            Step::Renew(shard) => {
                shards.renew(*shard);
                continue;
            }
            Step::Poll => {
                memory.poll().await;
                subject.poll().await;
                continue;
            }
            Step::Restart => {
                memory.restart().await;
                subject.restart().await;
                mask.players = true;
                continue;
            }
            Step::Save => {
                memory.save().await;
                subject.save().await;
                (saved, mask.players) = (true, true);
                continue;
            }
            Step::RollBack if saved => {
                memory.roll_back().await;
                subject.roll_back().await;
                mask.players = true;
                continue;
            }
            Step::Again(_) | Step::RollBack => continue,
        };
        let expected = memory.ask(request.clone()).await;
        let found = subject.ask(request.clone()).await;
        met.note(&expected);
        if let Some(truth) = truth_of(&expected) {
            shards.learn(truth);
        }
        mask.kept_from = memory.kept_from();
        let (expected, found) = (masked(expected, &request, mask), masked(found, &request, mask));
        assert_eq!(found, expected, "{} at step {at}, {request:#?}", subject.name());
        past.push(request);
    }
    if memory.boss().is_some() {
        let (expected, found) = (log(&mut memory, boss).await, log(subject, boss).await);
        assert_eq!(found, expected, "the decoded log of {}", subject.name());
    }
}

const USUAL: &[&str] = &[
    "counted",
    "duplicate",
    "gap",
    "closed",
    "late lines",
    "not entered",
    "fenced",
    "unknown",
    "refused",
    "inherited",
    "joined",
    "gap of a claim",
    "join fenced",
    "entered",
    "too late",
    "rolled back",
    "no boss",
];

/// Plays a share of the usual number of histories. Each has a boss of its own, so that all can
/// share one server.
fn play_all(lives: Lives, share: u32, subject: impl Fn(BossId) -> Box<dyn Subject>) {
    let usual = ProptestConfig::default();
    let cases = usual.cases / share;
    let max_shrink_iters = 200;
    let config = ProptestConfig { cases, max_shrink_iters, failure_persistence: None, ..usual };
    let runtime = Runtime::new().unwrap();
    let (met, bosses) = (std::cell::RefCell::new(Met::default()), std::cell::Cell::new(0));
    let hp_max = if lives == Lives::Long { 300 } else { 10 };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&steps(lives), |steps| {
        bosses.set(bosses.get() + 1);
        let boss = BossId(bosses.get());
        let _inside = runtime.enter();
        let mut subject = subject(boss);
        // A boss that nobody has spawned has nothing to say.
        let mut begun = vec![Step::Ask(Ask::Truth)];
        begun.push(Step::Ask(Ask::Spawn { hp_max }));
        (0..3).for_each(|journal| {
            let from = From::Applied;
            begun.push(Step::Ask(Ask::Join { journal, from }));
        });
        begun.extend(steps);
        runtime.block_on(play(&begun, boss, &mut *subject, &mut met.borrow_mut()));
        Ok(())
    });
    result.unwrap();
    let met = met.into_inner();
    met.require(USUAL);
    if lives == Lives::Short {
        met.require(&["a sixth generation"]);
    }
}

#[test]
fn the_embedded_store_gives_the_answers_of_the_machine() {
    for lives in [Lives::Long, Lives::Short] {
        // Each request waits for the disk.
        play_all(lives, 4, |_| Box::new(OnDisk::new()));
    }
}

#[test]
fn a_remote_authority_gives_the_answers_of_the_machine() {
    for lives in [Lives::Long, Lives::Short] {
        play_all(lives, 1, |boss| Box::new(Served::new(boss)));
    }
}

#[test]
fn redis_gives_the_answers_of_the_machine() {
    for lives in [Lives::Long, Lives::Short] {
        let server = Arc::new(Server::start(&[("appendfsync", "no")]).unwrap());
        play_all(lives, 1, |boss| Box::new(InRedis::new(boss, Place::One(Arc::clone(&server)))));
    }
}

#[test]
fn redis_cluster_gives_the_answers_of_the_machine() {
    let cluster = Arc::new(Cluster::start(&[("appendfsync", "no")]).unwrap());
    play_all(Lives::Short, 2, |boss| {
        Box::new(InRedis::new(boss, Place::Many(Arc::clone(&cluster))))
    });
}

#[test]
fn a_boss_that_nobody_has_spawned_is_unknown_everywhere() {
    let server = Server::start(&[]).unwrap();
    let runtime = Runtime::new().unwrap();
    let redis = InRedis::new(BossId(9), Place::One(Arc::new(server)));
    let all: [Box<dyn Subject>; 3] =
        [Box::new(Memory::new(BossId(9))), Box::new(OnDisk::new()), Box::new(redis)];
    for mut subject in all {
        let answer = runtime.block_on(subject.ask(SyncRequest::Truth(BossId(9))));
        assert_eq!(answer, Err(Unavailable::NoBoss(BossId(9))), "{}", subject.name());
    }
}
