//! Everything that may be asked of an authority, and everything that it may answer.

use crate::{
    BossId, BossSpec, Enter, EnterAnswer, GroupAnswer, GroupRequest, Join, JoinAnswer, LogPage,
    Progress, Push, PushAnswer, ReadLog, Reign, Settle, SettleAnswer, Shares, SharesAnswer, Truth,
};
use serde::{Deserialize, Serialize};

/// A request to an authority. Every one may be repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncRequest {
    /// Begins a boss, or says what its next generations are.
    Spawn(Spawn),
    /// Opens a journal.
    Join(Join),
    /// Announces that a journal will damage a generation.
    Enter(Enter),
    /// Pushes an interval of damage, and pulls the truth.
    Push(Push),
    /// Pulls the truth alone.
    Truth(BossId),
    /// Reads a page of a boss's log.
    ReadLog(ReadLog),
    /// Lists the bosses.
    Bosses,
    /// Says that an executor is there, and looks at what it has to do.
    Reign(Reign),
    /// Takes a step of a settlement.
    Settle(Settle),
    /// Asks what players get of a fallen boss.
    Shares(Shares),
    /// Asks something of a shared structure.
    Group(#[serde(with = "ucore::bytes")] GroupRequest),
}

/// The answer to a [`SyncRequest`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncAnswer {
    /// To [`SyncRequest::Spawn`].
    Spawn(SpawnAnswer),
    /// To [`SyncRequest::Join`].
    Join(JoinAnswer),
    /// To [`SyncRequest::Enter`].
    Enter(EnterAnswer),
    /// To [`SyncRequest::Push`].
    Push(PushAnswer),
    /// To [`SyncRequest::Truth`].
    Truth(Truth),
    /// To [`SyncRequest::ReadLog`].
    ReadLog(LogPage),
    /// To [`SyncRequest::Bosses`]: ascending.
    Bosses(Vec<BossId>),
    /// To [`SyncRequest::Reign`].
    Reign(Progress),
    /// To [`SyncRequest::Settle`].
    Settle(SettleAnswer),
    /// To [`SyncRequest::Shares`].
    Shares(SharesAnswer),
    /// To [`SyncRequest::Group`].
    Group(#[serde(with = "ucore::bytes")] GroupAnswer),
}

/// Begins a boss whose first generation is as `spec` says, or, if it exists, makes its generations
/// to come so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawn {
    /// The boss.
    pub boss: BossId,
    /// What it is.
    pub spec: Box<BossSpec>,
}

/// What became of a [`Spawn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpawnAnswer {
    /// Its first generation has begun.
    Begun(Truth),
    /// It fights on; its next generation will be as the spec says.
    Next(Truth),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The request may have been carried out or not. Repeating it is harmless.
    #[error("the authority did not answer: {0}")]
    Unknown(String),
    /// The request was not carried out. The text names the cure.
    #[error("the authority can't do it now: {0}")]
    Refused(String),
    /// The authority does not run this boss.
    #[error("the authority has no boss {0}; name one that it has, or spawn it")]
    NoBoss(BossId),
    /// The authority has stopped for good.
    #[error("the authority has stopped: {0}")]
    Stopped(String),
}

impl SyncAnswer {
    /// The answer about a shared structure.
    ///
    /// # Errors
    /// [`Unavailable::Unknown`] if it is about something else: a fault of the other side.
    pub fn group(self) -> Result<GroupAnswer, Unavailable> {
        match self {
            Self::Group(answer) => Ok(answer),
            Self::Spawn(_)
            | Self::Join(_)
            | Self::Enter(_)
            | Self::Push(_)
            | Self::Truth(_)
            | Self::ReadLog(_)
            | Self::Bosses(_)
            | Self::Reign(_)
            | Self::Settle(_)
            | Self::Shares(_) => {
                Err(Unavailable::Unknown("it answered something that was not asked".to_owned()))
            }
        }
    }
}

impl SpawnAnswer {
    /// The truth.
    #[must_use]
    pub const fn truth(&self) -> &Truth {
        match self {
            Self::Begun(truth) | Self::Next(truth) => truth,
        }
    }
}
