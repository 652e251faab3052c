//! The time that machines know: microseconds since a driver started, monotonic.
#![expect(clippy::disallowed_methods, reason = "the driver owns the clock")]

use protocol::Micros;
use std::time::Duration;
use tokio::time::Instant;

/// A process's or a run's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that begins now.
    #[must_use]
    pub fn start() -> Self {
        Self(std::time::Instant::now().into())
    }

    /// The time since it began.
    #[must_use]
    pub fn now(self) -> Micros {
        let elapsed = std::time::Instant::now() - self.0.into_std();
        Micros(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX))
    }

    /// So long from now.
    #[must_use]
    pub fn after(self, wait: Duration) -> Micros {
        self.now() + Micros::from(wait)
    }

    /// The instant of `at`, or one so far away that it never comes.
    #[must_use]
    pub fn instant(self, at: Option<Micros>) -> Instant {
        let at = at.map_or(FAR, |at| Duration::from_micros(at.0).min(FAR));
        self.0 + at
    }

    /// Waits until then.
    pub async fn sleep_until(self, at: Micros) {
        tokio::time::sleep_until(self.instant(Some(at))).await;
    }
}

const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);
