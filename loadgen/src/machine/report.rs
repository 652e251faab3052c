//! What a run found: the JSON of `loadgen --json`, and whether the run passed.

use super::threshold::{Checked, Threshold};
use super::{Balance, BarError, Latency, Recorder};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ucore::Version;

/// The version of the JSON.
pub const SCHEMA: u32 = 1;

/// A run's results. Fields are only ever added to a schema.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What the run was.
    #[serde(flatten)]
    pub info: RunInfo,
    /// Hits that left, each once however often it was sent again.
    pub hits_sent: u64,
    /// Hits that were accepted.
    pub hits_acked: u64,
    /// Hits that were answered and not accepted.
    pub hits_rejected: u64,
    /// Hits whose answer never came.
    pub hits_unresolved: u64,
    /// Planned hits that did not leave: the boss was not alive, or too many were unanswered.
    pub hits_skipped: u64,
    /// Refusals by reason, as far as they were told.
    pub rejected_by: BTreeMap<String, u64>,
    /// Damage of the accepted hits, as players were told.
    pub damage_acked: u64,
    /// The most that the unresolved hits can have done.
    pub damage_unresolved: u64,
    /// Damage of this run's players that the ledger counts.
    pub damage_truth: u64,
    /// Damage of this run's players that came after the books had closed.
    pub damage_late: u64,
    /// Told to players, and not in the ledger.
    pub damage_lost: u64,
    /// In the ledger, and more than the players can have done.
    pub damage_doubled: u64,
    /// Damage told in generations that the ledger no longer shows. In none of the above.
    pub damage_unseen: u64,
    /// How many generations these were.
    pub generations_unseen: u64,
    /// Late damage of which its players were told another number.
    pub damage_late_untold: u64,
    /// Generations whose boss was divided, as far as the ledger has shown them.
    pub generations_settled: u64,
    /// What is wrong with how they were divided.
    pub unfair: Vec<String>,
    /// Shares of fallen bosses that players were told of.
    pub shares_told: u64,
    /// Those of them that are not what the ledger has.
    pub shares_wrong: u64,
    /// Shares that the ledger has, and that players were not told of in time.
    pub shares_untold: u64,
    /// Players who waited in vain for an answer, or for the truth to show a hit.
    #[serde(default)]
    pub players_undrained: u32,
    /// The version of the ledger, or none if it could not be read.
    pub ledger_version: Option<u64>,
    /// From the planned time of a hit to its answer.
    pub ack_ms: Latency,
    /// From the planned time of an accepted hit to the frame that shows it in the truth.
    pub truth_ms: Latency,
    /// From one state frame to the next on a connection.
    pub frame_interval_ms: Latency,
    /// From the planned time of a hit to the frame of another target that shows it.
    pub cross_shard_ms: Latency,
    /// From the planned time of a hit until it left, where nothing but this process held it back.
    pub generator_lag_ms: Latency,
    /// With `--frames seen`: by how many pixels of 1,000 the bars of players who get what can be
    /// seen were wrong, beside those of players who get every state.
    #[serde(default)]
    pub bar_error_px: BarError,
    /// State frames.
    pub frames_received: u64,
    /// Connections after the first of each player.
    pub reconnects: u64,
    /// Connections that did not come up.
    pub connect_failures: u64,
    /// Errors that no outage explains. A run with one fails.
    pub faults: u64,
    /// The distinct errors, the most frequent first.
    pub errors: Vec<ErrorCount>,
    /// The thresholds that were asked for.
    pub thresholds: Vec<Checked>,
}

/// What a run was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The seed of everything random in it.
    pub seed: u64,
    /// Where the players connected.
    pub targets: Vec<String>,
    /// Simulated players.
    pub players: u32,
    /// Planned hits per player and second.
    pub rate_per_s: f64,
    /// Seconds of load, without ramp and drain.
    pub duration_s: f64,
    /// Whether it was ended before its time.
    pub interrupted: bool,
}

/// An error, and how often it happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// What happened.
    pub error: String,
    /// How often.
    pub count: u64,
    /// Whether no outage explains it.
    pub fault: bool,
}

impl Report {
    /// The report of a run, after its last session was closed and its oracle has learnt the last
    /// ledger, of which this is the version. Without one nothing is known of the truth, and the
    /// report says so.
    #[must_use]
    pub fn new(info: RunInfo, recorder: &Recorder, ledger: Option<Version>) -> Self {
        let hits = recorder.oracle.hits();
        let balance = ledger.map_or_else(Balance::default, |_| recorder.oracle.balance());
        let errors = recorder.errors();
        let refused = recorder.refused.iter();
        Self {
            schema: SCHEMA,
            info,
            hits_sent: hits.sent,
            hits_acked: hits.acked,
            hits_rejected: hits.rejected,
            hits_unresolved: hits.unresolved,
            hits_skipped: recorder.skipped,
            rejected_by: refused.map(|(reason, n)| (reason.name().to_owned(), *n)).collect(),
            damage_acked: balance.acked,
            damage_unresolved: balance.unresolved,
            damage_truth: balance.truth,
            damage_late: balance.late,
            damage_lost: balance.lost,
            damage_doubled: balance.doubled,
            damage_unseen: balance.unseen,
            generations_unseen: balance.generations_unseen,
            damage_late_untold: balance.late_untold,
            generations_settled: balance.settled,
            unfair: balance.unfair,
            shares_told: balance.shares,
            shares_wrong: balance.shares_wrong,
            shares_untold: balance.shares_untold,
            players_undrained: recorder.undrained,
            ledger_version: ledger.map(|version| version.0),
            ack_ms: recorder.ack.latency(),
            truth_ms: recorder.truth.latency(),
            frame_interval_ms: recorder.frame_interval.latency(),
            cross_shard_ms: recorder.cross_shard.latency(),
            generator_lag_ms: recorder.lag.latency(),
            bar_error_px: recorder.bars.error(),
            frames_received: recorder.frames_received,
            reconnects: recorder.reconnects,
            connect_failures: recorder.connect_failures,
            faults: errors.iter().filter(|line| line.fault).map(|line| line.count).sum(),
            errors,
            thresholds: Vec::new(),
        }
    }

    /// Checks the thresholds and keeps the results.
    pub fn judge(&mut self, thresholds: &[Threshold]) {
        let json = self.to_value();
        self.thresholds = thresholds.iter().map(|threshold| threshold.check(&json)).collect();
    }

    /// Whether every threshold of [`Self::judge`] was met.
    #[must_use]
    pub fn thresholds_passed(&self) -> bool {
        self.thresholds.iter().all(|checked| checked.passed)
    }

    /// Why the run fails, whatever its thresholds; empty if the books balance.
    #[must_use]
    pub fn verdict(&self) -> Vec<String> {
        let mut failures = Vec::new();
        if self.ledger_version.is_none() {
            failures.push("the ledger could not be read: nothing is proven".to_owned());
        }
        if self.damage_lost > 0 {
            failures.push(format!("{} damage was accepted and is lost", self.damage_lost));
        }
        if self.damage_doubled > 0 {
            failures.push(format!("{} damage was counted twice", self.damage_doubled));
        }
        if self.damage_late_untold > 0 {
            let late = self.damage_late_untold;
            failures.push(format!("{late} damage was late, and its players were told otherwise"));
        }
        if self.shares_wrong > 0 {
            let wrong = self.shares_wrong;
            failures.push(format!("{wrong} shares that players were told are not the ledger's"));
        }
        if self.shares_untold > 0 {
            let untold = self.shares_untold;
            failures.push(format!("{untold} shares of fallen bosses were not told in time"));
        }
        failures.extend(self.unfair.iter().cloned());
        if self.hits_unresolved > 0 {
            failures.push(format!("{} hits were never answered", self.hits_unresolved));
        }
        for line in self.errors.iter().filter(|line| line.fault) {
            failures.push(format!("{} ({} times)", line.error, line.count));
        }
        failures
    }

    /// The JSON, for people.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("the fields of a report have JSON forms")
    }

    pub(super) fn to_value(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("the fields of a report have JSON forms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_json_has_every_documented_field() {
        let report = Report::new(RunInfo::default(), &Recorder::new(1), None);
        let json = report.to_value();
        let counts = "seed players duration_s hits_sent hits_acked hits_rejected hits_unresolved \
            hits_skipped damage_acked damage_unresolved damage_truth damage_late damage_lost \
            damage_doubled damage_late_untold shares_told shares_wrong \
            shares_untold generations_settled players_undrained \
            generations_unseen frames_received reconnects connect_failures";
        for field in counts.split_whitespace() {
            assert!(json[field].is_number(), "{field}");
        }
        let latencies = "ack_ms truth_ms frame_interval_ms cross_shard_ms generator_lag_ms";
        for field in latencies.split_whitespace() {
            for part in ["count", "p50", "p90", "p99", "p999", "max"] {
                assert!(json[field][part].is_number(), "{field}.{part}");
            }
        }
        for part in ["count", "p99", "max"] {
            assert!(json["bar_error_px"][part].is_number(), "bar_error_px.{part}");
        }
        assert_eq!(json["schema"], 1);
        assert_eq!(json["ledger_version"], Value::Null);
        assert!(json["targets"].is_array() && json["errors"].is_array());
    }

    #[test]
    fn the_json_reads_back_as_the_same_report() {
        let info = RunInfo { seed: u64::MAX, duration_s: 1.5, ..RunInfo::default() };
        let report = Report::new(info, &Recorder::new(1), None);
        assert_eq!(serde_json::from_str::<Report>(&report.to_json()).unwrap(), report);
    }

    fn check_verdict(change: impl FnOnce(&mut Report), failures: usize) {
        let mut report = Report { ledger_version: Some(1), ..Report::default() };
        change(&mut report);
        assert_eq!(report.verdict().len(), failures, "{:?}", report.verdict());
    }

    #[test]
    fn a_run_fails_for_what_is_lost_doubled_unresolved_or_unknown() {
        check_verdict(|_| {}, 0);
        check_verdict(|report| report.damage_lost = 1, 1);
        check_verdict(|report| report.damage_doubled = 1, 1);
        check_verdict(|report| report.hits_unresolved = 1, 1);
        check_verdict(|report| report.damage_late_untold = 1, 1);
        check_verdict(|report| report.shares_wrong = 1, 1);
        check_verdict(|report| report.shares_untold = 1, 1);
        check_verdict(|report| report.unfair = vec!["x".to_owned(); 2], 2);
        check_verdict(|report| report.ledger_version = None, 1);
    }

    #[test]
    fn a_run_fails_for_faults_and_not_for_outages() {
        let error = |fault| ErrorCount { error: "x".to_owned(), count: 3, fault };
        check_verdict(|report| report.errors.push(error(false)), 0);
        check_verdict(|report| report.errors.push(error(true)), 1);
    }
}
