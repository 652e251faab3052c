//! Starts other programs from the workspace's directory.

#![expect(clippy::print_stdout, reason = "a person wants to see which command runs")]

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a program answered when its output was kept instead of shown.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command line whose output passes through; a failure is a sentence with that line.
/// `vars` are environment variables for this command alone.
pub(crate) fn pass(root: &Path, line: &[&str], vars: &[(&str, &str)]) -> Result<(), String> {
    let shown = shown(line, vars);
    println!("$ {shown}");
    let status = command(root, line)
        .envs(vars.iter().copied())
        .status()
        .map_err(|error| format!("`{shown}` did not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` ended with {status}")) }
}

/// Runs a command line and keeps what it says.
pub(crate) fn ask(root: &Path, line: &[&str]) -> Result<Answer, String> {
    let output = command(root, line)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{}` did not start: {error}", shown(line, &[])))?;
    Ok(Answer {
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Like [`ask`], and an unsuccessful end is a failure too.
pub(crate) fn read(root: &Path, line: &[&str]) -> Result<String, String> {
    let answer = ask(root, line)?;
    if answer.success {
        Ok(answer.stdout)
    } else {
        Err(format!("`{}` failed: {}", shown(line, &[]), answer.stderr.trim()))
    }
}

/// Does this command line start and end well?
pub(crate) fn works(root: &Path, line: &[&str]) -> bool {
    ask(root, line).is_ok_and(|answer| answer.success)
}

/// A git command line. A checkout that belongs to another user (usual in containers) is read all
/// the same: its code is being run, so its files may be listed.
pub(crate) fn git<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["git", "-c", "safe.directory=*"], words].concat()
}

fn command(root: &Path, line: &[&str]) -> Command {
    let (program, args) = line.split_first().expect("a command line has a program");
    let program = if *program == "cargo" { cargo() } else { OsString::from(program) };
    let mut command = Command::new(program);
    command.args(args).current_dir(root);
    command
}

/// The cargo that runs this program, so that one toolchain does all the work.
fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

fn shown(line: &[&str], vars: &[(&str, &str)]) -> String {
    let vars = vars.iter().map(|(name, value)| format!("{name}=\"{value}\" "));
    vars.chain([line.join(" ")]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_whole_command_line() {
        let failure = pass(Path::new("."), &["false"], &[("A", "b c")]).expect_err("false fails");
        assert!(failure.starts_with("`A=\"b c\" false` ended with"), "{failure}");
    }

    #[test]
    fn a_missing_program_is_a_sentence_and_does_not_work() {
        let line = ["worldboss-has-no-such-program"];
        assert!(pass(Path::new("."), &line, &[]).expect_err("missing").contains("did not start"));
        assert!(!works(Path::new("."), &line));
    }
}
