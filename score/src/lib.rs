//! Following shared values over a network that fails.

mod backoff;

pub use backoff::Backoff;
