//! The latencies of a report as a list, for those who do the same with each of them.

use super::bar::PixelErrors;
use super::latency::Samples;
use super::{Latency, Report};

/// A latency of a report.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    /// Its field.
    pub(super) field: &'static str,
    /// Its name for people.
    pub(super) name: &'static str,
    /// What was measured.
    pub(super) latency: Latency,
}

/// The histogram of [`Report::bar_error_px`].
pub(super) const BAR_ERROR: &str = "bar_error_px";

impl Report {
    /// Every latency, in the order in which a player meets it.
    pub(super) fn latencies(&self) -> [Measured; 7] {
        let measured = |field, name, latency| Measured { field, name, latency };
        [
            measured("join_ms", "joined", self.join_ms),
            measured("resume_ms", "resumed", self.resume_ms),
            measured("ack_ms", "acknowledged", self.ack_ms),
            measured("truth_ms", "in the truth", self.truth_ms),
            measured("cross_shard_ms", "on other shards", self.cross_shard_ms),
            measured("frame_interval_ms", "frame interval", self.frame_interval_ms),
            measured("generator_lag_ms", "generator lag", self.generator_lag_ms),
        ]
    }

    fn latencies_mut(&mut self) -> [(&'static str, &mut Latency); 7] {
        [
            ("join_ms", &mut self.join_ms),
            ("resume_ms", &mut self.resume_ms),
            ("ack_ms", &mut self.ack_ms),
            ("truth_ms", &mut self.truth_ms),
            ("cross_shard_ms", &mut self.cross_shard_ms),
            ("frame_interval_ms", &mut self.frame_interval_ms),
            ("generator_lag_ms", &mut self.generator_lag_ms),
        ]
    }

    /// Enters a latency by its field, with its histogram if there is any sample.
    pub(super) fn measure(&mut self, field: &str, samples: &Samples) {
        for (name, latency) in self.latencies_mut() {
            if name == field {
                *latency = samples.latency();
            }
        }
        self.keep_histogram(field, samples.buckets());
    }

    /// Enters by how much bars were wrong.
    pub(super) fn measure_bars(&mut self, errors: &PixelErrors) {
        self.bar_error_px = errors.error();
        self.keep_histogram(BAR_ERROR, errors.buckets());
    }

    fn keep_histogram(&mut self, field: &str, buckets: Vec<(u64, u64)>) {
        if !buckets.is_empty() {
            self.histograms.insert(field.to_owned(), buckets);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Micros;

    #[test]
    fn every_latency_of_the_report_is_in_the_list_and_can_be_entered() {
        let mut report = Report::default();
        let is_latency = |value: &serde_json::Value| value.get("p999").is_some();
        let json = report.to_value();
        let fields = json.as_object().unwrap().iter().filter(|(_, value)| is_latency(value));
        let mut fields: Vec<_> = fields.map(|(field, _)| field.clone()).collect();
        let mut listed = report.latencies().map(|it| it.field.to_owned()).to_vec();
        fields.sort_unstable();
        listed.sort_unstable();
        assert_eq!(fields, listed);
        for (micros, field) in (1..).zip(&listed) {
            let mut samples = Samples::default();
            samples.record(Micros(micros));
            report.measure(field, &samples);
            let json = report.to_value();
            assert_eq!(json[field]["max"].as_f64(), Some(micros as f64 / 1_000.0), "{field}");
            assert_eq!(report.histograms[field], [(micros, 1)]);
            let told = report.latencies().into_iter().find(|it| it.field == field).unwrap();
            assert_eq!(told.latency, samples.latency(), "{field}");
        }
    }

    #[test]
    fn what_was_never_measured_has_no_histogram() {
        let mut report = Report::default();
        report.measure("ack_ms", &Samples::default());
        assert!(report.histograms.is_empty());
    }
}
