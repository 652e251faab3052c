//! The books, folded from the authority's log: what `GET /api/ledger` answers.

use super::clock::Clock;
use authority::Authority;
use bytes::Bytes;
use protocol::{BossId, FollowError, Ledger, LogPage, Micros, ReadLog, Snapshot, Unavailable};
use std::sync::Arc;
use tokio::sync::Mutex;

/// A follower of the log that reads on from where it stopped last time.
#[derive(Debug)]
pub(super) struct Follower {
    boss: BossId,
    authority: Arc<dyn Authority>,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    value: Snapshot,
    /// The last answer, and when it was made.
    answer: Option<(Micros, Bytes)>,
}

/// An answer serves everybody who asks within this time, so that asking is no load.
const FRESH: Micros = Micros::from_millis(100);

/// Why there is no ledger.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Follow(#[from] FollowError),
    #[error("the fold was interrupted; ask again")]
    Interrupted,
}

impl Follower {
    pub(super) fn new(boss: BossId, authority: Arc<dyn Authority>, clock: Clock) -> Self {
        Self { boss, authority, clock, state: Mutex::default() }
    }

    /// The ledger at the end of the log, as JSON.
    pub(super) async fn ledger(&self) -> Result<Bytes, LedgerError> {
        let mut state = self.state.lock().await;
        let asked = self.clock.now();
        if let Some((made, answer)) = &state.answer
            && asked.since(*made) < FRESH
        {
            return Ok(answer.clone());
        }
        // Whatever goes wrong, the next call starts from the oldest value that can be shown.
        let value = std::mem::take(&mut state.value);
        let value = self.catch_up(value).await?;
        let boss = self.boss;
        let rendered = tokio::task::spawn_blocking(move || {
            let ledger = Ledger::of(boss, &value.boss, value.version, value.chain);
            let json = serde_json::to_vec(&ledger).expect("a ledger has a JSON form");
            (value, Bytes::from(json))
        });
        let (value, answer) = rendered.await.map_err(|_| LedgerError::Interrupted)?;
        state.value = value;
        state.answer = Some((asked, answer.clone()));
        Ok(answer)
    }

    async fn catch_up(&self, mut value: Snapshot) -> Result<Snapshot, LedgerError> {
        let truth = self.authority.truth(self.boss).await?;
        let forked = value.version == truth.version && value.chain != truth.chain;
        if value.version > truth.version || forked {
            // The authority was rolled back: what was read is not its past any more.
            value = Snapshot::default();
        }
        while value.version < truth.version {
            let page = ReadLog { boss: self.boss, after: value.version, wait_ms: 0 };
            let page = self.authority.read_log(page).await?;
            let folded = tokio::task::spawn_blocking(move || fold(value, page)).await;
            value = folded.map_err(|_| LedgerError::Interrupted)??;
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
