//! `cargo xtask fuzz`: lets libFuzzer look for inputs that break something, target after target.

#![expect(clippy::print_stdout, reason = "a person waits, and wants to see that it goes on")]

mod corpus;
mod libfuzzer;

use std::fs;
use std::path::Path;
use std::process::ExitStatus;

use crate::run;
use corpus::Corpus;
use libfuzzer::{Fuzzer, Seen};

/// What is looked at, and for how long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Names of targets; empty means all.
    targets: Vec<String>,
    /// For each of them.
    seconds: u32,
}

const SECONDS: u32 = 60;

/// Each target has a directory with its corpus in here. A test sees to it that they are the same.
const CORPUS: &str = "fuzz/corpus";
/// What it builds, and what stays of each run.
const WORK: &str = "target/fuzz";

const NIGHTLY: &str = "libFuzzer needs the coverage counters of a nightly compiler: run `rustup \
                       toolchain install nightly --profile minimal`, and this again";

impl Options {
    pub(crate) fn parse<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut options = Self { targets: Vec::new(), seconds: SECONDS };
        while let Some(word) = words.next() {
            let seconds = match (word, word.strip_prefix("--seconds=")) {
                ("--seconds", _) => words.next().unwrap_or_default(),
                (_, Some(seconds)) => seconds,
                _ if word.starts_with('-') => return Err(format!("`fuzz` does not know `{word}`")),
                _ => {
                    options.targets.push(word.to_owned());
                    continue;
                }
            };
            let number = seconds.parse().ok().filter(|seconds| *seconds > 0);
            options.seconds = number
                .ok_or_else(|| format!("`--seconds` needs a number above 0, not `{seconds}`"))?;
        }
        Ok(options)
    }

    /// The targets that were named, or all of them.
    fn choose(&self, all: &[String]) -> Result<Vec<String>, String> {
        match self.targets.iter().find(|target| !all.contains(target)) {
            Some(unknown) => {
                let all = all.join(" ");
                Err(format!("there is no target `{unknown}`; the targets are: {all}"))
            }
            None if self.targets.is_empty() => Ok(all.to_vec()),
            None => Ok(self.targets.clone()),
        }
    }
}

/// What became of a target.
#[derive(Debug)]
struct Outcome {
    target: String,
    seen: Seen,
    /// Files in its corpus that were not there before.
    new: usize,
    /// What is wrong, as sentences; empty if it was looked at, and nothing broke it.
    wrong: Vec<String>,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let targets = options.choose(&corpus::names_in(&root.join(CORPUS))?)?;
    let host = host(root)?;
    let fuzzer = Fuzzer::build(root, &host)?;
    let mut outcomes = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        let (number, count, seconds) = (index + 1, targets.len(), options.seconds);
        println!("\n==> {number}/{count} {target}: {seconds} s");
        outcomes.push(fuzz(root, &fuzzer, target, options.seconds)?);
    }
    println!("\n{}", table(&outcomes));
    let wrong: Vec<_> = outcomes.into_iter().flat_map(|outcome| outcome.wrong).collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("\n{}", wrong.join("\n"))) }
}

/// The platform, as the nightly compiler names it.
fn host(root: &Path) -> Result<String, String> {
    let answer = run::ask(root, &["rustup", "run", "nightly", "rustc", "-vV"]);
    let answer = answer.ok().filter(|answer| answer.success).ok_or(NIGHTLY)?;
    let host = answer.stdout.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| NIGHTLY.to_owned())
}

fn fuzz(root: &Path, fuzzer: &Fuzzer, target: &str, seconds: u32) -> Result<Outcome, String> {
    let work = root.join(WORK).join("inputs").join(target);
    let crashes = root.join(WORK).join("crashes").join(target);
    let corpus = Corpus::new(root.join(CORPUS).join(target))?;
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    // An input that broke it before may do so again, under the same name.
    corpus::empty(&crashes)?;
    let before = corpus::names_in(corpus.dir())?;
    let (seen, status) = fuzzer.explore(target, &[&work, corpus.dir()], &crashes, seconds)?;
    let mut broken = Vec::new();
    for name in corpus::names_in(&crashes)? {
        // Slow ones are told by libFuzzer, and break nothing.
        if !name.starts_with("slow-unit") {
            broken.push(corpus.keep(&crashes.join(&name), &name)?);
        }
    }
    let mut wrong: Vec<_> = broken.iter().map(|file| sentence(target, root, file)).collect();
    if broken.is_empty() {
        wrong.extend(unexplained(target, seen, status));
    }
    if wrong.is_empty() {
        corpus.grow(fuzzer, target, &work, &root.join(WORK).join("merged"))?;
    }
    let is_new = |name: &String| !before.contains(name);
    let after = corpus::names_in(corpus.dir())?;
    let new = after.into_iter().filter(is_new).count().saturating_sub(broken.len());
    Ok(Outcome { target: target.to_owned(), seen, new, wrong })
}

/// What is wrong with a run that has left no input that breaks something.
fn unexplained(target: &str, seen: Seen, status: ExitStatus) -> Option<String> {
    if !status.success() {
        Some(format!(
            "{target} ended by {status} and has left no input behind: its last lines say why, and \
             `cargo test -p fuzz {target}` shows whether its corpus breaks it"
        ))
    } else if seen.runs == 0 {
        Some(format!("{target} was given not one input, so nothing is known of it: run it longer"))
    } else {
        None
    }
}

fn sentence(target: &str, root: &Path, file: &Path) -> String {
    let file = file.strip_prefix(root).unwrap_or(file).display();
    format!(
        "{target} breaks on {file}; look at it with `cargo run -p fuzz {target} {file}`, and after \
         the cure with `cargo test -p fuzz {target}`; give the file a name and commit it"
    )
}

fn table(outcomes: &[Outcome]) -> String {
    let mut lines = vec![format!(
        "{:<16} {:>12} {:>9} {:>11}  {}",
        "target", "runs", "coverage", "new inputs", "result"
    )];
    for Outcome { target, seen, new, wrong } in outcomes {
        let Seen { runs, coverage } = seen;
        let result = if wrong.is_empty() { "ok" } else { "FAILED" };
        lines.push(format!("{target:<16} {runs:>12} {coverage:>9} {new:>11}  {result}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::path::PathBuf;

    fn parsed(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace())
    }

    #[test]
    fn targets_and_seconds_come_in_any_order() {
        let options = parsed("shard --seconds 5 bot").expect("both are words");
        assert_eq!((options.targets, options.seconds), (vec!["shard".into(), "bot".into()], 5));
        assert_eq!(parsed("--seconds=9").map(|it| it.seconds), Ok(9));
        assert_eq!(parsed("").map(|it| it.seconds), Ok(SECONDS));
        for wrong in ["--seconds", "--seconds 0", "--seconds=x", "--minutes 1"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_target_is_told_the_known_ones() {
        let all = ["bot".to_owned(), "shard".to_owned()];
        let chosen = |line| parsed(line).expect("it is a line").choose(&all);
        assert_eq!(chosen(""), Ok(all.to_vec()));
        assert_eq!(chosen("shard"), Ok(vec!["shard".to_owned()]));
        assert!(chosen("fly").expect_err("unknown").ends_with("the targets are: bot shard"));
    }

    #[test]
    fn a_broken_target_stands_in_the_table_and_says_how_to_replay_it() {
        let seen = Seen { runs: 7, coverage: 3 };
        let file = PathBuf::from("/w/fuzz/corpus/bot/crash-1");
        let told = sentence("bot", Path::new("/w"), &file);
        assert!(told.contains("cargo run -p fuzz bot fuzz/corpus/bot/crash-1"), "{told}");
        let wrong = vec![told];
        let table = table(&[Outcome { target: "bot".to_owned(), seen, new: 0, wrong }]);
        assert!(table.ends_with("FAILED"), "{table}");
    }

    #[test]
    fn a_run_that_failed_without_an_input_or_had_none_is_not_ok() {
        let [fine, failed] = [0, 77 << 8].map(ExitStatus::from_raw);
        let seen = Seen { runs: 7, coverage: 3 };
        assert_eq!(unexplained("bot", seen, fine), None);
        let told = unexplained("bot", seen, failed).expect("it failed");
        assert!(told.contains("77") && told.contains("no input"), "{told}");
        let told = unexplained("bot", Seen::default(), fine).expect("it has seen nothing");
        assert!(told.contains("not one input"), "{told}");
    }
}
