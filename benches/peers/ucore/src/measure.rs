//! Runs of one library: what its messages cost, and whether they did their work.
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use crate::boss::{Edit, Workload};
use crate::peer::{Peer, State};
use std::time::{Duration, Instant};

/// A library, with what can be asked of it.
pub(crate) struct Library {
    pub(crate) name: &'static str,
    pub(crate) single: fn(Workload) -> Result<Cost, String>,
    pub(crate) batched: fn(Workload, usize) -> Result<f64, String>,
    pub(crate) snapshot: fn(Workload) -> Result<[f64; 2], String>,
}

/// What one message per edit costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) bytes_per_update: f64,
    pub(crate) produced_per_second: f64,
    pub(crate) applied_per_second: f64,
}

/// Runs are repeated until this is over, and the fastest one counts: the machine has other work.
const REPEATED_FOR: Duration = Duration::from_secs(1);

impl Library {
    pub(crate) const fn of<P: Peer>() -> Self {
        Self { name: P::NAME, single: single::<P>, batched: batched::<P>, snapshot: snapshot::<P> }
    }
}

fn single<P: Peer>(workload: Workload) -> Result<Cost, String> {
    let edits = workload.edits(crate::EDITS);
    let began = Instant::now();
    let mut best = run::<P>(workload, &edits, 1)?;
    while began.elapsed() < REPEATED_FOR {
        let next = run::<P>(workload, &edits, 1)?;
        best.produce = best.produce.min(next.produce);
        best.apply = best.apply.min(next.apply);
    }
    Ok(Cost {
        bytes_per_update: best.bytes as f64 / edits.len() as f64,
        produced_per_second: edits.len() as f64 / best.produce.as_secs_f64(),
        applied_per_second: edits.len() as f64 / best.apply.as_secs_f64(),
    })
}

/// Bytes per edit.
fn batched<P: Peer>(workload: Workload, per_message: usize) -> Result<f64, String> {
    let edits = workload.edits(crate::EDITS);
    Ok(run::<P>(workload, &edits, per_message)?.bytes as f64 / edits.len() as f64)
}

/// Bytes of the usual snapshot and of the smallest one, after one message per edit.
fn snapshot<P: Peer>(workload: Workload) -> Result<[f64; 2], String> {
    let edits = workload.edits(crate::EDITS);
    let mut source = P::pair(workload).0;
    for edit in edits.chunks(1) {
        source.produce(edit);
    }
    same::<P>("the source", &mut source, &State::after(&edits))?;
    Ok([source.snapshot().len() as f64, source.smallest_snapshot().len() as f64])
}

struct Run {
    bytes: usize,
    produce: Duration,
    apply: Duration,
}

/// All edits at a source, and at a replica that follows its messages.
fn run<P: Peer>(workload: Workload, edits: &[Edit], per_message: usize) -> Result<Run, String> {
    let (mut source, mut replica) = P::pair(workload);
    let mut messages = Vec::with_capacity(edits.len().div_ceil(per_message));
    let began = Instant::now();
    messages.extend(edits.chunks(per_message).map(|edits| source.produce(edits)));
    let produce = began.elapsed();
    let began = Instant::now();
    for message in &messages {
        replica.apply(message);
    }
    let apply = began.elapsed();
    let expected = State::after(edits);
    same::<P>("the source", &mut source, &expected)?;
    same::<P>("the replica", &mut replica, &expected)?;
    Ok(Run { bytes: messages.iter().map(Vec::len).sum(), produce, apply })
}

fn same<P: Peer>(whose: &str, peer: &mut P, expected: &State) -> Result<(), String> {
    if State::of(&peer.value()) == *expected {
        return Ok(());
    }
    Err(format!("{}: {whose} is not what the edits make of it", P::NAME))
}
