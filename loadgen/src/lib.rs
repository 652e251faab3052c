//! Bots, load, and the oracle that compares what players were told with what the truth says.
//!
//! `machine` is pure: simulated players, their books, the report. `driver` puts thousands of them
//! on real WebSockets.

pub mod machine;
#[cfg(feature = "driver")]
pub mod driver;
