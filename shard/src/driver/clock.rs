//! The process's monotonic clock, as machines want it.
#![expect(clippy::disallowed_methods, reason = "the driver owns the clock")]

use protocol::Micros;
use std::time::Instant;

/// Microseconds since the driver started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(&self) -> Micros {
        Micros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
