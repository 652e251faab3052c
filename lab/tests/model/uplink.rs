//! A shard's uplink, told once more: the rules of `shard/src/machine/uplink.rs` as a plain value
//! that can be copied and compared. `lockstep.rs` holds it to the real ones.

use crate::properties::Broken;
use protocol::{
    BossId, Enter, EnterAnswer, Gen, Interval, Join, JoinAnswer, JournalId, LateLine, Push,
    PushAnswer, Seen, Status, Truth, Verdict,
};
use shard::machine::{Answer, Journal, Request, ResendFrom};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use ucore::{Chain, Version};

/// What matters of a truth that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) generation: Gen,
    pub(crate) status: Status,
    /// What players may be told.
    pub(crate) announced: Status,
    /// The replica that has fallen behind lacks it.
    pub(crate) ahead: bool,
    /// The authority was rolled back to before it.
    pub(crate) lost: bool,
}

impl From<Truth> for View {
    fn from(truth: Truth) -> Self {
        let (generation, status) = (truth.generation, truth.status);
        let announced = truth.announced();
        Self { generation, status, announced, ahead: false, lost: false }
    }
}

impl View {
    /// What a shard decides by. What comes after closed books is all the same to it.
    pub(crate) fn at(self) -> (Gen, Status) {
        (self.generation, self.status.min(Status::Closed))
    }
}

impl Hash for View {
    fn hash<H: Hasher>(&self, to: &mut H) {
        (self.at(), self.ahead, self.lost).hash(to);
    }
}

/// What an answer has to be understood by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Sent {
    pub(crate) generation: Gen,
    to: u64,
    last: bool,
}

/// What a running shard knows of the authority, and of what it knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Uplink {
    pub(crate) view: View,
    entered: Option<Gen>,
    unknown: bool,
    from: ResendFrom,
    answered: BTreeMap<Gen, u64>,
    finished: BTreeMap<Gen, Gen>,
    joined: Gen,
    newest_over: Gen,
    refused: BTreeSet<Gen>,
    /// Late damage of the journals before this one.
    late_before: BTreeMap<Gen, u64>,
}

/// What else an answer does to its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// Hits may be admitted in a generation.
    Open(Gen),
    /// The player's damage that came late.
    Late(BTreeMap<Gen, u64>),
    /// Another process took over.
    Fenced,
    /// A law was broken.
    Broken(Broken),
}

impl Uplink {
    pub(crate) fn new(view: View) -> Self {
        Self {
            view,
            entered: None,
            unknown: false,
            from: ResendFrom::new(),
            answered: BTreeMap::new(),
            finished: BTreeMap::new(),
            joined: view.generation,
            newest_over: Gen(0),
            refused: BTreeSet::new(),
            late_before: BTreeMap::new(),
        }
    }

    /// Whether hits are admitted.
    pub(crate) fn admits(&self) -> bool {
        let generation = self.view.generation;
        let open = self.has_entered(generation) && !self.refused.contains(&generation);
        open && self.view.status == Status::Alive
    }

    fn has_entered(&self, generation: Gen) -> bool {
        self.entered == Some(generation) && !self.unknown
    }

    pub(crate) fn answered(&self, generation: Gen) -> u64 {
        self.answered.get(&generation).copied().unwrap_or(0)
    }

    /// The next request.
    pub(crate) fn request(&self, journal: &Journal) -> (Sent, Request) {
        let (boss, id, generation) = (journal.boss, journal.id, self.view.generation);
        let nothing = Sent { generation, to: 0, last: false };
        if self.unknown {
            let (shard, lineage) = (journal.shard, journal.lineage(&self.from));
            return (nothing, Request::Join(Join { boss, journal: id, shard, lineage }));
        }
        let owed = !self.view.status.is_closed() && journal.books.contains_key(&generation);
        if !self.has_entered(generation) && (self.view.status == Status::Alive || owed) {
            return (nothing, Request::Enter(Enter { boss, journal: id, generation }));
        }
        let (generation, last) = self.subject(journal);
        let interval = journal.interval(generation, self.answered(generation));
        let sent = Sent { generation, to: interval.to, last };
        (sent, Request::Push(push(boss, id, interval, last)))
    }

    fn subject(&self, journal: &Journal) -> (Gen, bool) {
        let now = self.view.generation;
        let over = if self.view.status >= Status::Collecting { now.next() } else { now };
        let mut ended = journal.books.keys().filter(|generation| **generation < over);
        let open = ended.find(|generation| {
            !self.finished.contains_key(generation) && !self.refused.contains(generation)
        });
        open.map_or((now, false), |generation| (*generation, true))
    }

    /// Takes an answer.
    pub(crate) fn take(
        &mut self,
        sent: Sent,
        answer: &Answer,
        view: Option<View>,
        total: u64,
    ) -> Effect {
        let effect = match answer {
            Answer::Join(JoinAnswer::Joined { late, .. }) => {
                self.unknown = false;
                self.from.clear();
                self.begin_again();
                self.answered.values_mut().for_each(|answered| *answered = 0);
                Effect::Late(self.learn_late_before(late))
            }
            Answer::Join(JoinAnswer::Gap { journal, generation, applied }) => {
                self.from.insert((*journal, *generation), *applied);
                Effect::None
            }
            Answer::Join(JoinAnswer::Ahead) | Answer::Enter(EnterAnswer::TooLate { .. }) => {
                Effect::None
            }
            Answer::Enter(EnterAnswer::Entered { .. }) => {
                self.entered = Some(sent.generation);
                Effect::Open(sent.generation)
            }
            Answer::Enter(EnterAnswer::Unknown) => {
                self.unknown = true;
                Effect::None
            }
            Answer::Push(answer) => {
                self.learn(sent, answer);
                match answer.verdict {
                    Verdict::Fenced => Effect::Fenced,
                    Verdict::Refused => Effect::Broken(Broken::Refused),
                    Verdict::Counted
                    | Verdict::Duplicate
                    | Verdict::Gap
                    | Verdict::Closed
                    | Verdict::NotEntered
                    | Verdict::Unknown => {
                        if answer.applied > total {
                            Effect::Broken(Broken::Foreign)
                        } else {
                            Effect::Late(self.late(sent.generation, answer))
                        }
                    }
                }
            }
            Answer::Enter(EnterAnswer::Fenced) | Answer::Join(JoinAnswer::Fenced) => Effect::Fenced,
            Answer::Join(JoinAnswer::Refused | JoinAnswer::Full) | Answer::Shares(_) => {
                Effect::Broken(Broken::Refused)
            }
        };
        if let Some(view) = view {
            let (ahead, lost) = (self.view.ahead, self.view.lost);
            self.view = view;
            // An entering does not tell whether the authority was rolled back.
            if matches!(answer, Answer::Enter(_)) {
                (self.view.ahead, self.view.lost) = (ahead, lost);
            }
            if matches!(answer, Answer::Join(_)) {
                self.joined = view.generation;
            }
        }
        let outlived = self.view.generation <= self.newest_over && effect != Effect::Fenced;
        if outlived { Effect::Broken(Broken::Outlived) } else { effect }
    }

    fn learn(&mut self, sent: Sent, answer: &PushAnswer) {
        if answer.rolled_back {
            self.begin_again();
        }
        let generation = sent.generation;
        let now = answer.truth.generation;
        if is_unstable(generation, answer) {
            return;
        }
        match answer.verdict {
            Verdict::Counted | Verdict::Duplicate => {
                self.answered.insert(generation, answer.applied);
                if sent.last && answer.applied >= sent.to {
                    self.finished.insert(generation, now);
                }
            }
            Verdict::Gap => {
                self.answered.insert(generation, answer.applied);
            }
            Verdict::Closed => {
                self.answered.insert(generation, answer.applied.max(sent.to));
                if sent.last {
                    self.finished.insert(generation, now);
                }
            }
            Verdict::NotEntered if self.entered == Some(generation) => self.entered = None,
            Verdict::Unknown => self.unknown = true,
            Verdict::Refused if !answer.rolled_back => {
                self.refused.insert(generation);
            }
            Verdict::Refused | Verdict::NotEntered | Verdict::Fenced => {}
        }
    }

    /// Takes note of late damage of the journals before this one.
    pub(crate) fn learn_late_before(&mut self, late: &[LateLine]) -> BTreeMap<Gen, u64> {
        self.late_before.clear();
        for LateLine { generation, line } in late {
            *self.late_before.entry(*generation).or_default() += line.total;
        }
        self.late_before.clone()
    }

    /// Late damage of this journal, on top of that.
    fn late(&self, generation: Gen, answer: &PushAnswer) -> BTreeMap<Gen, u64> {
        let before = self.late_before.get(&generation).copied().unwrap_or(0);
        let told = answer.late.iter().filter(|_| !is_unstable(generation, answer));
        told.map(|line| (generation, before + line.total)).collect()
    }

    fn begin_again(&mut self) {
        self.entered = None;
        self.finished.clear();
        self.refused.clear();
    }

    /// Generations that are over and need no more than to be forgotten.
    pub(crate) fn over(&self, journal: &Journal) -> Vec<Gen> {
        let current = self.view.generation;
        let ancestors = journal.ancestors.iter().flat_map(|ancestor| ancestor.books.keys());
        let known: BTreeSet<Gen> = journal.books.keys().chain(ancestors).copied().collect();
        let done = |generation: &Gen| {
            let said = self.finished.get(generation).is_some_and(|said| said.next() < current);
            let silent = !journal.books.contains_key(generation);
            *generation < current && (said || silent && self.joined.next() < current)
        };
        known.into_iter().filter(done).collect()
    }

    /// A generation's book is gone from the disk.
    pub(crate) fn forget(&mut self, generation: Gen) {
        self.answered.remove(&generation);
        self.finished.remove(&generation);
        self.newest_over = self.newest_over.max(generation);
    }
}

/// Whether an answer rests on closed books that a fail-over may still open again.
fn is_unstable(generation: Gen, answer: &PushAnswer) -> bool {
    let truth = &answer.truth;
    let is_current = truth.generation == generation && truth.announced() < Status::Closed;
    answer.verdict == Verdict::Closed && is_current
}

/// A push; what it has seen is filled in when it arrives.
fn push(boss: BossId, journal: JournalId, interval: Interval, last: bool) -> Push {
    let seen = Seen { version: Version(0), chain: Chain::START };
    Push { boss, journal, interval, last, online: 0, seen, standings: 0 }
}
