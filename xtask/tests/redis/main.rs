//! The real servers that tests are given: every promise of `xtask::redis`, kept by a real Redis.
#![allow(clippy::unwrap_used, reason = "how a test fails")]
#![allow(clippy::disallowed_methods, reason = "writes go on while a slot moves")]

mod server;
mod kept;
mod replica;
mod cluster;
mod command;
