//! Real Redis servers for tests, benches and people: on free ports, in directories of their own,
//! gone when they are dropped.
//!
//! Everything here blocks its thread. Keep a [`Server`] in a local variable: Rust never drops a
//! `static`, so a server in one outlives its test.

#![expect(clippy::disallowed_methods, reason = "waits for processes, by the clock")]

mod server;
mod process;
mod settings;
mod stats;
mod replica;
mod cluster;
mod view;
mod slots;
mod resp;
mod directory;
mod port;
mod wait;

pub use cluster::Cluster;
pub use resp::Reply;
pub use server::Server;
