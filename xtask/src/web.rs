//! The page's own tests and build, and the game in a browser. Brings a Node of its own where the
//! system's is too old.

#![expect(clippy::print_stdout, reason = "says which Node is used")]

use std::env;
use std::path::{Path, PathBuf};

use crate::{needs, run};

/// Where the page lives.
const DIR: &str = "web-client";
/// The Node that is fetched where it is needed, as a package of npm.
const OWN_NODE: &str = "node@24";
const OWN_NODE_DIR: &str = "target/node";

/// Types, lints, unit and property tests, and the build that is committed.
pub(crate) fn test(root: &Path) -> Result<(), String> {
    let path = node_path(root, is_current)?;
    npm(root, &path, &["ci"], &[])?;
    for script in ["check", "lint", "test", "build"] {
        npm(root, &path, &["run", script], &[])?;
    }
    Ok(())
}

/// Plays in Chromium. The binary holds the page, so it is built after it.
pub(crate) fn play(root: &Path) -> Result<(), String> {
    let path = node_path(root, is_current)?;
    if !root.join(DIR).join("node_modules").is_dir() {
        npm(root, &path, &["ci"], &[])?;
    }
    // With the program that shares a list with a page.
    let parts = ["--bins", "--example", "list"];
    run::pass(root, &[&["cargo", "build", "-p", "worldboss"], &parts[..]].concat(), &[])?;
    let binary = binary(root, "debug")?;
    npm(root, &path, &["run", "e2e"], &[("WORLDBOSS_BIN", &binary)])
}

fn npm(
    root: &Path,
    path: &Option<String>,
    words: &[&str],
    vars: &[(&str, &str)],
) -> Result<(), String> {
    let path = path.as_deref().map(|path| ("PATH", path));
    let vars: Vec<_> = vars.iter().copied().chain(path).collect();
    run::pass(root, &[&["npm", "--prefix", DIR], words].concat(), &vars)
}

/// The `PATH` under which a Node is found that `accepts` takes by its version; none if it is the
/// usual.
pub(crate) fn node_path(root: &Path, accepts: fn(&str) -> bool) -> Result<Option<String>, String> {
    let found = run::read(root, &["node", "--version"]).unwrap_or_default();
    if accepts(&found) {
        println!("node {}", found.trim());
        return Ok(None);
    }
    let bin = root.join(OWN_NODE_DIR).join("node_modules/node/bin");
    let node = bin.join("node");
    let node = node.to_str().ok_or("the project's directory has a name that is no UTF-8")?;
    if !run::works(root, &[node, "--version"]) {
        println!("the system's Node ({}) is too old: {OWN_NODE} is fetched", found.trim());
        run::pass(root, &["npm", "install", "--prefix", OWN_NODE_DIR, OWN_NODE], &[])?;
    }
    println!("node {} in {OWN_NODE_DIR}", run::read(root, &[node, "--version"])?.trim());
    let usual = env::var_os("PATH").unwrap_or_default();
    let all = env::join_paths([bin].into_iter().chain(env::split_paths(&usual)))
        .map_err(|error| format!("PATH: {error}"))?;
    all.into_string().map(Some).map_err(|_| "PATH is no UTF-8".to_owned())
}

/// What `engines` in package.json says: ^20.19 || >=22.12.
fn is_current(found: &str) -> bool {
    let Some(version) = needs::version(found.trim().trim_start_matches('v')) else {
        return false;
    };
    let is_20 = vec![20, 19] <= version && version < vec![21];
    is_20 || vec![22, 12] <= version
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir(root: &Path) -> PathBuf {
    chosen_dir(root, env::var_os("CARGO_TARGET_DIR").map(PathBuf::from))
}

/// The game, as it was built with a profile whose directory is `profile`.
pub(crate) fn binary(root: &Path, profile: &str) -> Result<String, String> {
    built(root, &format!("{profile}/worldboss{}", env::consts::EXE_SUFFIX))
}

/// A file where cargo puts what it builds, as a word of a command.
pub(crate) fn built(root: &Path, file: &str) -> Result<String, String> {
    let path = target_dir(root).join(file).into_os_string();
    path.into_string().map_err(|_| "the target directory's name is no UTF-8".to_owned())
}

fn chosen_dir(root: &Path, chosen: Option<PathBuf>) -> PathBuf {
    root.join(chosen.unwrap_or_else(|| PathBuf::from("target")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_current_by_its_numbers() {
        for good in ["v20.19.0\n", "v20.20.2", "v22.12.0", "v24.1.0", "v100.0.0"] {
            assert!(is_current(good), "{good}");
        }
        for old in ["", "v18.19.1", "v20.18.3", "v21.7.0", "v22.11.0", "what?"] {
            assert!(!is_current(old), "{old}");
        }
    }

    #[test]
    fn the_binary_is_where_cargo_puts_it() {
        let root = Path::new("/project");
        assert_eq!(chosen_dir(root, None), Path::new("/project/target"));
        assert_eq!(chosen_dir(root, Some(PathBuf::from("out"))), Path::new("/project/out"));
        assert_eq!(chosen_dir(root, Some(PathBuf::from("/else"))), Path::new("/else"));
    }
}
