//! Types that break one law each, run through the same functions as the real ones.
#![expect(clippy::wildcard_enum_match_arm, reason = "the rest is as it should be")]

mod flawed;
mod wrong_sum;
mod updates;
mod deltas;
mod codec;
mod log;
mod replicas;
mod sizes;
mod models;
