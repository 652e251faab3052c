//! ucore beside the libraries that people use for the same: bytes and time of the same edits.
//!
//! `cargo xtask peers ucore` prints three tables, and fails where a replica is not what its source
//! is, or where ucore misses one of its limits. It takes some minutes.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints tables and progress")]

mod boss;
mod peer;
mod ours;
mod yjs;
mod automerge;
mod loro;
mod json;
mod measure;
mod table;

use crate::boss::{Boss, Workload};
use crate::measure::Library;
use crate::table::{Row, Unit};
use std::process::ExitCode;

/// Edits of a run.
const EDITS: usize = 20_000;

/// The first one is ours.
const LIBRARIES: [Library; 5] = [
    Library::of::<Boss>(),
    Library::of::<yjs::Yrs>(),
    Library::of::<automerge::Automerge>(),
    Library::of::<loro::Loro>(),
    Library::of::<json::JsonPatch>(),
];

/// Bytes per update that ucore may take.
const BYTES_MAX: [(Workload, f64); 4] = [
    (Workload::Counter, 5.0),
    (Workload::Set, 11.0),
    (Workload::Nested, 9.0),
    (Workload::Push, 8.0),
];

/// Bytes per edit that ucore may take where a message has [`NESTED_BATCH`] nested edits.
const NESTED_BYTES_MAX: f64 = 3.9;
const NESTED_BATCH: usize = 1_000;

const BATCHES: [usize; 4] = [10, 100, 1_000, 10_000];

/// Bytes that ucore takes, and those that it may take.
struct Limit {
    what: String,
    bytes: f64,
    bytes_max: f64,
}

fn main() -> ExitCode {
    match compare() {
        Ok(limits) if limits.iter().all(Limit::is_kept) => ExitCode::SUCCESS,
        Ok(_) => {
            eprintln!("ucore misses a limit");
            ExitCode::FAILURE
        }
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Prints all tables. Every replica is then what its source is.
fn compare() -> Result<Vec<Limit>, String> {
    let names = LIBRARIES.map(|library| library.name);
    let (rows, mut limits) = single()?;
    let edits = table::grouped(&EDITS.to_string());
    println!("1. One message per edit: {edits} edits\n");
    println!("{}", table::show(["workload", "measure"], &names, &rows));
    let (rows, limit) = batched()?;
    limits.extend(limit);
    println!("2. Bytes per edit, many edits per message: {edits} edits\n");
    println!("{}", table::show(["workload", "edits per message"], &names, &rows));
    println!("3. Bytes of a snapshot after {edits} edits, one message for each\n");
    println!("{}", table::show(["workload", "snapshot"], &names, &snapshots()?));
    println!("4. Bytes that ucore may take\n");
    for limit in &limits {
        let Limit { what, bytes, bytes_max } = limit;
        let verdict = if limit.is_kept() { "kept" } else { "MISSED" };
        println!("{what:<35}  {bytes:>5.2} of {bytes_max:>4.1}  {verdict}");
    }
    Ok(limits)
}

type Judged = (Vec<Row>, Vec<Limit>);

fn single() -> Result<Judged, String> {
    let (mut rows, mut limits) = (Vec::new(), Vec::new());
    for (workload, bytes_max) in BYTES_MAX {
        let cost = |library: &Library| {
            eprintln!("{}: {}, one message per edit", library.name, workload.name());
            (library.single)(workload)
        };
        let costs = LIBRARIES.iter().map(cost).collect::<Result<Vec<_>, _>>()?;
        let row = |measure: &str, unit, number: fn(&measure::Cost) -> f64| Row {
            labels: [workload.name().to_owned(), measure.to_owned()],
            numbers: costs.iter().map(number).collect(),
            unit,
        };
        rows.push(row("bytes per update", Unit::Bytes, |cost| cost.bytes_per_update));
        rows.push(row("produce per second", Unit::PerSecond, |cost| cost.produced_per_second));
        rows.push(row("apply per second", Unit::PerSecond, |cost| cost.applied_per_second));
        let what = format!("{}, per update", workload.name());
        limits.push(Limit { what, bytes: costs[0].bytes_per_update, bytes_max });
    }
    Ok((rows, limits))
}

fn batched() -> Result<Judged, String> {
    let (mut rows, mut limits) = (Vec::new(), Vec::new());
    for workload in [Workload::Nested, Workload::Push, Workload::Counter] {
        for batch in BATCHES {
            let bytes = |library: &Library| {
                eprintln!("{}: {}, {batch} edits per message", library.name, workload.name());
                (library.batched)(workload, batch)
            };
            let numbers = LIBRARIES.iter().map(bytes).collect::<Result<Vec<_>, _>>()?;
            let labels = [workload.name().to_owned(), table::grouped(&batch.to_string())];
            if (workload, batch) == (Workload::Nested, NESTED_BATCH) {
                let what = format!("nested, {} per message, per edit", labels[1]);
                limits.push(Limit { what, bytes: numbers[0], bytes_max: NESTED_BYTES_MAX });
            }
            rows.push(Row { labels, numbers, unit: Unit::Bytes });
        }
    }
    Ok((rows, limits))
}

fn snapshots() -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for workload in [Workload::Counter, Workload::Set] {
        let bytes = |library: &Library| {
            eprintln!("{}: {}, snapshot", library.name, workload.name());
            (library.snapshot)(workload)
        };
        let sizes = LIBRARIES.iter().map(bytes).collect::<Result<Vec<_>, _>>()?;
        for (idx, what) in ["usual", "smallest"].into_iter().enumerate() {
            let labels = [workload.name().to_owned(), what.to_owned()];
            let numbers = sizes.iter().map(|sizes| sizes[idx]).collect();
            rows.push(Row { labels, numbers, unit: Unit::Bytes });
        }
    }
    Ok(rows)
}

impl Limit {
    fn is_kept(&self) -> bool {
        self.bytes <= self.bytes_max
    }
}
