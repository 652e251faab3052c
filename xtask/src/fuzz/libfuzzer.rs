//! libFuzzer: how it is built into the targets without other tools, run, and understood.

#![expect(clippy::print_stdout, reason = "says how far it has come")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::run;

/// What makes a compiler count the edges that are taken and show what is compared. No sanitizer:
/// there is no unsafe code to look at.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Bytes of an input that it tries: as many as the replay of the corpus takes.
const INPUT_BYTES_MAX: &str = "-max_len=1024";
/// Seconds for one input. Longer: it counts as broken.
const INPUT_SECONDS_MAX: &str = "-timeout=10";
/// Megabytes of the process. More: the input counts as broken.
const MEMORY_MAX: &str = "-rss_limit_mb=2048";

/// Lines of what a broken target says. More: a look at the input itself tells them.
const REASON_LINES_MAX: usize = 8;

/// All targets in one program, of which a variable chooses one.
#[derive(Debug)]
pub(crate) struct Fuzzer {
    program: PathBuf,
}

/// How much of a target was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) runs: u64,
    /// Edges of the code that were taken.
    pub(crate) coverage: u64,
}

impl Fuzzer {
    pub(crate) fn build(root: &Path, host: &str) -> Result<Self, String> {
        let nightly = ["rustup", "run", "nightly", "cargo", "build", "-p", "fuzz"];
        // With a platform of its own, build scripts and macros are not instrumented.
        let what = ["--bin", "libfuzzer", "--features", "libfuzzer", "--profile", "fuzz"];
        let place = ["--target", host, "--target-dir", super::WORK];
        let line = [&nightly[..], &what, &place].concat();
        run::pass(root, &line, &[("RUSTFLAGS", FLAGS)])?;
        Ok(Self { program: root.join(super::WORK).join(host).join("fuzz/libfuzzer") })
    }

    /// Looks for new inputs, from those in `dirs` on, and puts what it finds into the first one; an
    /// input that breaks something ends it, and is put into `crashes`. Answers how it ended, too.
    pub(crate) fn explore(
        &self,
        target: &str,
        dirs: &[&Path],
        crashes: &Path,
        seconds: u32,
    ) -> Result<(Seen, ExitStatus), String> {
        let mut command = self.command(target);
        command.args([INPUT_BYTES_MAX, INPUT_SECONDS_MAX, MEMORY_MAX]);
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-artifact_prefix={}/", crashes.display()));
        command.args(dirs).stderr(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().map_err(|error| self.broken(&error))?;
        let mut seen = Seen::default();
        // A panic's words are in what it says after its last status.
        let mut last_words = Vec::new();
        for line in child.stderr.take().map(BufReader::new).into_iter().flat_map(BufRead::lines) {
            let Ok(line) = line else { break };
            if seen.read(&line) {
                last_words.clear();
                if line.contains("INITED") || line.contains("pulse") || line.contains("DONE") {
                    println!("    {:>12} runs, coverage {}", seen.runs, seen.coverage);
                }
            } else {
                last_words.push(line);
            }
        }
        let status = child.wait().map_err(|error| self.broken(&error))?;
        let is_why = |line: &str| line.contains("panicked at") || line.contains("ERROR: libFuzzer");
        if !status.success() {
            let why = last_words.iter().skip_while(|line| !is_why(line)).take(REASON_LINES_MAX);
            why.for_each(|line| println!("    {line}"));
        }
        Ok((seen, status))
    }

    /// Adds to `into` those inputs of `from` that reach an edge which none in `into` reaches.
    pub(crate) fn merge(&self, target: &str, into: &Path, from: &[&Path]) -> Result<(), String> {
        let mut command = self.command(target);
        // Edges alone: how often each is taken would keep many more inputs.
        command.args(["-merge=1", "-use_counters=0", INPUT_BYTES_MAX, INPUT_SECONDS_MAX]);
        let output = command.arg(into).args(from).output().map_err(|error| self.broken(&error))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last: Vec<_> = said.lines().rev().take(5).collect();
        Err(format!("the inputs of {target} were not merged: {}", last.join(" | ")))
    }

    fn command(&self, target: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.env("FUZZ_TARGET", target).env("RUST_BACKTRACE", "0").stdin(Stdio::null());
        command
    }

    fn broken(&self, error: &std::io::Error) -> String {
        format!("{} did not run: {error}", self.program.display())
    }
}

impl Seen {
    /// Takes a line such as `#4096  pulse  cov: 310 ft: 522 ..`; false if it is another one.
    fn read(&mut self, line: &str) -> bool {
        let Some(rest) = line.strip_prefix('#') else { return false };
        let mut words = rest.split_whitespace();
        let Some(runs) = words.next().and_then(|runs| runs.parse().ok()) else { return false };
        self.runs = runs;
        let coverage = words.skip_while(|word| *word != "cov:").nth(1);
        self.coverage = coverage.and_then(|cov| cov.parse().ok()).unwrap_or(self.coverage);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_and_other_lines_are_not() {
        let mut seen = Seen::default();
        assert!(seen.read("#4096\tpulse  cov: 310 ft: 522 corp: 40/1Kb exec/s: 2048 rss: 60Mb"));
        assert_eq!(seen, Seen { runs: 4_096, coverage: 310 });
        assert!(seen.read("#4100\tDONE"));
        assert_eq!(seen, Seen { runs: 4_100, coverage: 310 });
        for other in ["INFO: Seed: 1", "#0 0x55d in main", "", "thread panicked at x.rs:1"] {
            let before = seen;
            assert!(!seen.read(other) || other.starts_with("#0 "), "{other}");
            seen = before;
        }
    }
}
