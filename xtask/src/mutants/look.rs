//! Runs a check in a mutant, and finds the sentence in its output that says what it saw.

#![expect(clippy::disallowed_methods, reason = "waits for another process, up to a bound")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, thread};

use super::BUILD;
use super::table::{Check, How};

/// A check that takes longer than this is ended. It has met something that never comes, and counts
/// as red, if it is much faster without a mutant; otherwise it shows nothing.
const CHECK_MAX: Duration = Duration::from_secs(600);
/// How many times longer than that a check may not have taken without a mutant.
const MUCH_FASTER: u32 = 3;
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Longer sentences are cut in the table; the whole output stays in a file.
const SENTENCE_MAX: usize = 110;

/// How long each check took without a mutant, which is how it is looked at first.
static CONTROLS: Mutex<BTreeMap<&str, Duration>> = Mutex::new(BTreeMap::new());

/// What a check saw.
#[derive(Debug)]
pub(super) struct Sight {
    /// What is wrong, by its own words; none if it is green, or does not say what it has to.
    pub(super) found: Option<String>,
    pub(super) took: Duration,
}

/// Runs the check, in a mutant or without. What it says stays in `target/mutants/`.
pub(super) fn look(root: &Path, check: &Check, mutant: Option<&str>) -> Result<Sight, String> {
    let said = directory(root)?.join(format!("{}-{}.log", mutant.unwrap_or("none"), check.name));
    let file = File::create(&said).map_err(|error| format!("{}: {error}", said.display()))?;
    let since = Instant::now();
    let mut child = start(root, check, mutant, &file)?;
    let ended = wait(&mut child, since + CHECK_MAX)?;
    let took = since.elapsed();
    let mut controls = CONTROLS.lock().unwrap_or_else(PoisonError::into_inner);
    let ended = judge(ended, controls.get(check.name).copied())
        .map_err(|why| format!("`{}` {why}: {}", check.name, said.display()))?;
    if mutant.is_none() {
        controls.insert(check.name, took);
    }
    let output = fs::read(&said).map_err(|error| format!("{}: {error}", said.display()))?;
    let output = String::from_utf8_lossy(&output);
    let found = match (ended, mutant.and_then(|mutant| check.findings(mutant))) {
        (Some(true), _) => None,
        (_, Some(all)) => {
            let found = all.iter().map(|words| finding(&output, words));
            found.collect::<Option<Vec<_>>>().map(|found| found.join("; "))
        }
        (Some(false), None) => Some(sentence(&output)),
        (None, None) => Some(format!("it comes to no end in {} s", CHECK_MAX.as_secs())),
    };
    Ok(Sight { found, took })
}

fn directory(root: &Path) -> Result<PathBuf, String> {
    let dir = target(root).join("mutants");
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    Ok(dir)
}

fn target(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

fn start(root: &Path, check: &Check, mutant: Option<&str>, said: &File) -> Result<Child, String> {
    let mut command = match check.how {
        How::Test(words) => {
            let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            command.args(["test", "--quiet"]).args(BUILD).args(words);
            command
        }
        How::Game(words) | How::Lab { words, .. } => {
            let mut command = Command::new(target(root).join("debug/worldboss"));
            command.args(words);
            command
        }
    };
    let copy = || said.try_clone().map(Stdio::from).map_err(|error| error.to_string());
    command.current_dir(root).stdin(Stdio::null()).stdout(copy()?).stderr(copy()?);
    // One counter-example is enough; to make it smaller takes minutes and shows nothing new.
    command.env("PROPTEST_MAX_SHRINK_ITERS", "0");
    command.env_remove("WORLDBOSS_MUTANT");
    match (check.how, mutant) {
        (_, None) => &mut command,
        (How::Lab { .. }, Some(mutant)) => command.args(["--mutant", mutant]),
        (How::Test(_) | How::Game(_), Some(mutant)) => command.env("WORLDBOSS_MUTANT", mutant),
    };
    // A group of its own, so that whatever it has started ends with it.
    let started = command.process_group(0).spawn();
    started.map_err(|error| format!("`{}` did not start: {error}", check.name))
}

/// Whether a check ended well, and none if it came to no end; an error if that shows nothing.
fn judge(ended: Option<ExitStatus>, control: Option<Duration>) -> Result<Option<bool>, String> {
    let is_fast = |took: &Duration| *took * MUCH_FASTER < CHECK_MAX;
    match ended {
        Some(status) if status.code().is_some() => Ok(Some(status.success())),
        Some(status) => Err(format!(
            "was ended from outside, by {status}, and shows nothing; run it again, or see what it \
             said"
        )),
        None if control.as_ref().is_some_and(is_fast) => Ok(None),
        None => Err(format!(
            "takes longer than {} s, and without a mutant at least a third of that, so it shows \
             nothing; run it on a machine that does less, or make it smaller; what it said",
            CHECK_MAX.as_secs()
        )),
    }
}

/// How it ended; none if it had to be ended.
fn wait(child: &mut Child, deadline: Instant) -> Result<Option<ExitStatus>, String> {
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(Some(status));
        }
        thread::sleep(LOOK_EVERY);
    }
    let group = format!("-{}", child.id());
    let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
    killed.and_then(|_| child.wait()).map_err(|error| error.to_string())?;
    Ok(None)
}

/// The lab's first finding that has these words.
fn finding(output: &str, words: &str) -> Option<String> {
    let mut findings = output.lines().filter_map(|line| line.strip_prefix("\u{2717} "));
    findings.find(|finding| finding.contains(words)).map(cut)
}

/// The first sentence about what is wrong: a finding of the lab or of the simulation, the name of a
/// test, a panic, or whatever came last.
fn sentence(output: &str) -> String {
    let lines: Vec<&str> = output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let find = |name: fn(&str) -> Option<&str>| lines.iter().find_map(|line| name(line));
    let found = find(|line| line.strip_prefix("\u{2717} "))
        .or_else(|| find(|line| line.starts_with("seed ").then_some(line)))
        .or_else(|| find(|line| line.strip_prefix("---- ")?.strip_suffix(" stdout ----")))
        .or_else(|| {
            let at = lines.iter().position(|line| line.contains("panicked at"))?;
            lines.get(at + 1).copied()
        })
        .or_else(|| lines.last().copied())
        .unwrap_or("it says nothing");
    cut(found)
}

fn cut(sentence: &str) -> String {
    sentence.chars().take(SENTENCE_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn only_an_exit_code_or_a_time_out_of_a_fast_check_shows_something() {
        let [green, red, killed] = [0, 101 << 8, 9].map(|raw| Some(ExitStatus::from_raw(raw)));
        assert_eq!(judge(green, None), Ok(Some(true)));
        assert_eq!(judge(red, None), Ok(Some(false)));
        assert!(judge(killed, None).expect_err("not its own end").contains("from outside"));
        let third = CHECK_MAX / MUCH_FASTER;
        assert_eq!(judge(None, Some(third - LOOK_EVERY)), Ok(None));
        for control in [Some(third), None] {
            assert!(judge(None, control).expect_err("too slow").contains("shows nothing"));
        }
    }

    #[test]
    fn the_sentence_is_the_findings_or_the_tests_or_the_panics_or_the_last_line() {
        let panicked =
            "running 2 tests\nthread 'a' panicked at src/a.rs:1:2:\n  it broke\nnote: x\n";
        assert_eq!(sentence(panicked), "it broke");
        assert_eq!(sentence(&format!("{panicked}---- a::b stdout ----\nmore\n")), "a::b");
        assert_eq!(
            sentence(&format!("{panicked}seed 7: a hit is lost\n")),
            "seed 7: a hit is lost"
        );
        let lab = format!("{panicked}\u{2717} 7 damage is lost\n\u{2717} 9 is wrong\n");
        assert_eq!(sentence(&lab), "7 damage is lost");
        assert_eq!(finding(&lab, "is wrong").as_deref(), Some("9 is wrong"));
        assert_eq!(finding(&lab, "it broke"), None, "that is no finding");
        assert_eq!(sentence("one\ntwo\n\n"), "two");
        assert_eq!(sentence(""), "it says nothing");
        assert_eq!(sentence(&"é".repeat(500)).chars().count(), SENTENCE_MAX);
    }
}
