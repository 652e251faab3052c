//! Following shared values over a network that fails.
//!
//! [`Backoff`] says when to try again. [`Feed`] tells a log once and in order. `Client`, of the
//! feature `driver`, holds a connection that comes back by itself, and asks over it.

mod backoff;
mod feed;
#[cfg(feature = "driver")]
mod driver;

pub use backoff::Backoff;
#[cfg(feature = "driver")]
pub use driver::{Address, AddressError, CallError, Client, Clock, LinkError, Timing, wire};
pub use feed::{Feed, FeedError, FeedRequest, FeedStart};
