//! Structures that programs share over a real sync service.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]
#![allow(clippy::disallowed_methods, reason = "programs have threads of their own, and block")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test waits for one thing")]

mod ancestor;
mod api;
mod place;
