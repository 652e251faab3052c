//! `cargo xtask peers`: this project beside other servers, other libraries and other ways.

use std::path::Path;

use crate::{needs, run, web};

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peers {
    /// The tick with other servers, in a package that is no part of the workspace because they
    /// bring other versions of what the shard uses. With the words for its own command line.
    Tick(Vec<String>),
    /// ucore with other libraries, in a package that is no part of the workspace because they take
    /// minutes to build.
    Ucore,
    /// One push per shard and tick with one INCRBY per hit.
    LockStorm,
}

const TICK: &str = "benches/peers/tick/Cargo.toml";
/// The packages outside the workspace.
pub(crate) const MANIFESTS: [&str; 2] = [TICK, UCORE];
const TICK_NODE: &str = "benches/peers/tick/node";
const UCORE: &str = "benches/peers/ucore/Cargo.toml";

impl Peers {
    pub(crate) fn parse<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut words = words.peekable();
        let whose = match words.peek() {
            None => return Ok(Self::Tick(Vec::new())),
            Some(flag) if flag.starts_with('-') => {
                return Ok(Self::Tick(words.map(str::to_owned).collect()));
            }
            Some(&"ucore") => Self::Ucore,
            Some(&"lock-storm") => Self::LockStorm,
            Some(other) => return Err(format!("there are no peers `{other}`")),
        };
        match words.nth(1) {
            None => Ok(whose),
            Some(extra) => Err(format!("`{extra}` is one word too many")),
        }
    }
}

/// Prints the tables. It fails where a run did not work, a replica differs, or a limit that does
/// not depend on the machine is missed.
pub(crate) fn run(root: &Path, peers: &Peers) -> Result<(), String> {
    match peers {
        Peers::Tick(flags) => tick(root, flags),
        Peers::Ucore => {
            run::pass(root, &["cargo", "run", "--release", "--manifest-path", UCORE], &[])
        }
        Peers::LockStorm => {
            run::pass(root, &["cargo", "bench", "-p", "worldboss", "--bench", "lock_storm"], &[])
        }
    }
}

fn tick(root: &Path, flags: &[String]) -> Result<(), String> {
    let path = web::node_path(root, is_new)?;
    let vars: Vec<_> = path.as_deref().map(|path| ("PATH", path)).into_iter().collect();
    if !is_installed(&root.join(TICK_NODE)) {
        run::pass(root, &["npm", "--prefix", TICK_NODE, "ci"], &vars)?;
    }
    let binary = web::binary(root, "release")?;
    let json = web::built(root, "bench/peers.json")?;
    let mut line = vec!["cargo", "run", "--release", "--manifest-path", TICK, "--"];
    line.extend(flags.iter().map(String::as_str));
    if !is_named(flags, "--worldboss") {
        run::pass(root, &["cargo", "build", "--release", "-p", "worldboss", "--bins"], &[])?;
        line.extend(["--worldboss", &binary]);
    }
    if !is_named(flags, "--json") {
        line.extend(["--json", &json]);
    }
    run::pass(root, &line, &vars)
}

/// Lets the servers that need nothing but this project play for a moment, in development builds: do
/// they, their client and its words still work?
pub(crate) fn test(root: &Path) -> Result<(), String> {
    let binary = web::binary(root, "debug")?;
    let json = web::built(root, "bench/peers-quick.json")?;
    run::pass(root, &["cargo", "test", "--manifest-path", TICK], &[])?;
    run::pass(root, &["cargo", "build", "-p", "worldboss", "--bins"], &[])?;
    let own = ["--quick", "--only", "epoll,tungstenite,axum,worldboss,seen", "--clients"];
    let files = ["--worldboss", &binary, "--json", &json];
    let line = [&["cargo", "run", "--manifest-path", TICK, "--"][..], &own, &files].concat();
    run::pass(root, &line, &[])
}

fn is_named(flags: &[String], name: &str) -> bool {
    flags.iter().any(|flag| flag.split('=').next() == Some(name))
}

/// What the newest of the peers asks for.
fn is_new(found: &str) -> bool {
    let version = needs::version(found.trim().trim_start_matches('v'));
    version.is_some_and(|version| vec![22, 12] <= version)
}

/// Whether npm has installed what the lock file says now.
fn is_installed(dir: &Path) -> bool {
    let changed = |file: &str| dir.join(file).metadata().and_then(|meta| meta.modified()).ok();
    let installed = changed("node_modules/.package-lock.json");
    installed.is_some() && changed("package-lock.json") <= installed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colyseus_gets_a_new_node() {
        for good in ["v22.12.0\n", "v24.1.0"] {
            assert!(is_new(good), "{good}");
        }
        for old in ["", "v20.20.2", "v22.11.9"] {
            assert!(!is_new(old), "{old}");
        }
    }
}
