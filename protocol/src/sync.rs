//! What a shard and an authority say to each other.

use crate::mutants::{self, Mutant};
use crate::{
    Boss, BossId, BossSpec, BossUpdate, Entry, EntryError, Gen, JournalId, PlayerId, ShardId,
    Standings, Status, Step,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ucore::{Chain, GMapDelta, Max, Reject, Run, Updatable, Version, Wire, Writer, int53};

/// Opens a journal. Repeating it is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The boss.
    pub boss: BossId,
    /// The new journal.
    pub journal: JournalId,
    /// Its shard's label.
    pub shard: ShardId,
    /// The journals before it on the same disk, the oldest first and its parent last.
    pub lineage: Vec<Claim>,
}

/// What a process knows of a journal before its own: all that was synced of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The journal.
    pub journal: JournalId,
    /// Its last interval in every generation that is not over.
    #[serde(with = "ucore::bytes")]
    pub rests: Vec<Interval>,
}

/// A journal's damage in one generation between two of its totals. Commutative and idempotent:
/// players' lines are totals.
#[derive(Debug, Clone, PartialEq, Eq, Wire)]
pub struct Interval {
    /// The generation.
    pub generation: Gen,
    /// The journal's total up to which the authority is known to have counted.
    pub from: u64,
    /// The journal's total now.
    pub to: u64,
    /// The totals of all players that changed since `from`.
    pub players: GMapDelta<PlayerId, Max>,
    /// Names of players among them that the authority may not have heard yet.
    pub names: BTreeMap<PlayerId, String>,
}

impl Interval {
    /// What the authority keeps without looking at it: who did the damage, and new names.
    #[must_use]
    pub fn blob(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.array(|to| {
            self.players.write(Run::Closed, to);
            self.names.write(Run::Closed, to);
        });
        to.into_bytes()
    }
}

/// A player's total damage in one journal and generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The player.
    pub player: PlayerId,
    /// Everything that the player did there so far.
    #[serde(with = "int53")]
    pub total: u64,
}

/// A player's damage that came late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateLine {
    /// The generation that it came too late for.
    pub generation: Gen,
    /// The player, and how much it was.
    pub line: Line,
}

/// What became of a [`Join`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinAnswer {
    /// The journal may enter generations.
    Joined {
        /// Whether it takes over the sessions of its parent.
        inherits: bool,
        /// Damage of the lineage that came after the books had closed.
        late: Vec<LateLine>,
        /// The scenario of the current generation.
        spec: Box<BossSpec>,
        /// The truth.
        truth: Truth,
    },
    /// A claim does not reach back far enough: send it from `applied`.
    Gap {
        /// The claimed journal.
        journal: JournalId,
        /// The generation.
        generation: Gen,
        /// What the authority has counted of it there.
        applied: u64,
    },
    /// The journal is sealed: another process took over from it.
    Fenced,
    /// The claim contradicts itself; nothing was changed.
    Refused,
    /// The authority knows its maximum of journals.
    Full,
    /// A claim names the generation that comes next: its beginning was rolled back. Nothing was
    /// changed; join again when it has begun.
    Ahead,
}

/// Announces that a journal will damage a generation. Repeating it is harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enter {
    /// The boss.
    pub boss: BossId,
    /// The journal.
    pub journal: JournalId,
    /// The generation.
    pub generation: Gen,
}

/// What became of an [`Enter`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EnterAnswer {
    /// Hits may be admitted in the generation.
    Entered {
        /// The generation's scenario.
        spec: Box<BossSpec>,
        /// The truth.
        truth: Truth,
    },
    /// The generation is not alive.
    TooLate {
        /// The truth.
        truth: Truth,
    },
    /// The journal is sealed: another process took over from it.
    Fenced,
    /// The authority does not know the journal: join again.
    Unknown,
}

/// One journal's damage since the last answer. An empty one is a pull and a sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// The boss.
    pub boss: BossId,
    /// The journal.
    pub journal: JournalId,
    /// The damage.
    #[serde(with = "ucore::bytes")]
    pub interval: Interval,
    /// Whether this journal will say nothing more about the generation.
    pub last: bool,
    /// Players connected to the shard.
    pub online: u32,
    /// The newest truth that the shard has seen.
    pub seen: Seen,
    /// The [`Standings::number`] of those that it has, or 0.
    #[serde(with = "int53")]
    pub standings: u64,
}

/// A position in a log that someone claims to have seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Seen {
    /// The version.
    pub version: Version,
    /// The chain there.
    pub chain: Chain,
}

/// What became of a [`Push`]'s interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// It is counted now.
    Counted,
    /// It was counted before. A success.
    Duplicate,
    /// Something before it is missing: push from `applied`.
    Gap,
    /// The generation's books are closed: it is recorded as late and counts for nothing.
    Closed,
    /// The journal has not entered the generation.
    NotEntered,
    /// The journal is sealed: another process took over from it.
    Fenced,
    /// The authority does not know the journal: join again.
    Unknown,
    /// Its lines contradict its totals; nothing was changed.
    Refused,
}

/// The answer to a [`Push`]: what became of it, and the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushAnswer {
    /// What became of the interval.
    pub verdict: Verdict,
    /// What the authority has taken of this journal in the interval's generation, late or not.
    #[serde(with = "int53")]
    pub applied: u64,
    /// With [`Verdict::Closed`]: each named player's damage that came late.
    pub late: Vec<Line>,
    /// The authority lacks the position that the shard has seen: it was rolled back.
    pub rolled_back: bool,
    /// The leaderboard, if the shard has another one.
    pub standings: Option<Box<Standings>>,
    /// The truth.
    pub truth: Truth,
}

/// The boss at a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The version.
    pub version: Version,
    /// The chain there.
    pub chain: Chain,
    /// The current generation.
    pub generation: Gen,
    /// HP at its start.
    #[serde(with = "int53")]
    pub hp_max: u64,
    /// The damage counted in it, overkill included.
    #[serde(with = "int53")]
    pub damage: u64,
    /// Where it is in its life.
    pub status: Status,
    /// The index of its phase.
    pub phase: u8,
    /// Players online, on all shards that were heard lately.
    pub players: u32,
    /// Seconds waited in the status, by the log.
    pub waited: u32,
}

impl Truth {
    /// HP left.
    #[must_use]
    pub const fn hp(&self) -> u64 {
        self.hp_max.saturating_sub(self.damage)
    }

    /// This truth as a position.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        Seen { version: self.version, chain: self.chain }
    }

    /// The status that players may be told. The next step of a settlement is taken when this one
    /// is stable, so whoever sees a later one knows that this one can't be rolled back.
    #[must_use]
    pub fn announced(&self) -> Status {
        if self.waited > 0 || mutants::is(Mutant::ToldTooSoon) {
            self.status
        } else {
            self.status.before()
        }
    }
}

/// Asks for a page of a boss's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadLog {
    /// The boss.
    pub boss: BossId,
    /// The page begins after this version.
    pub after: Version,
    /// At the end of the log: how long the answer may wait for the next entry, at most
    /// [`READ_WAIT_MS_MAX`](crate::limits::READ_WAIT_MS_MAX).
    pub wait_ms: u32,
}

/// A page of a boss's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPage {
    /// The oldest value that can still be shown, when the page asked for begins before it.
    pub base: Option<Box<Snapshot>>,
    /// Entries without a gap; empty at the end of the log.
    pub entries: Vec<Entry>,
}

/// A boss's whole value at a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The version.
    pub version: Version,
    /// The chain there.
    pub chain: Chain,
    /// The value.
    #[serde(with = "ucore::bytes")]
    pub boss: Boss,
}

/// Why an entry does not continue a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// It is not what belongs there.
    #[error("log entry {0}: {1}")]
    Entry(Version, EntryError),
    /// It does not fit the value before it.
    #[error("log entry {0} does not fit: {1}")]
    Unfit(Version, Reject),
}

impl Default for Snapshot {
    /// The value before the first entry.
    fn default() -> Self {
        Self { version: Version(0), chain: Chain::START, boss: Boss::default() }
    }
}

impl Snapshot {
    /// Moves on by the entry that follows; a follower at a version is the fold up to it.
    ///
    /// # Errors
    /// [`FollowError`]; the value is then as it was.
    pub fn follow(&mut self, entry: &Entry) -> Result<(), FollowError> {
        let version = entry.version;
        let update = entry
            .follow(self.version, self.chain)
            .map_err(|error| FollowError::Entry(version, error))?;
        if let BossUpdate::Settle { step: Step::Close(at), .. } = &update
            && (at.version, at.chain) != (self.version, self.chain)
        {
            // Books close where the log is, or what is drawn from there is another draw.
            return Err(FollowError::Unfit(version, Reject::OutOfOrder));
        }
        self.boss.apply(update).map_err(|reject| FollowError::Unfit(version, reject))?;
        (self.version, self.chain) = (version, entry.chain);
        Ok(())
    }
}
