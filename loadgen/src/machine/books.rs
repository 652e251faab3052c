//! What one session was told about its hits: the claims that the ledger has to honour.

use protocol::{Gen, PlayerId, Share, Spoils, Tally};
use std::collections::{BTreeMap, BTreeSet};

/// Generations kept per session: more than any ledger shows. Older ones are folded into one sum.
const GENERATIONS_MAX: usize = 16;

/// The books of one session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    /// Whose they are.
    pub player: PlayerId,
    /// Hits that left, each once.
    pub sent: u64,
    /// Hits that a shard answered.
    pub answered: u64,
    /// Hits whose answer will never come.
    pub unresolved: u64,
    /// The most damage that the unresolved hits can have done.
    pub unresolved_damage: BTreeMap<Gen, u64>,
    /// The newest tally of each generation.
    pub tallies: BTreeMap<Gen, Tally>,
    /// What the player got of fallen bosses, the newest generations.
    pub shares: BTreeMap<Gen, Share>,
    /// Generations of which it should have been told, the newest ones.
    pub shares_due: BTreeSet<Gen>,
    /// The generations up to this one were folded away.
    pub folded_to: Gen,
    /// How many they were.
    pub folded: u64,
    /// Their accepted hits.
    pub folded_hits: u64,
    /// Their accepted damage.
    pub folded_damage: u64,
}

/// Something newer that claims less than what was told before, or something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TookBack;

impl Books {
    /// Empty books.
    #[must_use]
    pub fn new(player: PlayerId) -> Self {
        Self { player, ..Self::default() }
    }

    /// Takes a newer tally in place of the older one of its generation.
    pub(super) fn learn(&mut self, tally: Tally) -> Result<(), TookBack> {
        if tally.generation <= self.folded_to {
            return Ok(());
        }
        let old = self.tallies.insert(tally.generation, tally);
        if self.tallies.len() > GENERATIONS_MAX
            && let Some((generation, oldest)) = self.tallies.pop_first()
        {
            self.folded_to = generation;
            self.folded += 1;
            self.folded_hits += u64::from(oldest.hits);
            self.folded_damage += oldest.damage;
        }
        match old {
            Some(old) if tally.hits < old.hits || tally.damage < old.damage => Err(TookBack),
            _ => Ok(()),
        }
    }

    /// Takes what the player got of a fallen boss. It is told once or again, and never otherwise.
    pub(super) fn win(&mut self, spoils: Spoils) -> Result<(), TookBack> {
        let Spoils { generation, share, .. } = spoils;
        if share.player != self.player {
            return Err(TookBack);
        }
        let is_new = self.shares.get(&generation).is_none_or(|old| *old == share);
        self.shares.insert(generation, share);
        if self.shares.len() > GENERATIONS_MAX {
            self.shares.pop_first();
        }
        if is_new { Ok(()) } else { Err(TookBack) }
    }

    /// A generation is over for so long that the player should know its share of it, if it has one.
    pub(super) fn expect_share(&mut self, generation: Gen) {
        if self.tallies.contains_key(&generation) {
            self.shares_due.insert(generation);
            if self.shares_due.len() > GENERATIONS_MAX {
                self.shares_due.pop_first();
            }
        }
    }

    /// Enters a hit whose answer will never come.
    pub(super) fn give_up(&mut self, generation: Gen, damage_max: u64) {
        self.unresolved += 1;
        *self.unresolved_damage.entry(generation).or_default() += damage_max;
    }

    /// Hits that were accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        let kept: u64 = self.tallies.values().map(|tally| u64::from(tally.hits)).sum();
        self.folded_hits + kept
    }

    /// Hits that were answered and not accepted.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.answered.saturating_sub(self.accepted())
    }

    /// Damage of the accepted hits.
    #[must_use]
    pub fn damage(&self) -> u64 {
        let kept: u64 = self.tallies.values().map(|tally| tally.damage).sum();
        self.folded_damage + kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(generation: u32, hits: u32, damage: u64) -> Tally {
        Tally { generation: Gen(generation), hits, damage, late: 0 }
    }

    #[test]
    fn a_newer_tally_replaces_the_older_one_of_its_generation() {
        let mut books = Books::new(PlayerId(1));
        for newer in [tally(1, 2, 200), tally(2, 1, 100), tally(1, 5, 600)] {
            assert_eq!(books.learn(newer), Ok(()));
        }
        assert_eq!((books.accepted(), books.damage()), (6, 700));
    }

    #[test]
    fn a_tally_that_shrinks_is_noticed() {
        let mut books = Books::new(PlayerId(1));
        assert_eq!(books.learn(tally(1, 2, 200)), Ok(()));
        assert_eq!(books.learn(tally(1, 1, 100)), Err(TookBack));
    }

    #[test]
    fn old_generations_fold_into_one_sum_and_stay_counted() {
        let mut books = Books::new(PlayerId(1));
        for generation in 1..=1_000 {
            assert_eq!(books.learn(tally(generation, 2, 30)), Ok(()));
        }
        assert_eq!(books.tallies.len(), GENERATIONS_MAX);
        assert_eq!((books.accepted(), books.damage()), (2_000, 30_000));
        assert_eq!((books.folded, books.folded_to), (984, Gen(984)));
        assert_eq!(books.learn(tally(3, 9, 900)), Ok(()));
        assert_eq!(books.accepted(), 2_000);
    }
}
