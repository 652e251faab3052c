//! Without the feature `driver`, no crate that holds rules has tasks, sockets or a disk below it.

use std::path::Path;

use crate::checks::Violation;
use crate::checks::layers::{FUZZ, LAB, LAYERS};
use crate::run::{self, Answer};

/// What gives a crate tasks, sockets and clocks, or a disk.
const ABSENT: &[&str] = &["tokio", "redb"];

pub(crate) fn check(root: &Path) -> Result<Vec<Violation>, String> {
    // Every layer but those that drive them: the lab, the fuzz targets, and the binary of them all.
    let packages = LAYERS.split_last().map_or(&[][..], |(_, crates)| crates);
    let mut violations = Vec::new();
    for package in packages.iter().filter(|package| ![LAB, FUZZ].contains(package)) {
        violations.extend(check_package(root, package)?);
    }
    Ok(violations)
}

fn check_package(root: &Path, package: &str) -> Result<Vec<Violation>, String> {
    let tree = ["cargo", "tree", "-q", "-p", package, "-e", "normal"];
    // Cargo says the same of a misspelt package as of an absent dependency, so ask for it first.
    let itself = run::ask(root, &[&tree[..], &["--depth", "0"]].concat())?;
    if !itself.success {
        let reason = itself.stderr.lines().next().unwrap_or_default();
        let sentence = format!("`cargo tree -p {package}` must succeed, but says: {reason}");
        return Ok(vec![Violation::new(&format!("{package}/Cargo.toml"), 1, sentence)]);
    }
    let mut violations = Vec::new();
    for unwanted in ABSENT {
        let inverse = ["--no-default-features", "-i", unwanted];
        let answer = run::ask(root, &[&tree[..], &inverse].concat())?;
        violations.extend(judge(package, unwanted, &answer));
    }
    Ok(violations)
}

/// Two answers prove the absence: that the name matches no package, and an empty tree, which is
/// what cargo prints when tests alone use it. Any other failure, such as two versions of it being
/// there, proves nothing.
fn judge(package: &str, unwanted: &str, answer: &Answer) -> Option<Violation> {
    let is_unknown = !answer.success && answer.stderr.contains("did not match any packages");
    let is_unused = answer.success && answer.stdout.trim().is_empty();
    if is_unknown || is_unused {
        return None;
    }
    let sentence = format!(
        "without the feature `driver` this crate must not contain `{unwanted}`: make what brings \
         it optional (`cargo tree -p {package} -e normal --no-default-features -i {unwanted}`)"
    );
    Some(Violation::new(&format!("{package}/Cargo.toml"), 1, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    /// A crate `ucore` that uses a crate named `tokio`, which needs no network to resolve.
    fn planted(name: &str, dependency: &str, feature: &str) -> Vec<Violation> {
        let scratch = Scratch::new(name);
        let package = "[package]\nedition = \"2024\"\nversion = \"0.1.0\"\n";
        let own = format!("{package}name = \"ucore\"\n[features]\n{feature}\n[workspace]\n");
        scratch.write("Cargo.toml", &format!("{own}[dependencies]\n{dependency}\n"));
        scratch.write("src/lib.rs", "");
        scratch.write("tokio/Cargo.toml", &format!("{package}name = \"tokio\"\n"));
        scratch.write("tokio/src/lib.rs", "");
        check_package(scratch.path(), "ucore").expect("cargo starts")
    }

    #[test]
    fn an_unwanted_crate_is_reported() {
        let violations = planted("pure-bad", "tokio = { path = \"tokio\" }", "");
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert!(violations[0].to_string().contains("must not contain `tokio`"));
    }

    #[test]
    fn behind_a_default_feature_it_passes() {
        let feature = "default = [\"driver\"]\ndriver = [\"dep:tokio\"]";
        let optional = "tokio = { path = \"tokio\", optional = true }";
        assert_eq!(planted("pure-good", optional, feature), []);
    }

    #[test]
    fn behind_a_test_it_passes() {
        let tests = "[dev-dependencies]\ntokio = { path = \"tokio\" }";
        assert_eq!(planted("pure-test", tests, ""), []);
    }

    #[test]
    fn a_misspelt_package_does_not_pass() {
        let scratch = Scratch::new("pure-misspelt");
        assert_eq!(check_package(scratch.path(), "ucoer").expect("cargo starts").len(), 1);
    }

    #[test]
    fn a_failure_for_another_reason_is_no_proof() {
        let ambiguous = Answer {
            success: false,
            stdout: String::new(),
            stderr: "error: There are multiple `tokio` packages".to_owned(),
        };
        assert!(judge("shard", "tokio", &ambiguous).is_some());
    }
}
