//! The pure half: players without a socket, and the books that are held against the ledger.

mod arrivals;
mod skills;
mod event;
mod books;
mod session;
mod bot;
mod crossing;
mod bar;
mod recorder;
mod oracle;
mod settled;
mod latency;
mod report;
mod threshold;
mod summary;

pub use arrivals::Arrivals;
pub use bar::{BarError, Bars, Span};
pub use books::Books;
pub use bot::{Bot, BotConfig};
pub use crossing::Crossing;
pub use event::Event;
pub use latency::Latency;
pub use oracle::{Balance, HitCounts, Oracle};
pub use recorder::{Pulse, Recorder, Standing};
pub use report::{ErrorCount, Report, RunInfo, SCHEMA};
pub use summary::grouped;
pub use threshold::{Checked, Threshold, ThresholdError};

#[cfg(test)]
mod bot_tests;
