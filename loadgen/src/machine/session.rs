//! One session of a bot: the hits that wait for an answer, and for the truth.

use super::books::Books;
use super::event::Event;
use protocol::{Ack, Gen, Hit, InputSeq, Micros, Spoils, State, Tally, Tick, Token, Welcome};
use std::collections::VecDeque;

/// Accepted hits that wait for the truth. More are accepted, but not measured.
const UNCOUNTED_MAX: usize = 1_024;

/// Ticks from the state that shows a hit counted, or late, to the acknowledgement that says that it
/// was late: one to make it durable, and one to spare.
const QUIET_TICKS: u64 = 2;

/// Ticks of a generation, seen on one connection, after which the player must have been told its
/// share of the generation before: a shard asks for it again and again, at most 5 s apart.
const SHARE_TICKS: u64 = 99;

/// Where a session puts what happened.
pub(super) type Events = VecDeque<Event>;

/// A hit that waits for its answer.
#[derive(Debug, Clone, Copy)]
struct Pending {
    hit: Hit,
    planned: Micros,
    damage_max: u64,
}

/// At `now` all hits up to `seq` are answered, the accepted ones durable in `tick`.
#[derive(Debug, Clone, Copy)]
struct Answer {
    now: Micros,
    tick: Tick,
    seq: InputSeq,
}

/// By how much the tallies grew, and what can account for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Growth {
    pub(super) hits: u64,
    pub(super) damage: u64,
    /// Hits that were answered now, and may have been accepted.
    pub(super) answered: u64,
    /// The most damage that these can have done.
    pub(super) damage_max: u64,
}

impl Growth {
    fn of(self, (answered, damage_max): (u64, u64)) -> Self {
        Self { answered, damage_max, ..self }
    }
}

/// A session from its first Welcome until a shard no longer knows it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) token: Token,
    books: Books,
    /// The last input sequence given out.
    seq: InputSeq,
    /// Unanswered hits in order. The bot bounds them.
    pending: VecDeque<Pending>,
    /// How many of them, from the front, left on the current connection.
    left: usize,
    /// The last answered input sequence, and the last hit that was answered.
    answered: InputSeq,
    last_answered: Option<Hit>,
    /// (tick of the acknowledgement, planned time) of accepted hits.
    uncounted: VecDeque<(Tick, Micros)>,
    /// The tick of the newest acknowledgement, and the tick up to which the truth counts.
    acked: Tick,
    counted: Tick,
    /// The tick of the newest state, and of the first one since the truth counts everything.
    tick: Tick,
    quiet_since: Option<Tick>,
    /// The generation on the current connection, and when the share of the one before is due.
    share_due: (Gen, Option<Tick>),
    /// (tick, damage) of accepted hits of the generation that the newest state may not count, as
    /// far as it is known in which tick they were accepted.
    own: VecDeque<(Tick, u64)>,
}

impl Session {
    pub(super) fn new(welcome: &Welcome) -> Self {
        Self {
            token: welcome.session,
            books: Books::new(welcome.player),
            seq: welcome.seq,
            pending: VecDeque::new(),
            left: 0,
            answered: welcome.seq,
            last_answered: None,
            uncounted: VecDeque::new(),
            acked: Tick(0),
            counted: Tick(0),
            tick: Tick(0),
            quiet_since: None,
            share_due: (Gen(0), None),
            own: VecDeque::new(),
        }
    }

    pub(super) fn books(&self) -> &Books {
        &self.books
    }

    pub(super) fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The last input sequence given out.
    pub(super) fn seq(&self) -> InputSeq {
        self.seq
    }

    /// The newest hit that was answered.
    pub(super) fn last_answered(&self) -> Option<Hit> {
        self.last_answered
    }

    /// Whether every hit is answered, every accepted one counted by the truth, and what of it was
    /// late had the time to be told.
    pub(super) fn is_drained(&self) -> bool {
        let is_quiet = |since: Tick| self.tick.0 >= since.0 + QUIET_TICKS;
        self.pending.is_empty() && self.quiet_since.is_some_and(is_quiet)
    }

    /// The next hit that has to leave again.
    pub(super) fn resend(&self) -> Option<Hit> {
        self.pending.get(self.left).map(|pending| pending.hit)
    }

    /// Notes that the hit of [`Self::resend`] left.
    pub(super) fn note_resent(&mut self) {
        self.left = (self.left + 1).min(self.pending.len());
    }

    /// Numbers a new hit and notes that it left.
    pub(super) fn send(&mut self, planned: Micros, damage_max: u64, mut hit: Hit) -> Hit {
        // A shard that has answered the last one gets it again, and has been reported.
        self.seq = InputSeq(self.seq.0.saturating_add(1));
        hit.seq = self.seq;
        self.pending.push_back(Pending { hit, planned, damage_max });
        self.left = self.pending.len();
        self.books.sent += 1;
        hit
    }

    /// The session goes on in another connection: what is still unanswered leaves again.
    pub(super) fn handle_welcome(
        &mut self,
        now: Micros,
        welcome: &Welcome,
        events: &mut Events,
    ) -> Growth {
        if welcome.player != self.books.player {
            events.push_back(Event::Fault("a resumed session has another player".to_owned()));
        }
        (self.left, self.quiet_since, self.share_due) = (0, None, (Gen(0), None));
        // A shard whose disk is older than before has not answered what came later.
        self.last_answered = self.last_answered.filter(|hit| hit.seq <= welcome.seq);
        self.own.clear();
        // A shard whose disk is older than before knows nothing of later ticks: what was accepted
        // in them is taken back, and the truth will not count it.
        if welcome.tick < self.acked {
            events.push_back(Event::Fault("the ticks of a shard went back".to_owned()));
            self.acked = welcome.tick;
        }
        self.uncounted.retain(|(tick, _)| *tick <= welcome.tick);
        let growth = self.learn(&welcome.tallies, events);
        // Which of the answered hits were refused is not told again, only how many.
        let mut accepted = growth.hits;
        let answer = Answer { now, tick: welcome.tick, seq: welcome.seq };
        let answered = self.answer(answer, events, |_| {
            let counts = accepted > 0;
            accepted = accepted.saturating_sub(1);
            counts
        });
        growth.of(answered)
    }

    pub(super) fn handle_ack(&mut self, now: Micros, ack: &Ack, events: &mut Events) -> Growth {
        self.note_own(ack);
        let growth = self.learn(&ack.tallies, events);
        let refusals = ack.refused.iter();
        events.extend(refusals.map(|refusal| Event::Refused(refusal.reason)));
        let answer = Answer { now, tick: ack.tick, seq: ack.seq };
        let is_accepted = |seq| !ack.refused.iter().any(|refusal| refusal.seq == seq);
        let answered = self.answer(answer, events, is_accepted);
        if self.books.accepted() > self.books.answered {
            events.push_back(Event::Fault("more hits were accepted than answered".to_owned()));
        }
        growth.of(answered)
    }

    /// Notes what the player's bar subtracts by itself from now on, until the truth counts it.
    fn note_own(&mut self, ack: &Ack) {
        let generation = self.share_due.0;
        let Some(tally) = ack.tallies.iter().find(|tally| tally.generation == generation) else {
            return;
        };
        let before = self.books.tallies.get(&generation).map_or(0, |tally| tally.damage);
        let is_known = !ack.folded && tally.damage > before && ack.tick > self.counted;
        if is_known && self.own.len() < UNCOUNTED_MAX {
            self.own.push_back((ack.tick, tally.damage - before));
        }
    }

    /// (tick, damage) of own accepted hits that a state does not count, as far as it is known.
    pub(super) fn own_lacking(&self, base: &State) -> Vec<(Tick, u64)> {
        self.own.iter().copied().filter(|(tick, _)| *tick > base.counted).collect()
    }

    fn learn(&mut self, tallies: &[Tally], events: &mut Events) -> Growth {
        let (hits, damage) = (self.books.accepted(), self.books.damage());
        for tally in tallies {
            if self.books.learn(*tally).is_err() {
                let text = "a session that goes on lost accepted hits";
                events.push_back(Event::Fault(text.to_owned()));
            }
        }
        Growth {
            hits: self.books.accepted().saturating_sub(hits),
            damage: self.books.damage().saturating_sub(damage),
            ..Growth::default()
        }
    }

    pub(super) fn handle_spoils(&mut self, spoils: Spoils, events: &mut Events) {
        if self.books.win(spoils).is_err() {
            let text = "a player was told two different shares of one boss, or another one's";
            events.push_back(Event::Fault(text.to_owned()));
        }
    }

    /// Takes the hits that are answered out of the pending ones. Answers how many of them were
    /// accepted, and the most damage that all of them can have done.
    fn answer(
        &mut self,
        answer: Answer,
        events: &mut Events,
        mut is_accepted: impl FnMut(InputSeq) -> bool,
    ) -> (u64, u64) {
        let (mut accepted, mut damage_max) = (0, 0_u64);
        let Answer { now, tick, seq } = answer;
        if seq > self.seq {
            events.push_back(Event::Fault("a hit was answered that never left".to_owned()));
            self.seq = seq;
        }
        if seq < self.answered {
            events.push_back(Event::Fault("an answered hit is unanswered again".to_owned()));
        }
        self.answered = self.answered.max(seq);
        while let Some(pending) = self.pending.front().filter(|front| front.hit.seq <= seq) {
            let (seq, planned) = (pending.hit.seq, pending.planned);
            damage_max = damage_max.saturating_add(pending.damage_max);
            self.last_answered = Some(pending.hit);
            self.pending.pop_front();
            self.left = self.left.saturating_sub(1);
            self.books.answered += 1;
            self.acked = self.acked.max(tick);
            self.quiet_since = None;
            events.push_back(Event::Answered { planned, at: now });
            if !is_accepted(seq) {
                continue;
            }
            accepted += 1;
            if self.uncounted.len() < UNCOUNTED_MAX {
                self.uncounted.push_back((tick, planned));
            } else {
                let text = "an accepted hit waited too long for the truth to be measured";
                events.push_back(Event::Trouble(text.to_owned()));
            }
        }
        (accepted, damage_max)
    }

    /// The truth moved on.
    pub(super) fn handle_state(&mut self, now: Micros, state: &State, events: &mut Events) {
        (self.tick, self.counted) = (state.tick, state.counted);
        let generation = state.generation;
        if self.share_due.0 != generation {
            let due = Tick(state.tick.0.saturating_add(SHARE_TICKS));
            self.share_due = (generation, Some(due));
            self.own.clear();
        }
        if self.share_due.1.take_if(|due| *due <= state.tick).is_some() {
            self.books.expect_share(Gen(generation.0.saturating_sub(1)));
        }
        self.own.retain(|(tick, _)| *tick > state.counted);
        if self.acked <= self.counted {
            self.quiet_since.get_or_insert(state.tick);
        } else {
            self.quiet_since = None;
        }
        let version = state.version.0;
        let is_counted = |(tick, _): &&(Tick, Micros)| *tick <= state.counted;
        while let Some((_, planned)) = self.uncounted.front().filter(is_counted).copied() {
            self.uncounted.pop_front();
            events.push_back(Event::Counted { planned, at: now, version });
        }
    }

    /// The session is over: what is unanswered now stays so.
    pub(super) fn close(mut self) -> Books {
        for pending in self.pending {
            self.books.give_up(pending.hit.generation, pending.damage_max);
        }
        self.books
    }
}
