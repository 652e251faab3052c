//! When a player wants to hit: open Poisson arrivals, planned whether or not anybody answers.

use protocol::Micros;

/// The planned times of one player's hits. The same seed plans the same times.
#[derive(Debug, Clone)]
pub struct Arrivals {
    random: fastrand::Rng,
    /// The mean gap, or none for a player who never hits.
    gap_us: Option<f64>,
    next: Option<Micros>,
}

impl Arrivals {
    /// Arrivals at `rate_per_s` on average, none of them before [`Self::start`].
    #[must_use]
    pub fn new(rate_per_s: f64, seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            gap_us: (rate_per_s > 0.0).then(|| 1_000_000.0 / rate_per_s),
            next: None,
        }
    }

    /// Plans from `at` on.
    pub fn start(&mut self, at: Micros) {
        self.next = self.gap().map(|gap| at + gap);
    }

    /// Plans nothing more.
    pub fn stop(&mut self) {
        self.next = None;
    }

    /// The next planned time.
    #[must_use]
    pub fn next(&self) -> Option<Micros> {
        self.next
    }

    /// The next planned time if it has come; then the one after it is planned from there.
    pub fn take(&mut self, now: Micros) -> Option<Micros> {
        let planned = self.next.filter(|planned| *planned <= now)?;
        self.start(planned);
        Some(planned)
    }

    fn gap(&mut self) -> Option<Micros> {
        let gap = -(1.0 - self.random.f64()).ln() * self.gap_us?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from zero to 37 mean gaps, and a cast of a float saturates"
        )]
        let gap = gap.round() as u64;
        Some(Micros(gap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned_in(rate_per_s: f64, seed: u64, seconds: u64) -> Vec<u64> {
        let mut arrivals = Arrivals::new(rate_per_s, seed);
        arrivals.start(Micros(0));
        let end = Micros::from_millis(seconds * 1_000);
        std::iter::from_fn(|| arrivals.take(end)).map(|at| at.0).collect()
    }

    #[test]
    fn arrivals_come_at_the_mean_rate_with_the_spread_of_a_poisson_process() {
        let times = planned_in(4.0, 7, 10_000);
        let count = times.len() as f64;
        // 40,000 are expected with a deviation of 200.
        assert!((39_000.0..41_000.0).contains(&count), "{count} arrivals");
        let mut counts = vec![0_f64; 10_000];
        times.iter().for_each(|at| counts[usize::try_from(at / 1_000_001).unwrap()] += 1.0);
        let variance = counts.iter().map(|n| (n - 4.0).powi(2)).sum::<f64>() / 10_000.0;
        assert!((3.6..4.4).contains(&variance), "variance {variance}");
    }

    #[test]
    fn the_same_seed_plans_the_same_times() {
        assert_eq!(planned_in(2.0, 1, 100), planned_in(2.0, 1, 100));
        assert_ne!(planned_in(2.0, 1, 100), planned_in(2.0, 2, 100));
    }

    #[test]
    fn a_rate_of_zero_plans_nothing() {
        assert_eq!(planned_in(0.0, 1, 100), Vec::<u64>::new());
    }

    #[test]
    fn nothing_is_planned_before_the_start_or_after_the_stop() {
        let mut arrivals = Arrivals::new(8.0, 1);
        assert_eq!(arrivals.next(), None);
        arrivals.start(Micros(5_000_000));
        assert!(arrivals.next() >= Some(Micros(5_000_000)));
        arrivals.stop();
        assert_eq!(arrivals.take(Micros(u64::MAX)), None);
    }
}
