//! `cargo xtask bench`: runs benches, prints one table of all that they measured, and draws it.

#![expect(clippy::print_stdout, reason = "the table is for a person")]

mod json;
mod measured;
mod machine;
mod chart;
mod page;

use crate::{run, web};
use machine::Machine;
use measured::{Measured, Row};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Which benches run: files of benches/, without their ending.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Benches(Vec<String>);

/// The road of a hit, its ticks, as many hits as two cores carry, and very many players at once.
const USUAL: [&str; 4] = ["hops", "tick", "flood", "join_storm"];

impl Benches {
    pub(crate) fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let names: Vec<_> = words.map(str::to_owned).collect();
        if let Some(option) = names.iter().find(|name| name.starts_with('-')) {
            return Err(format!("`bench` takes names of benches, and `{option}` is none"));
        }
        let usual = || USUAL.map(str::to_owned).to_vec();
        Ok(Self(if names.is_empty() { usual() } else { names }))
    }
}

/// Runs the benches, one after the other, so that none disturbs another.
#[expect(clippy::disallowed_methods, reason = "tells what this run measured from older figures")]
pub(crate) fn run(root: &Path, benches: &Benches) -> Result<(), String> {
    let since = SystemTime::now();
    let mut commands = Vec::new();
    for name in &benches.0 {
        let line = ["cargo", "bench", "-p", "worldboss", "--bench", name];
        run::pass(root, &line, &[])?;
        commands.push(line.join(" "));
    }
    let target = web::target_dir(root);
    let measured = Measured::read(&target, since)?;
    let machine = Machine::look(root);
    println!("\n{machine}\n\n{}", table(&measured));
    let file = report(&target, &page::html(&machine, &commands, &measured))?;
    println!("\nplots: {}", file.display());
    Ok(())
}

/// Writes the page, and says where it is.
fn report(target: &Path, page: &str) -> Result<PathBuf, String> {
    let file = target.join("bench").join("report.html");
    let failed = |error| format!("{}: {error}", file.display());
    fs::create_dir_all(target.join("bench")).map_err(failed)?;
    fs::write(&file, page).map_err(failed)?;
    Ok(file)
}

fn table(measured: &Measured) -> String {
    let line = |name: &str, median: &str, spread: &str, per_second: &str| {
        format!("{name:<58} {median:>10} {spread:>8} {per_second:>22}")
    };
    let mut lines = vec![line("", "median", "spread", "per second")];
    for (group, rows) in measured.groups() {
        lines.push(group.to_owned());
        lines.extend(rows.into_iter().map(|row| {
            let name = format!("  {}", row.name);
            line(&name, &time(row.median_ns), &spread(row), &per_second(row))
        }));
    }
    lines.extend(measured.facts.iter().map(|fact| {
        let measured::Fact { name, value, more } = fact;
        format!("{name:<46} {value:>12}  {more}")
    }));
    lines.join("\n")
}

/// Nanoseconds in the unit that fits.
fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        _ if ns < 1e3 => (ns, "ns"),
        _ if ns < 1e6 => (ns / 1e3, "us"),
        _ if ns < 1e9 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    match value {
        _ if value < 10.0 => format!("{value:.2} {unit}"),
        _ if value < 100.0 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

/// How far rounds are from the median, as a part of it.
fn spread(row: &Row) -> String {
    let percent = row.spread_ns / row.median_ns.max(f64::MIN_POSITIVE) * 100.0;
    format!("+-{percent:.1} %")
}

fn per_second(row: &Row) -> String {
    let count = match row.per_second {
        few if few < 10.0 => format!("{few:.1}"),
        many => grouped(many),
    };
    format!("{count} {}", row.unit).trim_end().to_owned()
}

/// A whole number, with a comma before each three digits.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Benches, String> {
        Benches::parse(line.split_whitespace())
    }

    #[test]
    fn the_usual_benches_run_unless_some_are_named() {
        assert_eq!(parsed(""), Ok(Benches(USUAL.map(str::to_owned).to_vec())));
        assert_eq!(parsed("ucore"), Ok(Benches(vec!["ucore".to_owned()])));
        assert!(parsed("--quick").expect_err("an option").contains("--quick"));
    }

    #[test]
    fn figures_are_short_and_keep_three_digits() {
        let times = [0.5, 61.23, 999.0, 1_500.0, 2_345_678.0, 1.2e9].map(time);
        assert_eq!(times, ["0.50 ns", "61.2 ns", "999 ns", "1.50 us", "2.35 ms", "1.20 s"]);
        assert_eq!([1.0, 999.0, 1_234.5, 1e7].map(grouped), ["1", "999", "1,234", "10,000,000"]);
    }

    #[test]
    fn the_table_has_a_line_for_each_row_below_its_group() {
        let row = |group: &str, per_second| Row {
            group: group.to_owned(),
            name: "a hit".to_owned(),
            median_ns: 200.0,
            spread_ns: 5.0,
            per_second,
            unit: "hits".to_owned(),
            has_bar: true,
        };
        let rows = vec![row("07 journal", 2.5), row("05 admission", 5e6)];
        let table = table(&Measured { rows, ..Measured::default() });
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!((lines.len(), lines[1], lines[3]), (5, "05 admission", "07 journal"));
        assert!(lines[2].ends_with("200 ns  +-2.5 %         5,000,000 hits"), "{table}");
        assert!(lines[4].ends_with("2.5 hits"), "{table}");
    }
}
