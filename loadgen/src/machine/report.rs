//! What a run found: the JSON of `loadgen --json`, and whether the run passed.

use super::measures::Shard;
use super::threshold::{Checked, Threshold};
use super::units::ms;
use super::{Balance, BarError, Latency, Recorder, Regression, Second, ServerCost};
use protocol::Micros;
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
    /// From the planned time of a player's first connection to its first state frame.
    #[serde(default)]
    pub join_ms: Latency,
    /// The same for connections that resume a session.
    #[serde(default)]
    pub resume_ms: Latency,
    /// State frames.
    pub frames_received: u64,
    /// Bytes that came, in WebSocket frames.
    #[serde(default)]
    pub bytes_received: u64,
    /// Bytes that left, in WebSocket frames.
    #[serde(default)]
    pub bytes_sent: u64,
    /// Processor time of this process, in seconds.
    #[serde(default)]
    pub cpu_s: f64,
    /// Processor time of this process during the load by the state frames in it, in microseconds.
    #[serde(default)]
    pub cpu_us_per_frame: f64,
    /// Players who were never let in. A run with one is invalid.
    #[serde(default)]
    pub players_missing: u32,
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
    /// Why the figures say nothing of the servers; empty for a valid run.
    #[serde(default)]
    pub invalid: Vec<String>,
    /// By kind of cheating, what players tried and what came of it.
    #[serde(default)]
    pub cheats: BTreeMap<String, CheatCount>,
    /// By target.
    #[serde(default)]
    pub shards: Vec<ShardTotal>,
    /// By page of `--scrape`.
    #[serde(default)]
    pub servers: Vec<ServerCost>,
    /// Second by second.
    #[serde(default)]
    pub series: Vec<Second>,
    /// By name, as `ack_ms`: (microseconds, samples) of each bucket that has any, in order. A
    /// bucket is a thousandth of its value wide. Those of `bar_error_px` are thousandths of a
    /// pixel.
    #[serde(default)]
    pub histograms: BTreeMap<String, Vec<(u64, u64)>>,
    /// The runs that were merged; empty for a single one.
    #[serde(default)]
    pub merged: Vec<RunInfo>,
    /// This run beside its baseline, one row for each figure that both have.
    #[serde(default)]
    pub regressions: Vec<Regression>,
    /// In what the baseline was another load, as `players: 1000, now 2000`.
    #[serde(default)]
    pub baseline_differs: Vec<String>,
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
    /// When it began, in milliseconds of Unix time.
    #[serde(default)]
    pub began_unix_ms: u64,
    /// How hits arrive: `poisson`, `closed`, or `every` and a duration.
    #[serde(default)]
    pub arrivals: String,
    /// The hash of the planned hits: runs with the same one plan the same.
    #[serde(default)]
    pub plan: String,
    /// The version of the program.
    #[serde(default)]
    pub version: String,
    /// The command that repeats it; empty if there is none.
    #[serde(default)]
    pub command: String,
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

/// What players tried that a shard must not let through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheatCount {
    /// How often.
    pub tried: u64,
    /// How often it was refused, in the way that the protocol says.
    pub refused: u64,
    /// How often it was let through. A run with one fails.
    pub let_through: u64,
}

/// What one target's players did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShardTotal {
    /// The target.
    pub target: String,
    /// Its players.
    pub players: u32,
    /// Hits that were answered.
    pub hits_answered: u64,
    /// State frames that came.
    pub frames: u64,
    /// From the planned time of a hit to its answer.
    pub ack_ms: Latency,
    /// (microseconds, answers) of each bucket of `ack_ms` that has any, in order.
    #[serde(default)]
    pub ack_buckets: Vec<(u64, u64)>,
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
        let (refused, counts) = (recorder.refused.iter(), &recorder.counts);
        let mut report = Self {
            schema: SCHEMA,
            info,
            hits_sent: hits.sent,
            hits_acked: hits.acked,
            hits_rejected: hits.rejected,
            hits_unresolved: hits.unresolved,
            hits_skipped: counts.skipped,
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
            frames_received: counts.frames,
            bytes_received: counts.bytes_received,
            bytes_sent: counts.bytes_sent,
            players_missing: recorder.missing,
            reconnects: counts.reconnects,
            connect_failures: counts.connect_failures,
            faults: errors.iter().filter(|line| line.fault).map(|line| line.count).sum(),
            errors,
            cheats: recorder.cheats.iter().map(|(it, n)| (it.name().to_owned(), *n)).collect(),
            shards: recorder.shards.iter().map(Shard::total).collect(),
            series: recorder.series.clone(),
            ..Self::default()
        };
        let measures = &recorder.measures;
        for (field, measure) in [
            ("ack_ms", &measures.ack),
            ("truth_ms", &measures.truth),
            ("frame_interval_ms", &measures.frame_interval),
            ("cross_shard_ms", &measures.cross_shard),
            ("generator_lag_ms", &measures.generator_lag),
            ("join_ms", &measures.join),
            ("resume_ms", &measures.resume),
        ] {
            report.measure(field, &measure.samples());
        }
        report.measure_bars(recorder.bars.errors());
        report
    }

    /// Says that the run is invalid if players are missing, or if this process was later than
    /// `max`.
    pub fn check(&mut self, max: Micros) {
        if self.players_missing > 0 {
            let (missing, players) = (self.players_missing, self.info.players);
            self.invalid.push(format!(
                "{missing} of {players} players were never let in: this is a run of fewer players, \
                 and the errors say why"
            ));
        }
        let (lag, max) = (self.generator_lag_ms.p99, max.0 as f64 / 1e3);
        if lag > max {
            let (lag, max) = (ms(lag), ms(max));
            self.invalid.push(format!(
                "the generator itself was late: one hit of a hundred left {lag} after its \
                 plan or later, and {max} are allowed; use fewer players, or several \
                 processes and `loadgen merge`"
            ));
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
}
