//! For hop 13, dead reckoning: whose bar would be wrong without this tick's state.
//!
//! A client reckons from the last state that it has, its base, by the rule of
//! [`State::hp_after`]. The shard knows all states that it made lately, so it knows what each
//! client shows, and sends the next state to those alone who could see a difference.

use protocol::limits::{FRAME_GAP_MS_MAX, RECKONED_TICKS_MAX};
use protocol::mutants::{self, Mutant};
use protocol::{Gen, Micros, State, Tally, Tick};
use std::collections::VecDeque;
use std::sync::Arc;

/// The states of the newest ticks, the oldest first, each one tick after the one before.
#[derive(Debug, Default)]
pub struct Reckoning {
    made: VecDeque<Made>,
}

/// A state, and when it was made: by the clock, as a page reckons, and by the ticks' lengths, in
/// milliseconds, as those reckon who compare ticks. A tick that is late sets them apart.
#[derive(Debug, Clone, Copy)]
struct Made {
    state: State,
    at: Micros,
    ticked_ms: u64,
}

/// For each base, how wrong a client is that does not get this tick's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dues {
    /// In HP, by base tick from the oldest one on: the larger one of the errors now and just before
    /// the next tick. None: the state is due in any case.
    errors: Arc<[Option<u64>]>,
    /// This tick.
    tick: Tick,
    /// This state's.
    counted: Tick,
    /// From this error in HP on, it is due.
    visible: u64,
}

impl Reckoning {
    /// Takes the state of the next tick, and says for whom it is due.
    pub fn learn(&mut self, now: Micros, state: State) -> Dues {
        let last = self.made.back();
        let ticked_ms = last.map_or(0, |last| last.ticked_ms + u64::from(last.state.tick_ms));
        if last.is_some_and(|last| last.state.tick.next() != state.tick) {
            self.made.clear();
        }
        let made = Made { state, at: now, ticked_ms };
        self.made.push_back(made);
        if self.made.len() > RECKONED_TICKS_MAX {
            self.made.pop_front();
        }
        let errors = self.made.iter().map(|base| base.error(&made)).collect();
        Dues { errors, tick: state.tick, counted: state.counted, visible: state.visible() }
    }
}

impl Made {
    /// How wrong a client is with this base, now or until the next tick. None if it can't tell what
    /// has happened, or has waited long enough.
    fn error(&self, now: &Self) -> Option<u64> {
        let (base, state) = (&self.state, &now.state);
        let events = |state: &State| {
            (state.generation, state.status, state.phase, state.hp_max, state.hp == 0)
        };
        let next_ms = u64::from(state.tick_ms);
        let waited = [now.at.since(self.at).as_millis(), now.ticked_ms - self.ticked_ms];
        let is_late = waited.iter().any(|ms| ms + next_ms >= FRAME_GAP_MS_MAX);
        if events(base) != events(state) || base.tick < state.tick && is_late {
            return None;
        }
        let next = state.hp_after(next_ms);
        let errors = waited.iter().map(|ms| {
            base.hp_after(*ms).abs_diff(state.hp).max(base.hp_after(ms + next_ms).abs_diff(next))
        });
        errors.max()
    }
}

impl Dues {
    /// Whether a client needs this state: one that has the state of the tick `shown`, and whose own
    /// accepted damage is `own`.
    #[must_use]
    pub fn is_due(&self, shown: Option<Tick>, own: &Own) -> bool {
        if mutants::is(Mutant::FrameUnsent) {
            return shown.is_none();
        }
        let ago = shown.and_then(|shown| self.tick.0.checked_sub(shown.0));
        let idx = ago.and_then(|ago| (self.errors.len() as u64).checked_sub(ago + 1));
        let error = idx.and_then(|idx| *self.errors.get(usize::try_from(idx).ok()?)?);
        error.is_none_or(|error| error + own.counted_by(self.counted) >= self.visible)
    }

    /// Every hit accepted up to this tick is in this state's HP.
    #[must_use]
    pub fn counted(&self) -> Tick {
        self.counted
    }
}

/// A client's own accepted damage that its base does not count. Its bar subtracts this from the
/// base, so what the truth has counted meanwhile is in its bar twice.
#[derive(Debug, Clone, Copy, Default)]
pub struct Own {
    generation: Gen,
    /// All of the session's damage in that generation, as last told.
    told: u64,
    /// The part that the base may lack, and the ticks from the first to the last one of it.
    lacking: u64,
    first: Tick,
    last: Tick,
}

impl Own {
    /// A session goes on, or begins: what it was told in a Welcome is not subtracted.
    pub fn begin(&mut self, tallies: &[Tally]) {
        let newest = tallies.iter().max_by_key(|tally| tally.generation);
        let (generation, told) =
            newest.map_or((Gen(0), 0), |tally| (tally.generation, tally.damage));
        *self = Self { generation, told, ..Self::default() };
    }

    /// An Ack of this tick tells of more damage.
    pub fn learn(&mut self, tick: Tick, tallies: &[Tally]) {
        for tally in tallies {
            if tally.generation > self.generation {
                *self = Self { generation: tally.generation, ..Self::default() };
            }
            if tally.generation < self.generation || tally.damage <= self.told {
                continue;
            }
            if self.lacking == 0 {
                self.first = tick;
            }
            self.lacking += tally.damage - self.told;
            (self.told, self.last) = (tally.damage, tick);
        }
    }

    /// The client has a newer base.
    pub fn renew(&mut self, counted: Tick) {
        if self.last <= counted {
            self.lacking = 0;
        }
        // How much of it each tick had is not kept: all of it stays until the last one is counted.
        self.first = self.first.max(counted.next());
    }

    /// At most how much of it a state has that counts so far.
    fn counted_by(&self, counted: Tick) -> u64 {
        if self.first <= counted { self.lacking } else { 0 }
    }
}

#[cfg(test)]
#[path = "reckoning_tests.rs"]
mod tests;
