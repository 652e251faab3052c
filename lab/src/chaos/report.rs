//! What a run found: its JSON, its summary for people, and whether it passed.

use super::judge::Evidence;
use super::page;
use super::setup::Setup;
use super::timeline::{KindCount, Timeline};
use loadgen::machine::{Report, grouped};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::Path;

/// The version of the JSON.
pub const SCHEMA: u32 = 1;

const TICK: char = '\u{2713}';
const CROSS: char = '\u{2717}';

/// A run's results. Fields are only ever added to a schema.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChaosReport {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Of everything that was drawn.
    pub seed: u64,
    /// Where the truth was.
    pub truth: String,
    /// How many shards played.
    pub shards: usize,
    /// How many players.
    pub players: u32,
    /// How long the load was to last.
    pub duration_s: f64,
    /// The planted fault, if there was one.
    pub mutant: Option<String>,
    /// HP of each boss.
    pub hp_max: u64,
    /// Everything that is wrong; empty if the run has proven what it should.
    pub findings: Vec<String>,
    /// What became of the faults of each kind.
    pub kinds: BTreeMap<String, KindCount>,
    /// What the players were told, held against the ledger.
    pub load: Option<Report>,
    /// What the audit of the log said, if everything adds up.
    pub audit: Option<serde_json::Value>,
    /// Where the logs of the processes are, if something is wrong.
    pub logs: Option<String>,
    /// Faults and samples.
    #[serde(flatten)]
    pub timeline: Timeline,
}

impl ChaosReport {
    /// The report of a run.
    pub(super) fn new(setup: &Setup, evidence: Evidence, timeline: Timeline) -> Self {
        let findings = evidence.findings();
        let Evidence { load, audit, .. } = evidence;
        Self {
            schema: SCHEMA,
            seed: setup.seed,
            truth: setup.truth.name().to_owned(),
            shards: setup.shards,
            players: setup.players,
            duration_s: setup.duration.as_secs_f64(),
            mutant: setup.mutant.clone(),
            hp_max: setup.hp_max(),
            findings,
            kinds: timeline.kinds(),
            load: load.ok(),
            audit: serde_json::from_str(&audit.said).ok().filter(|_| audit.code == Some(0)),
            logs: None,
            timeline,
        }
    }

    /// Writes `report.json` and `report.html`.
    ///
    /// # Errors
    /// If the directory can't be made or written to.
    pub fn write(&self, dir: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(dir)?;
        let json = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        std::fs::write(dir.join("report.json"), json + "\n")?;
        std::fs::write(dir.join("report.html"), page::html(self))
    }

    /// The report as tables. What decides comes first.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = String::new();
        let written = self
            .write_findings(&mut text)
            .and_then(|()| self.write_faults(&mut text))
            .and_then(|()| self.write_books(&mut text));
        written.expect("writing to a String can't fail");
        text
    }

    fn write_findings(&self, out: &mut String) -> fmt::Result {
        if self.findings.is_empty() {
            writeln!(out, "{TICK} {}", self.verdict())?;
        }
        for finding in &self.findings {
            writeln!(out, "{CROSS} {finding}")?;
        }
        if let Some(logs) = &self.logs {
            writeln!(out, "  what the processes have said is in {logs}")?;
        }
        let Self { truth, shards, players, duration_s, seed, .. } = self;
        let players = grouped((*players).into());
        writeln!(out)?;
        writeln!(out, "{players} players on {shards} shards, truth {truth}, {duration_s} s")?;
        writeln!(out, "seed {seed}: --seed {seed} draws the same faults again")
    }

    fn write_faults(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\n{:<24}{:>10}{:>16}", "faults", "happened", "met something")?;
        let kinds = self.kinds.iter().map(|(kind, count)| (kind.as_str(), *count));
        for (kind, KindCount { happened, met }) in kinds.chain([("all", self.all_kinds())]) {
            writeln!(out, "  {kind:<22}{happened:>10}{met:>16}")?;
        }
        Ok(())
    }

    fn write_books(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\nbooks")?;
        for (name, number) in self.books() {
            writeln!(out, "  {name:<22}{:>26}", grouped(number))?;
        }
        Ok(())
    }

    /// What became of all faults.
    pub(super) fn all_kinds(&self) -> KindCount {
        self.kinds.values().fold(KindCount::default(), |all, count| KindCount {
            happened: all.happened + count.happened,
            met: all.met + count.met,
        })
    }

    /// What a run without a finding has shown.
    pub(super) fn verdict(&self) -> String {
        let faults = self.timeline.faults.len();
        format!("{faults} faults, and every accepted hit is in the truth exactly once")
    }

    /// The numbers of the books.
    pub(super) fn books(&self) -> Vec<(&'static str, u64)> {
        let Some(load) = &self.load else { return Vec::new() };
        vec![
            ("hits sent", load.hits_sent),
            ("hits accepted", load.hits_acked),
            ("hits refused", load.hits_rejected),
            ("hits unanswered", load.hits_unresolved),
            ("damage accepted", load.damage_acked),
            ("damage in the truth", load.damage_truth),
            ("damage late", load.damage_late),
            ("damage lost", load.damage_lost),
            ("damage doubled", load.damage_doubled),
            ("generations settled", load.generations_settled),
            ("shares told", load.shares_told),
            ("shares wrong", load.shares_wrong),
            ("shares untold", load.shares_untold),
            ("reconnects", load.reconnects),
            ("players undrained", load.players_undrained.into()),
        ]
    }
}

#[cfg(test)]
pub(super) fn example() -> ChaosReport {
    use super::judge::{Audited, Ended};
    use super::setup::{Truth, example};
    use super::timeline::{Passed, Sample, ShardSample};
    let passed = |kind: &str, who: &str, at_s: f64, until_s: f64| Passed {
        kind: kind.to_owned(),
        who: who.to_owned(),
        what: format!("{kind} <a & b>"),
        at_s,
        until_s: Some(until_s),
        met: Some("3 connections".to_owned()),
        failed: None,
    };
    let faults = vec![
        passed("kill", "shard-2", 3.0, 4.5),
        passed("latency", "players", 5.0, 9.0),
        passed("pause", "truth", 9.5, 12.0),
    ];
    let sample = |index: u32| {
        let at_s = f64::from(index) / 4.0;
        let hp = 1_000 - u64::from(index % 40) * 25;
        let shard = |age_ms| ShardSample { version: index.into(), hp, age_ms, ready: true };
        let gone = (12..18).contains(&index);
        let shards = vec![Some(shard(60)), (!gone).then(|| shard(90)), Some(shard(2_000))];
        Sample { at_s, live: 2_000, shards }
    };
    let samples = (0..80).map(sample).collect();
    let timeline = Timeline { faults: faults.clone(), samples };
    let setup = example(Truth::Redis, std::time::Duration::from_secs(20));
    let load = Report {
        hits_acked: 1,
        generations_settled: 2,
        ledger_version: Some(1),
        ..Report::default()
    };
    let evidence = Evidence {
        load: Ok(load),
        planned: 3,
        faults,
        ends: vec![Ended { who: "truth".to_owned(), code: Some(0) }],
        audit: Audited { code: Some(0), said: "{\"boss\":1}".to_owned() },
        incidents: BTreeMap::new(),
        unready: Vec::new(),
    };
    ChaosReport::new(&setup, evidence, timeline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_reads_back_as_the_same_report() {
        let report = example();
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<ChaosReport>(&json).unwrap(), report);
        assert_eq!(report.audit, Some(serde_json::json!({ "boss": 1 })));
    }

    #[test]
    fn a_summary_begins_with_what_decides() {
        let mut report = example();
        let summary = report.summary();
        assert!(summary.starts_with("\u{2713} 3 faults, and every accepted hit"), "{summary}");
        assert!(summary.contains("  kill                           1               1\n"));
        assert!(summary.contains("--seed 7 "), "{summary}");
        report.findings = vec!["7 damage was lost".to_owned()];
        report.logs = Some("some/where".to_owned());
        let summary = report.summary();
        assert!(summary.starts_with("\u{2717} 7 damage was lost\n"), "{summary}");
        assert!(summary.contains("in some/where\n"), "{summary}");
    }

    #[test]
    fn a_report_is_written_as_data_and_as_a_page() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("new");
        example().write(&at).unwrap();
        for file in ["report.json", "report.html"] {
            assert!(std::fs::metadata(at.join(file)).unwrap().len() > 1_000, "{file}");
        }
    }
}
