//! The tests of the whole: one binary, so that everything is linked once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "how a test fails")]
#![allow(clippy::disallowed_methods, reason = "tests wait for real processes")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test waits for one thing and skips the rest")]
#![allow(clippy::print_stderr, clippy::too_many_lines, reason = "tests print and list their cases")]

mod world;
mod server;
mod road;
mod late;
mod spoils;
mod histories;
mod kill;
mod load;
mod seen;
mod cluster;
mod redis;
mod place;
mod table;
mod disk;
mod settle;
mod plug;
#[cfg(feature = "tls")]
mod tls;
mod mistakes;
mod mutants;
mod feed;
mod tools;
mod repair;
mod recover;
mod tail;
mod chaos;
mod shared;
