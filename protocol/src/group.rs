//! Shared structures: what the programs that share one say to the authority that keeps its log.
//!
//! A **group** is the set of programs that share one structure. The authority keeps a log of its
//! updates and knows nothing of what they do: it orders them, counts each once, and remembers them
//! until the value at a later version is kept. Numbers, marks and reasons are the same in Rust and
//! in browsers; `PROTOCOL.md`, section 12, tells the whole conversation.

use crate::limits::{
    GROUP_MARK_ENTRIES, GROUP_NAME_CHARS_MAX, GROUP_UPDATES_BYTES_MAX, GROUP_VALUE_BYTES_MAX,
};
use crate::message::{messages, tag};
use crate::{EntryError, Seen};
use serde::{Deserialize, Serialize, Serializer};
use ucore::{Bin, Blob, Chain, DecodeError, Reader, Run, Version, Wire, Writer, WriterId, encode};

/// The name of a group: 1 to [`GROUP_NAME_CHARS_MAX`] characters of `a-z 0-9 . _ - /`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupName(pub String);

/// The hash of a structure's [`ucore::Schema`]: programs whose types differ share nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SchemaHash(pub Bin<8>);

/// The [`ucore::state_hash`] of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StateHash(pub Bin<8>);

ucore::newtype!(GroupName(String));
ucore::newtype!(SchemaHash(Bin<8>));
ucore::newtype!(StateHash(Bin<8>));

messages! {
    /// What a group's authority is asked. Every request may be repeated.
    GroupRequest {
        /// Begins a group, or looks whether it is there.
        1 Found(Found),
        /// Wants updates in the log, and pulls what was missed.
        2 Propose(Propose),
        /// Pulls what follows a position, and may wait for it.
        3 Follow(Follow),
        /// Brings the value at a version, so that the log before it may go.
        4 Checkpoint(Checkpoint),
        /// Says that the newest kept value is not what its log makes.
        5 Dispute(Dispute),
        /// Says that a writer will propose nothing more.
        6 Leave(Leave),
    }
}

messages! {
    /// The answer to a [`GroupRequest`].
    GroupAnswer {
        /// To Found.
        1 Founded(Founded),
        /// To Propose.
        2 Proposed(Proposed),
        /// To Follow.
        3 Page(GroupPage),
        /// To Checkpoint, Dispute and Leave.
        4 Kept(Kept),
        /// To any: nothing was done.
        5 Refused(Refused),
    }
}

/// Begins a group, or looks whether it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Found {
    /// The group.
    pub group: GroupName,
    /// What its structure looks like.
    pub schema: SchemaHash,
    /// Whether it is begun if it is not there.
    pub create: bool,
}

/// The group is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Wire)]
pub struct Founded {
    /// The end of its log.
    pub head: Seen,
}

/// Wants updates in the log, and pulls what was missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Propose {
    /// The group.
    pub group: GroupName,
    /// What its structure looks like.
    pub schema: SchemaHash,
    /// What is wanted.
    pub edit: Edit,
    /// The version that no ordered edit may follow. None: any edit may come between. Deltas never
    /// disturb.
    pub expect: Option<Version>,
    /// Where the writer is in the log, at `expect` or later. The answer brings what follows. If the
    /// log does not have this position, the expectation is not met.
    pub seen: Seen,
}

/// Updates that enter a group's log together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Edit {
    /// Who wants them. A writer has one proposal under way at a time.
    pub writer: WriterId,
    /// Its number, one more than that of the writer's last answered proposal, from 1.
    pub seq: u64,
    /// Whether it is in the way of what rests on a version before it: it expects something itself,
    /// or one of its updates is of the ordered lane.
    pub ordered: bool,
    /// The bytes of a list of updates. Whoever follows applies one after the other, and leaves out
    /// those that do not fit.
    pub updates: Blob,
}

ucore::codes! {
    /// What became of a proposal.
    ProposeVerdict: u8 {
        /// It is in the log.
        Committed = 1,
        /// It came before, and is in the log.
        Duplicate = 2,
        /// Ordered updates follow what it rests on: look at them, and propose anew under the same
        /// number.
        Conflict = 3,
        /// The writer's next number is another one. 1: the writer is not known, or no longer.
        Gap = 4,
        /// It came before, and so did a later one.
        Old = 5,
        /// Its writer may have been known and was forgotten: it may be in the log, or not.
        Forgotten = 6,
    }
}

/// What became of a proposal, and what the writer has missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Proposed {
    /// What became of it.
    pub verdict: ProposeVerdict,
    /// Committed, Duplicate: the version where it is. Conflict: the newest version. Else 0.
    pub version: Version,
    /// Gap: the writer's next number. Else 0.
    pub want: u64,
    /// What follows the position that the writer had seen.
    pub page: GroupPage,
}

/// Pulls what follows a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Follow {
    /// The group.
    pub group: GroupName,
    /// What its structure looks like.
    pub schema: SchemaHash,
    /// Up to where the log is known; none begins anew.
    pub seen: Option<Seen>,
    /// A version whose kept value is not wanted: it can't be read, or is in doubt.
    pub distrust: Option<Version>,
    /// At the end of the log: how long the answer may wait for the next entry, at most
    /// [`READ_WAIT_MS_MAX`](crate::limits::READ_WAIT_MS_MAX).
    pub wait_ms: u32,
}

/// A part of a group's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct GroupPage {
    /// Where to begin anew. None: the entries follow what the asker has seen.
    pub base: Option<Base>,
    /// Entries without a gap; empty at the end of the log.
    pub entries: Vec<GroupEntry>,
    /// The newest version.
    pub head: Version,
    /// The newest version whose value is kept, and that value's hash.
    pub kept: Option<KeptMark>,
}

/// A value to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Base {
    /// Where it is.
    pub at: Seen,
    /// Its bytes. None: the structure's first value.
    pub value: Option<Blob>,
}

/// That a value is kept: its version, and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Wire)]
pub struct KeptMark {
    /// The version.
    pub version: Version,
    /// The hash.
    pub hash: StateHash,
}

/// One entry of a group's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct GroupEntry {
    /// Its position.
    pub version: Version,
    /// The chain after it.
    pub chain: Chain,
    /// The bytes of its [`Edit`].
    pub edit: Blob,
}

/// Brings the value at a version, so that the log before it may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Checkpoint {
    /// The group.
    pub group: GroupName,
    /// What its structure looks like.
    pub schema: SchemaHash,
    /// Who brings it.
    pub keeper: WriterId,
    /// Where: at a mark, a version that is a multiple of [`GROUP_MARK_ENTRIES`].
    pub at: Seen,
    /// The value's hash, which is that of its bytes.
    pub hash: StateHash,
    /// The value's bytes.
    pub value: Blob,
}

/// Says that the newest kept value is not what its log makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Dispute {
    /// The group.
    pub group: GroupName,
    /// What its structure looks like.
    pub schema: SchemaHash,
    /// The version whose kept value is wrong.
    pub version: Version,
}

/// Says that a writer will propose nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Leave {
    /// The group.
    pub group: GroupName,
    /// The writer.
    pub writer: WriterId,
}

/// It is done, or was already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Wire)]
pub struct Kept {
    /// The newest version whose value is kept, and that value's hash.
    pub kept: Option<KeptMark>,
}

/// Nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Wire)]
pub struct Refused {
    /// Why.
    pub why: GroupRefusal,
}

ucore::codes! {
    /// Why nothing was done.
    GroupRefusal: u8 {
        /// There is no such group.
        NoGroup = 1,
        /// That can't be a group's name.
        Name = 2,
        /// The group's structure looks otherwise.
        Schema = 3,
        /// The updates, or the value, have too many bytes.
        TooLarge = 4,
        /// The log is at its bound until the value at a newer version is kept.
        Full = 5,
        /// There are as many groups as there is room for.
        TooManyGroups = 6,
        /// The group knows as many writers as there is room for.
        TooManyWriters = 7,
        /// No value is kept at that version: it is no mark.
        NotAMark = 8,
        /// The log does not have that position.
        NotInTheLog = 9,
        /// The value at that version, or a newer one, is kept already.
        TooOld = 10,
        /// The hash is not that of the bytes.
        WrongHash = 11,
        /// A value that this keeper has brought was not what its log makes.
        Barred = 12,
        /// That is not for pages, not in this group, or against its rule.
        NotAllowed = 13,
    }
}

impl std::fmt::Display for GroupRefusal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoGroup => {
                out.write_str("there is no such group; open it with leave to begin it")
            }
            Self::Name => write!(
                out,
                "a group's name has 1 to {GROUP_NAME_CHARS_MAX} characters of a-z 0-9 . _ - /"
            ),
            Self::Schema => out.write_str(
                "the group shares a structure of another type; use the same type, or another name",
            ),
            Self::TooLarge => write!(
                out,
                "too many bytes; updates may have {GROUP_UPDATES_BYTES_MAX} at once, a whole value \
                 {GROUP_VALUE_BYTES_MAX}"
            ),
            Self::Full => out.write_str(
                "the group's log is full; let a program that keeps its value run, and try again",
            ),
            Self::TooManyGroups => {
                out.write_str("there is no room for another group; use one that is there")
            }
            Self::TooManyWriters => {
                out.write_str("the group has as many writers as it can know; try again later")
            }
            Self::NotAMark => {
                write!(out, "values are kept at every {GROUP_MARK_ENTRIES}th version alone")
            }
            Self::NotInTheLog => out.write_str("the group's log does not have that position"),
            Self::TooOld => out.write_str("a value of that version or a newer one is kept already"),
            Self::WrongHash => out.write_str("the hash is not that of the value's bytes"),
            Self::Barred => out.write_str(
                "a value that this keeper has brought was not what its log makes; restart it",
            ),
            Self::NotAllowed => {
                out.write_str("that is not for pages, not in this group, or against its rule")
            }
        }
    }
}

impl GroupName {
    /// Whether it can be one.
    ///
    /// # Errors
    /// [`GroupRefusal::Name`].
    pub fn check(&self) -> Result<(), GroupRefusal> {
        let is_fine = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/');
        let is_short = (1..=GROUP_NAME_CHARS_MAX).contains(&self.0.len());
        if is_short && self.0.bytes().all(is_fine) { Ok(()) } else { Err(GroupRefusal::Name) }
    }
}

impl std::fmt::Display for GroupName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

impl std::fmt::Display for SchemaHash {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

impl SchemaHash {
    /// That of a type.
    #[must_use]
    pub fn of<T: ucore::Typed>() -> Self {
        Self(Bin(T::SCHEMA.hash().to_be_bytes()))
    }

    /// Where a log of such a structure begins.
    #[must_use]
    pub fn start(self) -> Seen {
        let version = Version(0);
        Seen { version, chain: Chain::START.link(version, "value", &encode(&self)) }
    }
}

impl StateHash {
    /// That of a value, by its bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(Bin(ucore::bytes_hash(bytes).to_be_bytes()))
    }
}

impl GroupRequest {
    /// The group that it is about.
    #[must_use]
    pub const fn group(&self) -> &GroupName {
        match self {
            Self::Found(it) => &it.group,
            Self::Propose(it) => &it.group,
            Self::Follow(it) => &it.group,
            Self::Checkpoint(it) => &it.group,
            Self::Dispute(it) => &it.group,
            Self::Leave(it) => &it.group,
        }
    }
}

impl Eq for GroupRequest {}
impl Eq for GroupAnswer {}

impl GroupEntry {
    /// The entry that follows a position.
    #[must_use]
    pub fn after(seen: Seen, edit: &Edit) -> Self {
        let (version, edit) = (seen.version.next(), Blob::of(edit));
        Self { version, chain: seen.chain.link(version, "update", &edit), edit }
    }

    /// Its position.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        Seen { version: self.version, chain: self.chain }
    }

    /// The edit, after a check that this entry follows a position.
    ///
    /// # Errors
    /// [`EntryError`] when it does not follow, or is unreadable.
    pub fn follow(&self, seen: Seen) -> Result<Edit, EntryError> {
        let (expected, found) = (seen.version.next(), self.version);
        if found != expected {
            return Err(EntryError::Version { expected, found });
        }
        if self.chain != seen.chain.link(expected, "update", &self.edit) {
            return Err(EntryError::Chain);
        }
        Ok(self.edit.open()?)
    }
}
