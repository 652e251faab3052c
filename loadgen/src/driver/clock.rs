//! The clock of a run: microseconds since it began.
#![expect(clippy::disallowed_methods, reason = "the driver owns the clock")]

use protocol::Micros;
use std::time::Duration;
use tokio::time::Instant;

/// Shared by all players of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(std::time::Instant::now().into())
    }

    pub(super) fn now(self) -> Micros {
        let elapsed = std::time::Instant::now() - self.0.into_std();
        Micros(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
    }

    /// The instant of `at`, or one so far away that it never comes.
    pub(super) fn instant(self, at: Option<Micros>) -> Instant {
        let at = at.map_or(FAR, |at| Duration::from_micros(at.0).min(FAR));
        self.0 + at
    }

    pub(super) async fn sleep_until(self, at: Micros) {
        tokio::time::sleep_until(self.instant(Some(at))).await;
    }
}

const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);
