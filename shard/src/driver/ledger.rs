//! The books, folded from the authority's log: what `GET /api/ledger` answers.

use authority::{Authority, Unavailable};
use protocol::{Boss, BossId, EntryError, Ledger, LogPage, ReadLog};
use std::sync::Arc;
use tokio::sync::Mutex;
use ucore::{Chain, Reject, Updatable, Version};

/// A follower of the log that reads on from where it stopped last time.
#[derive(Debug)]
pub(super) struct Books {
    boss: BossId,
    authority: Arc<dyn Authority>,
    fold: Mutex<Fold>,
}

#[derive(Debug, Clone)]
struct Fold {
    version: Version,
    chain: Chain,
    boss: Boss,
}

/// Why there is no ledger.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("log entry {0}: {1}")]
    Entry(Version, EntryError),
    #[error("log entry {0} does not fit: {1}")]
    Unfit(Version, Reject),
    #[error("the fold was interrupted; ask again")]
    Interrupted,
}

impl Fold {
    fn start() -> Self {
        Self { version: Version(0), chain: Chain::START, boss: Boss::default() }
    }

    fn take(mut self, page: LogPage) -> Result<Self, LedgerError> {
        if let Some(base) = page.base {
            (self.version, self.chain, self.boss) = (base.version, base.chain, base.boss);
        }
        for entry in page.entries {
            let version = entry.version;
            let update = entry
                .follow(self.version, self.chain)
                .map_err(|error| LedgerError::Entry(version, error))?;
            self.boss.apply(update).map_err(|reject| LedgerError::Unfit(version, reject))?;
            (self.version, self.chain) = (version, entry.chain);
        }
        Ok(self)
    }
}

impl Books {
    pub(super) fn new(boss: BossId, authority: Arc<dyn Authority>) -> Self {
        Self { boss, authority, fold: Mutex::new(Fold::start()) }
    }

    /// The ledger at the end of the log.
    pub(super) async fn ledger(&self) -> Result<Ledger, LedgerError> {
        let mut kept = self.fold.lock().await;
        let truth = self.authority.truth(self.boss).await?;
        let forked = kept.version == truth.version && kept.chain != truth.chain;
        if kept.version > truth.version || forked {
            // The authority was rolled back: what was read is not its past any more.
            *kept = Fold::start();
        }
        // Whatever goes wrong, the next call starts from the oldest value that can be shown.
        let mut fold = std::mem::replace(&mut *kept, Fold::start());
        loop {
            let page = ReadLog { boss: self.boss, after: fold.version };
            let page = self.authority.read_log(page).await?;
            if page.base.is_none() && page.entries.is_empty() {
                break;
            }
            let folded = tokio::task::spawn_blocking(move || fold.take(page)).await;
            fold = folded.map_err(|_| LedgerError::Interrupted)??;
        }
        let ledger = Ledger::of(self.boss, &fold.boss, fold.version, fold.chain);
        *kept = fold;
        Ok(ledger)
    }
}
