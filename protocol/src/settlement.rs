//! What becomes of a generation after its death, as the log tells it.

use crate::{ExecutorId, PlayerId, RewardId, Seen, Share};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use ucore::{Wire, int53};

/// One reign of an executor. Only the newest one may take steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Term {
    /// Its number, from 1; 0 before the first.
    #[serde(with = "int53")]
    pub number: u64,
    /// Who reigns.
    pub executor: ExecutorId,
}

impl Term {
    /// Whether this executor reigns in it. Before the first term nobody does.
    #[must_use]
    pub fn is_of(self, executor: ExecutorId) -> bool {
        self.number > 0 && self.executor == executor
    }
}

/// A step of a generation's settlement. The next generation's beginning is the last one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Journals are asked for their last words.
    Collect,
    /// One more second of waiting, so that whoever continues the wait knows how long it was.
    Wait,
    /// The books close at this position: what comes after it is late.
    Close(Seen),
    /// Everybody's share of the boss, in the order of ranks.
    Credit(Vec<Credit>),
    /// What players have won.
    Reward(Grants),
}

/// What players have won in a generation.
pub type Grants = BTreeMap<PlayerId, Vec<RewardId>>;

/// A player's part in a fallen boss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Credit {
    /// The player.
    pub player: PlayerId,
    /// The player's counted damage, in all journals.
    #[serde(with = "int53")]
    pub damage: u64,
    /// The share of `hp_max`. All shares add up to it exactly.
    #[serde(with = "int53")]
    pub credit: u64,
}

/// How a generation came to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Wire)]
pub struct Settlement {
    /// Where the books closed.
    pub closed: Option<Seen>,
    /// Everybody's share, in the order of ranks: most damage first, then the lower id.
    pub credits: Vec<Credit>,
    /// What players have won.
    pub grants: Grants,
}

ucore::replaced_whole!(Settlement);

impl Settlement {
    /// What some players get, in the order of ranks.
    #[must_use]
    pub fn shares_of(&self, players: &BTreeSet<PlayerId>) -> Vec<Share> {
        let credits = self.credits.iter().enumerate();
        let wanted = credits.filter(|(_, credit)| players.contains(&credit.player));
        wanted.map(|(idx, credit)| self.share_at(idx, credit)).collect()
    }

    /// What everybody gets, in the order of ranks.
    pub fn shares(&self) -> impl Iterator<Item = Share> {
        self.credits.iter().enumerate().map(|(idx, credit)| self.share_at(idx, credit))
    }

    fn share_at(&self, idx: usize, credit: &Credit) -> Share {
        let Credit { player, damage, credit } = *credit;
        let rank = u32::try_from(idx + 1).unwrap_or(u32::MAX);
        let rewards = self.grants.get(&player).cloned().unwrap_or_default();
        Share { player, rank, damage, credit, rewards }
    }
}
