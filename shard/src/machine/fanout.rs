//! Hop 13, fan-out: the truth becomes one state frame per tick, for everybody.

use protocol::limits::RECKON_MS_MAX;
use protocol::mutants::{self, Mutant};
use protocol::{Micros, State, Status, Tick, Truth};
use std::collections::VecDeque;

/// What the shard knows of the truth, and how it changed lately.
#[derive(Debug)]
pub(super) struct Fanout {
    truth: Truth,
    /// The latest status of its generation that players may be told. What was stable stays so: an
    /// authority that has lost the wait by which this was known has not lost the step itself.
    announced: Status,
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
        let announced = truth.announced();
        Self { truth, announced, asked, recent: VecDeque::from([(asked, truth.damage)]) }
    }

    pub(super) fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The latest status of the truth's generation that players may be told.
    pub(super) fn announced(&self) -> Status {
        self.announced
    }

    /// Takes the newest answer for the truth, whatever its version: an authority that was rolled
    /// back is still the authority.
    pub(super) fn learn(&mut self, truth: Truth, asked: Micros) {
        if mutants::is(Mutant::OlderTruthIgnored) && truth.version < self.truth.version {
            return;
        }
        if truth.generation != self.truth.generation || truth.damage < self.truth.damage {
            self.recent.clear();
        }
        self.recent.push_back((asked, truth.damage));
        // Two make a rate, however far apart they are: a tick may be as wide as the window.
        while self.recent.len() > RATE_POINTS_MAX
            || self.recent.len() > 2 && asked.since(self.recent[0].0) > RATE_WINDOW
        {
            self.recent.pop_front();
        }
        let is_there = truth.generation == self.truth.generation && truth.status >= self.announced;
        let before = if is_there { self.announced } else { Status::Alive };
        self.announced = before.max(truth.announced());
        (self.truth, self.asked) = (truth, asked);
    }

    /// The frame of this tick, which lasts `tick_ms`. `uncounted` is damage admitted here that the
    /// truth lacks; every hit accepted up to `counted` is in the truth.
    pub(super) fn state(
        &self,
        now: Micros,
        (tick, tick_ms): (Tick, u16),
        counted: Tick,
        uncounted: u64,
    ) -> State {
        let (truth, age_ms) = (&self.truth, now.since(self.asked).as_millis());
        // As a client, who reckons no longer from one state.
        let rate = if age_ms > RECKON_MS_MAX { 0 } else { self.rate() };
        State {
            tick,
            version: truth.version,
            generation: truth.generation,
            // Admission knows better: it takes nothing more as soon as the boss has fallen.
            status: self.announced,
            phase: truth.phase,
            hp_max: truth.hp_max,
            hp: truth.hp(),
            predicted: truth.hp().saturating_sub(uncounted),
            rate,
            age_ms,
            counted,
            players: truth.players,
            tick_ms,
        }
    }

    fn rate(&self) -> u64 {
        let (Some(first), Some(last)) = (self.recent.front(), self.recent.back()) else {
            return 0;
        };
        let micros = u128::from(last.0.since(first.0).0);
        let damage = u128::from(last.1 - first.1) * 1_000_000;
        let rate = damage.checked_div(micros).unwrap_or(0).min(ucore::INT_MAX.into());
        u64::try_from(rate).unwrap_or(ucore::INT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Gen;
    use ucore::{Chain, Version};

    fn truth(generation: u32, status: Status, waited: u32) -> Truth {
        let (version, chain) = (Version(1), Chain::START);
        let generation = Gen(generation);
        let (hp_max, damage, phase, players) = (100, 100, 0, 0);
        Truth { version, chain, generation, hp_max, damage, status, phase, players, waited }
    }

    #[test]
    fn what_players_were_told_of_a_fallen_boss_stays_when_a_wait_is_lost() {
        let now = Micros(0);
        let mut fanout = Fanout::new(truth(1, Status::Defeated, 0), now);
        let mut told = |truth| {
            fanout.learn(truth, now);
            fanout.state(now, (Tick(1), 100), Tick(1), 0).status
        };
        assert_eq!(told(truth(1, Status::Collecting, 0)), Status::Defeated);
        assert_eq!(told(truth(1, Status::Collecting, 1)), Status::Collecting);
        assert_eq!(told(truth(1, Status::Collecting, 0)), Status::Collecting, "rolled back");
        assert_eq!(told(truth(1, Status::Alive, 0)), Status::Alive, "from an old backup");
        assert_eq!(told(truth(2, Status::Alive, 0)), Status::Alive);
        assert_eq!(told(truth(1, Status::Rewarded, 1)), Status::Rewarded, "a lost beginning");
    }

    #[test]
    fn a_rate_is_known_at_the_widest_tick_too_and_not_of_a_truth_that_is_old() {
        let hurt = |damage| Truth { damage, hp_max: 1_000, ..truth(1, Status::Alive, 0) };
        let at = Micros::from_millis;
        let mut fanout = Fanout::new(hurt(100), at(0));
        fanout.learn(hurt(300), at(1_000));
        fanout.learn(hurt(400), at(2_100));
        let rate = |fanout: &Fanout, ms| fanout.state(at(ms), (Tick(1), 1_000), Tick(1), 0).rate;
        assert_eq!([2_100, 3_600, 3_601].map(|ms| rate(&fanout, ms)), [90, 90, 0]);
        fanout.learn(hurt(400), at(62_100));
        assert_eq!(rate(&fanout, 62_100), 0);
    }
}
