//! `cargo xtask peers`: this project beside other libraries and other ways.

use std::path::Path;

use crate::run;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peers {
    /// ucore with other libraries, in a package that is no part of the workspace because they take
    /// minutes to build.
    Ucore,
    /// One push per shard and tick with one INCRBY per hit.
    LockStorm,
}

impl Peers {
    pub(crate) fn parse(word: Option<&str>) -> Result<Self, String> {
        match word {
            Some("ucore") => Ok(Self::Ucore),
            Some("lock-storm") => Ok(Self::LockStorm),
            _ => Err("say whose peers: `peers ucore` or `peers lock-storm`".to_owned()),
        }
    }
}

const MANIFEST: &str = "benches/peers/Cargo.toml";

/// Prints the tables. It fails where a replica differs or a limit is missed.
pub(crate) fn run(root: &Path, peers: Peers) -> Result<(), String> {
    let line = match peers {
        Peers::Ucore => &["cargo", "run", "--release", "--manifest-path", MANIFEST][..],
        Peers::LockStorm => &["cargo", "bench", "-p", "worldboss", "--bench", "lock_storm"],
    };
    run::pass(root, line, &[])
}
