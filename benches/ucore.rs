//! ucore in the small: look-ups beside those of std's structures, and what an update costs.
//!
//! `cargo bench --bench ucore` lets criterion measure times, lets callgrind count instructions, and
//! fails where a look-up takes more than 1.05 times the instructions of std's. The same times vary
//! by a tenth from run to run, the same instructions do not. It needs valgrind.
#![allow(missing_docs, clippy::print_stdout, clippy::print_stderr, reason = "a bench prints")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]
#![expect(clippy::disallowed_types, reason = "a bench compares with std's map")]

/// The same edits as those that other libraries are compared on.
#[path = "peers/ucore/src/boss.rs"]
mod boss;

use boss::{Boss, BossUpdate, Workload};
use criterion::{BatchSize, Criterion, Throughput};
use rustc_hash::FxBuildHasher;
use std::collections::{HashMap, hash_map::RandomState};
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, io};
use ucore::prelude::*;
use ucore::{Bin, Expect, Proposal, Sequencer, UMap, UStack, UVec, WriterId, decode, encode};

/// Entries of a structure, and look-ups of one run.
const ENTRIES: u32 = 100_000;
/// Instructions of a look-up beside those of std's.
const RATIO_MAX: f64 = 1.05;
/// Edits of one run.
const EDITS: usize = 20_000;
/// The argument behind which the number of a run stands that callgrind is to count.
const COUNTED: &str = "--counted";

/// All look-ups of one structure, ready to run.
type Run = Box<dyn FnMut() -> u64>;

/// A look-up in a structure of ours, and in std's.
struct Case {
    structure: &'static str,
    look_up: &'static str,
    /// Ours, then std's.
    runs: [fn() -> Run; 2],
}

type Fx = FxBuildHasher;

const CASES: [Case; 6] = [
    Case {
        structure: "UMap, Fx",
        look_up: "get, half of them misses",
        runs: [
            || by_key(|map: &UMap<u32, u32, Fx>, key| map.get(&key).copied()),
            || by_key(|map: &HashMap<u32, u32, Fx>, key| map.get(&key).copied()),
        ],
    },
    Case {
        structure: "UMap, RandomState",
        look_up: "get, half of them misses",
        runs: [
            || by_key(|map: &UMap<u32, u32, RandomState>, key| map.get(&key).copied()),
            || by_key(|map: &HashMap<u32, u32, RandomState>, key| map.get(&key).copied()),
        ],
    },
    Case {
        structure: "UVec",
        look_up: "index",
        runs: [
            || by_index(|values: &UVec<u32>, index| values[index]),
            || by_index(|values: &Vec<u32>, index| values[index]),
        ],
    },
    Case {
        structure: "UVec",
        look_up: "iter",
        runs: [|| all(|values: &UVec<u32>| sum(values)), || all(|values: &Vec<u32>| sum(values))],
    },
    Case {
        structure: "UStack",
        look_up: "peek",
        runs: [
            || by_index(|values: &UStack<u32>, _| values.peek().copied().unwrap_or(0)),
            || by_index(|values: &Vec<u32>, _| values.last().copied().unwrap_or(0)),
        ],
    },
    Case {
        structure: "UStack",
        look_up: "iter",
        runs: [|| all(|values: &UStack<u32>| sum(values)), || all(|values: &Vec<u32>| sum(values))],
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    if let Some(at) = args.iter().position(|arg| arg == COUNTED) {
        run_counted(args.get(at + 1).and_then(|number| number.parse().ok()).unwrap_or(0));
        return ExitCode::SUCCESS;
    }
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let times = CASES.each_ref().map(|case| time_case(&mut criterion, case));
    updates(&mut criterion);
    criterion.final_summary();
    // `cargo test --benches` only asks whether everything runs.
    if !args.iter().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    match table(&times) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("\n{sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Keys are random and distinct; every second look-up is one of a key that is not there.
fn by_key<M: FromIterator<(u32, u32)> + 'static>(
    get: impl Fn(&M, u32) -> Option<u32> + 'static,
) -> Run {
    // An odd factor takes no two numbers to the same one.
    let key = |number: u32| number.wrapping_mul(0x9e37_79b1);
    let map: M = (0..ENTRIES).map(|number| (key(2 * number), number)).collect();
    let mut keys: Vec<u32> = (ENTRIES / 2..ENTRIES * 3 / 2).map(key).collect();
    fastrand::Rng::with_seed(1).shuffle(&mut keys);
    Box::new(move || {
        let found = keys.iter().filter_map(|key| get(&map, black_box(*key)));
        found.map(u64::from).sum()
    })
}

/// Indices are random.
fn by_index<V: FromIterator<u32> + 'static>(get: impl Fn(&V, usize) -> u32 + 'static) -> Run {
    let values: V = (0..ENTRIES).collect();
    let mut random = fastrand::Rng::with_seed(1);
    let indices: Vec<usize> = (0..ENTRIES).map(|_| random.usize(..ENTRIES as usize)).collect();
    Box::new(move || {
        let found = indices.iter().map(|index| get(black_box(&values), black_box(*index)));
        found.map(u64::from).sum()
    })
}

fn all<V: FromIterator<u32> + 'static>(sum: impl Fn(&V) -> u64 + 'static) -> Run {
    let values: V = (0..ENTRIES).collect();
    Box::new(move || sum(black_box(&values)))
}

/// One value after the other, as a program would read them that does more with each.
fn sum<'a>(values: impl IntoIterator<Item = &'a u32>) -> u64 {
    values.into_iter().map(|value| u64::from(*black_box(value))).sum()
}

/// Nanoseconds per look-up of ours and of std's; none where criterion was told to leave it out.
fn time_case(criterion: &mut Criterion, case: &Case) -> [Option<f64>; 2] {
    let mut group = criterion.benchmark_group(format!("{}, {}", case.structure, case.look_up));
    group.throughput(Throughput::Elements(ENTRIES.into()));
    let mut index = 0;
    case.runs.map(|run| {
        let (mut run, mut runs, mut took) = (run(), 0, Duration::ZERO);
        group.bench_function(["ours", "std"][index], |bencher| {
            bencher.iter_custom(|rounds| {
                let began = Instant::now();
                (0..rounds).for_each(|_| _ = black_box(run()));
                let elapsed = began.elapsed();
                (runs, took) = (runs + rounds, took + elapsed);
                elapsed
            });
        });
        index += 1;
        (runs > 0).then(|| took.as_nanos() as f64 / (runs as f64 * f64::from(ENTRIES)))
    })
}

/// What an update costs where it is made, where it arrives, and where it is put in order.
fn updates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("update");
    group.throughput(Throughput::Elements(EDITS as u64));
    for workload in [Workload::Counter, Workload::Set, Workload::Nested, Workload::Push] {
        let (name, edits) = (workload.name(), workload.edits(EDITS));
        let mut boss = Boss::default();
        let updates = edits.iter().map(|edit| boss.edit(*edit).expect("it fits"));
        let updates: Vec<BossUpdate> = updates.collect();
        let messages: Vec<Vec<u8>> = updates.iter().map(encode).collect();
        group.bench_function(format!("produce and encode, {name}"), |bencher| {
            let produce = |boss: &mut Boss| {
                edits.iter().for_each(|edit| _ = black_box(boss.edit(*edit).map(|it| encode(&it))));
            };
            bencher.iter_batched_ref(Boss::default, produce, BatchSize::LargeInput);
        });
        group.bench_function(format!("decode and apply, {name}"), |bencher| {
            let apply = |boss: &mut Boss| {
                messages.iter().for_each(|bytes| {
                    let update = decode(bytes).expect("it was encoded");
                    boss.apply(update).expect("it fits");
                });
            };
            bencher.iter_batched_ref(Boss::default, apply, BatchSize::LargeInput);
        });
        group.bench_function(format!("submit to a sequencer, {name}"), |bencher| {
            let submit = |sequencer: &mut Sequencer<Boss>| {
                for (seq, update) in (1..).zip(&updates) {
                    black_box(sequencer.submit(proposal(seq, update.clone())));
                }
            };
            let empty = || Sequencer::new(Boss::default());
            bencher.iter_batched_ref(empty, submit, BatchSize::LargeInput);
        });
    }
    group.finish();
}

fn proposal(seq: u64, update: BossUpdate) -> Proposal<BossUpdate> {
    Proposal { writer: WriterId(Bin([1; 16])), seq, expect: Expect::Any, update }
}

/// Prints times and instructions per look-up, of those that were timed. A failure is a sentence for
/// each missed limit.
fn table(times: &[[Option<f64>; 2]]) -> Result<(), String> {
    if times.iter().flatten().all(Option::is_none) {
        return Ok(());
    }
    let mut missed = Vec::new();
    println!("\nPer look-up of {ENTRIES} entries: nanoseconds, and instructions by callgrind.\n");
    println!(
        "{:<18} {:<25} {:>7} {:>8} {:>13} {:>13} {:>6}",
        "structure", "look-up", "ns", "std's ns", "instructions", "std's", "ratio"
    );
    for (number, (case, times)) in CASES.iter().zip(times).enumerate() {
        let [Some(ours), Some(stds)] = times else { continue };
        let Case { structure, look_up, .. } = case;
        let count = |side| Ok::<_, String>(count(2 * number + side)? as f64 / f64::from(ENTRIES));
        let (instructions, of_std) = (count(0)?, count(1)?);
        let ratio = instructions / of_std;
        println!(
            "{structure:<18} {look_up:<25} {ours:>7.2} {stds:>8.2} {instructions:>13.2} \
             {of_std:>13.2} {ratio:>6.3}"
        );
        if ratio > RATIO_MAX {
            missed
                .push(format!("{structure}, {look_up}: {ratio:.3} times the instructions of std"));
        }
    }
    if missed.is_empty() {
        return Ok(());
    }
    Err(format!("At most {RATIO_MAX} times is allowed.\n{}", missed.join("\n")))
}

/// The instructions of a run of [`CASES`], counted by this program under callgrind.
fn count(number: usize) -> Result<u64, String> {
    let own = env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.arg("--toggle-collect=*inside_callgrind*");
    valgrind.arg(own).args([COUNTED, &number.to_string()]);
    let output = valgrind.output().map_err(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            return format!("valgrind did not start: {error}");
        }
        "INSTRUCTIONS WERE NOT COUNTED: valgrind is missing. Run `apt-get install valgrind`, then \
         this bench again."
            .to_owned()
    })?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.split_once("Collected :").map(|(_, rest)| rest.trim_start());
    let number = collected.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    // None at all means that the function of that name was not met.
    number.filter(|number| *number > 0).ok_or_else(|| format!("callgrind counted nothing:\n{said}"))
}

/// The other side of [`count`].
fn run_counted(number: usize) {
    let mut run = CASES[number / 2].runs[number % 2]();
    inside_callgrind(&mut *run);
}

/// Callgrind counts what runs inside of the function of this name.
#[inline(never)]
fn inside_callgrind(run: &mut dyn FnMut() -> u64) {
    black_box(run());
}
