//! The sync service and its client over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "how a test fails")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of answer")]

mod place;
mod answers;
mod losses;
mod order;
mod hostile;
mod patience;
