//! Dead reckoning: what a boss's HP is between two states, by the same rule for everybody.

use crate::limits::RECKON_MS_MAX;
use crate::{State, Status};

impl State {
    /// The HP so many milliseconds after this state was made, if damage goes on as it did. A boss
    /// that is alive keeps at least 1 HP: only a state lets it fall. After
    /// [`RECKON_MS_MAX`](crate::limits::RECKON_MS_MAX) it stands still.
    #[must_use]
    pub fn hp_after(&self, ms: u64) -> u64 {
        match self.status {
            Status::Alive => {
                let thousandths = u128::from(self.rate) * u128::from(ms.min(RECKON_MS_MAX));
                let damage = u64::try_from(thousandths / 1_000).unwrap_or(u64::MAX);
                self.hp.saturating_sub(damage).max(self.hp.min(1))
            }
            Status::Defeated
            | Status::Collecting
            | Status::Closed
            | Status::Credited
            | Status::Rewarded => self.hp,
        }
    }

    /// The difference in HP from which on a bar of 1,000 pixels shows it: half a pixel.
    #[must_use]
    pub fn visible(&self) -> u64 {
        self.hp_max.div_ceil(2_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gen, Tick};
    use ucore::Version;

    fn state(hp: u64, rate: u64, status: Status) -> State {
        State {
            tick: Tick(1),
            version: Version(1),
            hp,
            predicted: hp,
            rate,
            age_ms: 0,
            counted: Tick(0),
            generation: Gen(1),
            status,
            phase: 0,
            hp_max: 10_000,
            players: 1,
            tick_ms: 100,
        }
    }

    #[test]
    fn damage_goes_on_for_one_and_a_half_seconds_and_never_kills() {
        let alive = |hp, rate, ms| state(hp, rate, Status::Alive).hp_after(ms);
        assert_eq!(
            [0, 1, 999, 1_000].map(|ms| alive(5_000, 1_001, ms)),
            [5_000, 4_999, 4_001, 3_999]
        );
        assert_eq!([1_500, 1_501, u64::MAX].map(|ms| alive(5_000, 1_000, ms)), [3_500; 3]);
        assert_eq!(
            [alive(5_000, u64::MAX, 1_500), alive(1, 9, 1_000), alive(0, 9, 1_000)],
            [1, 1, 0]
        );
        assert_eq!(state(5_000, 1_000, Status::Defeated).hp_after(1_000), 5_000);
    }

    #[test]
    fn half_a_pixel_of_a_thousand_is_a_two_thousandth() {
        let visible = |hp_max| State { hp_max, ..state(1, 0, Status::Alive) }.visible();
        assert_eq!([1, 2_000, 2_001, 50_000_000].map(visible), [1, 1, 2, 25_000]);
    }
}
