//! A journal's damage: its total and each player's, all of them numbers that only grow.

use crate::{Interval, PlayerId};
use ucore::{GMap, Max, Updatable};

/// One journal's damage in one generation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Updatable)]
#[update(idempotent)]
pub struct JournalDamage {
    /// The journal's total.
    #[update(tag = 0, delta)]
    pub total: Max,
    /// Each player's total.
    #[update(tag = 1, delta)]
    pub players: GMap<PlayerId, Max>,
}

impl From<Interval> for JournalDamageDelta {
    fn from(interval: Interval) -> Self {
        Self { total: Max::of(interval.to), players: interval.players }
    }
}

impl JournalDamage {
    /// A player's total.
    #[must_use]
    pub fn player(&self, player: PlayerId) -> u64 {
        self.players.get(&player).map_or(0, |total| total.get())
    }
}
