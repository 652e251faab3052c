//! What one player is like, and when it is there.

use super::absences::Absences;
use super::{Arrivals, Cheat, Churn, Rates};
use protocol::Micros;

/// What a bot is like. [`Self::new`] is an honest one that comes at once and stays.
#[derive(Debug, Clone, PartialEq)]
pub struct BotConfig {
    /// Its name, within the limits of [`protocol::Hello::check`].
    pub name: String,
    /// Its target's position among the targets.
    pub target: usize,
    /// How many targets there are, for one that moves.
    pub targets: usize,
    /// When it connects first, on the driver's clock: since the run's start.
    pub connects: Micros,
    /// When its first hit may be planned, since the load's start.
    pub from: Micros,
    /// When it leaves for good, since the load's start. None: it stays.
    pub until: Option<Micros>,
    /// How its hits come.
    pub arrivals: Arrivals,
    /// Hits a second on average, since the load's start.
    pub rates: Rates,
    /// Whether it uses skills with a cooldown, too.
    pub mix: bool,
    /// Ticks from one state frame to the next; 0 for what can be seen, and then it tells what its
    /// bar showed.
    pub every: u8,
    /// Whether it comes and goes.
    pub churn: Option<Churn>,
    /// It reads what has come, and then nothing for so long.
    pub reads_every: Option<Micros>,
    /// What it tries that a shard must not let through.
    pub cheat: Option<Cheat>,
}

impl BotConfig {
    /// An honest player who hits at this rate with the basic skill and gets every state frame.
    #[must_use]
    pub fn new(name: impl Into<String>, rate_per_s: f64) -> Self {
        Self {
            name: name.into(),
            target: 0,
            targets: 1,
            connects: Micros(0),
            from: Micros(0),
            until: None,
            arrivals: Arrivals::Poisson,
            rates: Rates::constant(rate_per_s),
            mix: false,
            every: 1,
            churn: None,
            reads_every: None,
            cheat: None,
        }
    }

    /// When it is away, if everything random about it comes from this seed.
    pub(super) fn absences(&self, seed: u64) -> Absences {
        Absences::new(self.churn, self.from, !seed)
    }
}
