//! What runs the machine: a thread, a clock and a disk. And what reads its log.

mod embedded;
mod follower;
mod store;
mod tail;

pub use embedded::{Embedded, Steps};
pub use follower::{Follower, FollowerError};
pub use tail::{Tail, TailError};
