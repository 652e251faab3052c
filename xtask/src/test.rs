//! `cargo xtask test`: every test there is, step after step, until one fails.

#![expect(clippy::print_stdout, reason = "the headings between the steps' own output")]

use std::path::Path;
use std::time::{Duration, Instant};

use crate::steps::{STEPS, Step};

/// What `cargo xtask test` was asked to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// May missing packages be installed unasked?
    pub(crate) install: bool,
    /// Names of [`STEPS`]; empty means all.
    only: Vec<String>,
}

/// How a step ended; a step without an outcome was not run.
#[derive(Debug)]
struct Outcome {
    result: Result<(), String>,
    took: Duration,
}

impl Options {
    pub(crate) fn parse<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let step = match (word, word.strip_prefix("--only=")) {
                ("--install", _) => {
                    options.install = true;
                    continue;
                }
                ("--only", _) => words.next().ok_or("`--only` needs the name of a step")?,
                (_, Some(step)) => step,
                _ => return Err(format!("`test` does not know `{word}`")),
            };
            if !step_names().contains(&step) {
                let all = step_names().join(" ");
                return Err(format!("there is no step `{step}`; the steps are: {all}"));
            }
            options.only.push(step.to_owned());
        }
        Ok(options)
    }

    fn selects(&self, step: &Step) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == step.name)
    }
}

pub(crate) fn step_names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<(), String> {
    let steps: Vec<&Step> = STEPS.iter().filter(|step| options.selects(step)).collect();
    let outcomes = run_steps(&steps, root, options);
    println!("\n{}", table(&steps, &outcomes));
    let failed = steps.iter().zip(&outcomes).find_map(|(step, outcome)| {
        let sentence = outcome.result.as_ref().err()?;
        Some(failure(step, sentence))
    });
    failed.map_or(Ok(()), Err)
}

/// Outcomes in the order of the steps, up to and with the first failure.
#[expect(clippy::disallowed_methods, reason = "measures how long a person waited")]
fn run_steps(steps: &[&Step], root: &Path, options: &Options) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("\n==> {}/{} {}: {}", index + 1, steps.len(), step.name, step.what);
        let start = Instant::now();
        let result = (step.run)(root, options);
        let outcome = Outcome { result, took: start.elapsed() };
        println!("==> {} {} {:.1} s", step.name, outcome.word(), outcome.took.as_secs_f64());
        let is_over = outcome.result.is_err();
        outcomes.push(outcome);
        if is_over {
            break;
        }
    }
    outcomes
}

impl Outcome {
    fn word(&self) -> &'static str {
        if self.result.is_ok() { "ok" } else { "FAILED" }
    }
}

fn table(steps: &[&Step], outcomes: &[Outcome]) -> String {
    let mut lines = vec![format!("{:<10} {:<8} {:>8}", "step", "result", "seconds")];
    for (index, step) in steps.iter().enumerate() {
        let (word, seconds) = outcomes.get(index).map_or(("not run", "-".to_owned()), |outcome| {
            (outcome.word(), format!("{:.1}", outcome.took.as_secs_f64()))
        });
        lines.push(format!("{:<10} {word:<8} {seconds:>8}", step.name));
    }
    lines.join("\n")
}

fn failure(step: &Step, sentence: &str) -> String {
    let name = step.name;
    format!("\nstep `{name}` failed: {sentence}\nrepeat it with: cargo xtask test --only {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace())
    }

    #[test]
    fn only_chooses_known_steps() {
        let options = parsed("--only fmt --only=doc").expect("both exist");
        let chosen = STEPS.iter().filter(|step| options.selects(step));
        assert_eq!(chosen.map(|step| step.name).collect::<Vec<_>>(), ["fmt", "doc"]);
        assert!(!options.install);

        assert!(parsed("--only fly").expect_err("unknown").contains("unchanged"));
        assert!(parsed("--only").is_err());
        assert!(parsed("fmt").is_err());
        assert!(parsed("--install").expect("known").install);
    }

    #[test]
    fn without_only_every_step_runs() {
        let options = Options::default();
        assert!(STEPS.iter().all(|step| options.selects(step)));
    }

    #[test]
    fn the_first_failure_ends_the_run_and_says_how_to_repeat_it() {
        let good = Step { name: "good", what: "", run: |_, _| Ok(()) };
        let bad = Step { name: "bad", what: "", run: |_, _| Err("it broke".to_owned()) };
        let steps = [&good, &bad, &good];
        let outcomes = run_steps(&steps, Path::new("."), &Options::default());
        assert_eq!(outcomes.len(), 2);

        let table = table(&steps, &outcomes);
        let words: Vec<_> = table.lines().map(|line| line.get(11..18).unwrap_or("")).collect();
        assert_eq!(words, ["result ", "ok     ", "FAILED ", "not run"]);
        assert!(failure(&bad, "it broke").contains("cargo xtask test --only bad"));
    }
}
