//! What the tests of other crates take from xtask. Std alone, as the commands, so that a test that
//! wants a Redis waits for nothing else to build.

pub mod redis;
