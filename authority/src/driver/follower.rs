//! A follower: the fold of a boss's log, which reads on from where it stopped last time.

use crate::client::Authority;
use protocol::mutants::{self, Mutant};
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

impl From<FollowerError> for Unavailable {
    fn from(error: FollowerError) -> Self {
        match error {
            FollowerError::Unavailable(why) => why,
            FollowerError::Follow(_) | FollowerError::RolledBack | FollowerError::Interrupted => {
                Self::Unknown(error.to_string())
            }
        }
    }
}

impl Follower {
    /// A follower that has read nothing.
    #[must_use]
    pub fn new(authority: Arc<dyn Authority>, boss: BossId) -> Self {
        Self { boss, authority, value: Arc::default() }
    }

    /// A follower that goes on from a value of the log.
    #[must_use]
    pub fn from(authority: Arc<dyn Authority>, boss: BossId, value: Snapshot) -> Self {
        Self { boss, authority, value: Arc::new(value) }
    }

    /// The boss where the last reading came to.
    #[must_use]
    pub fn value(&self) -> Arc<Snapshot> {
        Arc::clone(&self.value)
    }

    /// Reads on to the end of the log, at least to where it is now, and gives the boss there.
    /// After a roll-back of the authority it begins anew, from the oldest value that can be shown.
    ///
    /// # Errors
    /// [`FollowerError`]; the next call goes on from where this one came to, also if this one was
    /// cancelled.
    pub async fn catch_up(&mut self) -> Result<Arc<Snapshot>, FollowerError> {
        let is_new = self.value.version == Version(0);
        match self.read_on().await {
            // What was read is not the past of this log any more.
            Err(FollowerError::Follow(_) | FollowerError::RolledBack) if !is_new => {
                self.value = Arc::default();
                self.read_on().await?;
            }
            read => read?,
        }
        Ok(Arc::clone(&self.value))
    }

    async fn read_on(&mut self) -> Result<(), FollowerError> {
        let truth = self.authority.truth(self.boss).await?;
        let is_forked = self.value.version == truth.version && self.value.chain != truth.chain;
        let is_stale = self.value.version > truth.version || is_forked;
        if is_stale && !mutants::is(Mutant::StaleFollower) {
            return Err(FollowerError::RolledBack);
        }
        while self.value.version < truth.version {
            let after = self.value.version;
            let page = ReadLog { boss: self.boss, after, wait_ms: 0 };
            let page = self.authority.read_log(page).await?;
            let value = std::mem::take(&mut self.value);
            // A page may hold a megabyte, whose hashing must not hold up a runtime's worker.
            let folding = tokio::task::spawn_blocking(move || fold(value, page));
            self.value = folding.await.map_err(|_| FollowerError::Interrupted)??;
            if self.value.version <= after {
                return Err(FollowerError::RolledBack);
            }
        }
        Ok(())
    }
}

fn fold(value: Arc<Snapshot>, page: LogPage) -> Result<Arc<Snapshot>, FollowError> {
    let mut value = page.base.map_or_else(|| Arc::unwrap_or_clone(value), |base| *base);
    page.entries.iter().try_for_each(|entry| value.follow(entry))?;
    Ok(Arc::new(value))
}
