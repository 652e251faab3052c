//! Numbers side by side, and who has the best one.

/// One row: a number of each library.
pub(crate) struct Row {
    /// The first columns.
    pub(crate) labels: [String; 2],
    pub(crate) numbers: Vec<f64>,
    pub(crate) unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The fewer, the better.
    Bytes,
    /// The more, the better.
    PerSecond,
}

impl Unit {
    /// A number as it is shown.
    pub(crate) fn show(self, number: f64) -> String {
        match self {
            Self::Bytes if number < 1.0 => format!("{number:.4}"),
            Self::Bytes if number < 1_000.0 => format!("{number:.1}"),
            Self::Bytes => grouped(&format!("{number:.0}")),
            Self::PerSecond if number < 1e3 => format!("{number:.0}"),
            Self::PerSecond if number < 1e6 => format!("{:.1} k", number / 1e3),
            Self::PerSecond => format!("{:.1} M", number / 1e6),
        }
    }
}

/// Digits by threes: `20,000`.
pub(crate) fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

impl Row {
    /// Who has the best number. More than one if they look the same.
    fn winners(&self, libraries: &[&str]) -> String {
        let best = self.numbers.iter().copied().reduce(match self.unit {
            Unit::Bytes => f64::min,
            Unit::PerSecond => f64::max,
        });
        let best = best.map(|best| self.unit.show(best));
        let numbers = self.numbers.iter().zip(libraries);
        let winners = numbers.filter(|(number, _)| Some(self.unit.show(**number)) == best);
        winners.map(|(_, library)| *library).collect::<Vec<_>>().join(", ")
    }
}

/// The rows below a header, aligned: texts to the left, numbers to the right.
pub(crate) fn show(labels: [&str; 2], libraries: &[&str], rows: &[Row]) -> String {
    let mut lines = vec![line(labels.map(str::to_owned), libraries.iter(), "")];
    for row in rows {
        let numbers = row.numbers.iter().map(|number| row.unit.show(*number));
        let winner = format!("won by {}", row.winners(libraries));
        lines.push(line(row.labels.clone(), numbers, &winner));
    }
    let columns = lines[0].len();
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    lines.iter().map(|line| align(line, &widths)).collect()
}

fn line<T: ToString>(
    labels: [String; 2],
    numbers: impl Iterator<Item = T>,
    winner: &str,
) -> Vec<String> {
    let numbers = numbers.map(|number| number.to_string());
    labels.into_iter().chain(numbers).chain([winner.to_owned()]).collect()
}

fn align(line: &[String], widths: &[usize]) -> String {
    let last = line.len() - 1;
    let cells = line.iter().zip(widths).enumerate();
    let cells = cells.map(|(column, (text, width))| match column {
        0 | 1 => format!("{text:<width$}"),
        _ if column == last => text.clone(),
        _ => format!("{text:>width$}"),
    });
    format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
}
