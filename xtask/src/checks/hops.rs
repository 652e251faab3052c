//! A reader who greps for `Hop` finds one hit's road: each hop is named by exactly one file.

use crate::checks::Violation;
use crate::tree::Tree;

/// Hop and file, for the part of the road that Rust walks.
const RUST: &[(u32, &str)] = &[
    (4, "shard/src/driver/session.rs"),
    (5, "shard/src/machine/admission.rs"),
    (6, "shard/src/machine/buffer.rs"),
    (7, "shard/src/driver/journal.rs"),
    (8, "shard/src/driver/uplink.rs"),
    (9, "authority/src/machine/intake.rs"),
    (10, "authority/src/machine/boss.rs"),
    (11, "authority/src/machine/log.rs"),
    (12, "shard/src/driver/uplink.rs"),
    (13, "shard/src/machine/fanout.rs"),
    (14, "shard/src/driver/worker.rs"),
];

/// The browser's part. Hop 18 is a directory; the file that composes it names it.
const BROWSER: &[(u32, &str)] = &[
    (1, "web-client/src/input.ts"),
    (2, "web-client/src/prediction.ts"),
    (3, "web-client/src/connection.ts"),
    (15, "web-client/src/replica.ts"),
    (16, "web-client/src/reconciliation.ts"),
    (17, "web-client/src/interpolation.ts"),
    (18, "web-client/src/view/view.ts"),
];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = road(RUST, "//!", &claims(tree.rust(), "//! "));
    // A road that does not exist yet has no holes.
    if tree.iter().any(|(path, _)| path.starts_with("web-client/src/")) {
        violations.extend(road(BROWSER, "//", &claims(tree.typescript(), "// ")));
    }
    violations
}

/// Every (hop, file) that a first line names.
fn claims<'a>(
    files: impl Iterator<Item = (&'a str, &'a str)>,
    opening: &str,
) -> Vec<(u32, &'a str)> {
    let mut claims = Vec::new();
    for (path, text) in files {
        let first = text.lines().next().unwrap_or_default();
        let named = first.strip_prefix(opening).map(hops).unwrap_or_default();
        claims.extend(named.into_iter().map(|hop| (hop, path)));
    }
    claims
}

/// The hops of a purpose line: `Hop 9, intake: ...` or `Hops 8 and 12, uplink: ...`.
fn hops(purpose: &str) -> Vec<u32> {
    let (words, max) = match (purpose.strip_prefix("Hop "), purpose.strip_prefix("Hops ")) {
        (Some(words), _) => (words, 1),
        (None, Some(words)) => (words, usize::MAX),
        (None, None) => return Vec::new(),
    };
    words
        .split_whitespace()
        .filter(|word| *word != "and")
        .map_while(|word| word.trim_end_matches([',', ':', '.']).parse().ok())
        .take(max)
        .collect()
}

fn road(expected: &[(u32, &str)], opening: &str, claims: &[(u32, &str)]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (hop, path) in expected {
        if !claims.contains(&(*hop, path)) {
            let sentence = format!("the first line must name its hop: `{opening} Hop {hop}, ...`");
            violations.push(Violation::new(path, 1, sentence));
        }
    }
    for claim in claims {
        if !expected.contains(claim) {
            let (hop, path) = claim;
            let owner = expected.iter().find(|(other, _)| other == hop);
            let cure =
                owner.map_or("there is no such hop in this language".to_owned(), |(_, at)| {
                    format!("it belongs to {at}; if the road has moved, move it in xtask too")
                });
            violations.push(Violation::new(path, 1, format!("names hop {hop}: {cure}")));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::places;

    /// The whole road in Rust, with some files replaced or added.
    fn reported(planted: &[(&str, &str)]) -> Vec<String> {
        let first_lines: Vec<String> =
            RUST.iter().map(|(hop, _)| format!("//! Hop {hop}, step: does it.\n")).collect();
        let plain = RUST.iter().zip(&first_lines).map(|((_, path), text)| (*path, text.as_str()));
        let mut files: Vec<(&str, &str)> = plain.collect();
        files.push(("shard/src/driver/uplink.rs", "//! Hops 8 and 12, uplink: both ways.\n"));
        files.extend(planted);
        places(check, &files)
    }

    #[test]
    fn the_whole_road_passes() {
        assert_eq!(reported(&[]), [""; 0]);
    }

    #[test]
    fn a_file_without_its_hop_and_a_missing_file_are_reported() {
        let silent = ("authority/src/machine/log.rs", "//! The log.\n");
        assert_eq!(reported(&[silent]), ["authority/src/machine/log.rs:1"]);
        let half = ("shard/src/driver/uplink.rs", "//! Hop 8, uplink: 12 things.\n");
        assert_eq!(reported(&[half]), ["shard/src/driver/uplink.rs:1"]);
        assert_eq!(places(check, &[]).len(), RUST.len());
    }

    #[test]
    fn a_hop_named_twice_and_an_unknown_hop_are_reported() {
        for line in ["//! Hop 9, intake: again.\n", "//! Hop 99: nowhere.\n"] {
            assert_eq!(reported(&[("shard/src/lib.rs", line)]), ["shard/src/lib.rs:1"]);
        }
    }

    #[test]
    fn the_browser_is_checked_once_it_exists() {
        let page = ("web-client/src/main.ts", "// Starts the game.\n");
        assert_eq!(reported(&[page]).len(), BROWSER.len());
        let input = ("web-client/src/input.ts", "// Hop 1, input: a press becomes a Hit.\n");
        assert_eq!(reported(&[page, input]).len(), BROWSER.len() - 1);
    }
}
