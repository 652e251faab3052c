//! A bound that nothing asks about bounds nothing: every limit of the protocol is used.

use crate::checks::Violation;
use crate::code;
use crate::tree::Tree;

const LIMITS: &str = "protocol/src/limits.rs";

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let Some(text) = tree.text(LIMITS) else {
        return vec![Violation::new(LIMITS, 1, "every bound has its place here: write this file")];
    };
    let others: Vec<String> = tree
        .rust()
        .filter(|(path, _)| *path != LIMITS)
        .map(|(_, text)| without_reexports(&code::code_only(text)))
        .collect();
    let mut violations = Vec::new();
    for (line, name) in limits(&code::code_only(text)) {
        let is_used = |code: &String| code::word_offsets(code, &name).next().is_some();
        if !others.iter().any(is_used) {
            let sentence = format!("nothing asks about `{name}`: enforce it or take it out");
            violations.push(Violation::new(LIMITS, line, sentence));
        }
    }
    violations
}

/// The public constants that end in `_MAX`, each with its line.
fn limits(code: &str) -> Vec<(usize, String)> {
    const PUBLIC: &str = "pub const ";
    let offsets = code::word_offsets(code, PUBLIC);
    let named = offsets.map(|at| (at, code::first_name(&code[at + PUBLIC.len()..])));
    named
        .filter(|(_, name)| name.ends_with("_MAX"))
        .map(|(at, name)| (code::line_of(code, at), name.to_owned()))
        .collect()
}

/// To pass a name on is not to use it.
fn without_reexports(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = code::word_offsets(rest, "pub use ").next() {
        kept.push_str(&rest[..at]);
        rest = rest[at..].split_once(';').map_or("", |(_, after)| after);
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::places;

    const TEXT: &str = "//! Limits.\npub const A_MAX: usize = 1;\npub const fn b() {}\n";

    fn reported(other: &str) -> Vec<String> {
        places(check, &[(LIMITS, TEXT), ("shard/src/lib.rs", other)])
    }

    #[test]
    fn a_limit_that_is_asked_about_passes() {
        assert_eq!(reported("if len > limits::A_MAX {}"), [""; 0]);
        assert_eq!(reported("pub use x::Y; if len > limits::A_MAX {}"), [""; 0]);
    }

    #[test]
    fn an_unused_limit_is_reported() {
        for other in ["", "A_MAX_BYTES", "// A_MAX", "\"A_MAX\"", "pub use limits::{\nA_MAX};"] {
            assert_eq!(reported(other), ["protocol/src/limits.rs:2"], "{other}");
        }
    }

    #[test]
    fn a_missing_file_is_reported() {
        assert_eq!(places(check, &[]), ["protocol/src/limits.rs:1"]);
    }
}
