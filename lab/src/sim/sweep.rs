//! Many worlds, one after the other on each thread.

use super::{Fault, Met, Outcome, play};
use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

/// Outcomes that wait to be looked at. More: the threads wait.
const WAITING_MAX: usize = 64;

/// Plays the worlds of all these seeds, on so many threads. `each` sees every outcome, in whatever
/// order they come; it says whether to go on.
pub fn sweep(seeds: Range<u64>, threads: usize, mut each: impl FnMut(Outcome) -> bool) {
    let (outcomes, seen) = sync_channel(WAITING_MAX);
    let next = AtomicU64::new(seeds.start);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let (outcomes, next) = (outcomes.clone(), &next);
            let end = seeds.end;
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    // A reader that has gone wants no more.
                    if seed >= end || outcomes.send(play_caught(seed)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(outcomes);
        for outcome in seen {
            if !each(outcome) {
                // Nobody begins another one.
                next.store(seeds.end, Ordering::Relaxed);
                return;
            }
        }
    });
}

/// Plays a world; an assertion that fails in it is its finding.
fn play_caught(seed: u64) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| play(seed, None))).unwrap_or_else(|panic| Outcome {
        seed,
        hash: 0,
        met: Met::default(),
        finding: Some(format!("it panics: {}", text(&*panic))),
        ended: super::Ended::default(),
        took: protocol::Micros(0),
        events: 0,
    })
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

/// What a sweep has seen so far.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    /// Worlds that came to their end.
    pub worlds: u64,
    /// The faults that they met.
    pub met: Met,
    /// Worlds that met a fault at least once.
    pub worlds_met: std::collections::BTreeMap<Fault, u64>,
    /// What their players did.
    pub ended: super::Ended,
    /// Their time, in seconds.
    pub seconds: u64,
    /// Their events.
    pub events: u64,
    /// All hashes together, in any order.
    pub hash: u64,
    /// (seed, finding), the first ones.
    pub findings: Vec<(u64, String)>,
}

/// Findings of a sweep that are kept.
const FINDINGS_MAX: usize = 20;

impl Sum {
    /// Adds a world.
    pub fn add(&mut self, outcome: Outcome) {
        self.worlds += 1;
        self.met.add(&outcome.met);
        for fault in Fault::ALL.iter().filter(|fault| outcome.met.count(**fault) > 0) {
            *self.worlds_met.entry(*fault).or_default() += 1;
        }
        self.seconds += outcome.took.as_millis() / 1_000;
        self.events += outcome.events;
        self.hash = self.hash.wrapping_add(outcome.hash.rotate_left(17) ^ outcome.seed);
        self.ended.add(outcome.ended);
        if let Some(finding) = outcome.finding.filter(|_| self.findings.len() < FINDINGS_MAX) {
            self.findings.push((outcome.seed, finding));
        }
    }
}
