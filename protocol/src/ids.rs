//! A type for every number that orders or identifies.

use serde::{Deserialize, Serialize};
use ucore::{Bin, int53};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty) $(, $with:literal)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name($(#[serde(with = $with)])? pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(out)
            }
        }

        ucore::newtype!($name($inner));
    };
}

number! {
    /// One boss.
    BossId(u32)
}
number! {
    /// A shard's label, chosen by its operator. It identifies nothing: a journal does.
    ShardId(u16)
}
number! {
    /// A player, up to 2^53 - 1.
    PlayerId(u64), "int53"
}
number! {
    /// One life of a boss, from 1.
    Gen(u32)
}
number! {
    /// A shard's fixed step. It goes on counting when a process takes over its predecessor's disk.
    Tick(u64), "int53"
}
number! {
    /// A session's own count of hits, from 1.
    InputSeq(u32)
}
number! {
    /// A skill of a boss's scenario.
    SkillId(u8)
}
number! {
    /// A session's number on its shard's disk.
    SessionId(u32)
}
number! {
    /// A reward of a boss's scenario.
    RewardId(u8)
}

impl Gen {
    /// The generation after this one. Nothing follows the last one but itself: a message may name
    /// it, and no boss falls so often.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Tick {
    /// The tick after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A process start's durable totals: the identity under which damage is counted. Random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JournalId(pub Bin<16>);

/// A process that may take the steps of settlements. Random.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ExecutorId(pub Bin<16>);

ucore::newtype!(JournalId(Bin<16>));
ucore::newtype!(ExecutorId(Bin<16>));
ucore::newtype!(Token(Bin<16>));

impl std::fmt::Display for ExecutorId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

impl std::fmt::Display for JournalId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// The secret by which a player resumes a session. Never printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub Bin<16>);

impl std::fmt::Debug for Token {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Token(..)")
    }
}

/// Microseconds since a driver started: the only time a machine knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

impl Micros {
    /// This many milliseconds.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 1_000)
    }

    /// Whole milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// The time since `earlier`, or zero if that lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl From<std::time::Duration> for Micros {
    /// Whole microseconds, and no more than there are numbers for.
    fn from(duration: std::time::Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}

impl std::ops::Add for Micros {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
