//! Replays what fuzzing has found: each file that once led to a new path.

#[path = "fuzz_bodies/mod.rs"]
mod bodies;

use std::fs;
use std::path::Path;

/// Runs a target over its corpus. An empty one proves nothing.
fn replay(target: &str, body: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files = 0;
    for file in fs::read_dir(corpus).expect("the corpus is part of the repository") {
        let path = file.expect("it is listed").path();
        let bytes = fs::read(&path).expect("it is there");
        let run = std::panic::catch_unwind(|| body(&bytes));
        assert!(run.is_ok(), "{target} fails on {}", path.display());
        files += 1;
    }
    assert!(files >= 20, "only {files} files");
}

#[test]
fn what_decoding_has_met_is_decoded_again() {
    replay("decode", bodies::decode);
}

#[test]
fn what_applying_has_met_is_applied_again() {
    replay("apply", bodies::apply);
}
