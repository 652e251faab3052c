//! The rules of hops 8 and 12: what the authority is asked next, and what its answers change.

use super::buffer::Buffer;
use super::journal::{Journal, ResendFrom};
use super::{Machine, Output};
use protocol::limits::TICKS_UNCOUNTED_MAX;
use protocol::mutants::{self, Mutant};
use protocol::{
    Enter, EnterAnswer, Gen, Join, JoinAnswer, LateLine, Micros, PlayerId, Push, PushAnswer, Seen,
    Shares, SharesAnswer, Status, Tick, Truth, Verdict,
};
use score::Backoff;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A request to the authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Opens the journal.
    Join(Join),
    /// Announces that it will damage a generation.
    Enter(Enter),
    /// Pushes an interval, and pulls the truth.
    Push(Push),
    /// Asks what players get of a fallen boss.
    Shares(Shares),
}

/// The authority's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::Join`].
    Join(JoinAnswer),
    /// To [`Request::Enter`].
    Enter(EnterAnswer),
    /// To [`Request::Push`].
    Push(PushAnswer),
    /// To [`Request::Shares`].
    Shares(SharesAnswer),
}

/// What is known of the authority, and of what it knows.
#[derive(Debug)]
pub(super) struct Uplink {
    backoff: Backoff,
    not_before: Micros,
    /// The one request that has no answer yet, and when it was asked.
    in_flight: Option<(Micros, Sent)>,
    /// The generation in which hits may be admitted.
    entered: Option<Gen>,
    /// The authority no longer knows this journal.
    unknown: bool,
    /// The newest position that an answer told which also tells whether it was rolled back. What
    /// comes with another answer would hide that.
    seen: Seen,
    /// What it asked for, to know the line of journals again.
    from: ResendFrom,
    /// What the authority has taken, by generation.
    answered: BTreeMap<Gen, u64>,
    /// Generations of which the authority has everything, and knows it; and the generation in whose
    /// log it said so. Until that one is over, a roll-back may take the last word back.
    finished: BTreeMap<Gen, Gen>,
    /// Ticks whose damage the authority may lack: (tick, generation, total after it).
    uncounted: VecDeque<(Tick, Gen, u64)>,
    /// The first tick of this journal.
    since: Tick,
    /// The generation in whose log it joined.
    joined: Gen,
    /// The newest generation whose book is closed here for good.
    newest_over: Gen,
    /// Books that the authority refuses because they contradict themselves: a bug, or damage.
    refused: BTreeSet<Gen>,
}

/// What an answer has to be understood by.
#[derive(Debug, Clone, Copy)]
struct Sent {
    generation: Gen,
    to: u64,
    last: bool,
}

const BACKOFF_FIRST: Micros = Micros::from_millis(100);
const BACKOFF_MAX: Micros = Micros::from_millis(5_000);

impl Uplink {
    pub(super) fn new(since: Tick, truth: &Truth, seed: u64) -> Self {
        Self {
            backoff: Backoff::new(seed, BACKOFF_FIRST, BACKOFF_MAX),
            not_before: Micros(0),
            in_flight: None,
            entered: None,
            unknown: false,
            seen: truth.seen(),
            from: ResendFrom::new(),
            answered: BTreeMap::new(),
            finished: BTreeMap::new(),
            uncounted: VecDeque::new(),
            since,
            joined: truth.generation,
            newest_over: Gen(0),
            refused: BTreeSet::new(),
        }
    }

    /// Whether hits may be admitted in a generation.
    pub(super) fn has_entered(&self, generation: Gen) -> bool {
        self.entered == Some(generation) && !self.unknown
    }

    /// What the authority has taken of this journal.
    pub(super) fn answered(&self, generation: Gen) -> u64 {
        self.answered.get(&generation).copied().unwrap_or(0)
    }

    /// Notes that a synced tick raised a book's total.
    pub(super) fn note_synced(&mut self, tick: Tick, generation: Gen, total: u64) {
        let merged = if self.uncounted.len() < TICKS_UNCOUNTED_MAX {
            tick
        } else {
            // The last one waits a little longer, in the company of this one.
            self.uncounted.pop_back().map_or(tick, |(last, ..)| last)
        };
        self.uncounted.push_back((merged, generation, total));
    }

    /// The newest tick up to which the truth counts every accepted hit.
    pub(super) fn counted(&self, synced: Tick) -> Tick {
        self.uncounted.front().map_or(synced, |(tick, ..)| Tick(tick.0.saturating_sub(1)))
    }

    /// Generations that are over and need no more than to be forgotten.
    pub(super) fn over(&self, journal: &Journal, buffer: &Buffer, current: Gen) -> Vec<Gen> {
        let done = |generation: &Gen| {
            // One generation more than is needed: the newest one's beginning may be rolled back,
            // and a journal that has forgotten the one before could not go on from there.
            let said = self
                .finished
                .get(generation)
                .is_some_and(|said| said.next() < current || mutants::is(Mutant::BookDroppedEarly));
            let silent = !journal.books.contains_key(generation) && !buffer.has(*generation);
            *generation < current && (said || silent && self.joined.next() < current)
        };
        let ancestors = journal.ancestors.iter().flat_map(|ancestor| ancestor.books.keys());
        let known: BTreeSet<Gen> = journal.books.keys().chain(ancestors).copied().collect();
        known.into_iter().filter(done).collect()
    }

    /// A generation's book is gone from the disk: nothing more will be said of it.
    pub(super) fn forget(&mut self, generation: Gen) {
        self.answered.remove(&generation);
        self.finished.remove(&generation);
        self.newest_over = self.newest_over.max(generation);
    }

    /// Whether the authority was rolled back to a generation whose book is closed here. Under this
    /// journal's id its totals can't begin again: that takes a new journal.
    pub(super) fn is_outlived(&self, current: Gen) -> bool {
        current <= self.newest_over
    }

    fn forget_counted(&mut self) {
        while let Some((_, generation, total)) = self.uncounted.front() {
            let lacks = *total > self.answered(*generation);
            let waits = lacks && !self.finished.contains_key(generation);
            if waits && !mutants::is(Mutant::CountedTooSoon) {
                break;
            }
            self.uncounted.pop_front();
        }
    }

    /// Takes note of what the authority has taken. If it is less than before, ticks that were
    /// counted are not counted any more.
    fn learn_applied(&mut self, generation: Gen, mut applied: u64) {
        if mutants::is(Mutant::AnsweredNeverFalls) {
            applied = applied.max(self.answered(generation));
        }
        let before = self.answered.insert(generation, applied).unwrap_or(0);
        if applied < before {
            self.uncounted.push_front((self.since, generation, before));
        }
    }

    /// The authority has another past than the one that was seen: tell it everything again.
    fn begin_again(&mut self) {
        self.entered = None;
        self.finished.clear();
        self.refused.clear();
    }

    /// Whether the authority refuses what this journal says of a generation.
    pub(super) fn is_refused(&self, generation: Gen) -> bool {
        self.refused.contains(&generation)
    }

    fn learn(&mut self, sent: Sent, answer: &PushAnswer) {
        let generation = sent.generation;
        match answer.verdict {
            Verdict::Counted | Verdict::Duplicate => {
                self.learn_applied(generation, answer.applied);
                if sent.last && answer.applied >= sent.to {
                    self.finished.insert(generation, answer.truth.generation);
                }
            }
            Verdict::Gap => self.learn_applied(generation, answer.applied),
            Verdict::Closed => {
                // A book that the authority has lost takes nothing, not even as late.
                self.learn_applied(generation, answer.applied.max(sent.to));
                if sent.last {
                    self.finished.insert(generation, answer.truth.generation);
                }
            }
            Verdict::NotEntered if self.entered == Some(generation) => self.entered = None,
            Verdict::Unknown => self.unknown = true,
            // What was asked of an authority that has lost something may be right the next time.
            Verdict::Refused if answer.rolled_back => {}
            Verdict::Refused => {
                self.refused.insert(generation);
            }
            Verdict::NotEntered | Verdict::Fenced => {}
        }
        self.forget_counted();
    }
}

/// Whether an answer rests on books that have closed, and that a fail-over may still open again:
/// nobody is told what is late, and it is asked once more.
fn is_unstable(generation: Gen, answer: &PushAnswer) -> bool {
    let truth = &answer.truth;
    let is_current = truth.generation == generation && truth.announced() < Status::Closed;
    answer.verdict == Verdict::Closed && is_current
}

impl Machine {
    /// The next request, if one is due. One is in flight at a time; each must be followed by
    /// [`Machine::handle_answer`] or [`Machine::handle_no_answer`].
    pub fn poll_request(&mut self, now: Micros) -> Option<Request> {
        if self.uplink.in_flight.is_some() || now < self.uplink.not_before {
            return None;
        }
        let (boss, truth) = (self.journal.boss, *self.fanout.truth());
        let (journal, generation) = (self.journal.id, truth.generation);
        let (subject, last) = self.subject(&truth);
        let must_enter = self.must_enter(&truth);
        // Last words, and what lets hits be admitted, are owed; damage alone may wait for a turn.
        let is_owed = self.uplink.unknown || must_enter || last || subject != generation;
        let mut sent = Sent { generation, to: 0, last: false };
        let request = if let Some(shares) = self.poll_shares(now, is_owed) {
            sent.generation = self.settled();
            shares
        } else if self.uplink.unknown {
            let lineage = self.journal.lineage(&self.uplink.from);
            Request::Join(Join { boss, journal, shard: self.journal.shard, lineage })
        } else if must_enter {
            Request::Enter(Enter { boss, journal, generation })
        } else {
            (sent.generation, sent.last) = (subject, last);
            let from = self.uplink.answered(sent.generation);
            let interval = self.journal.interval(sent.generation, from);
            sent.to = interval.to;
            let (online, seen) = (self.sessions.online(), self.uplink.seen);
            Request::Push(Push {
                boss,
                journal,
                interval,
                last: sent.last,
                online,
                seen,
                standings: self.boards.number(),
            })
        };
        self.uplink.in_flight = Some((now, sent));
        Some(request)
    }

    /// Whether hits are to be admitted in the current generation, or have been before the authority
    /// was rolled back.
    fn must_enter(&self, truth: &Truth) -> bool {
        let generation = truth.generation;
        let owed = !truth.status.is_closed() && self.journal.books.contains_key(&generation);
        let owed = owed && !mutants::is(Mutant::EnterForgotten);
        !self.uplink.has_entered(generation) && (truth.status == Status::Alive || owed)
    }

    /// The generation that the next push is about, and whether it is the last one there.
    fn subject(&self, truth: &Truth) -> (Gen, bool) {
        // One that is ahead of the truth ends when the authority has come there again.
        let over = if truth.status >= Status::Collecting {
            truth.generation.next()
        } else {
            truth.generation
        };
        for (generation, book) in &self.journal.books {
            let ended = *generation < over;
            let done = self.uplink.finished.contains_key(generation)
                || self.uplink.is_refused(*generation);
            if ended && !done {
                // Nothing is admitted there any more; what is admitted must be synced first.
                let is_synced = self.buffer.total(*generation) == book.total;
                return (*generation, is_synced || mutants::is(Mutant::LastWordEarly));
            }
        }
        (truth.generation, false)
    }

    /// Takes the answer to the request in flight.
    pub fn handle_answer(&mut self, now: Micros, answer: Answer) {
        let Some((asked, sent)) = self.uplink.in_flight.take() else {
            return;
        };
        match answer {
            Answer::Join(JoinAnswer::Joined { truth, late, .. }) => {
                self.enter_late_before(&late);
                self.uplink.joined = truth.generation;
                self.uplink.seen = truth.seen();
                self.uplink.unknown = false;
                self.uplink.from.clear();
                self.uplink.begin_again();
                for generation in self.uplink.answered.keys().copied().collect::<Vec<_>>() {
                    self.uplink.learn_applied(generation, 0);
                }
                self.fanout.learn(truth, asked);
            }
            Answer::Enter(EnterAnswer::Entered { spec, truth }) => {
                self.fanout.learn(truth, asked);
                self.uplink.entered = Some(sent.generation);
                self.buffer.open(sent.generation);
                self.learn_spec(sent.generation, *spec);
            }
            Answer::Enter(EnterAnswer::TooLate { truth }) => self.fanout.learn(truth, asked),
            Answer::Enter(EnterAnswer::Unknown) => self.uplink.unknown = true,
            Answer::Shares(answer) => self.handle_shares(now, sent.generation, answer),
            Answer::Push(mut answer) => {
                if let Some(standings) = answer.standings.take() {
                    self.boards.learn(standings);
                }
                if answer.rolled_back {
                    self.counts.rollbacks += 1;
                    self.uplink.begin_again();
                }
                self.counts.count_verdict(answer.verdict);
                if is_unstable(sent.generation, &answer) {
                    answer.late.clear();
                } else {
                    self.uplink.learn(sent, &answer);
                }
                self.uplink.seen = answer.truth.seen();
                self.fanout.learn(answer.truth, asked);
                if answer.verdict == Verdict::Fenced {
                    self.fence();
                }
                for line in &answer.late {
                    self.enter_late(sent.generation, line.player, line.total);
                }
                if answer.applied > self.buffer.total(sent.generation) {
                    // It counts what this journal never said: it is not this journal's past.
                    self.abandon("the authority knows more of this journal than its disk does");
                }
                if answer.verdict == Verdict::Refused {
                    return self.back_off(now);
                }
            }
            Answer::Enter(EnterAnswer::Fenced) | Answer::Join(JoinAnswer::Fenced) => self.fence(),
            Answer::Join(JoinAnswer::Gap { journal, generation, applied }) => {
                self.uplink.from.insert((journal, generation), applied);
            }
            Answer::Join(JoinAnswer::Refused | JoinAnswer::Full | JoinAnswer::Ahead) => {
                return self.back_off(now);
            }
        }
        self.uplink.backoff.reset();
        if self.uplink.is_outlived(self.fanout.truth().generation) {
            self.abandon("the authority was rolled back to a generation that was over");
        }
    }

    /// Nobody knows what became of the request in flight. Whatever comes next repairs it.
    pub fn handle_no_answer(&mut self, now: Micros) {
        self.uplink.in_flight = None;
        self.counts.unanswered += 1;
        if !self.settled.handle_no_answer(now) {
            self.back_off(now);
        }
    }

    fn back_off(&mut self, now: Micros) {
        self.uplink.not_before = now + self.uplink.backoff.next_delay();
    }

    /// Another process took over: nothing that this one says counts any more.
    fn fence(&mut self) {
        if !self.ended && !mutants::is(Mutant::FencedGoesOn) {
            self.ended = true;
            self.output.push_back(Output::Fenced);
        }
    }

    /// This journal can't go on; the next one, which joins after it, can.
    fn abandon(&mut self, why: &'static str) {
        if !self.ended {
            self.ended = true;
            self.output.push_back(Output::Abandoned(why));
        }
    }

    /// Takes note of late damage of the journals before this one.
    pub(super) fn enter_late_before(&mut self, late: &[LateLine]) {
        self.late_before.clear();
        for LateLine { generation, line } in late {
            let before = self.late_before.entry((*generation, line.player)).or_default();
            *before = before.saturating_add(line.total);
        }
        for (generation, player) in self.late_before.keys().copied().collect::<Vec<_>>() {
            self.enter_late(generation, player, 0);
        }
    }

    /// Enters a player's damage of this journal that came late, on top of that of the journals
    /// before. Totals only grow: repetitions change nothing.
    fn enter_late(&mut self, generation: Gen, player: PlayerId, late: u64) {
        let before = self.late_before.get(&(generation, player)).copied().unwrap_or(0);
        let late = before.saturating_add(late).min(ucore::INT_MAX);
        self.sessions.report_late(player, generation, late);
    }
}
