//! `cargo xtask mutants`: plants one fault after another, and shows which check sees it.
//!
//! A check that cannot fail proves nothing. The faults are those of `protocol/src/mutants.rs`, one
//! build has them all, and an environment variable chooses one for each run.

#![expect(clippy::print_stdout, reason = "the table is what this command is for")]

mod table;
mod look;

use std::collections::BTreeSet;
use std::path::Path;

use crate::run;
use look::{Sight, look};
pub(crate) use table::TABLE;
use table::{CHECKS, Check, SLICE, check_named, check_of};

/// The packages that are built together, so that no check needs another build than the rest.
const BUILD: &[&str] = &[
    "-p",
    "worldboss",
    "-p",
    "protocol",
    "-p",
    "authority",
    "-p",
    "shard",
    "-p",
    "loadgen",
    "-p",
    "lab",
    "--features",
    "mutants",
];

/// What `cargo xtask mutants` was asked to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Names out of [`TABLE`]; empty means all.
    names: Vec<&'static str>,
    /// The check that is asked instead of those in the table.
    by: Option<&'static Check>,
}

impl Options {
    pub(crate) fn parse<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            if word == "--by" {
                options.by = Some(check_named(words.next().ok_or("`--by` needs a check's name")?)?);
            } else {
                let found = TABLE.iter().find(|(name, _)| *name == word);
                options.names.push(found.ok_or_else(|| unknown(word))?.0);
            }
        }
        Ok(options)
    }

    /// What every test run asks for: mutants that different checks see within seconds.
    pub(crate) fn slice() -> Self {
        Self { names: SLICE.to_vec(), by: None }
    }

    /// The mutants that are asked for, each with the check that has to see it.
    fn rows(&self) -> Result<Vec<(&'static str, &'static Check)>, String> {
        let names = match (self.names.as_slice(), self.by) {
            ([], None) => TABLE.iter().map(|(name, _)| *name).collect(),
            ([], Some(check)) => check.mutants(),
            (names, _) => names.to_vec(),
        };
        let row = |name| self.by.map_or_else(|| check_of(name), Ok).map(|check| (name, check));
        names.into_iter().map(row).collect()
    }
}

/// Prints the table; fails where a mutant goes unseen, or a check is red without one.
pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let rows = options.rows()?;
    let checks = || CHECKS.iter().filter(|check| rows.iter().any(|(_, used)| used == check));
    let targets: BTreeSet<_> = checks().map(Check::targets).collect();
    let build =
        ["cargo", "test", "--no-run"].iter().chain(BUILD).chain(targets.into_iter().flatten());
    run::pass(root, &build.copied().collect::<Vec<_>>(), &[])?;
    println!("\n{}", line("mutant", "check", "seconds", "caught by"));
    for check in checks() {
        let Sight { found, took } = look(root, check, None)?;
        let seconds = format!("{:.1}", took.as_secs_f64());
        println!("{}", line("(none)", check.name, &seconds, found.as_deref().unwrap_or("-")));
        if let Some(found) = found {
            let name = check.name;
            return Err(format!("without a mutant, `{name}` is red: {found}; repair that first"));
        }
    }
    let mut unseen = Vec::new();
    for (name, check) in &rows {
        let Sight { found, took } = look(root, check, Some(name))?;
        let seconds = format!("{:.1}", took.as_secs_f64());
        println!("{}", line(name, check.name, &seconds, found.as_deref().unwrap_or("NOT SEEN")));
        if found.is_none() {
            unseen.push(*name);
        }
    }
    judge(&unseen)
}

fn unknown(word: &str) -> String {
    let all: Vec<_> = TABLE.iter().map(|(name, _)| *name).collect();
    format!("there is no mutant `{word}`; there are: {}", all.join(" "))
}

fn judge(unseen: &[&str]) -> Result<(), String> {
    if unseen.is_empty() {
        return Ok(());
    }
    let count = unseen.len();
    Err(format!("{count} not caught by the check that must see it: {}", unseen.join(", ")))
}

fn line(mutant: &str, check: &str, seconds: &str, found: &str) -> String {
    format!("{mutant:<22} {check:<12} {seconds:>7}  {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace())
    }

    #[test]
    fn mutants_and_a_check_are_chosen_by_name() {
        let options = parsed("no-dedupe no-fence --by histories").expect("all exist");
        let rows = options.rows().expect("the check exists");
        let names: Vec<_> = rows.iter().map(|(name, check)| (*name, check.name)).collect();
        assert_eq!(names, [("no-dedupe", "histories"), ("no-fence", "histories")]);
        assert!(parsed("no-such-fault").expect_err("unknown").contains("no-dedupe"));
        assert!(parsed("--by").is_err());
        assert!(parsed("--by no-such-check").expect_err("unknown").contains("histories"));
    }

    #[test]
    fn without_names_every_mutant_has_its_check_and_every_check_its_use() {
        let rows = Options::default().rows().expect("the table names checks that exist");
        assert_eq!(rows.len(), TABLE.len());
        for check in CHECKS {
            let says_more = check.mutants().iter().any(|name| check.findings(name).is_some());
            let is_used = says_more || rows.iter().any(|(_, used)| *used == check);
            assert!(is_used, "nothing uses {}", check.name);
        }
    }

    #[test]
    fn whoever_goes_unseen_is_named() {
        assert_eq!(judge(&[]), Ok(()));
        assert!(judge(&["a", "b"]).expect_err("two").contains("a, b"));
    }
}
