//! How often a page may ask.

use protocol::Micros;

/// A bucket of so many tokens that fills as fast: the generic cell rate algorithm (ITU-T I.371).
#[derive(Debug)]
pub(super) struct Rate {
    /// How long a token takes.
    interval: Micros,
    /// When it will be full again.
    full_at: Micros,
}

impl Rate {
    /// A full one, of as many tokens as it gets a second, of which there are some.
    pub(super) fn new(per_second: u32) -> Self {
        Self { interval: Micros(1_000_000 / u64::from(per_second)), full_at: Micros(0) }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Micros) -> bool {
        let full_at = self.full_at.max(now) + self.interval;
        let is_there = full_at.since(now) <= Micros(1_000_000);
        if is_there {
            self.full_at = full_at;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_what_it_has_and_what_time_brings() {
        let mut rate = Rate::new(2);
        let taken = |rate: &mut Rate, ms| rate.take(Micros::from_millis(ms));
        assert_eq!([0, 0, 0].map(|ms| taken(&mut rate, ms)), [true, true, false]);
        assert_eq!([499, 500, 501].map(|ms| taken(&mut rate, ms)), [false, true, false]);
        assert_eq!([9_000, 9_000, 9_000].map(|ms| taken(&mut rate, ms)), [true, true, false]);
    }
}
