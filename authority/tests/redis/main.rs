//! The authority in a real Redis that is stopped, full, demoted, locked or in the wrong hands.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

mod faults;
mod refusals;
mod cluster;
mod settlement;
mod leaderboard;
mod shard;
mod groups;
