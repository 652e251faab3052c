//! Thousands of bots on real WebSockets, and a network that fails on demand: sockets, tasks and the
//! clock.

mod target;
mod socket;
mod player;
mod http;
mod progress;
mod swarm;
mod bots;
mod proxy;

pub use bots::bots;
pub use http::page;
pub use proxy::{Proxy, ProxyCounts, Way};
pub use swarm::{Gauge, run, run_beside};

use protocol::limits::NAME_CHARS_MAX;
use std::time::Duration;

/// A load to generate.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadConfig {
    /// Where to connect, such as `ws://127.0.0.1:7777/ws`. Players take them in turn.
    pub targets: Vec<String>,
    /// Simulated players.
    pub players: u32,
    /// Hits per player and second on average, at most [`RATE_MAX`].
    pub rate: f64,
    /// How long the load lasts, without ramp and drain.
    pub duration: Duration,
    /// The seed of everything random in the run.
    pub seed: u64,
    /// Whether players use skills with a cooldown, too.
    pub mix: bool,
    /// Which state frames they ask for.
    pub frames: Frames,
    /// The players' names are this, a hyphen and a number.
    pub names: String,
    /// Whether to write a line a second to stderr.
    pub progress: bool,
}

/// Which state frames the players of a load ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frames {
    /// One in every tick.
    Every,
    /// What can be seen. One player of fifty, a witness, asks for every tick, so that there is
    /// something to compare their bars with.
    Seen,
}

/// Of so many players of a target who get what can be seen, one gets every state.
const WITNESS_EVERY: u32 = 50;

impl Frames {
    /// What the player at this position among those of its target says in Hello.
    fn every(self, index: u32) -> u8 {
        match self {
            Self::Seen if !index.is_multiple_of(WITNESS_EVERY) => 0,
            Self::Seen | Self::Every => 1,
        }
    }
}

/// Hits per second that the basic skill allows.
pub const RATE_MAX: f64 = 8.0;

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The load makes no sense.
    #[error("{0}")]
    Config(String),
    /// A target is no address.
    #[error("the target `{target}` can't be used: {why}; expected e.g. ws://127.0.0.1:7777/ws")]
    Target {
        /// The target.
        target: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not one player got in.
    #[error("no player could connect: {0}")]
    Unreachable(String),
}

impl LoadConfig {
    fn check(&self) -> Result<(), LoadError> {
        let refuse = |why: String| Err(LoadError::Config(why));
        if self.targets.is_empty() {
            return refuse("there is no target, expected at least one".to_owned());
        }
        if self.players == 0 {
            return refuse("there are 0 players, expected at least 1".to_owned());
        }
        if !(0.0..=RATE_MAX).contains(&self.rate) {
            let rate = self.rate;
            return refuse(format!("the rate is {rate} hits/s, admission allows 0 to {RATE_MAX}"));
        }
        let name = self.name(self.players - 1);
        let chars = name.chars().count();
        let has_control = name.chars().any(char::is_control) || name.trim() != name;
        if chars > NAME_CHARS_MAX || has_control {
            let max = NAME_CHARS_MAX;
            return refuse(format!("the name `{name}` is no name of at most {max} characters"));
        }
        Ok(())
    }

    fn name(&self, index: u32) -> String {
        format!("{}-{index}", self.names)
    }
}

/// A seed for a run that names none.
///
/// # Panics
/// If the system has no entropy.
#[must_use]
pub fn random_seed() -> u64 {
    // 53 bits, so that every JSON reader sees the same number.
    getrandom::u64().expect("the system gives entropy") >> 11
}
