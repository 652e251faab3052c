//! The report as a table for people: what decides, then counts, latencies and costs.

use super::units::{bytes, figure, plain};
use super::{BarError, Latency, Report, RunInfo};
use std::fmt::{self, Write};

/// Errors that are shown. The JSON and the page have all.
const ERRORS_MAX: usize = 8;
/// The same of targets.
const TARGETS_MAX: usize = 4;

impl Report {
    /// The report as a table. What decides comes first.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = String::new();
        let written = self
            .write_marks(&mut text)
            .and_then(|()| self.write_run(&mut text))
            .and_then(|()| self.write_counts(&mut text))
            .and_then(|()| self.write_latencies(&mut text))
            .and_then(|()| self.write_costs(&mut text))
            .and_then(|()| self.write_errors(&mut text));
        written.expect("writing to a String can't fail");
        text
    }

    fn write_marks(&self, out: &mut String) -> fmt::Result {
        self.marks().iter().try_for_each(|mark| match &mark.actual {
            Some(actual) => writeln!(out, "{} {:<34} {actual}", mark.sign(), mark.text),
            None => writeln!(out, "{} {}", mark.sign(), mark.text),
        })
    }

    fn write_run(&self, out: &mut String) -> fmt::Result {
        let RunInfo { players, rate_per_s, duration_s, interrupted, seed, plan, .. } = &self.info;
        let early = if *interrupted { ", ended early" } else { "" };
        let runs = match self.merged.len() {
            0 => String::new(),
            runs => format!(" of {runs} runs"),
        };
        let arrivals = match self.info.arrivals.as_str() {
            "" => String::new(),
            arrivals => format!(" ({arrivals})"),
        };
        let plan = if plan.is_empty() { String::new() } else { format!(", plan {plan}") };
        writeln!(out)?;
        let rate = plain(*rate_per_s);
        writeln!(
            out,
            "{players} players{runs}, {rate} hits/s each{arrivals}, {duration_s:.1} s{early}"
        )?;
        let shown = self.info.targets.iter().take(TARGETS_MAX);
        let shown: Vec<_> = shown.map(String::as_str).collect();
        let more = match self.info.targets.len().saturating_sub(TARGETS_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(out, "seed {seed}{plan}, targets {}{more}", shown.join(" "))?;
        writeln!(out)
    }

    fn write_counts(&self, out: &mut String) -> fmt::Result {
        for (name, count) in self.counts() {
            writeln!(out, "{name:<24}{:>16}", grouped(count))?;
        }
        for (kind, count) in &self.cheats {
            let (tried, refused) = (grouped(count.tried), grouped(count.refused));
            let through = grouped(count.let_through);
            let name = format!("cheat {kind}");
            writeln!(out, "{name:<24}{tried:>16} tried, {refused} refused, {through} let through")?;
        }
        Ok(())
    }

    /// What was counted, by name. What belongs to a line above is indented; what most runs do not
    /// have is only there if it is not zero.
    pub(super) fn counts(&self) -> Vec<(String, u64)> {
        let mut counts = Vec::new();
        let mut add = |name: &str, count| counts.push((name.to_owned(), count));
        add("hits sent", self.hits_sent);
        add("  accepted", self.hits_acked);
        add("  refused", self.hits_rejected);
        for (reason, count) in &self.rejected_by {
            add(&format!("    {reason}"), *count);
        }
        add("  unresolved", self.hits_unresolved);
        add("hits skipped", self.hits_skipped);
        add("damage accepted", self.damage_acked);
        add("  in the truth", self.damage_truth);
        add("  late", self.damage_late);
        add("  lost", self.damage_lost);
        add("  doubled", self.damage_doubled);
        add("state frames", self.frames_received);
        add("reconnects", self.reconnects);
        add("connect failures", self.connect_failures);
        let mut add_any = |name: &str, count| {
            if count > 0 {
                counts.push((name.to_owned(), count));
            }
        };
        add_any("damage unresolved", self.damage_unresolved);
        add_any("damage unseen", self.damage_unseen);
        add_any("generations settled", self.generations_settled);
        add_any("  shares told", self.shares_told);
        add_any("players missing", self.players_missing.into());
        add_any("players undrained", self.players_undrained.into());
        counts
    }

    fn write_latencies(&self, out: &mut String) -> fmt::Result {
        writeln!(out)?;
        let heads = ["count", "p50", "p90", "p99", "p99.9", "max"];
        write!(out, "{:<16}", "milliseconds")?;
        heads.iter().try_for_each(|head| write!(out, "{head:>11}"))?;
        writeln!(out)?;
        for it in self.latencies().iter().filter(|it| it.latency.count > 0) {
            let Latency { count, p50, p90, p99, p999, max } = it.latency;
            write!(out, "{:<16}{:>11}", it.name, grouped(count))?;
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

    /// What players cost the servers, what frames cost this process, and what became dearer.
    fn write_costs(&self, out: &mut String) -> fmt::Result {
        if !self.servers.is_empty() || self.cpu_us_per_frame > 0.0 {
            writeln!(out)?;
        }
        for server in self.servers.iter().filter(|server| server.over_s > 0.0) {
            let cpu = figure(server.cpu_us_per_player_s);
            let memory = bytes(server.resident_bytes_per_player);
            let url = &server.url;
            writeln!(
                out,
                "a player costs {cpu} us of processor time a second and {memory}: {url}"
            )?;
        }
        for server in self.servers.iter().filter(|server| server.failures > 0) {
            let (failures, url) = (server.failures, &server.url);
            writeln!(out, "{failures} readings failed: {url}")?;
        }
        if self.cpu_us_per_frame > 0.0 {
            let (us, cpu) = (figure(self.cpu_us_per_frame), figure(self.cpu_s));
            writeln!(out, "a frame cost this process {us} us; it used {cpu} s of processor time")?;
        }
        for differs in &self.baseline_differs {
            writeln!(out, "the baseline was another load: {differs}")?;
        }
        Ok(())
    }

    fn write_errors(&self, out: &mut String) -> fmt::Result {
        if self.errors.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        for line in self.errors.iter().take(ERRORS_MAX) {
            writeln!(out, "{:>10} x {}", grouped(line.count), line.error)?;
        }
        match self.errors.len().saturating_sub(ERRORS_MAX) {
            0 => Ok(()),
            more => writeln!(out, "{:>10}   and {more} more kinds of errors", ""),
        }
    }
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
    use crate::machine::example::example;

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
    fn a_rich_run_is_one_screen_and_tells_costs_cheats_and_seed() {
        let summary = example().summary();
        for part in [
            "seed 4711, plan 9f3c1e7a52d08b46",
            "2000 players, 2 hits/s each (poisson), 50.0 s",
            "joined",
            "cheat replay                         400 tried, 400 refused, 0 let through",
            "a player costs 47.2 us of processor time a second and 21.4 kB",
            "a frame cost this process 11.2 us",
            "512 x connection reset",
        ] {
            assert!(summary.contains(part), "{part}:\n{summary}");
        }
        assert!(summary.lines().count() <= 44, "{summary}");
        let plain = Report { info: example().info, ack_ms: example().ack_ms, ..Report::default() };
        assert!(plain.summary().lines().count() <= 24, "{}", plain.summary());
    }

    #[test]
    fn what_became_worse_and_what_differs_is_told() {
        let mut report = example();
        report.ack_ms.p99 *= 2.0;
        report.info.players = 1;
        report.judge_against(&example(), 10.0);
        let summary = report.summary();
        assert!(summary.contains("\u{2717} worse than the baseline: ack_ms.p99 was "), "{summary}");
        assert!(summary.contains("another load: players: 2000, now 1"), "{summary}");
        report.judge_against(&report.clone(), 10.0);
        assert!(report.summary().contains("\u{2713} nothing is worse than the baseline"));
    }

    #[test]
    fn errors_and_targets_beyond_a_few_are_counted() {
        let mut report = example();
        report.info.targets = vec!["ws://a/ws".to_owned(); TARGETS_MAX + 2];
        assert!(report.summary().contains("ws://a/ws and 2 more\n"), "{}", report.summary());
        report.errors = vec![report.errors[0].clone(); ERRORS_MAX + 3];
        assert!(report.summary().contains("and 3 more kinds"), "{}", report.summary());
        assert_eq!(report.summary().matches("512 x").count(), ERRORS_MAX);
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let numbers = [0, 999, 1_000, 12_345_678].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "12,345,678"]);
    }
}
