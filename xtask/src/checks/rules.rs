//! No machine reads a clock, a socket, a disk or a random source, and no shard names the rules.

use crate::checks::Violation;
use crate::code;
use crate::tree::Tree;

/// Crates whose every file is pure, but for drivers.
const PURE_SOURCES: &[&str] = &["ucore/src/", "protocol/src/", "score/src/"];

/// Names that a machine may not mention, and what it does instead.
const WORDS: &[(&str, &str)] = &[
    ("tokio", TO_DRIVER),
    ("async fn", TO_DRIVER),
    ("Instant", TAKE_NOW),
    ("SystemTime", TAKE_NOW),
    ("getrandom", TAKE_SEED),
    ("Rng::new()", TAKE_SEED),
];

/// The same for paths of two names.
const PATHS: &[(&str, &str, &str)] = &[
    ("std", "net", TO_DRIVER),
    ("std", "thread", TO_DRIVER),
    ("std", "fs", TO_DRIVER),
    ("rand", "rng", TAKE_SEED),
];

const TO_DRIVER: &str = "a machine takes values and returns values: move this to driver/";
const TAKE_NOW: &str = "a machine has no clock: take `now: Micros`";
const TAKE_SEED: &str = "a machine has no random source: take a seed";

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.rust() {
        let code = code::code_only(text);
        let mut found = Vec::new();
        if is_pure(path) {
            found.extend(impurities(&code));
        }
        if path.starts_with("shard/src/") {
            found.extend(rule_mentions(&code));
        }
        found.sort_unstable();
        let sentences = found.into_iter();
        violations.extend(
            sentences.map(|(at, what)| Violation::new(path, code::line_of(&code, at), what)),
        );
    }
    violations
}

fn is_pure(path: &str) -> bool {
    let is_machine = path.contains("/src/machine/") || path.ends_with("/src/machine.rs");
    let is_driver = path.contains("/driver/") || path.ends_with("/driver.rs");
    let is_pure_crate = PURE_SOURCES.iter().any(|dir| path.starts_with(dir));
    is_machine || (is_pure_crate && !is_driver)
}

/// (offset, sentence) of everything that a machine may not do.
fn impurities(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (word, cure) in WORDS {
        let sentence = format!("`{word}`: {cure}");
        found.extend(code::word_offsets(code, word).map(|at| (at, sentence.clone())));
    }
    for (head, member, cure) in PATHS {
        let sentence = format!("`{head}::{member}`: {cure}");
        let offsets = code::path_offsets(code, head, member);
        found.extend(offsets.into_iter().map(|at| (at, sentence.clone())));
    }
    // fastrand's functions draw from a generator that the system seeds; its `Rng` takes a seed.
    for at in code::word_offsets(code, "fastrand::") {
        let name = code::first_name(&code[at + "fastrand::".len()..]);
        if name.starts_with(char::is_lowercase) {
            found.push((at, format!("`fastrand::{name}`: {TAKE_SEED}")));
        }
    }
    found
}

/// (offset, sentence) of every mention of the authority's rules. Another name for the crate would
/// hide them, so it is reported too.
fn rule_mentions(code: &str) -> Vec<(usize, String)> {
    let sentence = "only the authority decides: use `trait Authority`, not `authority::machine`";
    let direct = code::path_offsets(code, "authority", "machine").into_iter();
    let renamed = code::word_offsets(code, "authority as");
    direct.chain(renamed).map(|at| (at, sentence.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::places;

    const MACHINE: &str = "authority/src/machine/boss.rs";

    #[test]
    fn every_impurity_is_reported_in_a_machine() {
        for planted in [
            "use tokio::sync::mpsc;",
            "use std::net::TcpStream;",
            "use std::{fmt, thread};",
            "let now = Instant::now();",
            "fn f(t: std::time::SystemTime) {}",
            "std::fs::read(path)",
            "let mut r = rand::rng();",
            "getrandom::fill(&mut id)",
            "pub async fn f() {}",
            "fastrand::u64(..)",
            "let mut r = fastrand::Rng::new();",
        ] {
            let text = format!("//! Boss.\n{planted}\n");
            for path in [MACHINE, "ucore/src/max.rs", "score/src/lib.rs", "shard/src/machine.rs"] {
                let expected = [format!("{path}:2")];
                assert_eq!(places(check, &[(path, &text)]), expected, "{planted}");
            }
        }
    }

    #[test]
    fn drivers_comments_and_strings_may_speak_of_them() {
        let driver = "use tokio::net;\nlet a = Instant::now();\n";
        assert_eq!(places(check, &[("shard/src/driver/tick.rs", driver)]), [""; 0]);
        assert_eq!(places(check, &[("score/src/driver/client.rs", driver)]), [""; 0]);
        let machine = "// tokio, Instant\nlet a = \"std::fs\"; fastrand::Rng::with_seed(1);\n";
        assert_eq!(places(check, &[(MACHINE, machine)]), [""; 0]);
    }

    #[test]
    fn a_shard_that_names_the_rules_is_reported() {
        for planted in [
            "use authority::machine::Boss;",
            "use authority::{Authority, machine::Boss};",
            "use authority as a;",
        ] {
            assert_eq!(places(check, &[("shard/src/lib.rs", planted)]), ["shard/src/lib.rs:1"]);
            assert_eq!(places(check, &[("loadgen/src/lib.rs", planted)]), [""; 0]);
        }
        let face = "use authority::{Authority, Verdict}; // never authority::machine";
        assert_eq!(places(check, &[("shard/src/lib.rs", face)]), [""; 0]);
    }
}
