//! What a run of benches left in the target directory: criterion's estimates, and the figures of
//! those benches that measure by themselves.

use super::json::Json;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Everything that one run has measured.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) rows: Vec<Row>,
    pub(super) facts: Vec<Fact>,
    pub(super) plots: Vec<Plot>,
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// What rows with the same group have in common: a hop, or a bench.
    pub(super) group: String,
    pub(super) name: String,
    /// Nanoseconds.
    pub(super) median_ns: f64,
    /// Nanoseconds: a standard deviation that rare values far away don't move.
    pub(super) spread_ns: f64,
    pub(super) per_second: f64,
    /// What there are so many of in a second; empty for what the row is about.
    pub(super) unit: String,
    /// Whether a bar shows it: benches that measure by themselves bring plots of their own.
    pub(super) has_bar: bool,
}

/// A figure that is no time.
#[derive(Debug, PartialEq)]
pub(super) struct Fact {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) more: String,
}

/// Lines over one axis. Both scales grow tenfold a step.
#[derive(Debug, PartialEq)]
pub(super) struct Plot {
    pub(super) title: String,
    pub(super) x: String,
    pub(super) lines: Vec<Line>,
}

/// A line of a plot.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

impl Measured {
    /// Reads what is not older than `since`: what other runs have left is not this run's.
    ///
    /// # Errors
    /// A sentence with the file that can't be read.
    pub(super) fn read(target: &Path, since: SystemTime) -> Result<Self, String> {
        let mut measured = Self::default();
        let mut estimates = Vec::new();
        find(&target.join("criterion"), "estimates.json", &mut estimates)?;
        // Next to the newest estimates, criterion keeps those of the run before.
        estimates.retain(|path| path.parent().is_some_and(|dir| dir.ends_with("new")));
        for (_, path) in fresh(estimates, since) {
            measured.rows.push(row_of_criterion(&path)?);
        }
        let mut own = Vec::new();
        find(&target.join("bench"), ".json", &mut own)?;
        for (_, path) in fresh(own, since) {
            let foreign = || format!("{}: these are no figures of a bench", path.display());
            measured.add(&json(&path)?).ok_or_else(foreign)?;
        }
        Ok(measured)
    }

    /// Adds the figures of one bench. None where they are none.
    fn add(&mut self, figures: &Json) -> Option<()> {
        self.rows.extend(all(figures.at("rows"), row)?);
        self.facts.extend(all(figures.at("facts"), fact)?);
        self.plots.extend(all(figures.at("plots"), plot)?);
        Some(())
    }

    /// The rows, those of each group together, in the order of the groups' names.
    pub(super) fn groups(&self) -> Vec<(&str, Vec<&Row>)> {
        let mut groups: Vec<(&str, Vec<&Row>)> = Vec::new();
        for row in &self.rows {
            match groups.iter_mut().find(|(name, _)| *name == row.group) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((&row.group, vec![row])),
            }
        }
        groups.sort_by_key(|(name, _)| *name);
        groups
    }
}

/// Adds every file below a directory whose name ends so. A directory that is not there has none.
fn find(dir: &Path, end: &str, found: &mut Vec<PathBuf>) -> Result<(), String> {
    if !dir.is_dir() {
        return Ok(());
    }
    let failed = |error| format!("{}: {error}", dir.display());
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            find(&path, end, found)?;
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    Ok(())
}

/// The files that are not older than `since`, the oldest first: as they were measured.
fn fresh(files: Vec<PathBuf>, since: SystemTime) -> Vec<(SystemTime, PathBuf)> {
    let aged = files.into_iter().filter_map(|path| {
        let at = fs::metadata(&path).ok()?.modified().ok()?;
        (at >= since).then_some((at, path))
    });
    let mut fresh: Vec<_> = aged.collect();
    fresh.sort();
    fresh
}

fn json(path: &Path) -> Result<Json, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Json::parse(&text).map_err(|why| format!("{}: {why}", path.display()))
}

/// Criterion's estimates, and its description of the benchmark beside them.
fn row_of_criterion(estimates: &Path) -> Result<Row, String> {
    let about = json(&estimates.with_file_name("benchmark.json"))?;
    let estimates_of = json(estimates)?;
    let estimate = |name| estimates_of.at(name).at("point_estimate").number();
    let row = || {
        let parts = [about.at("function_id").text(), about.at("value_str").text()];
        let name: Vec<_> = parts.into_iter().flatten().collect();
        let (median_ns, spread_ns) = (estimate("median")?, estimate("median_abs_dev")?);
        // Where a benchmark says how many elements an iteration has, those are counted.
        let elements = about.at("throughput").at("Elements").number();
        Some(Row {
            group: about.at("group_id").text()?.to_owned(),
            name: name.join(", "),
            median_ns,
            spread_ns,
            per_second: elements.unwrap_or(1.0) * 1e9 / median_ns,
            unit: elements.filter(|count| *count != 1.0).map_or("", |_| "elements").to_owned(),
            has_bar: true,
        })
    };
    let foreign = || format!("{}: these are no estimates of criterion 0.8", estimates.display());
    row().ok_or_else(foreign)
}

/// A row of a bench that measures by itself: `GROUP/NAME`.
fn row(row: &Json) -> Option<Row> {
    let (group, name) = row.at("name").text()?.split_once('/')?;
    Some(Row {
        group: group.to_owned(),
        name: name.to_owned(),
        median_ns: row.at("median_ns").number()?,
        spread_ns: row.at("spread_ns").number()?,
        per_second: row.at("per_second").number()?,
        unit: row.at("unit").text()?.to_owned(),
        has_bar: false,
    })
}

fn fact(fact: &Json) -> Option<Fact> {
    let text = |key| Some(fact.at(key).text()?.to_owned());
    Some(Fact { name: text("name")?, value: text("value")?, more: text("more")? })
}

fn plot(plot: &Json) -> Option<Plot> {
    let text = |key| Some(plot.at(key).text()?.to_owned());
    Some(Plot { title: text("title")?, x: text("x")?, lines: all(plot.at("lines"), line)? })
}

fn line(line: &Json) -> Option<Line> {
    let point = |point: &Json| match point.list() {
        [x, y] => Some((x.number()?, y.number()?)),
        _ => None,
    };
    Some(Line { name: line.at("name").text()?.to_owned(), points: all(line.at("points"), point)? })
}

/// Reads each value of a list. None if one of them is something else.
fn all<T>(list: &Json, read: impl Fn(&Json) -> Option<T>) -> Option<Vec<T>> {
    list.list().iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    const ESTIMATES: &str = r#"{"median": {"point_estimate": 250.0},
        "median_abs_dev": {"point_estimate": 5.0}}"#;

    fn benchmark(group: &str, elements: u64) -> String {
        format!(
            r#"{{"group_id": "{group}", "function_id": "a hit", "value_str": null,
                "throughput": {{"Elements": {elements}}}}}"#
        )
    }

    #[test]
    fn a_run_is_read_without_what_others_have_left() {
        let target = Scratch::new("measured");
        for (dir, group, elements) in [("a", "05 admission", 1), ("b", "04 other", 100)] {
            let new = format!("criterion/{dir}/new");
            target.write(&format!("{new}/estimates.json"), ESTIMATES);
            target.write(&format!("{new}/benchmark.json"), &benchmark(group, elements));
            target.write(&format!("criterion/{dir}/base/estimates.json"), "the run before");
        }
        target.write(
            "bench/tick.json",
            r#"{"rows": [{"name": "tick/1 player", "median_ns": 2e6, "spread_ns": 1, "per_second":
                500, "unit": "ticks"}], "facts": [{"name": "a", "value": "b", "more": "c"}],
                "plots": [{"title": "t", "x": "players", "lines": [{"name": "l", "points":
                [[1, 2], [10, 20]]}]}]}"#,
        );
        let measured = Measured::read(target.path(), SystemTime::UNIX_EPOCH).expect("all is well");
        let groups = measured.groups();
        let names: Vec<_> = groups.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["04 other", "05 admission", "tick"]);
        assert_eq!((groups[1].1[0].median_ns, groups[1].1[0].per_second), (250.0, 4e6));
        assert_eq!((groups[0].1[0].unit.as_str(), groups[0].1[0].per_second), ("elements", 4e8));
        assert_eq!((measured.facts.len(), measured.plots[0].lines[0].points[1]), (1, (10.0, 20.0)));

        let later = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1 << 40);
        let none = Measured::read(target.path(), later).expect("all is old");
        assert!(none.rows.is_empty() && none.facts.is_empty());
    }

    #[test]
    fn what_is_no_figure_is_named() {
        for (file, text) in [
            ("bench/tick.json", r#"{"rows": [{"name": "tick/1 player"}]}"#),
            ("bench/tick.json", "rows"),
            ("criterion/a/new/estimates.json", "{}"),
        ] {
            let target = Scratch::new("foreign");
            target.write("criterion/a/new/benchmark.json", &benchmark("a", 1));
            target.write(file, text);
            let failure = Measured::read(target.path(), SystemTime::UNIX_EPOCH);
            let failure = failure.expect_err("it can't be read");
            assert!(failure.contains(file), "{failure}");
        }
    }
}
