//! The target that `FUZZ_TARGET` names, for libFuzzer: `cargo xtask fuzz` builds and runs it.
#![no_main]

use std::sync::LazyLock;

static BODY: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    fuzz::target(&name).expect("FUZZ_TARGET is the name of a target").body
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| BODY(bytes));
