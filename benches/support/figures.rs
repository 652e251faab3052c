//! Figures of a bench that measures by itself, as `cargo xtask bench` reads them.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// All figures of one bench.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Figures {
    pub(crate) rows: Vec<Row>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) plots: Vec<Plot>,
}

/// A line of the table.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Nanoseconds.
    pub(crate) median_ns: f64,
    /// Nanoseconds: as [`SIGMA`] says.
    pub(crate) spread_ns: f64,
    /// How many of `unit` there are in a second.
    pub(crate) per_second: f64,
    pub(crate) unit: &'static str,
}

/// A figure that is no time.
#[derive(Debug, Serialize)]
pub(crate) struct Fact {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) more: String,
}

/// Lines over one axis. Both scales grow tenfold a step.
#[derive(Debug, Serialize)]
pub(crate) struct Plot {
    pub(crate) title: &'static str,
    pub(crate) x: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// A line of a plot.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Figures {
    /// Leaves them in the target directory, in `bench/NAME.json`.
    pub(crate) fn write(&self, name: &str) {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
        std::fs::create_dir_all(&dir).expect("the target directory can be written");
        let bytes = serde_json::to_vec_pretty(self).expect("figures are JSON");
        std::fs::write(dir.join(name).with_extension("json"), bytes).expect("it can be written");
    }
}

/// The median distance from the median times this is the standard deviation, as criterion has it,
/// but without the weight of rare values that are far away.
const SIGMA: f64 = 1.4826;

/// The median of some values, and their spread.
pub(crate) fn median(values: &[f64]) -> (f64, f64) {
    let middle = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    let median = middle(values.to_vec());
    (median, SIGMA * middle(values.iter().map(|value| (value - median).abs()).collect()))
}

/// For microseconds, up to a minute.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are in order")
}

/// Enters how long something took.
pub(crate) fn record(into: &mut Histogram<u64>, took: Duration) {
    into.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
}

/// A number with a comma before each three digits.
pub(crate) fn grouped(number: impl Into<u64>) -> String {
    loadgen::machine::grouped(number.into())
}

/// The CPU that this process has used so far, where the system tells it.
pub(crate) fn cpu() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name before may hold anything. User and system time are the 14th and 15th of all fields,
    // in hundredths of a second on every Linux.
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(11).take(2);
    let hundredths = times.map(str::parse::<u64>).sum::<Result<u64, _>>().ok()?;
    Some(Duration::from_millis(hundredths * 10))
}

/// The CPU that the thread of this name has used so far, to the nanosecond, where the system tells.
pub(crate) fn cpu_of_thread(name: &str) -> Option<Duration> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    for thread in threads.flatten().map(|thread| thread.path()) {
        if std::fs::read_to_string(thread.join("comm")).is_ok_and(|comm| comm.trim() == name) {
            let stat = std::fs::read_to_string(thread.join("schedstat")).ok()?;
            return stat.split(' ').next()?.parse().map(Duration::from_nanos).ok();
        }
    }
    None
}
