//! What an executor and an authority say to each other.

use crate::{BossId, BossSpec, ExecutorId, Gen, JournalId, PlayerId, Share, Status, Term, Truth};
use serde::{Deserialize, Serialize};
use ucore::int53;

/// A poll: an executor says that it is there, and looks at what has to be done. Once a second by
/// the one who reigns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reign {
    /// The boss.
    pub boss: BossId,
    /// Who asks.
    pub executor: ExecutorId,
    /// Begins a new term, if this is the number of the newest one and another executor has it.
    pub supersedes: Option<u64>,
    /// Journals that it has not heard of for a while.
    pub suspects: Vec<JournalId>,
}

/// Where a settlement is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The newest term.
    pub term: Term,
    /// Polls of those who reigned; who reads the same number again and again sees nobody reign.
    #[serde(with = "int53")]
    pub polls: u64,
    /// The scenario of the current generation.
    pub spec: Box<BossSpec>,
    /// Journals that entered it and have not said all.
    pub open: Vec<OpenJournal>,
    /// The truth.
    pub truth: Truth,
}

/// A journal that has not said all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenJournal {
    /// The journal.
    pub journal: JournalId,
    /// The poll in which it was heard last. A hint: it is in no log.
    #[serde(with = "int53")]
    pub heard: u64,
}

/// The place of a step: it is taken there or not at all, so repeating it is harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The current generation.
    pub generation: Gen,
    /// Its status.
    pub status: Status,
    /// Seconds waited in it.
    pub waited: u32,
}

/// Takes a step of a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settle {
    /// The boss.
    pub boss: BossId,
    /// The executor's term.
    pub term: Term,
    /// Where the executor has seen it.
    pub at: Stage,
    /// What is to be done there.
    pub step: SettleStep,
}

/// The steps, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettleStep {
    /// Asks journals for their last words.
    Collect,
    /// Waits one more second.
    Wait,
    /// Closes the books.
    Close,
    /// Divides the boss among its players.
    Credit,
    /// Draws what they win.
    Reward,
    /// Begins the next generation.
    Respawn,
}

impl SettleStep {
    /// Whether it belongs to a status.
    #[must_use]
    pub const fn fits(self, status: Status) -> bool {
        matches!(
            (status, self),
            (Status::Defeated, Self::Collect)
                | (Status::Collecting, Self::Wait | Self::Close)
                | (Status::Closed, Self::Credit)
                | (Status::Credited, Self::Reward)
                | (Status::Rewarded, Self::Wait | Self::Respawn)
        )
    }
}

/// What became of a [`Settle`]. It is stable when this is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleAnswer {
    /// Whether it was done.
    pub verdict: SettleVerdict,
    /// Where the settlement is now.
    pub progress: Progress,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SettleVerdict {
    /// It is done.
    Done,
    /// The settlement is not there, or not there any more.
    Passed,
    /// The term is over: another executor reigns.
    Fenced,
}

/// Asks what players get of a fallen boss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// The boss.
    pub boss: BossId,
    /// The generation.
    pub generation: Gen,
    /// The players. Of those beyond [`SESSIONS_MAX`](crate::limits::SESSIONS_MAX) nothing is said.
    pub players: Vec<PlayerId>,
}

/// What they get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SharesAnswer {
    /// Their shares, of those who had a part in it, and how many had one in all.
    Shared {
        /// The shares, in the order of ranks.
        shares: Vec<Share>,
        /// Players with a part.
        players: u32,
    },
    /// The rewards are not drawn yet, or the generation is kept no more.
    Unknown,
}

impl Truth {
    /// Where the settlement is.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        Stage { generation: self.generation, status: self.status, waited: self.waited }
    }
}
