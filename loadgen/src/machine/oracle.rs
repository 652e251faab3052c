//! Holds what players were told against what the ledger says: nothing lost, nothing doubled.

use super::Books;
use protocol::{Gen, Ledger, PlayerId};
use std::collections::{BTreeMap, BTreeSet};

/// The claims of all sessions of a run, per player and generation.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    players: BTreeMap<PlayerId, Claims>,
    hits: HitCounts,
    /// Damage and generations that the sessions themselves folded away.
    folded_damage: u64,
    folded: u64,
}

#[derive(Debug, Clone, Default)]
struct Claims {
    generations: BTreeMap<Gen, Claim>,
    /// What happened up to this generation is not compared.
    folded_to: Gen,
}

#[derive(Debug, Clone, Copy, Default)]
struct Claim {
    acked: u64,
    unresolved: u64,
}

/// Hits by what became of them. `sent` is the sum of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HitCounts {
    /// Hits that left, each once.
    pub sent: u64,
    /// Hits that were accepted.
    pub acked: u64,
    /// Hits that were answered and not accepted.
    pub rejected: u64,
    /// Hits without an answer.
    pub unresolved: u64,
}

/// The claims next to a ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// Damage that players were told of, in generations that the ledger can show.
    pub acked: u64,
    /// The same in generations that it no longer shows. Not compared.
    pub unseen: u64,
    /// How many generations these were.
    pub generations_unseen: u64,
    /// The most that unresolved hits can have done.
    pub unresolved: u64,
    /// Damage of these players that the ledger counts.
    pub truth: u64,
    /// Damage of these players that came too late to count.
    pub late: u64,
    /// Told to players, and not in the ledger.
    pub lost: u64,
    /// In the ledger beyond everything that can have been sent.
    pub doubled: u64,
}

impl Oracle {
    /// Adds the claims of a session that is over.
    pub fn add(&mut self, books: &Books) {
        self.hits.sent += books.sent;
        self.hits.acked += books.accepted();
        self.hits.rejected += books.rejected();
        self.hits.unresolved += books.unresolved;
        self.folded_damage += books.folded_damage;
        self.folded = self.folded.max(books.folded);
        let claims = self.players.entry(books.player).or_default();
        claims.folded_to = claims.folded_to.max(books.folded_to);
        for (generation, tally) in &books.tallies {
            claims.generations.entry(*generation).or_default().acked += tally.damage;
        }
        for (generation, damage) in &books.unresolved_damage {
            claims.generations.entry(*generation).or_default().unresolved += damage;
        }
    }

    /// The hits of all sessions.
    #[must_use]
    pub fn hits(&self) -> HitCounts {
        self.hits
    }

    /// Compares the claims with a ledger. Players of other runs do not matter.
    #[must_use]
    pub fn balance(&self, ledger: &Ledger) -> Balance {
        let oldest = ledger.generations.iter().map(|book| book.generation).min();
        let lines = ledger.players();
        let mut balance = Balance { unseen: self.folded_damage, ..Balance::default() };
        let mut unseen = BTreeSet::new();
        for (player, claims) in &self.players {
            for (generation, claim) in &claims.generations {
                balance.unresolved += claim.unresolved;
                let is_dropped = oldest.is_some_and(|oldest| *generation < oldest);
                if is_dropped || *generation <= claims.folded_to {
                    balance.unseen += claim.acked;
                    unseen.insert(*generation);
                    continue;
                }
                let line = lines.get(&(*generation, *player)).copied().unwrap_or_default();
                balance.compare(*claim, line);
            }
        }
        for ((generation, player), line) in &lines {
            if let Some(claims) = self.players.get(player)
                && *generation > claims.folded_to
                && !claims.generations.contains_key(generation)
            {
                balance.compare(Claim::default(), *line);
            }
        }
        balance.generations_unseen = self.folded + unseen.len() as u64;
        balance
    }
}

impl Balance {
    /// One player in one generation. Late damage stands beside the counted one, so a hit that is
    /// in both is doubled.
    fn compare(&mut self, claim: Claim, (truth, late): (u64, u64)) {
        self.acked += claim.acked;
        self.truth += truth;
        self.late += late;
        self.lost += claim.acked.saturating_sub(truth + late);
        self.doubled += (truth + late).saturating_sub(claim.acked + claim.unresolved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Tally;
    use serde_json::json;

    /// A ledger of (generation, player, damage, late), the generations without a gap.
    fn ledger(oldest: u32, newest: u32, lines: &[(u32, u64, u64, u64)]) -> Ledger {
        let generations = (oldest..=newest).map(|generation| {
            let players = lines.iter().filter(|line| line.0 == generation).map(
                |(_, player, damage, late)| {
                    json!({ "player": player, "name": "x", "damage": damage, "late": late })
                },
            );
            json!({
                "generation": generation, "status": 1, "hp_max": 1_000, "hp": 0, "damage": 0,
                "overkill": 0, "late": 0,
                "journals": [{
                    "journal": "00".repeat(16), "shard": 0, "finished": false, "applied": 0,
                    "late": 0, "players": players.collect::<Vec<_>>(),
                }],
            })
        });
        let generations: Vec<_> = generations.collect();
        let chain = "00".repeat(20);
        let ledger = json!({
            "boss": 1, "version": 9, "chain": chain, "generations": generations,
        });
        serde_json::from_value(ledger).unwrap()
    }

    fn books(player: u64, tallies: &[(u32, u64)], unresolved: &[(u32, u64)]) -> Books {
        let mut books = Books::new(PlayerId(player));
        for (generation, damage) in tallies {
            let generation = Gen(*generation);
            books.sent += 1;
            books.answered += 1;
            books.learn(Tally { generation, hits: 1, damage: *damage, late: 0 }).unwrap();
        }
        for (generation, damage) in unresolved {
            books.sent += 1;
            books.give_up(Gen(*generation), *damage);
        }
        books
    }

    fn balance(all: &[Books], ledger: &Ledger) -> Balance {
        let mut oracle = Oracle::default();
        all.iter().for_each(|books| oracle.add(books));
        oracle.balance(ledger)
    }

    fn check(all: &[Books], ledger: &Ledger, lost: u64, doubled: u64) {
        let found = balance(all, ledger);
        assert_eq!((found.lost, found.doubled), (lost, doubled), "{found:?}");
    }

    #[test]
    fn honest_books_balance_and_strangers_do_not_matter() {
        let ledger = ledger(1, 2, &[(1, 5, 100, 0), (2, 5, 70, 30), (2, 99, 4_000, 0)]);
        check(&[books(5, &[(1, 100), (2, 100)], &[])], &ledger, 0, 0);
    }

    #[test]
    fn damage_that_the_ledger_lacks_is_lost() {
        check(&[books(5, &[(1, 100)], &[])], &ledger(1, 1, &[(1, 5, 60, 10)]), 30, 0);
        check(&[books(5, &[(1, 100)], &[])], &ledger(1, 1, &[]), 100, 0);
    }

    #[test]
    fn damage_in_a_generation_that_the_ledger_does_not_have_yet_is_lost() {
        check(&[books(5, &[(3, 100)], &[])], &ledger(1, 2, &[]), 100, 0);
    }

    #[test]
    fn damage_beyond_what_was_sent_is_doubled() {
        check(&[books(5, &[(1, 100)], &[])], &ledger(1, 1, &[(1, 5, 200, 0)]), 0, 100);
        check(&[books(5, &[], &[])], &ledger(1, 1, &[(1, 5, 200, 0)]), 0, 200);
    }

    #[test]
    fn a_hit_that_is_counted_and_late_is_doubled() {
        check(&[books(5, &[(1, 100)], &[])], &ledger(1, 1, &[(1, 5, 100, 100)]), 0, 100);
    }

    #[test]
    fn an_unresolved_hit_may_or_may_not_be_counted() {
        for truth in [100, 150, 300] {
            let ledger = ledger(1, 1, &[(1, 5, truth, 0)]);
            check(&[books(5, &[(1, 100)], &[(1, 200)])], &ledger, 0, 0);
        }
        check(&[books(5, &[(1, 100)], &[(1, 200)])], &ledger(1, 1, &[(1, 5, 301, 0)]), 0, 1);
    }

    #[test]
    fn one_players_surplus_does_not_hide_anothers_loss() {
        let ledger = ledger(1, 2, &[(1, 5, 50, 0), (1, 6, 150, 0), (2, 5, 150, 0)]);
        let all = [books(5, &[(1, 100), (2, 100)], &[]), books(6, &[(1, 100)], &[])];
        check(&all, &ledger, 50, 100);
    }

    #[test]
    fn a_generation_that_the_ledger_no_longer_shows_is_not_compared() {
        let all = [books(5, &[(1, 100), (3, 40)], &[])];
        let found = balance(&all, &ledger(2, 3, &[(3, 5, 40, 0)]));
        assert_eq!((found.generations_unseen, found.unseen), (1, 100));
        assert_eq!((found.acked, found.truth, found.lost, found.doubled), (40, 40, 0, 0));
    }

    #[test]
    fn sent_hits_are_acked_rejected_or_unresolved() {
        let mut oracle = Oracle::default();
        let mut refused = books(5, &[(1, 100)], &[(1, 200)]);
        (refused.sent, refused.answered) = (4, 3);
        oracle.add(&refused);
        oracle.add(&books(6, &[(1, 10)], &[]));
        let expected = HitCounts { sent: 5, acked: 2, rejected: 2, unresolved: 1 };
        assert_eq!(oracle.hits(), expected);
    }
}
