//! What the tests generate is committed: after a run it must be what git has.

use std::path::Path;

use crate::run;

/// Generated and committed.
const GENERATED: &[&str] = &[
    "protocol/golden",
    "ucore/golden",
    "web-client/dist",
    "web-client/src/generated",
    "web-client/test/generated",
];

pub(crate) fn check(root: &Path) -> Result<(), String> {
    let status = ["status", "--porcelain", "--untracked-files=all", "--"];
    let changes = run::read(root, &run::git(&[&status, GENERATED].concat()))?;
    if changes.is_empty() {
        return Ok(());
    }
    let files: Vec<&str> = changes.lines().filter_map(|line| line.get(3..)).collect();
    Err(format!(
        "generated files differ from what is committed: {}; run the tests, look at the difference \
         (`git diff`), commit it",
        files.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_changed_or_new_golden_file_is_named() {
        let scratch = Scratch::new("unchanged");
        let git = |words: &[&str]| run::read(scratch.path(), &run::git(words)).expect("git works");
        git(&["init", "-q"]);
        scratch.write("protocol/golden/hit.msgpack", "1");
        scratch.write("notes", "not generated");
        git(&["add", "protocol"]);
        let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        git(&[&who[..], &["commit", "-q", "--no-gpg-sign", "-m", "golden"]].concat());
        assert_eq!(check(scratch.path()), Ok(()));

        scratch.write("protocol/golden/hit.msgpack", "2");
        scratch.write("web-client/dist/app.js", "3");
        let sentence = check(scratch.path()).expect_err("both differ");
        assert!(sentence.contains("protocol/golden/hit.msgpack, web-client/dist/app.js"));
    }
}
