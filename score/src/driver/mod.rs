//! What asks over a network: sockets, tasks and a clock.

mod client;
mod clock;
mod link;
mod address;
mod engine;
mod remote;
mod server;
mod shared;
mod structures;
pub mod wire;

pub use address::{Address, AddressError};
pub use client::{CallError, Client, Timing};
pub use clock::Clock;
pub use link::LinkError;
pub use remote::Remote;
pub use server::{Opening, Server, ServerError};
pub use shared::{Changes, Later, Pending, Reading, Shared, Watch};
pub use structures::{SMap, SStack, SVec};
