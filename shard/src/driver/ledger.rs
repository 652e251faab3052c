//! The books, folded from the authority's log: what `GET /api/ledger` answers.

use super::clock::Clock;
use authority::{Authority, Follower, FollowerError};
use bytes::Bytes;
use protocol::{BossId, Ledger, Micros};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The books of one boss, for everybody who asks.
#[derive(Debug)]
pub(super) struct Books {
    boss: BossId,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    follower: Follower,
    /// The last answer, and when it was made.
    answer: Option<(Micros, Bytes)>,
}

/// An answer serves everybody who asks within this time, so that asking is no load.
const FRESH: Micros = Micros::from_millis(100);

impl Books {
    pub(super) fn new(boss: BossId, authority: Arc<dyn Authority>, clock: Clock) -> Self {
        let state = State { follower: Follower::new(authority, boss), answer: None };
        Self { boss, clock, state: Mutex::new(state) }
    }

    /// The ledger at the end of the log, as JSON.
    pub(super) async fn ledger(&self) -> Result<Bytes, FollowerError> {
        let mut state = self.state.lock().await;
        let asked = self.clock.now();
        if let Some((made, answer)) = &state.answer
            && asked.since(*made) < FRESH
        {
            return Ok(answer.clone());
        }
        let value = state.follower.catch_up().await?;
        let boss = self.boss;
        let rendered = tokio::task::spawn_blocking(move || {
            let ledger = Ledger::of(boss, &value.boss, value.version, value.chain);
            Bytes::from(serde_json::to_vec(&ledger).expect("a ledger has a JSON form"))
        });
        let answer = rendered.await.map_err(|_| FollowerError::Interrupted)?;
        state.answer = Some((asked, answer.clone()));
        Ok(answer)
    }
}
