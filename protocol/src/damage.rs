//! A journal's damage: its total and each player's, all of them numbers that only grow.

use crate::{Interval, PlayerId};
use serde::{Deserialize, Serialize};
use ucore::{Accumulate, Coalesce, Delta, GMap, GMapDelta, Idempotent, Max, Reject, Updatable};

/// One journal's damage in one generation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalDamage {
    /// The journal's total.
    pub total: Max,
    /// Each player's total.
    pub players: GMap<PlayerId, Max>,
}

/// What a [`JournalDamage`] absorbs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalDelta {
    /// The journal's total.
    pub total: Max,
    /// The totals of players that changed.
    pub players: GMapDelta<PlayerId, Max>,
}

impl From<&Interval> for JournalDelta {
    fn from(interval: &Interval) -> Self {
        let lines = interval.lines.iter();
        Self {
            total: Max::of(interval.to),
            players: lines.map(|line| (line.player, Max::of(line.total))).collect(),
        }
    }
}

impl JournalDamage {
    /// A player's total.
    #[must_use]
    pub fn player(&self, player: PlayerId) -> u64 {
        self.players.get(&player).map_or(0, |total| total.get())
    }
}

impl Delta for JournalDelta {
    fn merge(&mut self, other: Self) {
        self.total.merge(other.total);
        self.players.merge(other.players);
    }

    fn is_identity(&self) -> bool {
        self.total.is_identity() && self.players.is_identity()
    }
}

impl Idempotent for JournalDelta {}

impl Coalesce for JournalDelta {
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        self.merge(later);
        Ok(())
    }
}

impl Updatable for JournalDamage {
    type Update = JournalDelta;

    fn check(&self, update: &JournalDelta) -> Result<(), Reject> {
        self.check_delta(update)
    }

    fn apply(&mut self, update: JournalDelta) -> Result<(), Reject> {
        self.check(&update)?;
        self.absorb(update);
        Ok(())
    }
}

impl Accumulate for JournalDamage {
    type Delta = JournalDelta;

    fn absorb(&mut self, delta: JournalDelta) {
        self.total.absorb(delta.total);
        self.players.absorb(delta.players);
    }

    fn lift(delta: JournalDelta) -> JournalDelta {
        delta
    }

    fn check_delta(&self, delta: &JournalDelta) -> Result<(), Reject> {
        self.total.check_delta(&delta.total)?;
        self.players.check_delta(&delta.players)
    }
}
