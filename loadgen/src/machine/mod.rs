//! The pure half: players without a socket, and the books that are held against the ledger.

mod arrivals;
mod absences;
mod frames;
mod config;
mod schedule;
mod stages;
mod plan;
mod skills;
mod event;
mod books;
mod session;
mod link;
mod presence;
mod cheat;
mod vandal;
mod bot;
mod inbox;
mod crossing;
mod bar;
mod recorder;
mod oracle;
mod settled;
mod latency;
mod measures;
mod series;
mod scrape;
mod report;
mod measured;
mod threshold;
mod baseline;
mod units;
mod verdict;
mod merge;
mod json;
mod csv;
mod summary;
pub mod chart;
mod page;

pub use absences::{Churn, Returns};
pub use arrivals::{Arrivals, ArrivalsError, RATE_MAX, Rates};
pub use bar::{BarError, Bars, Span};
pub use baseline::Regression;
pub use books::Books;
pub use bot::{Bot, Outgoing};
pub use cheat::Cheat;
pub use config::BotConfig;
pub use crossing::Crossing;
pub use event::{Event, Outcome};
pub use frames::Frames;
pub use latency::Latency;
pub use merge::MergeError;
pub use oracle::{Balance, HitCounts, Oracle};
pub use plan::{CONNECT_GAP, Plan, PlanConfig, PlanError, Seat};
pub use recorder::{Pulse, Recorder, Standing};
pub use report::{CheatCount, ErrorCount, Report, RunInfo, SCHEMA, ShardTotal};
pub use schedule::{Planned, Schedule, Wish};
pub use scrape::{Reading, Readings, ServerCost};
pub use series::{BossSecond, Second, ServerSecond, ShardSecond};
pub use stages::{Profile, Stage, Stages, StagesError};
pub use summary::grouped;
pub use threshold::{Checked, Threshold, ThresholdError};

#[cfg(test)]
mod schedule_tests;
#[cfg(test)]
mod stages_tests;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod table;
#[cfg(test)]
mod bot_tests;
#[cfg(test)]
mod example;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod conduct_tests;
#[cfg(test)]
mod cheat_tests;
