//! How long to wait before the next attempt.

use protocol::Micros;

/// Exponential back-off with full jitter: attempts spread out, and thousands of clients that lost
/// the same server do not come back in the same millisecond.
///
/// Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
///
/// ```
/// use protocol::Micros;
/// let mut backoff = score::Backoff::new(7, Micros::from_millis(100), Micros::from_millis(5_000));
/// assert!(backoff.next_delay() <= Micros::from_millis(100));
/// assert!(backoff.next_delay() <= Micros::from_millis(200));
/// backoff.reset();
/// assert!(backoff.next_delay() <= Micros::from_millis(100));
/// ```
#[derive(Debug, Clone)]
pub struct Backoff {
    random: fastrand::Rng,
    first: Micros,
    max: Micros,
    attempts: u32,
}

impl Backoff {
    /// A back-off whose first delay is at most `first`, and none is longer than `max`. The same
    /// seed gives the same delays.
    #[must_use]
    pub fn new(seed: u64, first: Micros, max: Micros) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), first, max, attempts: 0 }
    }

    /// The next delay: anything from a tenth of the bound up to the bound, which doubles each time.
    pub fn next_delay(&mut self) -> Micros {
        let factor = 1_u64.checked_shl(self.attempts).unwrap_or(u64::MAX);
        let bound = self.first.0.saturating_mul(factor).min(self.max.0).max(1);
        self.attempts = (self.attempts + 1).min(62);
        Micros(self.random.u64(bound / 10..=bound))
    }

    /// Begins anew after a success.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}
