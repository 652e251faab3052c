//! The leaderboard: who is ahead, and what it takes to be where.

use crate::limits::{MARKS_MAX, TOP_MAX};
use crate::{Gen, JournalId, Life, PlayerId, RewardId};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use ucore::{Wire, int53};

/// A generation's leaderboard at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Board {
    /// The generation.
    pub generation: Gen,
    /// Players with damage that counts.
    pub players: u32,
    /// The best players, the first one first, at most [`TOP_MAX`].
    pub top: Vec<Standing>,
    /// The damage of some ranks below them, ascending by rank, at most [`MARKS_MAX`]. The last one
    /// is the last player's.
    pub marks: Vec<Mark>,
}

/// A player's place on a board, which the order tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Standing {
    /// The player.
    pub player: PlayerId,
    /// The player's name; empty if none was heard.
    pub name: String,
    /// The player's counted damage, in all journals.
    #[serde(with = "int53")]
    pub damage: u64,
}

/// What a rank takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Mark {
    /// The rank, from 1.
    pub rank: u32,
    /// The damage of the player who has it.
    #[serde(with = "int53")]
    pub damage: u64,
}

/// A [`Board`] as an authority gives it to shards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standings {
    /// What tells this one from others, not 0.
    #[serde(with = "int53")]
    pub number: u64,
    /// The board.
    pub board: Board,
    /// Journals that entered the generation, have not said all, and were silent for a while.
    pub suspects: Vec<JournalId>,
}

/// What a player gets of a fallen boss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Share {
    /// The player.
    pub player: PlayerId,
    /// The rank, from 1.
    pub rank: u32,
    /// The counted damage, in all journals.
    #[serde(with = "int53")]
    pub damage: u64,
    /// The share of the boss's HP.
    #[serde(with = "int53")]
    pub credit: u64,
    /// What the player has won.
    pub rewards: Vec<RewardId>,
}

impl Life {
    /// Everybody with damage that counts, and how much it is over all journals, in the order of
    /// ranks: more damage first, then the lower id.
    #[must_use]
    pub fn ranked(&self) -> Vec<(PlayerId, u64)> {
        let lines = self.counted.iter().flat_map(|(_, damage)| damage.players.iter());
        let mut ranked: Vec<_> = lines.map(|(player, total)| (*player, total.get())).collect();
        // Each journal's players are in order, which this sort makes use of.
        ranked.sort_by_key(|(player, _)| *player);
        ranked.dedup_by(|(player, more), (kept, total)| {
            let is_same = player == kept;
            *total += if is_same { *more } else { 0 };
            is_same
        });
        ranked.retain(|(_, damage)| *damage > 0);
        ranked.sort_unstable_by_key(|(player, damage)| (Reverse(*damage), *player));
        ranked
    }

    /// A player's line on a board.
    #[must_use]
    pub fn standing(&self, player: PlayerId, damage: u64) -> Standing {
        let name = self.names.get(&player).cloned().unwrap_or_default();
        Standing { player, name, damage }
    }

    /// The leaderboard at this moment.
    #[must_use]
    pub fn board(&self, generation: Gen) -> Board {
        let ranked = self.ranked();
        let top =
            ranked.iter().take(TOP_MAX).map(|(player, damage)| self.standing(*player, *damage));
        let marks = marks(ranked.len()).map(|rank| Mark {
            rank: u32::try_from(rank).unwrap_or(u32::MAX),
            damage: ranked[rank - 1].1,
        });
        let players = u32::try_from(ranked.len()).unwrap_or(u32::MAX);
        Board { generation, players, top: top.collect(), marks: marks.collect() }
    }
}

/// The ranks that a board with so many players marks: each about a quarter beyond the one before.
fn marks(players: usize) -> impl Iterator<Item = usize> {
    let next = |rank: &usize| Some(rank + (rank / 4).max(1));
    let below = std::iter::successors(Some(TOP_MAX + 1), next);
    let below = below.take_while(move |rank| *rank < players).take(MARKS_MAX - 1);
    below.chain((players > TOP_MAX).then_some(players))
}

impl Board {
    /// The rank of somebody with this damage, from 1; as near as the marks tell, and never better
    /// than it is.
    #[must_use]
    pub fn rank(&self, damage: u64) -> u32 {
        let top = self.top.iter().zip(1..).map(|(standing, rank)| (rank, standing.damage));
        let marks = self.marks.iter().map(|mark| (mark.rank, mark.damage));
        let mut all = top.chain(marks);
        all.find(|(_, mark)| *mark <= damage).map_or(self.players + 1, |(rank, _)| rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_players_have_few_marks_and_the_last_one_is_the_last() {
        for players in [0, 1, 10, 11, 12, 1_000, 1_000_000, 50_000_000] {
            let marks: Vec<_> = marks(players).collect();
            assert!(marks.len() <= MARKS_MAX, "{} for {players}", marks.len());
            assert!(marks.is_sorted_by(|a, b| a < b), "{marks:?}");
            assert_eq!(marks.last().copied(), (players > TOP_MAX).then_some(players));
        }
    }
}
