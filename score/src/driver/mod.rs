//! What asks over a network: sockets, tasks and a clock.

mod client;
mod clock;
mod link;
mod address;
pub mod wire;

pub use address::{Address, AddressError};
pub use client::{CallError, Client, Timing};
pub use clock::Clock;
pub use link::LinkError;
