//! Every source file says its purpose first, stays readable in size, and holds no forgotten marks.

use crate::checks::Violation;
use crate::code;
use crate::tree::Tree;

const FILE_LINES_MAX: usize = 600;
const LINE_COLUMNS_MAX: usize = 100;

/// Marks of unfinished work. Put together here, so that this file does not hold them itself.
const MARKS: &[(&str, &str)] = &[
    (concat!("to", "do!("), "write what is missing"),
    (concat!("unimple", "mented!("), "write what is missing"),
    (concat!("db", "g!("), "take this print of a debugging session out"),
    (concat!("#[ig", "nore]"), "a test that is not run needs a reason: #[ignore = \"...\"]"),
    (concat!("FIX", "ME"), "fix it, or say in a sentence what holds"),
    (concat!("XX", "X"), "fix it, or say in a sentence what holds"),
];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let rust = tree.rust().map(|(path, text)| (path, text, "//!"));
    let typescript = tree.typescript().map(|(path, text)| (path, text, "//"));
    rust.chain(typescript).flat_map(|(path, text, opening)| file(path, text, opening)).collect()
}

fn file(path: &str, text: &str, opening: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    if !text.starts_with(opening) {
        let sentence = format!("the first line says what the file is for: `{opening} ...`");
        violations.push(Violation::new(path, 1, sentence));
    }
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        let sentence = format!("{lines} lines: split it, at most {FILE_LINES_MAX} are readable");
        violations.push(Violation::new(path, FILE_LINES_MAX + 1, sentence));
    }
    for (index, line) in text.lines().enumerate() {
        let sentences = long(line).into_iter().chain(marks(line));
        violations.extend(sentences.map(|sentence| Violation::new(path, index + 1, sentence)));
    }
    violations
}

fn long(line: &str) -> Option<String> {
    let columns = line.chars().count();
    let sentence = || format!("{columns} columns: break it, at most {LINE_COLUMNS_MAX}");
    (columns > LINE_COLUMNS_MAX).then(sentence)
}

fn marks(line: &str) -> impl Iterator<Item = String> {
    let found = MARKS.iter().filter(|(mark, _)| code::word_offsets(line, mark).next().is_some());
    found.map(|(mark, cure)| format!("`{mark}`: {cure}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::places;

    #[test]
    fn a_tidy_file_passes() {
        let rust = format!("//! Purpose.\n{}\n// {}", "x".repeat(100), "XX".repeat(4));
        let typescript = ("web-client/src/a.ts", "// Purpose.\nlet a = 1\n");
        assert_eq!(places(check, &[("src/a.rs", &rust), typescript]), [""; 0]);
    }

    #[test]
    fn a_missing_purpose_is_reported() {
        let rust = ("src/a.rs", "// Purpose.\n");
        assert_eq!(places(check, &[rust]), ["src/a.rs:1"]);
        let typescript = ("web-client/src/a.ts", "let a = 1\n");
        assert_eq!(places(check, &[typescript]), ["web-client/src/a.ts:1"]);
        assert_eq!(places(check, &[("src/empty.rs", "")]), ["src/empty.rs:1"]);
    }

    #[test]
    fn sizes_are_bounded() {
        let line = format!("//! Purpose.\n{}\n", "ü".repeat(101));
        assert_eq!(places(check, &[("src/a.rs", &line)]), ["src/a.rs:2"]);
        let fits = format!("//! Purpose.\n{}", "\n".repeat(599));
        assert_eq!(places(check, &[("src/a.rs", &fits)]), [""; 0]);
        let exceeds = format!("{fits}\n");
        assert_eq!(places(check, &[("src/a.rs", &exceeds)]), ["src/a.rs:601"]);
    }

    #[test]
    fn every_mark_is_reported() {
        for (mark, _) in MARKS {
            let text = format!("//! Purpose.\n// see {mark} here\n");
            assert_eq!(places(check, &[("src/a.rs", &text)]), ["src/a.rs:2"], "{mark}");
        }
    }
}
