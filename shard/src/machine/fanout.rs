//! Hop 13, fan-out: the truth becomes one state frame per tick, for everybody.

use protocol::{Micros, State, Tick, Truth};
use std::collections::VecDeque;

/// What the shard knows of the truth, and how it changed lately.
#[derive(Debug)]
pub(super) struct Fanout {
    truth: Truth,
    /// When this truth was asked for: it is at least as new as that.
    asked: Micros,
    /// (time, damage) of the last second, for the rate.
    recent: VecDeque<(Micros, u64)>,
}

/// The rate is measured over about this long.
const RATE_WINDOW: Micros = Micros::from_millis(1_000);
/// Truths remembered for the rate: enough for the window at the shortest tick.
const RATE_POINTS_MAX: usize = 64;

impl Fanout {
    pub(super) fn new(truth: Truth, asked: Micros) -> Self {
        Self { truth, asked, recent: VecDeque::from([(asked, truth.damage)]) }
    }

    pub(super) fn truth(&self) -> &Truth {
        &self.truth
    }

    /// Takes the newest answer for the truth, whatever its version: an authority that was rolled
    /// back is still the authority.
    pub(super) fn learn(&mut self, truth: Truth, asked: Micros) {
        if truth.generation != self.truth.generation || truth.damage < self.truth.damage {
            self.recent.clear();
        }
        self.recent.push_back((asked, truth.damage));
        while self.recent.len() > RATE_POINTS_MAX
            || self.recent.front().is_some_and(|(at, _)| asked.since(*at) > RATE_WINDOW)
        {
            self.recent.pop_front();
        }
        (self.truth, self.asked) = (truth, asked);
    }

    /// The frame of this tick. `uncounted` is damage admitted here that the truth lacks; every hit
    /// accepted up to `counted` is in the truth.
    pub(super) fn state(&self, now: Micros, tick: Tick, counted: Tick, uncounted: u64) -> State {
        let truth = &self.truth;
        State {
            tick,
            version: truth.version,
            generation: truth.generation,
            // Admission knows better: it takes nothing more as soon as the boss has fallen.
            status: truth.announced(),
            phase: truth.phase,
            hp_max: truth.hp_max,
            hp: truth.hp(),
            predicted: truth.hp().saturating_sub(uncounted),
            rate: self.rate(),
            age_ms: now.since(self.asked).as_millis(),
            counted,
            players: truth.players,
        }
    }

    fn rate(&self) -> u64 {
        let (Some(first), Some(last)) = (self.recent.front(), self.recent.back()) else {
            return 0;
        };
        let micros = u128::from(last.0.since(first.0).0);
        let damage = u128::from(last.1 - first.1) * 1_000_000;
        damage.checked_div(micros).and_then(|rate| u64::try_from(rate).ok()).unwrap_or(0)
    }
}
