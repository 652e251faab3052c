//! The tests of the whole: one binary, so that everything is linked once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "how a test fails")]

mod world;
mod road;
mod histories;
