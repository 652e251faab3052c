//! The face that every authority shows to shards, whatever is behind it.

use futures::future::BoxFuture;
use protocol::{
    BossId, Enter, EnterAnswer, Join, JoinAnswer, LogPage, Push, PushAnswer, ReadLog, Truth,
};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The request may have been carried out or not. Repeating it is harmless.
    #[error("the authority did not answer: {0}")]
    Unknown(String),
    /// The authority does not run this boss.
    #[error("the authority has no boss {0}; name one that it has, or spawn it")]
    NoBoss(BossId),
    /// The authority has stopped for good.
    #[error("the authority has stopped: {0}")]
    Stopped(String),
}

/// What a request comes to.
pub type Answered<T> = BoxFuture<'static, Result<T, Unavailable>>;

/// The owner of the truth. Every answer is durable before it is given, and every request may be
/// repeated.
pub trait Authority: std::fmt::Debug + Send + Sync + 'static {
    /// Opens a journal.
    fn join(&self, join: Join) -> Answered<JoinAnswer>;

    /// Announces that a journal will damage a generation.
    fn enter(&self, enter: Enter) -> Answered<EnterAnswer>;

    /// Pushes an interval of damage, and pulls the truth.
    fn push(&self, push: Push) -> Answered<PushAnswer>;

    /// Pulls the truth alone.
    fn truth(&self, boss: BossId) -> Answered<Truth>;

    /// Reads a page of a boss's log.
    fn read_log(&self, page: ReadLog) -> Answered<LogPage>;
}
