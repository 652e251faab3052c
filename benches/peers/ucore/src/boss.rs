//! The value that changes, and the four ways in which it does.

use std::ops::Range;
use ucore::prelude::*;
use ucore::{Counter, GMap, GMapDelta, Reject, UMap, UVec};

/// Players are numbered from 0.
pub(crate) const PLAYERS: u32 = 1_000;
/// What is set and pushed: 5 bytes in MessagePack, 3 where integers have 7 bits per byte.
const VALUES: Range<u32> = 65_536..1_000_000;

/// A player's part in a fight.
#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Line {
    #[update(tag = 0, delta)]
    pub(crate) damage: Counter,
    #[update(tag = 1, delta)]
    pub(crate) hits: Counter,
}

/// A boss with a field for each workload.
#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Boss {
    #[update(tag = 0, delta)]
    pub(crate) hp: Counter,
    #[update(tag = 1, ordered)]
    pub(crate) gold: UMap<u32, u32>,
    #[update(tag = 2, delta)]
    pub(crate) lines: GMap<u32, Line>,
    #[update(tag = 3, ordered)]
    pub(crate) log: UVec<u32>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    Counter,
    Set,
    Nested,
    Push,
}

/// One edit of a workload.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Edit {
    /// `hp -= less`
    Counter { less: u32 },
    /// `gold[key] = value`
    Set { key: u32, value: u32 },
    /// `lines[player].damage += damage` and `lines[player].hits += 1`
    Nested { player: u32, damage: u32 },
    /// `log.push(value)`
    Push { value: u32 },
}

impl Workload {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Set => "map set",
            Self::Nested => "nested",
            Self::Push => "push",
        }
    }

    /// The first edits of this workload, the same in every run.
    pub(crate) fn edits(self, count: usize) -> Vec<Edit> {
        let mut random = fastrand::Rng::with_seed(1);
        (0..count).map(|_| self.edit(&mut random)).collect()
    }

    fn edit(self, random: &mut fastrand::Rng) -> Edit {
        let (player, damage) = (random.u32(..PLAYERS), random.u32(1..=500));
        let value = random.u32(VALUES);
        match self {
            Self::Counter => Edit::Counter { less: damage },
            Self::Set => Edit::Set { key: player, value },
            Self::Nested => Edit::Nested { player, damage },
            Self::Push => Edit::Push { value },
        }
    }
}

/// What a hit adds to a line, as one delta.
pub(crate) fn hit(damage: u32) -> LineDelta {
    LineDelta { damage: Counter::of(damage.into()), hits: Counter::of(1) }
}

impl Boss {
    /// Changes by one edit, and says how.
    pub(crate) fn edit(&mut self, edit: Edit) -> Result<BossUpdate, Reject> {
        match edit {
            Edit::Counter { less } => self.hp().sub(less.into()),
            Edit::Set { key, value } => self.gold().insert(key, value),
            Edit::Nested { player, damage } => {
                self.lines().put(GMapDelta::line(player, hit(damage)))
            }
            Edit::Push { value } => self.log().push(value),
        }
    }
}
