//! Replays what fuzzing has found: each file that once led to a new path, or to a bug.
#![allow(clippy::print_stdout, reason = "says how many files there were")]

use fuzz::{INPUT_BYTES_MAX, TARGETS};
use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Files of a target. More: `cargo xtask fuzz` keeps those that reach most.
const FILES_MAX: usize = 200;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn names_in(dir: &Path) -> BTreeSet<String> {
    let listed = dir.read_dir().expect("every target has a directory in fuzz/corpus");
    let names = listed.map(|file| file.expect("it is listed").file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// Runs a target over its corpus. An empty one proves nothing.
fn replay(name: &str) {
    let target = fuzz::target(name).expect("it is one of TARGETS");
    let dir = corpus().join(name);
    let files = names_in(&dir);
    for file in &files {
        let bytes = std::fs::read(dir.join(file)).expect("it was listed");
        assert!(bytes.len() <= INPUT_BYTES_MAX, "{file} is too long");
        let run = catch_unwind(|| (target.body)(&bytes));
        assert!(
            run.is_ok(),
            "it fails on {file}: cargo run -p fuzz {name} fuzz/corpus/{name}/{file}"
        );
    }
    println!("{name}: {} files", files.len());
    assert!((5..=FILES_MAX).contains(&files.len()), "{name} has {} files", files.len());
}

macro_rules! replayed {
    ($($name:ident)+) => {
        mod what_fuzzing_has_met_does_no_harm_to {
            $(#[test] fn $name() { super::replay(stringify!($name)); })+
        }

        const REPLAYED: &[&str] = &[$(stringify!($name)),+];
    };
}

replayed! {
    ucore_decode ucore_apply player_message shard_message sync_request sync_answer entry snapshot
    records journal redis_answer scenario feed_line ledger arguments authority group audit saga
    opening shard feed bot
}

#[test]
fn every_target_has_a_corpus_and_is_replayed() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names_in(&corpus()), targets);
    assert_eq!(REPLAYED.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), targets);
}
