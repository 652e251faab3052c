//! A follower: the fold of a boss's log, which reads on from where it stopped last time.

use crate::client::Authority;
use protocol::{BossId, FollowError, LogPage, ReadLog, Snapshot, Unavailable};
use std::sync::Arc;
use ucore::Version;

/// A copy of a boss.
#[derive(Debug)]
pub struct Follower {
    boss: BossId,
    authority: Arc<dyn Authority>,
    value: Arc<Snapshot>,
}

/// Why a follower can't reach the end of the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FollowerError {
    /// The authority gave no answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The log does not fold.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The log lacks a position that the follower has, or that the truth had.
    #[error("the authority was rolled back meanwhile; ask again")]
    RolledBack,
    /// The process ends.
    #[error("the fold was interrupted; ask again")]
    Interrupted,
}

impl Follower {
    /// A follower that has read nothing.
    #[must_use]
    pub fn new(authority: Arc<dyn Authority>, boss: BossId) -> Self {
        Self { boss, authority, value: Arc::default() }
    }

    /// Reads on to the end of the log, at least to where it is now, and gives the boss there.
    /// After a roll-back of the authority it begins anew, from the oldest value that can be shown.
    ///
    /// # Errors
    /// [`FollowerError`]; the next call begins anew.
    pub async fn catch_up(&mut self) -> Result<Arc<Snapshot>, FollowerError> {
        let value = Arc::unwrap_or_clone(std::mem::take(&mut self.value));
        let is_new = value.version == Version(0);
        let value = match self.read_on(value).await {
            // What was read is not the past of this log any more.
            Err(FollowerError::Follow(_) | FollowerError::RolledBack) if !is_new => {
                self.read_on(Snapshot::default()).await?
            }
            read => read?,
        };
        self.value = Arc::new(value);
        Ok(Arc::clone(&self.value))
    }

    async fn read_on(&self, mut value: Snapshot) -> Result<Snapshot, FollowerError> {
        let truth = self.authority.truth(self.boss).await?;
        let is_forked = value.version == truth.version && value.chain != truth.chain;
        if value.version > truth.version || is_forked {
            return Err(FollowerError::RolledBack);
        }
        while value.version < truth.version {
            let after = value.version;
            let page = ReadLog { boss: self.boss, after, wait_ms: 0 };
            let page = self.authority.read_log(page).await?;
            // A page may hold a megabyte, whose hashing must not hold up a runtime's worker.
            let folded = tokio::task::spawn_blocking(move || fold(value, page)).await;
            value = folded.map_err(|_| FollowerError::Interrupted)??;
            if value.version <= after {
                return Err(FollowerError::RolledBack);
            }
        }
        Ok(value)
    }
}

fn fold(mut value: Snapshot, page: LogPage) -> Result<Snapshot, FollowError> {
    if let Some(base) = page.base {
        value = *base;
    }
    page.entries.iter().try_for_each(|entry| value.follow(entry))?;
    Ok(value)
}
