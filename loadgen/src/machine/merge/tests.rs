//! Runs that are split and merged again.

use super::*;
use crate::machine::example::example;
use crate::machine::{BarError, BossSecond, Latency, Second, ServerSecond, ShardSecond};
use proptest::prelude::*;
use protocol::Micros;

/// The example as another process ran it, this many milliseconds later.
fn other(later_ms: u64) -> Report {
    let mut report = example();
    report.info.seed += 1;
    report.info.plan = "77aa".to_owned();
    report.info.began_unix_ms += later_ms;
    report
}

fn run(seed: u64, micros: &[u64]) -> Report {
    let mut samples = Samples::default();
    micros.iter().for_each(|it| samples.record(Micros(*it)));
    let info = RunInfo { seed, ..RunInfo::default() };
    let mut report = Report { schema: SCHEMA, info, ..Report::default() };
    report.measure("ack_ms", &samples);
    report
}

proptest! {
    #[test]
    fn percentiles_of_runs_that_split_the_samples_are_those_of_all(
        micros in prop::collection::vec(0..5_000_000_u64, 0..200),
        owners in prop::collection::vec(0..4_u64, 200),
    ) {
        let part = |owner: u64| {
            let own = micros.iter().zip(&owners).filter(|(_, it)| **it == owner);
            run(owner, &own.map(|(micros, _)| *micros).collect::<Vec<_>>())
        };
        let merged = Report::merge((0..4).map(part).collect()).unwrap();
        let whole = run(0, &micros);
        prop_assert_eq!(merged.ack_ms, whole.ack_ms);
        prop_assert_eq!(merged.histograms, whole.histograms);
    }
}

#[test]
fn a_report_that_is_merged_alone_stays_as_it_is() {
    let merged = Report::merge(vec![example()]).unwrap();
    let mut expected = example();
    expected.merged = vec![expected.info.clone()];
    expected.info.command = String::new();
    expected.thresholds = Vec::new();
    for (second, at_s) in expected.series.iter_mut().zip(1_u32..) {
        second.at_s = at_s.into();
    }
    assert!(merged == expected);
}

#[test]
fn every_number_of_two_equal_runs_is_doubled_but_for_those_that_cannot_add_up() {
    let filled = |mut report: Report| {
        report.sums().into_iter().zip(1_000..).for_each(|(sum, count)| *sum = count);
        (report.players_undrained, report.players_missing) = (5, 6);
        report
    };
    let single = filled(example()).to_value();
    let merged = Report::merge(vec![filled(example()), filled(other(0))]).unwrap().to_value();
    let same = "schema seed rate_per_s duration_s began_unix_ms generations_unseen faults \
                generations_settled ledger_version cpu_us_per_frame";
    for (field, value) in single.as_object().unwrap() {
        let Some(number) = value.as_f64() else { continue };
        let times = if same.split_whitespace().any(|it| it == field) { 1.0 } else { 2.0 };
        let sum = merged[field].as_f64().unwrap();
        assert!((sum - number * times).abs() < 1e-6, "{field}: {number} became {sum}");
    }
    assert_eq!(merged["rejected_by"]["cooldown"], 2 * 640);
    assert_eq!(merged["cheats"]["replay"]["refused"], 2 * 400);
    assert_eq!(
        merged["ack_ms"]["count"].as_u64(),
        single["ack_ms"]["count"].as_u64().map(|it| 2 * it)
    );
    assert_eq!(merged["bar_error_px"]["max"], 2.0);
}

#[test]
fn every_number_of_two_equal_seconds_is_doubled_but_for_its_time() {
    let with = |mut report: Report| {
        let first = report.series[20].clone();
        report.series = vec![Second { reconnects: 3, connect_failures: 4, at_s: 1.0, ..first }];
        report
    };
    let value = |report: &Report| serde_json::to_value(&report.series[0]).unwrap();
    let merged = Report::merge(vec![with(example()), with(other(0))]).unwrap();
    let (single, merged) = (value(&with(example())), value(&merged));
    for (field, number) in single.as_object().unwrap() {
        let Some(number) = number.as_f64() else { continue };
        let times = if field == "at_s" { 1.0 } else { 2.0 };
        assert_eq!(merged[field].as_f64(), Some(number * times), "{field}");
        assert!(number > 0.0, "{field} proves nothing");
    }
    for (field, latency) in single.as_object().unwrap() {
        let Some(count) = latency.get("count").and_then(serde_json::Value::as_u64) else {
            continue;
        };
        assert_eq!(merged[field]["count"], 2 * count, "{field}");
        assert_eq!(merged[field]["p999"], latency["p999"], "{field}");
    }
}

#[test]
fn the_order_of_the_files_and_merging_in_steps_make_no_difference() {
    let third = || Report { info: RunInfo { seed: 9, ..other(2_000).info }, ..other(2_000) };
    let at_once = Report::merge(vec![third(), example(), other(900)]).unwrap();
    let first = Report::merge(vec![other(900), example()]).unwrap();
    let in_steps = Report::merge(vec![first, third()]).unwrap();
    assert_eq!((in_steps.merged, in_steps.ack_ms), (at_once.merged, at_once.ack_ms));
    assert_eq!((in_steps.hits_sent, in_steps.shards), (at_once.hits_sent, at_once.shards));
}

#[test]
fn a_server_that_two_runs_have_read_is_there_once_and_one_page_is_not_another() {
    let mut longer = other(0);
    longer.servers[0].over_s = 51.0;
    longer.servers[0].cpu_s = 4.9;
    let mut elsewhere = other(100);
    elsewhere.servers[0].url = "http://elsewhere/metrics".to_owned();
    let merged = Report::merge(vec![elsewhere, longer, example()]).unwrap();
    let seen: Vec<_> = merged.servers.iter().map(|it| (it.over_s, it.cpu_s)).collect();
    assert_eq!(seen, [(51.0, 4.9), (50.0, 4.7)]);
    assert_eq!(merged.series[0].servers.len(), 2);
}

#[test]
fn shards_add_up_by_target_with_all_their_samples() {
    let mut one = other(0);
    one.info.targets.remove(0);
    one.shards.remove(0);
    let merged = Report::merge(vec![example(), one]).unwrap();
    let of = |shard: &ShardTotal| (shard.players, shard.hits_answered, shard.ack_ms.count);
    let single = of(&example().shards[0]);
    assert_eq!(of(&merged.shards[0]), single);
    assert_eq!(of(&merged.shards[1]), (single.0 * 2, single.1 * 2, single.2 * 2));
    assert_eq!(merged.info.targets, example().info.targets);
}

#[test]
fn errors_of_one_text_share_a_line_and_the_ledger_is_the_newest() {
    let newer = Report { ledger_version: Some(50_000), ..other(0) };
    let merged = Report::merge(vec![newer.clone(), example()]).unwrap();
    let counts: Vec<_> = merged.errors.iter().map(|line| line.count).collect();
    assert_eq!((counts, merged.ledger_version), (vec![1_024, 6], Some(50_000)));
    let unknown = Report { ledger_version: None, ..example() };
    let merged = Report::merge(vec![newer, unknown]).unwrap();
    assert_eq!((merged.ledger_version, merged.verdict().len()), (None, 1));
}

fn second(at_s: f64) -> Second {
    let ack_ms = Latency { count: 10, p50: at_s, p99: at_s, ..Latency::default() };
    Second { at_s, players: 3, live: 2, frames: 7, ack_ms, ..Second::default() }
}

fn with_series(seed: u64, began_unix_ms: u64, series: Vec<Second>) -> Report {
    let targets = vec!["a".to_owned()];
    let info = RunInfo { seed, began_unix_ms, targets, ..RunInfo::default() };
    Report { schema: SCHEMA, info, series, ..Report::default() }
}

#[test]
fn seconds_that_ended_together_are_one() {
    let one = with_series(1, 10_000, vec![second(1.01), second(2.0), second(3.02)]);
    let late = with_series(2, 11_100, vec![second(0.99), second(2.03)]);
    let merged = Report::merge(vec![late, one]).unwrap().series;
    let rows: Vec<_> = merged.iter().map(|it| (it.at_s, it.live, it.frames)).collect();
    assert_eq!(rows, [(1.0, 2, 7), (2.0, 4, 14), (3.0, 4, 14)]);
    let Latency { count, p50, p99, .. } = merged[2].ack_ms;
    assert_eq!((count, p50, p99), (20, f64::midpoint(3.02, 2.03), 3.02));
}

#[test]
fn two_seconds_of_one_run_are_never_added() {
    let run = with_series(1, 0, vec![second(1.0), second(1.3), second(1.4), second(1e300)]);
    let merged = Report::merge(vec![run]).unwrap().series;
    let lives: Vec<_> = merged.iter().map(|it| it.live).collect();
    assert_eq!(lives, [2, 2, 2, 2]);
}

#[test]
fn a_second_has_the_newest_boss_the_earliest_phase_and_the_shards_by_target() {
    let boss = |generation, hp| Some(BossSecond { generation, hp, ..BossSecond::default() });
    let with = |seed, target: &str, phase: &str, boss| {
        let shards =
            vec![ShardSecond { live: 5, ack_p99_ms: seed as f64, ..ShardSecond::default() }];
        let servers = vec![(seed == 2).then(ServerSecond::default)];
        let second = Second { phase: phase.to_owned(), boss, shards, servers, ..second(1.0) };
        let mut report = with_series(seed, 0, vec![second]);
        report.info.targets = vec![target.to_owned()];
        report.servers = vec![ServerCost { url: "m".to_owned(), ..ServerCost::default() }];
        report
    };
    let merged = Report::merge(vec![
        with(1, "a", "drain", boss(3, 100)),
        with(2, "b", "load", boss(4, 900)),
        with(3, "b", "settle", boss(4, 800)),
    ]);
    let second = merged.unwrap().series.remove(0);
    assert_eq!((second.phase.as_str(), second.boss), ("load", boss(4, 800)));
    let shards: Vec<_> = second.shards.iter().map(|it| (it.live, it.ack_p99_ms)).collect();
    assert_eq!(shards, [(5, 1.0), (10, 3.0)]);
    assert_eq!(second.servers, [Some(ServerSecond::default())]);
}

fn refused(reports: Vec<Report>, cure: &str) -> MergeError {
    let error = Report::merge(reports).unwrap_err();
    assert!(error.to_string().contains(cure), "{error}");
    error
}

#[test]
fn what_cannot_be_merged_is_refused_with_its_cure() {
    assert_eq!(refused(Vec::new(), "at least one file"), MergeError::Empty);
    let newer = Report { schema: 2, ..other(0) };
    let error = refused(vec![example(), newer], "with the version that wrote it");
    assert_eq!(error, MergeError::Schema(2));
    let twice = vec![example(), example()];
    assert!(matches!(refused(twice, "name its file once"), MergeError::Twice { seed: 4_711, .. }));
    let merged = Report::merge(vec![example(), other(0)]).unwrap();
    assert!(matches!(refused(vec![merged, other(0)], "once"), MergeError::Twice { .. }));
}

#[test]
fn a_report_without_its_samples_is_refused_and_one_that_measured_nothing_is_not() {
    for field in ["ack_ms", "join_ms", BAR_ERROR] {
        let mut older = example();
        older.histograms.remove(field);
        let error = refused(vec![older], "run it again with this version");
        assert_eq!(error, MergeError::Histogram { seed: 4_711, field: field.to_owned() });
    }
    let mut older = example();
    older.shards[1].ack_buckets.clear();
    refused(vec![older], "7778");
    let nothing = Report { schema: SCHEMA, ..Report::default() };
    let merged = Report::merge(vec![nothing]).unwrap();
    assert_eq!((merged.ack_ms, merged.bar_error_px), (Latency::default(), BarError::default()));
}
