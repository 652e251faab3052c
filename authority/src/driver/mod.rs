//! What runs the machine: a thread, a clock and a disk. And what reads its log.

mod complaint;
mod embedded;
mod entropy;
mod executor;
mod follower;
mod tail;

pub(crate) use complaint::Complaint;
pub use embedded::{Embedded, Steps};
pub use executor::Executor;
pub(crate) use executor::Sighting;
pub use follower::{Follower, FollowerError};
pub use tail::{Tail, TailError};
