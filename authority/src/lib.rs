//! The truth: the only place where a boss changes.
//!
//! [`machine`] holds the rules, pure and deterministic. [`Authority`] is the face that shards
//! know; [`Embedded`] runs the machine in this process, on a disk of its own, and [`Remote`] asks
//! one in another process, which exports it by a [`sync::Service`]. All of them keep shared
//! structures, too, by the rules of [`machine::group`].

pub mod machine;
#[cfg(feature = "driver")]
pub mod books;
#[cfg(feature = "driver")]
mod client;
#[cfg(feature = "driver")]
pub mod door;
#[cfg(feature = "driver")]
pub mod disk;
#[cfg(feature = "driver")]
mod driver;
#[cfg(feature = "driver")]
pub mod port;
#[cfg(feature = "driver")]
mod recent;
#[cfg(feature = "driver")]
mod redis;
#[cfg(feature = "driver")]
pub mod store;
#[cfg(feature = "driver")]
pub mod sync;
#[cfg(feature = "driver")]
pub mod vitals;

#[cfg(feature = "driver")]
pub use client::{Answered, Authority};
#[cfg(feature = "driver")]
pub use driver::{Embedded, Executor, Follower, FollowerError, Steps, Tail, TailError};
#[cfg(feature = "driver")]
#[doc(hidden)]
pub use redis::read_redis_answer;
#[cfg(feature = "driver")]
pub use redis::{AddressError, Redis, without_password};
#[cfg(feature = "driver")]
pub use sync::Remote;
