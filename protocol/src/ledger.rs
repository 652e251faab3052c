//! The books as the outside world reads them: `GET /api/ledger`.

use crate::{Boss, BossId, Gen, JournalId, PlayerId, Seen, ShardId, Share, Status};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ucore::{Chain, Version};

/// All books that are kept, at one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The boss.
    pub boss: BossId,
    /// The version that this ledger shows.
    pub version: Version,
    /// The chain there.
    pub chain: Chain,
    /// The generations, the oldest first.
    pub generations: Vec<LedgerGeneration>,
}

/// The books of one generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerGeneration {
    /// The generation.
    pub generation: Gen,
    /// Where it is in its life, as the code of PROTOCOL.md.
    pub status: Status,
    /// HP at its start.
    pub hp_max: u64,
    /// HP left.
    pub hp: u64,
    /// The counted damage.
    pub damage: u64,
    /// The part of it beyond `hp_max`.
    pub overkill: u64,
    /// Damage that came after the books had closed.
    pub late: u64,
    /// Where the books closed.
    pub closed: Option<Seen>,
    /// What players get, in the order of ranks; empty before it is known.
    pub shares: Vec<Share>,
    /// The journals that entered it, or had late damage for it.
    pub journals: Vec<LedgerJournal>,
}

/// One journal's part in a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerJournal {
    /// The journal.
    pub journal: JournalId,
    /// Its shard's label; none once the journal itself is forgotten.
    pub shard: Option<ShardId>,
    /// Whether it has said all.
    pub finished: bool,
    /// Its counted damage.
    pub applied: u64,
    /// Its late damage.
    pub late: u64,
    /// Its players.
    pub players: Vec<LedgerPlayer>,
}

/// One player's part in a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerPlayer {
    /// The player.
    pub player: PlayerId,
    /// The player's name.
    pub name: String,
    /// The player's counted damage.
    pub damage: u64,
    /// The player's late damage.
    pub late: u64,
}

impl Ledger {
    /// The ledger of a boss at a version.
    #[must_use]
    pub fn of(id: BossId, boss: &Boss, version: Version, chain: Chain) -> Self {
        let generations = boss.lives().map(|(generation, _)| generation_of(boss, generation));
        Self { boss: id, version, chain, generations: generations.flatten().collect() }
    }
}

impl LedgerGeneration {
    /// Each player's (counted, late) damage in all journals.
    #[must_use]
    pub fn players(&self) -> BTreeMap<PlayerId, (u64, u64)> {
        let mut sums = BTreeMap::<_, (u64, u64)>::new();
        for line in self.journals.iter().flat_map(|journal| &journal.players) {
            let (counted, late) = sums.entry(line.player).or_default();
            *counted += line.damage;
            *late += line.late;
        }
        sums
    }
}

fn generation_of(boss: &Boss, generation: Gen) -> Option<LedgerGeneration> {
    let life = boss.life(generation)?;
    let mut writers: BTreeMap<_, _> =
        life.entered.iter().map(|(journal, finished)| (*journal, *finished)).collect();
    for (journal, _) in life.late.iter() {
        writers.entry(*journal).or_insert(false);
    }
    let journals: Vec<_> = writers
        .iter()
        .map(|(journal, finished)| {
            let (applied, late) = life.counted_and_late(*journal);
            let lines = life.taken(*journal).into_iter().flat_map(|taken| taken.players.iter());
            let players = lines.map(|(player, total)| {
                let late = life.late_of(*journal, *player);
                let name = life.names.get(player).cloned().unwrap_or_default();
                LedgerPlayer { player: *player, name, damage: total.get() - late, late }
            });
            LedgerJournal {
                journal: *journal,
                shard: boss.journal(*journal).map(|record| record.shard),
                finished: *finished,
                applied,
                late,
                players: players.collect(),
            }
        })
        .collect();
    let damage = life.damage();
    Some(LedgerGeneration {
        generation,
        status: life.status,
        hp_max: life.spec.hp_max,
        hp: life.hp(),
        damage,
        overkill: damage.saturating_sub(life.spec.hp_max),
        late: journals.iter().fold(0, |sum, journal| u64::saturating_add(sum, journal.late)),
        closed: life.settlement.closed,
        shares: life.settlement.shares().collect(),
        journals,
    })
}
