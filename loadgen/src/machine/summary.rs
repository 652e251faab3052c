//! The report as a table for people: thresholds, then counts, then latencies.

use super::{BarError, Latency, Report, RunInfo};
use std::fmt::{self, Write};

const TICK: char = '\u{2713}';
const CROSS: char = '\u{2717}';

impl Report {
    /// The report as a table. What decides comes first.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = String::new();
        let written = self
            .write_marks(&mut text)
            .and_then(|()| self.write_counts(&mut text))
            .and_then(|()| self.write_latencies(&mut text))
            .and_then(|()| self.write_errors(&mut text));
        written.expect("writing to a String can't fail");
        text
    }

    fn write_marks(&self, out: &mut String) -> fmt::Result {
        for checked in &self.thresholds {
            let mark = if checked.passed { TICK } else { CROSS };
            match checked.actual {
                Some(actual) => writeln!(out, "{mark} {:<34} {actual:.3}", checked.threshold)?,
                None => writeln!(out, "{mark} {:<34} not measured", checked.threshold)?,
            }
        }
        let failures = self.verdict();
        if failures.is_empty() {
            writeln!(out, "{TICK} every accepted hit is in the truth exactly once")?;
        }
        failures.iter().try_for_each(|failure| writeln!(out, "{CROSS} {failure}"))
    }

    fn write_counts(&self, out: &mut String) -> fmt::Result {
        let RunInfo { players, rate_per_s, duration_s, interrupted, seed, .. } = &self.info;
        let early = if *interrupted { ", ended early" } else { "" };
        writeln!(out)?;
        writeln!(out, "{players} players, {rate_per_s} hits/s each, {duration_s:.1} s{early}")?;
        writeln!(out, "seed {seed}, targets {}", self.info.targets.join(" "))?;
        writeln!(out)?;
        row(out, "hits sent", self.hits_sent)?;
        row(out, "  accepted", self.hits_acked)?;
        row(out, "  refused", self.hits_rejected)?;
        for (reason, count) in &self.rejected_by {
            row(out, &format!("    {reason}"), *count)?;
        }
        row(out, "  unresolved", self.hits_unresolved)?;
        row(out, "hits skipped", self.hits_skipped)?;
        row(out, "damage accepted", self.damage_acked)?;
        row(out, "  in the truth", self.damage_truth)?;
        row(out, "  late", self.damage_late)?;
        row(out, "  lost", self.damage_lost)?;
        row(out, "  doubled", self.damage_doubled)?;
        row(out, "  unresolved, at most", self.damage_unresolved)?;
        if self.generations_unseen > 0 {
            row(out, "  in generations unseen", self.damage_unseen)?;
        }
        if self.generations_settled > 0 {
            row(out, "generations settled", self.generations_settled)?;
            row(out, "  shares told", self.shares_told)?;
        }
        row(out, "state frames", self.frames_received)?;
        row(out, "reconnects", self.reconnects)?;
        row(out, "connect failures", self.connect_failures)
    }

    fn write_latencies(&self, out: &mut String) -> fmt::Result {
        writeln!(out)?;
        let heads = ["count", "p50", "p90", "p99", "p99.9", "max"];
        write!(out, "{:<16}", "milliseconds")?;
        heads.iter().try_for_each(|head| write!(out, "{head:>11}"))?;
        writeln!(out)?;
        let rows: [(&str, Latency); 5] = [
            ("acknowledged", self.ack_ms),
            ("in the truth", self.truth_ms),
            ("on other shards", self.cross_shard_ms),
            ("frame interval", self.frame_interval_ms),
            ("generator lag", self.generator_lag_ms),
        ];
        for (name, latency) in rows.iter().filter(|(_, latency)| latency.count > 0) {
            let Latency { count, p50, p90, p99, p999, max } = latency;
            write!(out, "{name:<16}{:>11}", grouped(*count))?;
            [p50, p90, p99, p999, max].iter().try_for_each(|ms| write!(out, "{ms:>11.1}"))?;
            writeln!(out)?;
        }
        let BarError { count, p99, max } = self.bar_error_px;
        if count > 0 {
            let count = grouped(count);
            writeln!(out, "{:<16}{count:>11}{p99:>33.3}{max:>22.3}", "bar error, px")?;
        }
        Ok(())
    }

    fn write_errors(&self, out: &mut String) -> fmt::Result {
        if self.errors.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        let mut lines = self.errors.iter();
        lines.try_for_each(|line| writeln!(out, "{:>10} x {}", grouped(line.count), line.error))
    }
}

fn row(out: &mut String, name: &str, count: u64) -> fmt::Result {
    writeln!(out, "{name:<24}{:>16}", grouped(count))
}

/// The number with a comma before every three digits.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Threshold;

    #[test]
    fn thresholds_come_first_with_a_mark_each() {
        let mut report = Report { ledger_version: Some(1), hits_sent: 1_234, ..Report::default() };
        let thresholds =
            ["hits_sent>1000", "truth_ms.p50<9"].map(|it| Threshold::parse(it).unwrap());
        report.judge(&thresholds);
        let summary = report.summary();
        let mut lines = summary.lines();
        assert!(lines.next().unwrap().starts_with("\u{2713} hits_sent>1000"), "{summary}");
        assert!(lines.next().unwrap().starts_with("\u{2717} truth_ms.p50<9"), "{summary}");
        assert!(summary.contains("1,234"), "{summary}");
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let numbers = [0, 999, 1_000, 12_345_678].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "12,345,678"]);
    }
}
