//! The authority in a state: the value of its log, and what every request to the real machine must
//! leave as it was.

use crate::properties::{self, Broken};
use crate::shared::Shared;
use authority::machine::{Machine, Output};
use protocol::{
    Boss, BossId, BossSpec, BossUpdate, ExecutorId, Gen, JournalId, Missing, Phase, Reward,
    RewardId, Seen, Skill, SkillId, Snapshot, Stage, Step, Timing,
};
use shard::machine::{Answer, Request};
use std::collections::BTreeMap;
use ucore::{Bin, Version};

pub(crate) const BOSS: BossId = BossId(1);

/// An id made of one number.
pub(crate) fn journal(number: u8) -> JournalId {
    JournalId(Bin([number; 16]))
}

/// An executor's id made of one number.
pub(crate) fn executor(number: u8) -> ExecutorId {
    ExecutorId(Bin([number; 16]))
}

/// A boss that so many hits kill. Everybody wins its reward, so no draw depends on the log's chain.
pub(crate) fn spec(hp_max: u64) -> BossSpec {
    let name = || "m".to_owned();
    let phases = vec![Phase { name: name(), percent: 100 }];
    let (id, damage, cooldown_ms) = (SkillId(1), 1, 0);
    let (crit_percent, crit_damage_percent) = (0, 100);
    let skill = Skill { id, name: name(), damage, crit_percent, crit_damage_percent, cooldown_ms };
    let timing = Timing { tick_ms: 100, collect_s: 1, respawn_s: 1 };
    let reward = Reward { id: RewardId(1), name: name(), top_percent: 100, chance_percent: 100 };
    let (skills, rewards) = (vec![skill], vec![reward]);
    BossSpec { name: name(), hp_max, phases, skills, timing, missing: Missing::Apply, rewards }
}

/// A log: its value at the end, and how often it says what it may say once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Log {
    pub(crate) value: Snapshot,
    /// By generation: beginnings, deaths, closed books, credits, rewards.
    pub(crate) once: BTreeMap<Gen, [u8; 5]>,
}

/// What a request comes to: its answer, the log after it, and a law that was broken.
pub(crate) struct Asked<T> {
    pub(crate) answer: T,
    pub(crate) log: Shared<Log>,
    pub(crate) broken: Option<Broken>,
}

/// Whose request it is: what it may not change depends on that.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Journal(JournalId),
    Executor,
    /// An executor that is too late.
    Slow,
}

impl Log {
    /// The log of a boss whose first generation has begun.
    pub(crate) fn begin(hp_max: u64) -> Shared<Self> {
        let mut machine = Machine::new(BOSS, spec(hp_max));
        let mut log = Self { value: Snapshot::default(), once: BTreeMap::new() };
        assert_eq!(log.follow(&mut machine), None);
        Shared::new(log)
    }

    pub(crate) fn boss(&self) -> &Boss {
        &self.value.boss
    }

    /// Where the settlement is.
    pub(crate) fn stage(&self) -> Stage {
        let (generation, life) = self.boss().current().expect("a log begins with a generation");
        Stage { generation, status: life.status, waited: life.waited }
    }

    pub(crate) fn machine(&self) -> Machine {
        let (_, life) = self.boss().current().expect("a log begins with a generation");
        Machine::restore(BOSS, life.spec.clone(), self.value.clone(), [])
            .expect("no entry follows the value")
    }

    /// Folds what the machine has made of its log, as anybody would who reads it.
    fn follow(&mut self, machine: &mut Machine) -> Option<Broken> {
        while let Some(output) = machine.poll_output() {
            let Output::Entry(entry) = output else { continue };
            let update = BossUpdate::parse(&entry.fields, &entry.blob);
            if self.value.follow(&entry).is_err() {
                return Some(Broken::Fold);
            }
            self.count(&update.expect("it was followed"));
        }
        (self.value != machine.snapshot()).then_some(Broken::Fold)
    }

    fn count(&mut self, update: &BossUpdate) {
        let (generation, idx) = match update {
            BossUpdate::Spawn { generation, .. } => (*generation, 0),
            BossUpdate::Push { interval, death: true, .. } => (interval.generation, 1),
            BossUpdate::Settle { generation, step, .. } => match step {
                Step::Collect | Step::Wait => return,
                Step::Close(_) => (*generation, 2),
                Step::Credit(_) => (*generation, 3),
                Step::Reward(_) => (*generation, 4),
            },
            BossUpdate::Push { .. }
            | BossUpdate::Join { .. }
            | BossUpdate::Enter { .. }
            | BossUpdate::Late { .. }
            | BossUpdate::Term(_) => return,
        };
        self.once.entry(generation).or_default()[idx] += 1;
    }
}

impl Shared<Log> {
    /// Asks the machine that goes on from this value.
    pub(crate) fn ask<T>(&self, by: By, ask: impl FnOnce(&mut Machine) -> T) -> Asked<T> {
        let mut machine = self.machine();
        let answer = ask(&mut machine);
        let mut log = Log::clone(self);
        let broken = log.follow(&mut machine);
        if log.value.version == self.value.version {
            return Asked { answer, log: self.clone(), broken };
        }
        let broken = broken.or_else(|| changed(self.boss(), log.boss(), by));
        let broken = broken.or_else(|| properties::unlawful(&log));
        Asked { answer, log: Self::new(log), broken }
    }

    /// Carries out what a shard asks, which has seen more than this log, or has not.
    pub(crate) fn answer(&self, mut request: Request, has_seen_more: bool) -> Asked<Answer> {
        let journal = match &mut request {
            Request::Join(join) => join.journal,
            Request::Enter(enter) => enter.journal,
            Request::Push(push) => {
                let (version, chain) = (self.value.version, self.value.chain);
                let version = if has_seen_more { Version(u64::MAX) } else { version };
                push.seen = Seen { version, chain };
                push.journal
            }
            Request::Shares(_) => JournalId(Bin([0; 16])),
        };
        self.ask(By::Journal(journal), |machine| match request {
            Request::Join(join) => Answer::Join(machine.handle_join(join)),
            Request::Enter(enter) => Answer::Enter(machine.handle_enter(&enter)),
            Request::Push(push) => Answer::Push(machine.handle_push(push)),
            Request::Shares(asked) => Answer::Shares(machine.handle_shares(&asked)),
        })
    }
}

/// The law that one change of the log has broken.
fn changed(before: &Boss, after: &Boss, by: By) -> Option<Broken> {
    match by {
        By::Journal(journal) if before.journal(journal).is_some_and(|it| it.sealed) => {
            return Some(Broken::Sealed);
        }
        By::Slow => return Some(Broken::Slow),
        By::Journal(_) | By::Executor => {}
    }
    before.lives().find_map(|(generation, life)| {
        let now = after.life(generation)?;
        let shrunk = life.entered.keys().any(|it| now.applied(*it) < life.applied(*it));
        let is_closed = life.status.is_closed();
        let reopened = is_closed && (now.counted != life.counted || now.status < life.status);
        let settled = &life.settlement;
        let settled_again = (!settled.credits.is_empty()
            && settled.credits != now.settlement.credits)
            || (!settled.grants.is_empty() && settled.grants != now.settlement.grants);
        match () {
            () if shrunk => Some(Broken::Shrunk),
            () if reopened || settled_again => Some(Broken::Closed),
            () => None,
        }
    })
}
