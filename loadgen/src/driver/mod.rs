//! Thousands of bots on real WebSockets, and a network that fails on demand: sockets, tasks and the
//! clock.

mod target;
mod socket;
mod player;
mod crowd;
mod http;
mod watch;
#[cfg(feature = "dashboard")]
mod dashboard;
mod swarm;
mod bots;
mod proxy;

pub use crate::machine::{Frames, RATE_MAX};
pub use bots::bots;
pub use http::page;
pub use proxy::{Proxy, ProxyCounts, Way};
pub use swarm::{Gauge, run, run_beside};

use crate::machine::PlanConfig;
use std::time::Duration;

/// A load to generate.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadConfig {
    /// Where to connect, such as `ws://127.0.0.1:7777/ws`.
    pub targets: Vec<String>,
    /// Who plays when, and how. The number of targets follows from the field above.
    pub plan: PlanConfig,
    /// Pages of metrics that are read once a second, such as `http://127.0.0.1:7777/metrics`.
    pub scrape: Vec<String>,
    /// 99 of a hundred hits have to leave within this time of their plan, or the run is invalid.
    pub lag_max: Duration,
    /// Who is told how the run does.
    pub view: View,
    /// What repeats the run, for its report.
    pub command: String,
}

impl Default for LoadConfig {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            plan: PlanConfig::default(),
            scrape: Vec::new(),
            lag_max: LAG_MAX,
            view: View::Nobody,
            command: String::new(),
        }
    }
}

/// One tick: a generator that is later than that measures itself.
pub const LAG_MAX: Duration = Duration::from_millis(100);

/// Who is told how a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Nobody.
    Nobody,
    /// A line a second on stderr.
    Lines,
    /// The whole terminal on stderr.
    #[cfg(feature = "dashboard")]
    Dashboard,
}

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The load makes no sense.
    #[error("{0}")]
    Config(String),
    /// A target is no address.
    #[error("the target `{target}` can't be used: {why}; expected e.g. {example}")]
    Target {
        /// The target.
        target: String,
        /// What is wrong with it.
        why: String,
        /// What would do.
        example: &'static str,
    },
    /// The system refused what players need.
    #[error("players can't be started: {0}")]
    System(String),
    /// Somebody pressed Ctrl-C before that.
    #[error("interrupted before any player was in")]
    Interrupted,
    /// Not one player got in.
    #[error("no player could connect: {0}")]
    Unreachable(String),
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
