//! Holds what players were told against what the ledger says: nothing lost, nothing doubled.

use super::{Books, settled};
use protocol::{Gen, Ledger, LedgerGeneration, PlayerId, Share};
use std::collections::{BTreeMap, BTreeSet};

/// The claims of all sessions of a run, per player and generation.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    players: BTreeMap<PlayerId, Claims>,
    hits: HitCounts,
    /// Damage and generations that the sessions themselves folded away.
    folded_damage: u64,
    folded: u64,
    /// Generations that a ledger has shown, each as it was shown last.
    books: BTreeMap<Gen, LedgerGeneration>,
    /// The oldest one that the newest ledger shows. Of those before it, players may know more.
    shown_from: Gen,
    /// What was shown of their ends, and then otherwise.
    changed: BTreeSet<String>,
}

#[derive(Debug, Clone, Default)]
struct Claims {
    generations: BTreeMap<Gen, Claim>,
    /// What happened up to this generation is not compared.
    folded_to: Gen,
}

#[derive(Debug, Clone, Default)]
struct Claim {
    acked: u64,
    /// The part of it that was told to be late.
    late: u64,
    unresolved: u64,
    /// What each of the player's sessions was told to get.
    shares: Vec<Share>,
    /// One of them should have been told long ago.
    is_due: bool,
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

/// The claims next to what the ledger has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// Late damage of which its players were told another number.
    pub late_untold: u64,
    /// Shares that players were told of.
    pub shares: u64,
    /// Those of them that are not what the ledger has.
    pub shares_wrong: u64,
    /// Shares that the ledger has, and that players were not told of in time.
    pub shares_untold: u64,
    /// Generations whose boss was divided.
    pub settled: u64,
    /// What is wrong with how they were.
    pub unfair: Vec<String>,
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
            let claim = claims.generations.entry(*generation).or_default();
            claim.acked += tally.damage;
            claim.late += tally.late;
        }
        for (generation, damage) in &books.unresolved_damage {
            claims.generations.entry(*generation).or_default().unresolved += damage;
        }
        for (generation, share) in &books.shares {
            claims.generations.entry(*generation).or_default().shares.push(share.clone());
        }
        for generation in &books.shares_due {
            claims.generations.entry(*generation).or_default().is_due = true;
        }
    }

    /// Takes what a ledger shows. What it no longer shows later is compared with this.
    pub fn learn(&mut self, ledger: Ledger) {
        self.shown_from = ledger.generations.first().map_or(self.shown_from, |it| it.generation);
        for book in ledger.generations {
            let is_over = self.books.keys().next_back().is_some_and(|it| *it > book.generation);
            let before = self.books.get(&book.generation);
            self.changed.extend(before.and_then(|it| settled::change(it, &book, is_over)));
            self.books.insert(book.generation, book);
        }
    }

    /// The hits of all sessions.
    #[must_use]
    pub fn hits(&self) -> HitCounts {
        self.hits
    }

    /// Compares the claims with what the ledger has shown. Players of other runs do not matter.
    #[must_use]
    pub fn balance(&self) -> Balance {
        let mut balance = Balance { unseen: self.folded_damage, ..Balance::default() };
        let lines = self.lines();
        let oldest = self.books.keys().next().copied().unwrap_or_default();
        let mut unseen = BTreeSet::new();
        for (player, claims) in &self.players {
            for (generation, claim) in &claims.generations {
                balance.unresolved += claim.unresolved;
                if *generation < oldest || *generation <= claims.folded_to {
                    balance.unseen += claim.acked;
                    unseen.insert(*generation);
                    continue;
                }
                let mut line = lines.get(&(*generation, *player)).cloned().unwrap_or_default();
                if *generation < self.shown_from {
                    line.late = line.late.max(claim.late);
                }
                balance.compare(claim, &line);
            }
        }
        for ((generation, player), line) in &lines {
            if let Some(claims) = self.players.get(player)
                && *generation > claims.folded_to
                && !claims.generations.contains_key(generation)
            {
                balance.compare(&Claim::default(), line);
            }
        }
        balance.generations_unseen = self.folded + unseen.len() as u64;
        balance.settled = self.books.values().filter(|book| !book.shares.is_empty()).count() as u64;
        let faults = self.books.values().filter_map(settled::fault);
        balance.unfair = faults.chain(self.changed.iter().cloned()).collect();
        balance
    }

    fn lines(&self) -> BTreeMap<(Gen, PlayerId), Line> {
        let mut lines = BTreeMap::<_, Line>::new();
        for (generation, book) in &self.books {
            for (player, (truth, late)) in book.players() {
                lines.insert((*generation, player), Line { truth, late, share: None });
            }
            for share in &book.shares {
                lines.entry((*generation, share.player)).or_default().share = Some(share.clone());
            }
        }
        lines
    }
}

/// What the ledger has of a player in a generation.
#[derive(Debug, Clone, Default)]
struct Line {
    truth: u64,
    late: u64,
    share: Option<Share>,
}

impl Balance {
    /// One player in one generation. Late damage stands beside the counted one, so a hit that is
    /// in both is doubled.
    fn compare(&mut self, claim: &Claim, line: &Line) {
        let Line { truth, late, share } = line;
        self.acked += claim.acked;
        self.truth += truth;
        self.late += late;
        self.lost += claim.acked.saturating_sub(truth + late);
        self.doubled += (truth + late).saturating_sub(claim.acked + claim.unresolved);
        // Whose hits were never answered is not told of those that were late.
        let untold = late.abs_diff(claim.late);
        self.late_untold += untold.saturating_sub(claim.unresolved);
        self.shares += claim.shares.len() as u64;
        let wrong = claim.shares.iter().filter(|told| Some(*told) != share.as_ref());
        self.shares_wrong += wrong.count() as u64;
        let is_untold = claim.is_due && claim.shares.is_empty() && share.is_some();
        self.shares_untold += u64::from(is_untold);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Spoils, Status, Tally};
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
                "overkill": 0, "late": 0, "closed": null, "shares": [],
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
        oracle.learn(ledger.clone());
        oracle.balance()
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
    fn a_generation_that_the_ledger_has_shown_once_is_compared_for_ever() {
        let mut oracle = Oracle::default();
        oracle.add(&books(5, &[(1, 100), (3, 40)], &[]));
        oracle.learn(ledger(1, 1, &[(1, 5, 60, 0)]));
        oracle.learn(ledger(2, 3, &[(3, 5, 40, 0)]));
        let found = oracle.balance();
        assert_eq!((found.generations_unseen, found.lost, found.truth), (0, 40, 100));
    }

    #[test]
    fn damage_that_came_late_when_no_ledger_showed_its_generation_any_more_is_believed() {
        let mut oracle = Oracle::default();
        let mut told = books(5, &[(1, 100)], &[]);
        told.learn(Tally { generation: Gen(1), hits: 1, damage: 100, late: 40 }).unwrap();
        oracle.add(&told);
        oracle.learn(ledger(1, 1, &[(1, 5, 60, 10)]));
        assert_eq!((oracle.balance().lost, oracle.balance().late_untold), (30, 30));
        oracle.learn(ledger(2, 3, &[]));
        assert_eq!((oracle.balance().lost, oracle.balance().late_untold), (0, 0));
    }

    #[test]
    fn late_damage_that_its_player_was_not_told_of_is_noticed() {
        let ledger = ledger(1, 1, &[(1, 5, 60, 40)]);
        let mut told = books(5, &[(1, 100)], &[]);
        assert_eq!(balance(&[told.clone()], &ledger).late_untold, 40);
        told.learn(Tally { generation: Gen(1), hits: 1, damage: 100, late: 40 }).unwrap();
        assert_eq!(balance(&[told.clone()], &ledger).late_untold, 0);
        told.give_up(Gen(1), 10);
        told.learn(Tally { generation: Gen(1), hits: 1, damage: 100, late: 35 }).unwrap();
        assert_eq!(balance(&[told], &ledger).late_untold, 0, "the hit may have been late");
    }

    #[test]
    fn a_share_that_is_not_the_ledgers_is_wrong() {
        let share = |credit| Share {
            player: PlayerId(5),
            rank: 1,
            damage: 1_100,
            credit,
            rewards: Vec::new(),
        };
        let mut ledger = ledger(1, 1, &[(1, 5, 1_100, 0)]);
        ledger.generations[0].shares = vec![share(1_000)];
        let mut told = books(5, &[(1, 1_100)], &[]);
        let spoils = |credit| Spoils { generation: Gen(1), share: share(credit), players: 1 };
        told.win(spoils(1_000)).unwrap();
        let found = balance(&[told.clone()], &ledger);
        assert_eq!((found.shares, found.shares_wrong, found.settled), (1, 0, 1));
        assert_eq!(found.unfair, [""; 0]);
        told.win(spoils(999)).unwrap_err();
        assert_eq!(balance(&[told], &ledger).shares_wrong, 1);
        ledger.generations[0].shares[0].credit = 999;
        assert_eq!(balance(&[], &ledger).unfair.len(), 1);
    }

    fn empty(oldest: u32, newest: u32) -> Ledger {
        ledger(oldest, newest, &[])
    }

    #[test]
    fn a_settlement_that_changes_and_a_share_that_is_not_told_are_noticed() {
        let share = |credit| Share {
            player: PlayerId(5),
            rank: 1,
            damage: 1_000,
            credit,
            rewards: Vec::new(),
        };
        let mut ledger = ledger(1, 1, &[(1, 5, 1_000, 0)]);
        ledger.generations[0].damage = 1_000;
        ledger.generations[0].status = Status::Rewarded;
        assert!(balance(&[], &ledger).unfair[0].contains("nobody has a share"));
        ledger.generations[0].shares = vec![share(1_000)];
        let mut told = books(5, &[(1, 1_000)], &[]);
        assert_eq!(balance(&[told.clone()], &ledger).shares_untold, 0, "it is not due yet");
        told.expect_share(Gen(1));
        assert_eq!(balance(&[told], &ledger).shares_untold, 1);
        let mut oracle = Oracle::default();
        ledger.generations[0].status = Status::Credited;
        oracle.learn(ledger.clone());
        ledger.generations[0].status = Status::Rewarded;
        ledger.generations[0].shares[0].rewards = vec![protocol::RewardId(2)];
        oracle.learn(ledger.clone());
        oracle.learn(ledger.clone());
        assert_eq!(oracle.balance().unfair, [""; 0], "rewards come after the credits");
        // The last step of all may be taken back, and taken again.
        ledger.generations[0].shares[0].rewards = vec![protocol::RewardId(1)];
        oracle.learn(ledger.clone());
        assert_eq!(oracle.balance().unfair, [""; 0]);
        oracle.learn(empty(2, 2));
        ledger.generations[0].shares[0].rewards = vec![protocol::RewardId(2)];
        oracle.learn(ledger.clone());
        assert!(oracle.balance().unfair[0].contains("has changed"));
        ledger.generations[0].damage = 999;
        assert!(balance(&[], &ledger).unfair[0].contains("999 is counted"));
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
