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
#[derive(Debug)]
pub(super) struct Samples(Histogram<u64>);

impl Default for Samples {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, 3_600_000_000, 3);
        Self(histogram.expect("the bounds are apart, and three digits are allowed"))
    }
}

impl Samples {
    pub(super) fn record(&mut self, latency: Micros) {
        self.0.saturating_record(latency.0);
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
