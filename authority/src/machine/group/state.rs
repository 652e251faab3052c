//! What a group is made of, and what leaves for the disk.

use protocol::{Edit, GroupEntry, KeptMark, SchemaHash, Seen, StateHash};
use std::collections::BTreeMap;
use ucore::{
    Answered, Blob, Checkpoint, Coalesce, Lane, Outcome, Reject, Schema, Snapshot, Typed,
    Updatable, Version, Wire, WriterId,
};

/// A structure as its authority sees it: nothing but its schema. Every edit fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents(pub SchemaHash);

/// An [`Edit`] as the update of [`Contents`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(pub Edit);

ucore::bytes_of_its_field!(Contents, SchemaHash);
ucore::bytes_of_its_field!(Sealed, Edit);

impl Typed for Contents {
    const SCHEMA: &'static Schema = SchemaHash::SCHEMA;
}

impl Coalesce for Sealed {
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        Err(later)
    }
}

impl Updatable for Contents {
    type Update = Sealed;

    fn check(&self, _: &Sealed) -> Result<(), Reject> {
        Ok(())
    }

    fn apply(&mut self, _: Sealed) -> Result<(), Reject> {
        Ok(())
    }

    fn lane(update: &Sealed) -> Lane {
        if update.0.ordered { Lane::Ordered } else { Lane::Delta }
    }
}

/// A value that is kept, but for its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
pub struct Keep {
    /// Where it is.
    pub at: Seen,
    /// Its hash.
    pub hash: StateHash,
    /// How many bytes it has.
    pub bytes: u64,
    /// Who brought it.
    pub keeper: WriterId,
}

impl Keep {
    /// As followers are told of it.
    #[must_use]
    pub const fn mark(&self) -> KeptMark {
        KeptMark { version: self.at.version, hash: self.hash }
    }
}

/// A writer's last update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
pub struct Last {
    /// Its number.
    pub seq: u64,
    /// Where it is.
    pub version: Version,
}

/// All of a group but its entries and the bytes of the values that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Wire)]
pub struct State {
    /// The structure's schema.
    pub schema: SchemaHash,
    /// The end of the log.
    pub head: Seen,
    /// The newest version of the ordered lane.
    pub ordered: Version,
    /// The writers that are known.
    pub writers: BTreeMap<WriterId, Last>,
    /// The newest version of a writer that was forgotten to make room.
    pub forgotten: Version,
    /// Where the log begins. Invariant: a value is kept there, or it is the very beginning.
    pub base: Seen,
    /// The newest value that is kept.
    pub newest: Option<Keep>,
    /// The one before it. Invariant: it is at the base.
    pub older: Option<Keep>,
    /// Keepers whose values are not wanted, the first one first.
    pub barred: Vec<WriterId>,
}

impl Last {
    /// As a sequencer has it. Every edit fits the contents, so it was committed.
    const fn answered(self) -> Answered {
        Answered { seq: self.seq, outcome: Outcome::Committed(self.version) }
    }
}

impl State {
    /// What a sequencer needs to go on.
    pub(super) fn log(&self) -> Checkpoint<Contents> {
        let Seen { version, chain } = self.head;
        let head = Snapshot { version, chain, value: Contents(self.schema) };
        let writers = self.writers.iter().map(|(writer, last)| (*writer, last.answered()));
        Checkpoint { head, ordered: self.ordered, writers: writers.collect() }
    }
}

/// A change of a group that is neither an entry nor a new [`State`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
pub struct Note {
    /// The newest version when it came: it belongs behind that entry.
    pub at: Version,
    /// The writer that has left; none: all were forgotten whose last update is not behind the base.
    pub left: Option<WriterId>,
}

/// What the caller makes durable before it gives the answer away, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupOutput {
    /// The next entry.
    Entry(GroupEntry),
    /// A change beside the log. Those before the newest state are no longer needed.
    Note(Note),
    /// The whole state anew. Of values, those that it names are needed, and of entries those behind
    /// its base.
    State(Box<State>),
    /// The bytes of the newest value that the state names which follows.
    Value(Version, Blob),
    /// A keeper's value was dropped: worth a warning, and nothing to make durable.
    Barred(WriterId, Version),
}
