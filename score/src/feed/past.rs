//! What a feed has read: the newest positions, and what journals had there. It can go back.

use protocol::limits::{FEED_POSITIONS_MAX, KEEP_GENERATIONS, REMAINS_MAX};
use protocol::{Boss, BossUpdate, Gen, JournalId, Seen};
use std::collections::{BTreeMap, VecDeque};

/// The newest positions that were read, without a gap between them. Empty until one is known.
#[derive(Debug, Default)]
pub(super) struct Past {
    seen: VecDeque<Seen>,
    /// How to go back behind each of them.
    undo: VecDeque<Undo>,
    taken: Taken,
}

/// What journals had taken of them, as far as it was read: what makes totals damage.
#[derive(Debug, Default)]
struct Taken {
    /// By generation and journal.
    totals: BTreeMap<Key, u64>,
    /// From this generation on everything was read, so what is not in `totals` is 0.
    whole_from: Option<Gen>,
}

type Key = (Gen, JournalId);

/// The total that an update has replaced, if it has replaced one.
type Undo = Option<(Key, Option<u64>)>;

/// Generations whose totals are kept. An authority has books of half as many at most, so a
/// roll-back finds what it needs.
const GENERATIONS_KEPT: usize = 2 * (KEEP_GENERATIONS as usize + REMAINS_MAX + 1);

impl Past {
    /// Where the first entry belongs.
    pub(super) fn start() -> Self {
        Self::at(Seen { version: ucore::Version(0), chain: ucore::Chain::START }, &Boss::default())
    }

    /// A boss at a position.
    pub(super) fn at(seen: Seen, boss: &Boss) -> Self {
        let totals = boss.books().flat_map(|(generation, life)| {
            let journals = life.counted.iter().chain(life.late.iter());
            journals.map(move |(journal, _)| ((generation, *journal), life.applied(*journal)))
        });
        let taken = Taken { totals: totals.collect(), whole_from: Some(Gen(0)) };
        Self { seen: [seen].into(), undo: [None].into(), taken }
    }

    /// The positions, the newest last.
    pub(super) fn seen(&self) -> &VecDeque<Seen> {
        &self.seen
    }

    /// Moves on to a position by an update. Says what the update's journal had in its generation
    /// before it, if that is known.
    pub(super) fn push(&mut self, seen: Seen, update: &BossUpdate) -> Option<u64> {
        let (undo, taken) = self.taken.take(update);
        self.seen.push_back(seen);
        self.undo.push_back(undo);
        if self.seen.len() > FEED_POSITIONS_MAX {
            self.seen.pop_front();
            self.undo.pop_front();
        }
        taken
    }

    /// Goes back until so many positions are left.
    pub(super) fn truncate(&mut self, len: usize) {
        self.seen.truncate(len);
        let undo = self.undo.drain(len.min(self.undo.len())..);
        undo.rev().flatten().for_each(|(key, before)| self.taken.put_back(key, before));
    }
}

impl Taken {
    fn take(&mut self, update: &BossUpdate) -> (Undo, Option<u64>) {
        match update {
            BossUpdate::Spawn { generation, .. } => {
                self.whole_from = self.whole_from.or(Some(*generation));
                let kept = u32::try_from(GENERATIONS_KEPT).unwrap_or(u32::MAX);
                self.totals.retain(|(old, _), _| old.0.saturating_add(kept) >= generation.0);
                (None, None)
            }
            BossUpdate::Enter { journal, generation } => {
                let key = (*generation, *journal);
                let before = self.totals.get(&key).copied();
                self.totals.entry(key).or_insert(0);
                (Some((key, before)), None)
            }
            BossUpdate::Push { journal, interval, .. }
            | BossUpdate::Late { journal, interval, .. } => {
                let key = (interval.generation, *journal);
                let before = self.totals.insert(key, interval.to);
                let is_whole = self.whole_from.is_some_and(|from| from <= interval.generation);
                (Some((key, before)), before.or(is_whole.then_some(0)))
            }
            BossUpdate::Join { .. } | BossUpdate::Term(_) | BossUpdate::Settle { .. } => {
                (None, None)
            }
        }
    }

    fn put_back(&mut self, key: Key, before: Option<u64>) {
        match before {
            Some(before) => drop(self.totals.insert(key, before)),
            None => drop(self.totals.remove(&key)),
        }
    }
}
