//! One suite for every authority: the same random histories, with loss, duplication, reordering,
//! restarts and roll-backs, give the same answers and the same decoded log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "how a test fails")]
#![allow(clippy::print_stderr, reason = "a test says what it met")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of answer")]

mod history;
mod subject;
mod mask;
mod met;

use authority::machine::{Audit, Saga, SagaAnswer, SagaRequest};
use history::{Ask, From, Lives, Shards, Step, steps};
use mask::{Mask, truth_of};
use met::{Met, USUAL};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use protocol::{BossId, ExecutorId, Micros, PushAnswer, SyncAnswer, SyncRequest, Unavailable};
use std::sync::Arc;
use subject::{Answer, InRedis, Memory, OnDisk, Place, Served, Subject, log};
use tokio::runtime::Runtime;
use ucore::{Bin, Version};
use xtask::redis::{Cluster, Server};

/// A history, as far as it has come: the machine, and the authority that is held to its answers.
struct Play<'a> {
    memory: Memory,
    subject: &'a mut dyn Subject,
    shards: Shards,
    /// The executor that takes the steps.
    saga: Saga,
    now: Micros,
    mask: Mask,
    saved: bool,
    past: Vec<SyncRequest>,
    met: &'a mut Met,
}

impl<'a> Play<'a> {
    fn new(boss: BossId, subject: &'a mut dyn Subject, met: &'a mut Met) -> Self {
        Self {
            memory: Memory::new(boss),
            subject,
            shards: Shards::new(boss),
            saga: Saga::new(boss, ExecutorId(Bin([0xee; 16])), 0),
            now: Micros(0),
            mask: Mask { hints: false, kept_from: Version(0) },
            saved: false,
            past: Vec::new(),
            met,
        }
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Ask(ask) => {
                let request = self.shards.request(ask, self.memory.boss());
                self.past.push(request.clone());
                drop(self.ask(request).await);
            }
            Step::Again(_) if self.past.is_empty() => {}
            Step::Again(idx) => {
                let request = self.past[idx % self.past.len()].clone();
                drop(self.ask(request).await);
            }
            Step::Hit { journal, player, damage } => self.shards.hit(*journal, *player, *damage),
            Step::Renew(shard) => self.shards.renew(*shard),
            Step::Second => self.second().await,
            Step::Restart => {
                self.memory.restart().await;
                self.subject.restart().await;
                self.mask.hints = true;
            }
            Step::Save => {
                self.memory.save().await;
                self.subject.save().await;
                (self.saved, self.mask.hints) = (true, true);
            }
            Step::RollBack if self.saved => {
                self.memory.roll_back().await;
                self.subject.roll_back().await;
            }
            Step::RollBack => {}
        }
    }

    /// Asks both, and gives back what the machine has answered.
    async fn ask(&mut self, request: SyncRequest) -> Answer {
        let expected = self.memory.ask(request.clone()).await;
        let found = self.subject.ask(request.clone()).await;
        self.met.note(&request, &expected);
        if let Ok(mut answer) = expected.clone() {
            truth_of(&mut answer).into_iter().for_each(|truth| self.shards.learn(*truth));
        }
        if let Ok(SyncAnswer::Push(PushAnswer { standings: Some(standings), .. })) = &expected {
            self.shards.learn_standings(standings.number);
        }
        self.mask.kept_from = self.memory.kept_from();
        let (mask, name) = (self.mask, self.subject.name());
        assert_eq!(
            mask.masked(found, &request),
            mask.masked(expected.clone(), &request),
            "{name} at {request:#?}"
        );
        expected
    }

    async fn second(&mut self) {
        self.now = self.now + Micros::from_millis(1_000);
        while let Some(request) = self.saga.poll_request(self.now) {
            let answer = match request {
                SagaRequest::Reign(reign) => self.ask(SyncRequest::Reign(reign)).await,
                SagaRequest::Settle(settle) => self.ask(SyncRequest::Settle(settle)).await,
            };
            let answer = match answer {
                Ok(SyncAnswer::Reign(progress)) => SagaAnswer::Reign(progress),
                Ok(SyncAnswer::Settle(settled)) => SagaAnswer::Settle(settled),
                _ => {
                    self.saga.handle_no_answer(self.now);
                    continue;
                }
            };
            self.saga.handle_answer(self.now, &answer);
        }
    }

    async fn compare_logs(&mut self, boss: BossId) {
        if self.memory.boss().is_some() {
            let expected = log(&mut self.memory, boss).await;
            let found = log(self.subject, boss).await;
            assert_eq!(found, expected, "the decoded log of {}", self.subject.name());
            let mut audit = Audit::new(found.0).unwrap();
            found.1.iter().for_each(|entry| audit.handle_entry(entry).unwrap());
            if let Ok(SyncAnswer::Truth(truth)) = self.subject.ask(SyncRequest::Truth(boss)).await {
                audit.handle_truth(&truth).unwrap();
            }
        }
    }
}

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
        let mut met = met.borrow_mut();
        runtime.block_on(async {
            let mut play = Play::new(boss, &mut *subject, &mut met);
            for step in &begun {
                play.step(step).await;
            }
            play.compare_logs(boss).await;
        });
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
