//! Any bytes, as updates of a value: `cargo +nightly fuzz run apply`.
#![no_main]

#[path = "../../tests/fuzz_bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::apply(bytes));
