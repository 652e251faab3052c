//! One world from one seed: real machines on simulated time, links and disks.
//!
//! Source: FoundationDB's simulation (Zhou et al., "FoundationDB: A Distributed Unbundled
//! Transactional Key Value Store", 2021), and TigerBeetle's: first everything goes wrong and must
//! stay safe, then nothing does and everything must converge.

mod calm;
mod check;
mod conns;
mod core;
mod disk;
mod executor;
mod fault;
mod nemesis;
mod player;
mod process;
mod requests;
mod sweep;
mod trace;
mod truth;
mod wire;
mod world;

pub use check::Ended;
pub use fault::{Fault, Met};
pub use sweep::{Sum, sweep};
pub use trace::Lines;
pub use world::Outcome;

use trace::Trace;
use world::World;

/// Plays the world of a seed. `lines` is told what happens, line by line.
#[must_use]
pub fn play(seed: u64, lines: Option<Lines>) -> Outcome {
    World::new(seed, Trace::new(lines)).play(seed)
}
