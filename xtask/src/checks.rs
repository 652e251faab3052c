//! The checks of `cargo xtask ci`, a file each. A check gets the sources and returns violations;
//! each file's tests plant one and see it reported.

pub(crate) mod layers;
pub(crate) mod pure;
mod rules;
mod tidy;
mod hops;
mod limits;
mod leaks;
mod mutants;
mod deps;

use std::fmt;

use crate::tree::Tree;

/// One thing to cure. Shown as `path:line: sentence`, which editors can jump to.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    /// What is wrong and what cures it.
    sentence: String,
}

/// A check that needs nothing but the sources.
#[derive(Debug)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Tree) -> Vec<Violation>,
}

pub(crate) const ON_SOURCES: &[Check] = &[
    Check { name: "layers", run: layers::check },
    Check { name: "rules", run: rules::check },
    Check { name: "tidy", run: tidy::check },
    Check { name: "hops", run: hops::check },
    Check { name: "limits", run: limits::check },
    Check { name: "leaks", run: leaks::check },
    Check { name: "mutants", run: mutants::check },
    Check { name: "deps", run: deps::check },
];

impl Violation {
    pub(crate) fn new(path: &str, line: usize, sentence: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, sentence: sentence.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.sentence)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Runs a check on planted files: `path:line` of what it reports.
    pub(crate) fn places(
        check: fn(&Tree) -> Vec<Violation>,
        files: &[(&str, &str)],
    ) -> Vec<String> {
        let violations = check(&Tree::of(files));
        violations.iter().map(|found| format!("{}:{}", found.path, found.line)).collect()
    }

    #[test]
    fn a_violation_reads_as_editors_expect() {
        let violation = Violation::new("src/main.rs", 7, "cure it");
        assert_eq!(violation.to_string(), "src/main.rs:7: cure it");
    }
}
