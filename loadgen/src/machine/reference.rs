//! docs/loadgen.md beside the report that it describes: neither has a field that the other lacks.

use super::Report;
use super::example::example;
use serde_json::Value;
use std::collections::BTreeSet;

const TEXT: &str = include_str!("../../../docs/loadgen.md");

/// Lists whose members are no fields: their names come from the run, or are explained elsewhere.
const OPAQUE: [&str; 3] = ["rejected_by", "histograms", "merged"];

/// The names in the first cells of a section's tables, below the names of their headings.
fn documented(section: &str) -> BTreeSet<String> {
    let body = TEXT.split("\n## ").find(|part| part.starts_with(section));
    let (mut names, mut prefix) = (BTreeSet::new(), String::new());
    for line in body.expect("the section is there").lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            prefix = format!("{}.", heading.trim_matches('`'));
        }
        let cell = line.strip_prefix("| `").and_then(|rest| rest.split(" | ").next());
        for name in cell.into_iter().flat_map(|cell| cell.split_whitespace()) {
            let name = format!("{prefix}{}", name.trim_matches('`'));
            assert!(names.insert(name.clone()), "{name} is there twice");
        }
    }
    names
}

/// The names of all fields. Those of all latencies are the same.
fn fields(value: &Value, prefix: &str, names: &mut BTreeSet<String>) {
    for (field, value) in value.as_object().into_iter().flatten() {
        let name = format!("{prefix}{field}");
        let inner = if value.get("p999").is_some() { "latency." } else { &format!("{name}.") };
        let is_opaque = OPAQUE.contains(&name.as_str());
        // What a kind of cheating is called is no field.
        let by_kind = value.as_object().filter(|_| name == "cheats");
        let items = value
            .as_array()
            .into_iter()
            .flatten()
            .chain(by_kind.into_iter().flat_map(|it| it.values()));
        items.filter(|_| !is_opaque).for_each(|item| fields(item, inner, names));
        if !is_opaque && by_kind.is_none() {
            fields(value, inner, names);
        }
        names.insert(name);
    }
}

fn full() -> Report {
    let mut other = example();
    other.info.seed += 1;
    let mut report = Report::merge(vec![example(), other]).unwrap();
    report.judge_against(&example(), 10.0);
    report.thresholds = example().thresholds;
    report
}

#[test]
fn every_field_of_the_json_is_documented_and_none_besides() {
    let mut names = BTreeSet::new();
    fields(&full().to_value(), "", &mut names);
    assert!(names.contains("series.shards.ack_p99_ms") && names.contains("latency.p999"));
    assert_eq!(documented("The JSON"), names);
}

#[test]
fn every_column_of_the_csv_is_documented_and_none_besides() {
    let csv = example().to_csv();
    let names = csv.lines().next().unwrap().split(',');
    let names = names.filter(|name| !name.starts_with("shard_2_")).map(str::to_owned);
    assert_eq!(documented("The CSV"), names.collect());
}
