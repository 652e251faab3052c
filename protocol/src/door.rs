//! Shared structures in pages: the few things that a page may ask at the door of a shard.

use crate::group::{Follow, GroupPage, Kept, Leave, Propose, Proposed, Refused};
use crate::message::{messages, tag};
use serde::{Deserialize, Serialize, Serializer};
use ucore::{Bin, Chain, DecodeError, Reader, Run, Version, Wire, Writer, WriterId};

messages! {
    /// What a page asks at its door. Numbers are those of [`GroupRequest`](crate::GroupRequest).
    DoorRequest {
        /// Wants updates in the log, and pulls what was missed.
        2 Propose(Propose),
        /// Pulls what follows a position, and may wait for it.
        3 Follow(Follow),
        /// Says that a writer will propose nothing more.
        6 Leave(Leave),
        /// First of all: asks for the writer that a secret stands for.
        7 Introduce(Introduce),
    }
}

messages! {
    /// The answer to a [`DoorRequest`]. Numbers are those of [`GroupAnswer`](crate::GroupAnswer).
    DoorAnswer {
        /// To Propose.
        2 Proposed(Proposed),
        /// To Follow.
        3 Page(GroupPage),
        /// To Leave.
        4 Kept(Kept),
        /// To any: nothing was done.
        5 Refused(Refused),
        /// To Introduce.
        6 Introduced(Introduced),
    }
}

/// Asks for the writer that a secret stands for. All who share a structure see its writers, so the
/// writer of a page is a digest of what that page alone knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Wire)]
pub struct Introduce {
    /// Random bytes that the page keeps for as long as it may repeat a proposal.
    pub secret: Secret,
}

/// The writer that the page's proposals come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Wire)]
pub struct Introduced {
    /// The writer.
    pub writer: WriterId,
}

/// What a page alone knows of itself. Never printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub Bin<16>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret(..)")
    }
}

impl Secret {
    /// The writer that it stands for.
    #[must_use]
    pub fn writer(self) -> WriterId {
        let Chain(digest) = Chain::START.link(Version(0), "secret", &self.0.0);
        WriterId(Bin(std::array::from_fn(|at| digest.0[at])))
    }
}

ucore::newtype!(Secret(Bin<16>));
