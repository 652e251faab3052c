//! What outlives generations: the hall of fame, and players' profiles.

use crate::limits::{HALL_MAX, PROFILES_MAX, TOP_MAX};
use crate::{Credit, Gen, Life, PlayerId, RewardId, Standing};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ucore::{INT_MAX, Wire, int53};

/// The fame of one boss and of its players. It changes once per generation, with the rewards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Wire)]
pub struct Fame {
    /// The newest fallen generations.
    pub hall: BTreeMap<Gen, Fallen>,
    /// The players who had a part in any of them.
    pub profiles: BTreeMap<PlayerId, Profile>,
}

/// A line of the hall of fame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Fallen {
    /// The boss's name.
    pub name: String,
    /// Its HP.
    #[serde(with = "int53")]
    pub hp_max: u64,
    /// How many players had a part in it.
    pub players: u32,
    /// The best of them.
    pub top: Vec<Standing>,
}

/// What a player has done in all generations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Profile {
    /// The newest name; empty if none was heard.
    pub name: String,
    /// Counted damage, at most 2^53 - 1.
    #[serde(with = "int53")]
    pub damage: u64,
    /// The sum of the credits, at most 2^53 - 1.
    #[serde(with = "int53")]
    pub credit: u64,
    /// Generations in which the player had a part.
    pub kills: u32,
    /// The best rank in any of them, from 1.
    pub best_rank: u32,
    /// The newest of them.
    pub last: Gen,
    /// How often each reward was won.
    pub rewards: BTreeMap<RewardId, u32>,
}

impl Fame {
    /// Enters a generation whose rewards are drawn.
    pub(crate) fn enter(&mut self, generation: Gen, life: &Life) {
        self.hall.insert(generation, Fallen::of(life));
        while self.hall.len() > HALL_MAX {
            self.hall.pop_first();
        }
        for (credit, rank) in life.settlement.credits.iter().zip(1_u32..) {
            let profile = self.profiles.entry(credit.player).or_default();
            profile.enter(generation, rank, *credit);
            if let Some(name) = life.names.get(&credit.player) {
                profile.name.clone_from(name);
            }
            for reward in life.settlement.grants.get(&credit.player).into_iter().flatten() {
                *profile.rewards.entry(*reward).or_default() += 1;
            }
        }
        self.forget(PROFILES_MAX);
    }

    /// Keeps the profiles of those who were here last.
    fn forget(&mut self, max: usize) {
        let Some(surplus) = self.profiles.len().checked_sub(max).filter(|surplus| *surplus > 0)
        else {
            return;
        };
        let mut by_age: Vec<_> = self
            .profiles
            .iter()
            .map(|(player, profile)| (profile.last, profile.damage, *player))
            .collect();
        by_age.select_nth_unstable(surplus - 1);
        for (.., player) in &by_age[..surplus] {
            self.profiles.remove(player);
        }
    }
}

impl Fallen {
    fn of(life: &Life) -> Self {
        let credits = &life.settlement.credits;
        let top = credits.iter().take(TOP_MAX).map(|it| life.standing(it.player, it.damage));
        Self {
            name: life.spec.name.clone(),
            hp_max: life.spec.hp_max,
            players: u32::try_from(credits.len()).unwrap_or(u32::MAX),
            top: top.collect(),
        }
    }
}

impl Profile {
    fn enter(&mut self, generation: Gen, rank: u32, credit: Credit) {
        let sum = |before: u64, more: u64| before.saturating_add(more).min(INT_MAX);
        self.damage = sum(self.damage, credit.damage);
        self.credit = sum(self.credit, credit.credit);
        self.kills = self.kills.saturating_add(1);
        self.best_rank = if self.best_rank == 0 { rank } else { self.best_rank.min(rank) };
        self.last = generation;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_of_those_who_were_away_for_longest_are_forgotten_first() {
        let profile = |last, damage| Profile { last: Gen(last), damage, ..Profile::default() };
        let mut fame = Fame::default();
        for (player, last, damage) in [(1, 3, 10), (2, 1, 900), (3, 2, 5), (4, 2, 6)] {
            fame.profiles.insert(PlayerId(player), profile(last, damage));
        }
        fame.forget(4);
        assert_eq!(fame.profiles.len(), 4);
        fame.forget(2);
        let left: Vec<_> = fame.profiles.keys().map(|player| player.0).collect();
        assert_eq!(left, [1, 4], "player 2 was away for longest, player 3 did less than player 4");
    }
}
