//! What a run of the lab is.

use loadgen::driver::RATE_MAX;
use protocol::Micros;
use std::path::PathBuf;
use std::time::Duration;

/// Where the truth is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// In an `authority serve`, on its disk.
    Embedded,
    /// In a Redis with a replica.
    Redis,
}

/// The game that faults happen to.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// The binary whose processes play.
    pub program: PathBuf,
    /// Where the truth is.
    pub truth: Truth,
    /// How many shards play, 1 to 16.
    pub shards: usize,
    /// How many players, 1 to 20,000.
    pub players: u32,
    /// Hits of each player and second, more than 0 and at most [`RATE_MAX`].
    pub rate: f64,
    /// How long the load lasts, at most a day.
    pub duration: Duration,
    /// Of the plan's drawn part, and of the load.
    pub seed: u64,
    /// The fault that is planted in every process, by its name.
    pub mutant: Option<String>,
}

/// More shards than this are no longer told apart in a report.
const SHARDS_MAX: usize = 16;
/// What one machine can play and serve at once.
const PLAYERS_MAX: u32 = 20_000;
/// A day: the report is still a page, and its samples become fewer.
const DURATION_MAX: Duration = Duration::from_secs(86_400);

/// Damage of a hit.
const DAMAGE: u32 = 100;
/// How long a boss lives without a fault: as a part of the load, and in seconds at least, since it
/// has to be alive for longer than it is dead.
const LIFE: f64 = 1.0 / 12.0;
const LIFE_S_MIN: f64 = 4.0;

impl Truth {
    /// Its name in flags and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Redis => "redis",
        }
    }
}

impl Setup {
    /// Whether there can be such a game.
    ///
    /// # Errors
    /// The first thing that can't be, with what could.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=SHARDS_MAX).contains(&self.shards) {
            return Err(format!("--shards is {}, expected 1 to {SHARDS_MAX}", self.shards));
        }
        if !(1..=PLAYERS_MAX).contains(&self.players) {
            return Err(format!("--players is {}, expected 1 to {PLAYERS_MAX}", self.players));
        }
        if !(0.0 < self.rate && self.rate <= RATE_MAX) {
            let rate = self.rate;
            return Err(format!("--rate is {rate}, expected more than 0 and at most {RATE_MAX}"));
        }
        if self.duration > DURATION_MAX {
            return Err("--duration is longer than a day, expected at most 24h".to_owned());
        }
        Ok(())
    }

    /// How long the load lasts.
    #[must_use]
    pub fn lasts(&self) -> Micros {
        Micros::from(self.duration)
    }

    /// HP of each boss.
    #[must_use]
    pub fn hp_max(&self) -> u64 {
        let life_s = (self.duration.as_secs_f64() * LIFE).max(LIFE_S_MIN);
        let hp = f64::from(self.players) * self.rate * life_s * f64::from(DAMAGE);
        // Both bounds keep a scenario valid.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in bounds")]
        let hp = hp.clamp(1_000.0, 1e12) as u64;
        hp
    }

    /// The boss, as a scenario file. Books close fast enough for damage to be late now and then.
    #[must_use]
    pub fn scenario(&self) -> String {
        let hp_max = self.hp_max();
        format!(
            "boss = {{ id = 1, name = \"Morvath of the Lab\", hp_max = {hp_max} }}\n\
             phase = [{{ name = \"Calm\", percent = 100 }}, {{ name = \"Fury\", percent = 50 }}]\n\
             skill = [{{ id = 1, name = \"Strike\", damage = {DAMAGE} }}]\n\
             timing = {{ collect_s = 4, respawn_s = 1 }}\n\
             reward = [{{ id = 1, name = \"Shard\", top_percent = 50, chance_percent = 50 }}]\n"
        )
    }
}

#[cfg(test)]
pub(super) fn example(truth: Truth, duration: Duration) -> Setup {
    Setup {
        program: PathBuf::new(),
        truth,
        shards: 3,
        players: 2_000,
        rate: 2.0,
        duration,
        seed: 7,
        mutant: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Scenario;

    #[test]
    fn every_run_has_a_boss_that_is_valid() {
        for (players, seconds) in [(1, 1), (2_000, 300), (20_000, 86_400)] {
            let duration = Duration::from_secs(seconds);
            let setup = Setup { players, ..example(Truth::Redis, duration) };
            let scenario = Scenario::parse(&setup.scenario()).unwrap();
            assert_eq!(scenario.spec.hp_max, setup.hp_max());
        }
    }

    #[test]
    fn a_game_that_cannot_be_is_refused() {
        let fine = example(Truth::Embedded, Duration::from_secs(1));
        assert_eq!(fine.check(), Ok(()));
        let day = Duration::from_secs(90_000);
        for (wrong, flag) in [
            (Setup { shards: 0, ..fine.clone() }, "--shards"),
            (Setup { players: 20_001, ..fine.clone() }, "--players"),
            (Setup { rate: f64::NAN, ..fine.clone() }, "--rate"),
            (Setup { rate: 9.0, ..fine.clone() }, "--rate"),
            (Setup { duration: day, ..fine }, "--duration"),
        ] {
            assert!(wrong.check().unwrap_err().contains(flag));
        }
    }
}
