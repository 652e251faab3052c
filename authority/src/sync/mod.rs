//! The sync service: an authority, exported to other processes over WebSocket.

mod service;
mod connection;
mod budget;
mod metrics;
mod server;
mod followers;
mod remote;

pub(crate) use budget::Budget;
pub use remote::Remote;
pub use server::{Server, serve};
pub use service::Service;
