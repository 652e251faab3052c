//! Percentiles of a latency, in milliseconds.

use hdrhistogram::Histogram;
use protocol::Micros;
use serde::{Deserialize, Serialize};

/// What a report says of a latency. Milliseconds, with three significant digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Samples.
    pub count: u64,
    /// Half of them were no slower.
    pub p50: f64,
    /// 90 of a hundred were no slower.
    pub p90: f64,
    /// 99 of a hundred were no slower.
    pub p99: f64,
    /// 999 of a thousand were no slower.
    pub p999: f64,
    /// The slowest.
    pub max: f64,
}

/// Samples of a latency, kept as a histogram of microseconds from one to an hour.
#[derive(Debug, Clone)]
pub(super) struct Samples(Histogram<u64>);

impl Default for Samples {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, 3_600_000_000, 3);
        Self(histogram.expect("the bounds are apart, and three digits are allowed"))
    }
}

impl Latency {
    /// Adds other samples of which only the percentiles are known: the median becomes the mean of
    /// both, weighted by their samples, and everything else the worse of the two.
    pub(super) fn blend(&mut self, other: &Self) {
        let count = self.count.saturating_add(other.count);
        if count > 0 {
            let weighted = |it: &Self| it.p50 * (it.count as f64 / count as f64);
            self.p50 = weighted(self) + weighted(other);
        }
        self.count = count;
        self.p90 = self.p90.max(other.p90);
        self.p99 = self.p99.max(other.p99);
        self.p999 = self.p999.max(other.p999);
        self.max = self.max.max(other.max);
    }
}

impl Samples {
    pub(super) fn record(&mut self, latency: Micros) {
        self.0.saturating_record(latency.0);
    }

    /// (microseconds, samples) of each bucket that has any, in order. [`Self::add`] of all of them
    /// makes the same histogram.
    pub(super) fn buckets(&self) -> Vec<(u64, u64)> {
        let recorded = self.0.iter_recorded();
        recorded.map(|it| (it.value_iterated_to(), it.count_since_last_iteration())).collect()
    }

    /// Adds what [`Self::buckets`] gave of a histogram, from whatever run.
    pub(super) fn add(&mut self, buckets: &[(u64, u64)]) {
        buckets.iter().for_each(|(micros, count)| self.0.saturating_record_n(*micros, *count));
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    pub(super) fn clear(&mut self) {
        self.0.reset();
    }

    pub(super) fn latency(&self) -> Latency {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        Latency {
            count: self.0.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.0.max() as f64 / 1_000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(micros: &[u64]) -> Samples {
        let mut samples = Samples::default();
        micros.iter().for_each(|it| samples.record(Micros(*it)));
        samples
    }

    proptest! {
        #[test]
        fn samples_that_were_split_and_added_again_are_the_same(
            micros in prop::collection::vec(
                prop_oneof![0..20_u64, 0..3_000_000_u64, 3_590_000_000..4_000_000_000_u64],
                0..300,
            ),
            parts in 1..5_usize,
        ) {
            let whole = of(&micros);
            let mut merged = Samples::default();
            for part in 0..parts {
                let own: Vec<_> = micros.iter().skip(part).step_by(parts).copied().collect();
                merged.add(&of(&own).buckets());
            }
            prop_assert_eq!(merged.latency(), whole.latency());
            prop_assert_eq!(merged.buckets(), whole.buckets());
        }
    }

    #[test]
    fn buckets_hold_every_sample_in_order() {
        assert_eq!(of(&[7, 3, 7, 0]).buckets(), [(0, 1), (3, 1), (7, 2)]);
        assert_eq!(of(&[]).buckets(), []);
    }

    #[test]
    fn blended_percentiles_are_the_worse_and_the_median_is_weighted() {
        let mut one = Latency { count: 3, p50: 10.0, p90: 20.0, p99: 50.0, p999: 50.0, max: 50.0 };
        one.blend(&Latency { count: 1, p50: 30.0, p90: 40.0, p99: 40.0, p999: 40.0, max: 40.0 });
        assert_eq!((one.count, one.p50, one.p90, one.p99), (4, 15.0, 40.0, 50.0));
        let mut none = Latency::default();
        none.blend(&Latency::default());
        assert_eq!(none, Latency::default());
    }
}
