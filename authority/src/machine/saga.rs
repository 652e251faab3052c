//! The settlement saga: what an executor asks of an authority, so that a fallen boss comes to its
//! end, step by stable step.
//!
//! Everything that is done stands in the log, so a saga that dies is continued by any other, and of
//! many that run at once one reigns. Source: "Sagas" (Garcia-Molina and Salem, 1987); the fencing
//! of old terms is that of Chubby (Burrows, 2006).

use super::Machine;
use protocol::mutants::{self, Mutant};
use protocol::{
    BossId, ExecutorId, JournalId, Micros, Missing, Progress, Reign, Settle, SettleAnswer,
    SettleStep, SettleVerdict, Stage, Status, Term, Truth,
};
use std::collections::BTreeMap;

/// From one poll to the next, and how long one wait is.
const POLL: Micros = Micros::from_millis(1_000);
/// A poll that comes later than this after the one before shows nothing about who was silent.
const GAP: Micros = Micros::from_millis(3_000);
/// Polls without a sign of whoever reigns after which an executor usually takes the next term.
pub const PATIENCE: u32 = 3;
/// Polls in a row that did not hear of a journal after which it is suspect.
const SUSPECT_POLLS: u32 = 5;

/// One executor's saga of one boss. It has one request under way at a time.
#[derive(Debug)]
pub struct Saga {
    boss: BossId,
    executor: ExecutorId,
    /// Polls without a sign of whoever reigns after which it takes the next term.
    patience: u32,
    /// The newest term, and what shows that its executor is at work.
    seen: Option<(Term, Sign)>,
    /// Its polls since that has changed by another's hand.
    still: u32,
    silent: BTreeMap<JournalId, Silence>,
    next_poll: Micros,
    last_poll: Option<Micros>,
    step: Option<Settle>,
    is_waiting: bool,
}

/// What changes once a second where an executor is at work: its polls while the boss is alive, the
/// stage when it is not. Who polls, and can't or won't take a step, is no executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sign {
    polls: u64,
    stage: Stage,
}

impl Sign {
    fn new(polls: u64, truth: &Truth) -> Self {
        let polls = if truth.status == Status::Alive { polls } else { 0 };
        Self { polls, stage: truth.stage() }
    }
}

/// A journal that has not said all.
#[derive(Debug, Clone, Copy)]
struct Silence {
    heard: u64,
    polls: u32,
}

impl Silence {
    fn is_suspect(self) -> bool {
        self.polls >= SUSPECT_POLLS
    }
}

/// What a saga asks. Followed by [`Saga::handle_answer`] or [`Saga::handle_no_answer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SagaRequest {
    /// A poll.
    Reign(Reign),
    /// A step.
    Settle(Settle),
}

/// The answer to a [`SagaRequest`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SagaAnswer {
    /// To [`SagaRequest::Reign`].
    Reign(Progress),
    /// To [`SagaRequest::Settle`].
    Settle(SettleAnswer),
}

impl Saga {
    /// The saga of an executor that nobody else is. It takes the next term after `patience` polls,
    /// one a second, without a sign of whoever has the newest one.
    #[must_use]
    pub fn new(boss: BossId, executor: ExecutorId, patience: u32) -> Self {
        Self {
            boss,
            executor,
            patience,
            seen: None,
            still: 0,
            silent: BTreeMap::new(),
            next_poll: Micros(0),
            last_poll: None,
            step: None,
            is_waiting: false,
        }
    }

    /// The same, without patience for whoever reigned before it.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { still: self.patience, ..self }
    }

    /// Whether this executor reigned when it asked last.
    #[must_use]
    pub fn reigns(&self) -> bool {
        self.seen.is_some_and(|(term, _)| term.is_of(self.executor))
    }

    /// The next request, if one is due.
    pub fn poll_request(&mut self, now: Micros) -> Option<SagaRequest> {
        if self.is_waiting {
            return None;
        }
        let request = match self.step.take() {
            Some(step) => SagaRequest::Settle(step),
            None if now < self.next_poll => return None,
            None => SagaRequest::Reign(self.poll()),
        };
        self.is_waiting = true;
        Some(request)
    }

    fn poll(&self) -> Reign {
        let number = self.seen.map(|(term, _)| term.number);
        let supersedes = number.filter(|_| !self.reigns() && self.still >= self.patience);
        let suspects = self.silent.iter().filter(|(_, silence)| silence.is_suspect());
        let suspects = suspects.map(|(journal, _)| *journal).collect();
        Reign { boss: self.boss, executor: self.executor, supersedes, suspects }
    }

    /// When [`Self::poll_request`] has the next one, if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Micros {
        self.next_poll
    }

    /// Something newer than its own polls was seen elsewhere. As long as another one is at work, it
    /// need not poll itself; when the boss has fallen, there is something to do at once.
    pub fn handle_sighting(&mut self, now: Micros, polls: u64, truth: &Truth) {
        let sign = Sign::new(polls, truth);
        let reigns = self.reigns();
        let Some((_, seen)) = self.seen.as_mut().filter(|(_, seen)| *seen != sign) else { return };
        if !reigns {
            *seen = sign;
            self.still = 0;
            self.next_poll = now + POLL;
        } else if truth.status == Status::Defeated {
            self.next_poll = self.next_poll.min(now);
        }
    }

    /// Takes an answer. After a step, the next one that need not wait is due at once.
    pub fn handle_answer(&mut self, now: Micros, answer: &SagaAnswer) {
        self.is_waiting = false;
        match answer {
            SagaAnswer::Reign(progress) => {
                self.next_poll = now + POLL;
                self.learn(progress);
                self.listen(now, progress);
                self.step = self.decide(progress);
            }
            SagaAnswer::Settle(SettleAnswer { verdict, progress }) => {
                self.learn(progress);
                let goes_on = *verdict == SettleVerdict::Done;
                self.step =
                    self.decide(progress).filter(|it| goes_on && it.step != SettleStep::Wait);
            }
        }
        if !self.reigns() && self.still >= self.patience {
            self.next_poll = now;
        }
    }

    /// Nobody knows what became of a request. The next poll shows it.
    pub fn handle_no_answer(&mut self, now: Micros) {
        self.is_waiting = false;
        self.next_poll = now + POLL;
        self.silent.clear();
    }

    /// Asks a machine in the same thread, until nothing more is due now.
    pub fn drive(&mut self, now: Micros, machine: &mut Machine) {
        while let Some(request) = self.poll_request(now) {
            let answer = match request {
                SagaRequest::Reign(reign) => SagaAnswer::Reign(machine.handle_reign(reign)),
                SagaRequest::Settle(settle) => SagaAnswer::Settle(machine.handle_settle(settle)),
            };
            self.handle_answer(now, &answer);
        }
    }

    fn learn(&mut self, progress: &Progress) {
        let seen = (progress.term, Sign::new(progress.polls, &progress.truth));
        match self.seen.replace(seen) {
            None => {}
            Some(before) if before == seen => self.still = self.still.saturating_add(1),
            Some(_) => self.still = 0,
        }
    }

    /// Counts the polls that did not hear of a journal.
    fn listen(&mut self, now: Micros, progress: &Progress) {
        let is_late = self.last_poll.is_none_or(|last| now.since(last) > GAP);
        let is_late = is_late && !mutants::is(Mutant::OwnGapCounted);
        self.last_poll = Some(now);
        let before = std::mem::take(&mut self.silent);
        if !self.reigns() {
            return;
        }
        for open in &progress.open {
            let polls = match before.get(&open.journal).filter(|_| !is_late) {
                Some(silence) if silence.heard == open.heard => silence.polls.saturating_add(1),
                Some(_) | None => 0,
            };
            self.silent.insert(open.journal, Silence { heard: open.heard, polls });
        }
    }

    /// What is to be done, if this executor reigns and anything is.
    fn decide(&self, progress: &Progress) -> Option<Settle> {
        let (truth, timing) = (&progress.truth, progress.spec.timing);
        let waits = |seconds: u16| truth.waited < seconds.into();
        let step = match truth.status {
            Status::Alive => return None,
            Status::Defeated => SettleStep::Collect,
            Status::Collecting if waits(timing.collect_s) && self.is_awaited(progress) => {
                SettleStep::Wait
            }
            Status::Collecting => SettleStep::Close,
            Status::Closed => SettleStep::Credit,
            Status::Credited => SettleStep::Reward,
            Status::Rewarded if waits(timing.respawn_s) => SettleStep::Wait,
            Status::Rewarded => SettleStep::Respawn,
        };
        let (boss, term, at) = (self.boss, progress.term, truth.stage());
        self.reigns().then_some(Settle { boss, term, at, step })
    }

    /// Whether somebody may still have something to say that is worth waiting for.
    fn is_awaited(&self, progress: &Progress) -> bool {
        if mutants::is(Mutant::CloseWithoutWaiting) {
            return false;
        }
        let is_suspect = |journal| self.silent.get(&journal).is_some_and(|it| it.is_suspect());
        match progress.spec.missing {
            Missing::Apply => !progress.open.is_empty(),
            Missing::Discard => progress.open.iter().any(|open| !is_suspect(open.journal)),
        }
    }
}
