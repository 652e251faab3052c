//! Shared structures on every authority: the same random histories, held to a model that keeps
//! everything and finds everything by looking through it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "how a test fails")]
#![allow(clippy::print_stderr, reason = "a test says what it met")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of answer")]

mod history;
mod model;
mod subject;
mod waiting;

use authority::machine::group::Bounds;
use history::{Programs, Step, small, steps, tour};
use model::{Model, check_answer};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use protocol::{Follow, GroupAnswer, GroupRefusal, GroupRequest, ProposeVerdict};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use subject::{InMemory, InRedis, OnDisk, Place, Served, Subject};
use tokio::runtime::Runtime;

/// What histories have met: one that met nothing proves nothing.
type Met = BTreeMap<String, u32>;

/// A history, as far as it has come.
struct Play<'a> {
    model: Model,
    /// What the model was when the subject was saved.
    saved: Option<Model>,
    bounds: Bounds,
    programs: Programs,
    subject: &'a mut dyn Subject,
    met: &'a mut Met,
}

impl Play<'_> {
    async fn step(&mut self, step: &Step) {
        match self.programs.request(step, &self.model) {
            Some(request) => self.ask(request).await,
            None => self.disturb(step),
        }
    }

    /// Something happens to the subject.
    fn disturb(&mut self, step: &Step) {
        let groups = [0, 1, 2].map(|group| self.programs.name(group));
        match (step, &self.saved) {
            (Step::Restart, _) => self.subject.restart(),
            (Step::Save, _) if self.subject.save(&groups) => self.saved = Some(self.model.clone()),
            (Step::RollBack, Some(saved)) => {
                self.model = saved.clone();
                self.subject.roll_back();
                self.meet(ROLLED_BACK);
            }
            _ => {}
        }
    }

    async fn ask(&mut self, request: GroupRequest) {
        let expected = self.model.expect(&self.bounds, &request);
        let answer = self.subject.authority().group(request.clone()).await.unwrap();
        check_answer(&expected, &answer);
        self.note(&request, &answer);
        if let (GroupAnswer::Proposed(answer), GroupRequest::Propose(asked)) = (&answer, &request) {
            self.programs.told(asked, answer);
            let (group, schema, seen) = (asked.group.clone(), asked.schema, Some(asked.seen));
            let missed = Follow { group, schema, seen, distrust: None, wait_ms: 0 };
            let group = &self.model.0[&asked.group];
            let (page, nothing) = (&answer.page, answer.page.base.is_none());
            // With nothing to begin with, the verdict comes alone.
            if group.begins(&missed).is_some() || !(nothing && page.entries.is_empty()) {
                group.check_page(&self.bounds, &missed, page);
            }
        }
        if let (GroupAnswer::Page(page), GroupRequest::Follow(asked)) = (&answer, &request) {
            self.model.0[&asked.group].check_page(&self.bounds, asked, page);
        }
    }

    fn note(&mut self, request: &GroupRequest, answer: &GroupAnswer) {
        let what = match (request, answer) {
            (_, GroupAnswer::Refused(refused)) => format!("{:?}", refused.why),
            (_, GroupAnswer::Proposed(proposed)) => {
                if proposed.page.base.is_some() {
                    self.meet("a writer that begins anew");
                }
                format!("{:?}", proposed.verdict)
            }
            (GroupRequest::Follow(asked), GroupAnswer::Page(page)) => {
                let seen = if asked.seen.is_some() { "seen" } else { "new" };
                let base = page.base.as_ref().map(|base| base.value.is_some());
                let base = match base {
                    None => "entries",
                    Some(true) => "a kept value",
                    Some(false) => "the first value",
                };
                format!("{seen}: {base}")
            }
            (_, GroupAnswer::Page(_)) => "a page that nobody asked for".to_owned(),
            (_, GroupAnswer::Founded(_)) => "founded".to_owned(),
            (_, GroupAnswer::Kept(_)) => "kept".to_owned(),
        };
        self.meet(&what);
    }

    fn meet(&mut self, what: &str) {
        *self.met.entry(what.to_owned()).or_default() += 1;
    }

    /// What is not needed any more is gone.
    fn check_held(&self) {
        for (name, group) in &self.model.0 {
            let (entries, values) = group.held();
            self.subject.check_held(name, entries, values);
        }
    }

    /// Every position of every log leads to its end.
    async fn resume_from_everywhere(&mut self) {
        for (name, group) in &self.model.0 {
            let GroupAnswer::Page(_) = (match self.subject.authority().group(look(name)).await {
                Ok(GroupAnswer::Refused(_)) => continue,
                answer => answer.unwrap(),
            }) else {
                panic!("a page")
            };
            for version in 0..=group.log.len() as u64 {
                let mut seen = group.at(version);
                // Each page brings at least one entry.
                for _ in 0..=group.log.len() {
                    let mut follow = GroupRequest::Follow(Follow { seen, ..follow(name) });
                    let answer = self.subject.authority().group(follow.clone()).await.unwrap();
                    let (GroupAnswer::Page(page), GroupRequest::Follow(asked)) =
                        (answer, &mut follow)
                    else {
                        panic!("a page")
                    };
                    group.check_page(&self.bounds, asked, &page);
                    let end = page.entries.last().map(protocol::GroupEntry::seen);
                    seen = end.or(page.base.map(|base| base.at)).or(seen);
                    if seen == Some(group.head()) {
                        break;
                    }
                }
                assert_eq!(seen, Some(group.head()), "from version {version}");
            }
        }
    }
}

fn follow(name: &protocol::GroupName) -> Follow {
    let (group, schema) = (name.clone(), history::schema(false));
    Follow { group, schema, seen: None, distrust: None, wait_ms: 0 }
}

fn look(name: &protocol::GroupName) -> GroupRequest {
    GroupRequest::Follow(follow(name))
}

/// Plays a share of the usual number of histories. Together they meet everything that there is.
fn play_all(share: u32, subject: impl Fn() -> Box<dyn Subject>) -> Met {
    let usual = ProptestConfig::default();
    let (cases, max_shrink_iters) = (usual.cases / share, 400);
    let config = ProptestConfig { cases, max_shrink_iters, failure_persistence: None, ..usual };
    let runtime = Runtime::new().unwrap();
    let (met, histories) = (RefCell::new(Met::new()), Cell::new(0));
    let mut runner = TestRunner::new(config);
    let play = |steps: Vec<Step>| {
        histories.set(histories.get() + 1);
        let _inside = runtime.enter();
        let mut subject = subject();
        let programs = Programs::new(&format!("h{}/", histories.get()));
        let (bounds, model, saved) = (small(), Model::default(), None);
        let (mut met, subject) = (met.borrow_mut(), &mut *subject);
        let mut play = Play { model, saved, bounds, programs, subject, met: &mut met };
        runtime.block_on(async {
            play.step(&Step::Found { group: 0, other: false, create: true }).await;
            for step in &steps {
                play.step(step).await;
            }
            play.resume_from_everywhere().await;
        });
        play.check_held();
        Ok(())
    };
    play(tour()).unwrap();
    let result = runner.run(&steps(), play);
    result.unwrap();
    let met = met.into_inner();
    eprintln!("met: {met:?}");
    for what in expected_to_meet() {
        assert!(met.contains_key(&what), "no history met {what:?}; those met {met:?}");
    }
    met
}

const ROLLED_BACK: &str = "a subject that was rolled back";

fn expected_to_meet() -> impl Iterator<Item = String> {
    let pages = ["new: a kept value", "new: the first value", "seen: a kept value"];
    let others = ["seen: entries", "a writer that begins anew", "founded", "kept"];
    let refusals = GroupRefusal::ALL.iter().filter(|why| **why != GroupRefusal::NotAllowed);
    let verdicts = ProposeVerdict::ALL.iter().map(|verdict| format!("{verdict:?}"));
    pages
        .into_iter()
        .chain(others)
        .map(str::to_owned)
        .chain(refusals.map(|why| format!("{why:?}")))
        .chain(verdicts)
}

#[test]
fn an_authority_in_memory_keeps_what_groups_promise() {
    play_all(1, || Box::new(InMemory::new()));
}

#[test]
fn the_embedded_store_keeps_what_groups_promise_over_restarts() {
    // Each request waits for the disk.
    play_all(6, || Box::new(OnDisk::new()));
}

#[test]
fn a_remote_authority_keeps_what_groups_promise() {
    play_all(1, || Box::new(Served::new()));
}

#[test]
fn redis_keeps_what_groups_promise_over_restarts_and_roll_backs() {
    let place = Place::one();
    let met = play_all(1, || Box::new(InRedis::new(&place)));
    assert!(met.contains_key(ROLLED_BACK), "{met:?}");
}

#[test]
fn redis_cluster_keeps_what_groups_promise_over_restarts_and_roll_backs() {
    let place = Place::many();
    let met = play_all(8, || Box::new(InRedis::new(&place)));
    assert!(met.contains_key(ROLLED_BACK), "{met:?}");
}

/// The authority of a subject, for tests of one thing.
fn all() -> Vec<Box<dyn Subject>> {
    vec![
        Box::new(InMemory::new()),
        Box::new(OnDisk::new()),
        Box::new(Served::new()),
        Box::new(InRedis::new(&Place::one())),
    ]
}

#[test]
fn a_group_that_nobody_has_begun_is_unknown_everywhere() {
    let runtime = Runtime::new().unwrap();
    let _inside = runtime.enter();
    for mut subject in all() {
        let name = protocol::GroupName("nobody".to_owned());
        let answer = runtime.block_on(subject.authority().group(look(&name))).unwrap();
        check_answer(&model::Expected::Refused(GroupRefusal::NoGroup), &answer);
    }
}
