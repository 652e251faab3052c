//! How long a tick is: wider while its work does not fit, and back when it does.
//!
//! A shard that can't keep its pace tells everybody less often instead of everything later.

use protocol::Micros;
use protocol::limits::TICK_MS_MAX;
use protocol::mutants::{self, Mutant};

/// The pace of a shard.
#[derive(Debug)]
pub(super) struct Pace {
    /// What the scenario asks for, in milliseconds.
    usual: u16,
    /// What it is.
    tick_ms: u16,
    /// Ticks in a row whose work did not fit.
    tight: u8,
    /// Ticks in a row whose work left room.
    loose: u16,
    /// So many of these narrow the tick, for a trial of as many ticks.
    patience: u16,
    /// Ticks that are left of the trial.
    trial: u16,
}

/// The part of a tick that its work may take, in percent.
const WORK_MAX: u64 = 80;
/// The part that leaves room. How much of it a narrower tick takes along, only a trial can tell:
/// what players and their hits cost shrinks with the tick, and the rest does not.
const WORK_LOOSE: u64 = 60;
/// So many ticks in a row widen the tick. One that is late for once does not.
const TIGHT_TICKS: u8 = 3;
/// So many narrow it. After a trial that failed it takes twice as many, up to the second number.
const LOOSE_TICKS: u16 = 20;
const LOOSE_TICKS_MAX: u16 = 640;

impl Pace {
    pub(super) fn new(usual: u16) -> Self {
        let (tick_ms, patience) = (usual, LOOSE_TICKS);
        Self { usual, tick_ms, tight: 0, loose: 0, patience, trial: 0 }
    }

    /// Milliseconds of the current tick.
    pub(super) fn tick_ms(&self) -> u16 {
        self.tick_ms
    }

    fn wider(&self) -> u16 {
        if mutants::is(Mutant::TickNotWidened) {
            return self.tick_ms;
        }
        let most = TICK_MS_MAX.max(self.usual);
        self.tick_ms.saturating_add(self.tick_ms / 2).max(self.tick_ms.saturating_add(1)).min(most)
    }

    fn narrower(&self) -> u16 {
        (self.tick_ms / 3 * 2).max(self.usual)
    }

    /// A tick's work took so long.
    pub(super) fn handle_worked(&mut self, took: Micros) {
        let fits = |percent| took.0 <= u64::from(self.tick_ms) * 10 * percent;
        let is_tight = !fits(WORK_MAX);
        let is_loose = self.tick_ms > self.usual && fits(WORK_LOOSE);
        self.tight = if is_tight { self.tight + 1 } else { 0 };
        self.loose = if is_loose { self.loose + 1 } else { 0 };
        if self.tight == TIGHT_TICKS {
            if self.trial > 0 {
                self.patience = (self.patience * 2).min(LOOSE_TICKS_MAX);
            }
            (self.tick_ms, self.tight, self.trial) = (self.wider(), 0, 0);
        } else if self.loose >= self.patience {
            (self.tick_ms, self.loose, self.trial) = (self.narrower(), 0, self.patience);
        } else if self.trial > 0 {
            self.trial -= 1;
            if self.trial == 0 {
                self.patience = LOOSE_TICKS;
            }
        }
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod overload;

#[cfg(test)]
mod tests {
    use super::*;

    fn work(pace: &mut Pace, ms: u64, ticks: usize) -> u16 {
        (0..ticks).for_each(|_| pace.handle_worked(Micros::from_millis(ms)));
        pace.tick_ms()
    }

    #[test]
    fn a_tick_widens_until_its_work_fits_and_recovers_when_it_is_over() {
        let mut pace = Pace::new(100);
        assert_eq!(work(&mut pace, 80, 100), 100, "it fits");
        assert_eq!(work(&mut pace, 110, 2), 100, "twice is not overload");
        assert_eq!(work(&mut pace, 10, 1), 100);
        assert_eq!(work(&mut pace, 110, 3), 150);
        assert_eq!(work(&mut pace, 110, 100), 150, "now it fits");
        assert_eq!(work(&mut pace, 91, 100), 150, "and leaves no room");
        assert_eq!(work(&mut pace, 80, 19), 150);
        assert_eq!(work(&mut pace, 80, 1), 100);
        assert_eq!(work(&mut pace, 0, 1_000), 100, "no narrower than the scenario says");
    }

    #[test]
    fn a_shard_whose_work_grows_with_its_ticks_comes_back_from_every_hiccup() {
        let mut pace = Pace::new(100);
        for _ in 0..6 {
            (0..3).for_each(|_| pace.handle_worked(Micros::from_millis(5_000)));
            (0..100).for_each(|_| {
                let half = u64::from(pace.tick_ms()) / 2;
                pace.handle_worked(Micros::from_millis(half));
            });
            assert_eq!(pace.tick_ms(), 100);
        }
    }

    #[test]
    fn a_trial_that_fails_is_made_again_later_and_later() {
        let mut pace = Pace::new(100);
        // It fits into 150 with room, and not into 100.
        let ticks: Vec<_> = (0..4_000).map(|_| work(&mut pace, 90, 1)).collect();
        let narrow = ticks.iter().filter(|tick_ms| **tick_ms == 100).count();
        assert!(ticks.iter().all(|tick_ms| [100, 150].contains(tick_ms)));
        // After 20 ticks, 40 and so on up to 640; each trial is over in three.
        assert!((20..=40).contains(&narrow), "{narrow}");
        assert_eq!(work(&mut pace, 40, 2_000), 100);
        assert_eq!(pace.patience, LOOSE_TICKS, "a trial that lasts is the end of that");
    }

    #[test]
    fn a_tick_is_never_wider_than_its_limit() {
        let mut pace = Pace::new(100);
        assert_eq!(work(&mut pace, 60_000, 1_000), TICK_MS_MAX);
        assert_eq!(work(&mut pace, 0, 1_000), 100);
        // An authority may say anything.
        assert_eq!(work(&mut Pace::new(0), 60_000, 1_000), TICK_MS_MAX);
        assert_eq!(work(&mut Pace::new(u16::MAX), 600_000, 10), u16::MAX);
    }
}
