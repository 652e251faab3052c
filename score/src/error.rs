//! Why an operation on a shared value failed, and whether to try it again.

use protocol::GroupRefusal;
use std::fmt;
use std::sync::Arc;
use ucore::Reject;

/// Why an operation on a shared value failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The update did not fit the value that it met: nothing was changed.
    #[error("the update does not fit: {0}")]
    Rejected(#[from] Reject),
    /// The closure of a transaction gave up: nothing was changed.
    #[error("the transaction gave up: {0}")]
    Aborted(Abort),
    /// The closure of a transaction panicked: nothing was changed.
    #[error("the transaction panicked: {0}")]
    Panicked(String),
    /// The authority does not take it: nothing was changed.
    #[error("the group `{group}` refuses: {why}")]
    Refused {
        /// The group.
        group: String,
        /// Why.
        why: GroupRefusal,
    },
    /// It did not get its turn in time: nothing was changed.
    #[error("nothing was done in time: {why}; try again")]
    TimedOut {
        /// What was in the way.
        why: String,
    },
    /// It left, and no answer came in time, or the answer is lost: it may take effect or not.
    #[error("nobody knows whether it was done: {why}; look at the value")]
    Unknown {
        /// What happened.
        why: String,
    },
    /// As many operations wait as there is room for: nothing was changed.
    #[error("{waiting} operations wait already; try again when some are done")]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// It was asked for inside of a transaction or a callback of this connection, which would wait
    /// for itself: nothing was changed.
    #[error(
        "a transaction or a callback can't wait for another operation; begin it, and wait later"
    )]
    Inside,
    /// The structure was closed, or its thread has ended: what was under way may take effect or
    /// not.
    #[error("the shared structure was closed; open it anew, and look at the value")]
    Closed,
}

/// What is to be done about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It did nothing and may succeed later as it is.
    Later,
    /// It may have been done: look at the value first.
    Look,
    /// It did nothing, and will not succeed as it is.
    Never,
}

impl Error {
    pub(crate) fn late(why: &str) -> Self {
        Self::TimedOut { why: why.to_owned() }
    }

    pub(crate) fn unknown(why: &str) -> Self {
        Self::Unknown { why: why.to_owned() }
    }

    /// Whether to try again.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::TimedOut { .. } | Self::Busy { .. } => Retry::Later,
            Self::Refused { why, .. } => match why {
                GroupRefusal::Full | GroupRefusal::TooManyWriters | GroupRefusal::TooManyGroups => {
                    Retry::Later
                }
                GroupRefusal::NoGroup
                | GroupRefusal::Name
                | GroupRefusal::Schema
                | GroupRefusal::TooLarge
                | GroupRefusal::NotAMark
                | GroupRefusal::NotInTheLog
                | GroupRefusal::TooOld
                | GroupRefusal::WrongHash
                | GroupRefusal::Barred
                | GroupRefusal::NotAllowed => Retry::Never,
            },
            Self::Unknown { .. } | Self::Closed => Retry::Look,
            Self::Rejected(_) | Self::Aborted(_) | Self::Panicked(_) | Self::Inside => Retry::Never,
        }
    }
}

/// Why a closure gave up: any error, so `?` works in it.
#[derive(Clone)]
pub struct Abort(Arc<dyn std::error::Error + Send + Sync>);

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Abort {
    fn from(error: E) -> Self {
        Self(error.into().into())
    }
}

impl Abort {
    /// The error, if it is of this type.
    #[must_use]
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for Abort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for Abort {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
