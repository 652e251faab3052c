//! A run beside an earlier one: what became worse, and whether the two were the same load.

use super::{Latency, Report};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A figure of a run beside the same one of its baseline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Regression {
    /// The figure, as `ack_ms.p99`.
    pub metric: String,
    /// What it was in the baseline.
    pub before: f64,
    /// What it is now.
    pub now: f64,
    /// By how many percent it grew; none if it was zero.
    pub change_percent: Option<f64>,
    /// Whether that is a regression.
    pub is_worse: bool,
}

/// What a run is asked for, and what differs anyhow: none of it makes another load of it.
const NOT_COMPARED: [&str; 6] =
    ["seed", "targets", "interrupted", "began_unix_ms", "plan", "command"];

/// Numbers of the configuration that differ by no more than this part are the same.
const ALIKE: f64 = 0.01;

/// A difference below this is noise, whatever its percentage.
const FLOOR_MS: f64 = 1.0;
const FLOOR_US_PER_PLAYER: f64 = 1.0;
const FLOOR_BYTES_PER_PLAYER: f64 = 1_024.0;
const FLOOR_HITS_PER_S: f64 = 1.0;

#[derive(Debug, Clone, Copy)]
enum Worse {
    /// By more than the tolerance, and by the floor.
    Higher {
        floor: f64,
    },
    Lower {
        floor: f64,
    },
    /// By anything at all.
    More,
}

struct Figure {
    metric: String,
    value: f64,
    worse: Worse,
}

impl Report {
    /// A row for each figure that was measured in both runs: latencies, hits a second, failures,
    /// and what players and frames cost. It is a regression if it became worse by more than this
    /// many percent; failures are one if there are any more of them, and small differences never
    /// are.
    #[must_use]
    pub fn compare(&self, baseline: &Self, percent: f64) -> Vec<Regression> {
        let before = baseline.figures();
        let row = |now: Figure| {
            let before = before.iter().find(|it| it.metric == now.metric)?;
            Some(now.beside(before.value, percent))
        };
        self.figures().into_iter().filter_map(row).collect()
    }

    /// Keeps [`Self::compare`] with this baseline, and in what it was another load.
    pub fn judge_against(&mut self, baseline: &Self, percent: f64) {
        self.regressions = self.compare(baseline, percent);
        self.baseline_differs = self.differences(baseline);
    }

    /// Whether nothing became worse in [`Self::judge_against`].
    #[must_use]
    pub fn baseline_held(&self) -> bool {
        self.regressions.iter().all(|row| !row.is_worse)
    }

    /// In what the other run was another load, as `players: 1000, now 2000`.
    fn differences(&self, baseline: &Self) -> Vec<String> {
        let value = |report: &Self| {
            let info = serde_json::to_value(&report.info);
            info.expect("the fields of a run have JSON forms")
        };
        let (before, now) = (value(baseline), value(self));
        let mut differences = Vec::new();
        for (field, now) in now.as_object().into_iter().flatten() {
            let before = before.get(field).unwrap_or(&Value::Null);
            if !is_alike(before, now) && !NOT_COMPARED.contains(&field.as_str()) {
                differences.push(format!("{field}: {}, now {}", plain(before), plain(now)));
            }
        }
        let targets = |report: &Self| report.info.targets.len();
        if targets(self) != targets(baseline) {
            differences.push(format!("targets: {}, now {}", targets(baseline), targets(self)));
        }
        differences
    }

    /// What was measured of all that is compared.
    fn figures(&self) -> Vec<Figure> {
        let mut figures = Vec::new();
        let mut add = |metric: String, value, worse| figures.push(Figure { metric, value, worse });
        let compared = self.latencies().into_iter().filter(|it| is_compared(it.field));
        for it in compared.filter(|it| it.latency.count > 0) {
            let Latency { p50, p99, .. } = it.latency;
            let worse = Worse::Higher { floor: FLOOR_MS };
            add(format!("{}.p50", it.field), p50, worse);
            add(format!("{}.p99", it.field), p99, worse);
        }
        if self.info.duration_s > 0.0 {
            let rate = self.hits_acked as f64 / self.info.duration_s;
            add("hits_acked_per_s".to_owned(), rate, Worse::Lower { floor: FLOOR_HITS_PER_S });
        }
        let errors: u64 = self.errors.iter().map(|line| line.count).sum();
        add("connect_failures".to_owned(), self.connect_failures as f64, Worse::More);
        add("errors".to_owned(), errors as f64, Worse::More);
        for server in self.servers.iter().filter(|server| server.over_s > 0.0) {
            let worse = |floor| Worse::Higher { floor };
            let name = |field| format!("{}: {field}", server.url);
            let (cpu, bytes) = (server.cpu_us_per_player_s, server.resident_bytes_per_player);
            add(name("cpu_us_per_player_s"), cpu, worse(FLOOR_US_PER_PLAYER));
            add(name("resident_bytes_per_player"), bytes, worse(FLOOR_BYTES_PER_PLAYER));
        }
        figures
    }
}

/// Whether two values make the same load. No two runs last for the same microseconds.
fn is_alike(before: &Value, now: &Value) -> bool {
    match (before.as_f64(), now.as_f64()) {
        (Some(before), Some(now)) => (before - now).abs() <= ALIKE * before.abs(),
        _ => before == now,
    }
}

/// How late this process was is no matter of the servers, and who resumes was cut off.
fn is_compared(latency: &str) -> bool {
    !["generator_lag_ms", "resume_ms"].contains(&latency)
}

impl Figure {
    fn beside(self, before: f64, percent: f64) -> Regression {
        let grown = self.value - before;
        let beyond = |by: f64, floor: f64| by >= floor && by > before.abs() * percent / 100.0;
        let is_worse = match self.worse {
            Worse::Higher { floor } => beyond(grown, floor),
            Worse::Lower { floor } => beyond(-grown, floor),
            Worse::More => grown > 0.0,
        };
        let change_percent = (before != 0.0).then(|| grown / before * 100.0);
        Regression { metric: self.metric, before, now: self.value, change_percent, is_worse }
    }
}

/// A value as it stands in a sentence.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::example::example;

    /// The metrics that are worse after a change, with a tolerance of ten percent.
    fn worse(change: impl FnOnce(&mut Report)) -> Vec<String> {
        let (baseline, mut now) = (example(), example());
        change(&mut now);
        let rows = now.compare(&baseline, 10.0).into_iter();
        rows.filter(|row| row.is_worse).map(|row| row.metric).collect()
    }

    #[test]
    fn a_run_beside_itself_has_a_row_for_each_figure_and_nothing_worse() {
        let rows = example().compare(&example(), 0.0);
        assert!(rows.iter().all(|row| !row.is_worse && row.change_percent.unwrap_or(0.0) == 0.0));
        assert_eq!(rows.len(), 5 * 2 + 1 + 2 + 2);
    }

    #[test]
    fn higher_latencies_fewer_hits_and_dearer_players_are_worse() {
        assert_eq!(worse(|now| now.ack_ms.p99 *= 1.2), ["ack_ms.p99"]);
        assert_eq!(worse(|now| now.join_ms.p50 *= 1.2), ["join_ms.p50"]);
        assert_eq!(worse(|now| now.hits_acked /= 2), ["hits_acked_per_s"]);
        // Dearer frames are a matter of this process alone.
        assert_eq!(worse(|now| now.cpu_us_per_frame *= 2.0), [""; 0]);
        let server = |metric| format!("http://127.0.0.1:7777/metrics: {metric}");
        let dearer = worse(|now| now.servers[0].cpu_us_per_player_s *= 2.0);
        assert_eq!(dearer, [server("cpu_us_per_player_s")]);
        let fatter = worse(|now| now.servers[0].resident_bytes_per_player *= 2.0);
        assert_eq!(fatter, [server("resident_bytes_per_player")]);
    }

    #[test]
    fn any_more_failures_are_worse() {
        assert_eq!(worse(|now| now.connect_failures += 1), ["connect_failures"]);
        assert_eq!(worse(|now| now.errors[0].count += 1), ["errors"]);
    }

    #[test]
    fn what_is_better_within_the_tolerance_or_below_the_floor_is_no_regression() {
        assert_eq!(worse(|now| now.ack_ms.p99 /= 2.0), [""; 0]);
        assert_eq!(worse(|now| now.hits_acked *= 2), [""; 0]);
        assert_eq!(worse(|now| now.ack_ms.p99 *= 1.09), [""; 0]);
        let latency = |p50| Latency { count: 1, p50, ..Latency::default() };
        let with = |p50| Report { ack_ms: latency(p50), ..Report::default() };
        assert!(!with(1.2).compare(&with(0.3), 10.0)[0].is_worse);
        assert!(with(1.4).compare(&with(0.3), 10.0)[0].is_worse);
    }

    #[test]
    fn what_one_run_has_not_measured_is_no_row() {
        let mut now = example();
        now.join_ms = Latency::default();
        now.servers[0].url = "http://elsewhere/metrics".to_owned();
        let rows = now.compare(&example(), 10.0);
        let has = |part: &str| rows.iter().any(|row| row.metric.contains(part));
        assert!(has("ack_ms") && !has("join_ms") && !has("metrics"), "{rows:?}");
    }

    #[test]
    fn a_figure_that_was_zero_grew_by_no_percentage() {
        let now = Report { connect_failures: 2, ..Report::default() };
        let rows = now.compare(&Report::default(), 10.0);
        let row = rows.iter().find(|row| row.metric == "connect_failures").unwrap();
        assert!(row.is_worse && row.change_percent.is_none());
    }

    #[test]
    fn no_two_runs_last_equally_long_and_yet_they_are_the_same_load() {
        let mut now = example();
        now.info.duration_s += 0.001;
        now.judge_against(&example(), 10.0);
        assert_eq!(now.baseline_differs, [""; 0]);
        now.info.duration_s *= 2.0;
        now.judge_against(&example(), 10.0);
        assert_eq!(now.baseline_differs.len(), 1);
    }

    #[test]
    fn a_baseline_of_another_load_is_told() {
        let mut now = example();
        now.info.players = 1_000;
        now.info.seed += 1;
        now.info.arrivals = "closed".to_owned();
        now.info.targets.pop();
        now.judge_against(&example(), 10.0);
        let expected = ["arrivals: poisson, now closed", "players: 2000, now 1000"];
        assert_eq!(now.baseline_differs[..2], expected);
        assert_eq!(now.baseline_differs[2..], ["targets: 2, now 1"]);
        assert!(now.baseline_held() && !now.regressions.is_empty());
    }
}
