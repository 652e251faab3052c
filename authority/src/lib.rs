//! The truth: the only place where a boss changes.
//!
//! [`machine`] holds the rules, pure and deterministic. [`Authority`] is the face that shards
//! know; [`Embedded`] runs the machine in this process, on a disk of its own.

pub mod machine;
#[cfg(feature = "driver")]
mod client;
#[cfg(feature = "driver")]
pub mod disk;
#[cfg(feature = "driver")]
mod driver;

#[cfg(feature = "driver")]
pub use client::{Answered, Authority};
#[cfg(feature = "driver")]
pub use driver::{Embedded, Follower, FollowerError};
