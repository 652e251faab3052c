//! `cargo xtask peers`: ucore beside other libraries, in a package that is no part of the workspace
//! because they take minutes to build.

use std::path::Path;

use crate::run;

const MANIFEST: &str = "benches/peers/Cargo.toml";

/// Prints the tables. It fails where a replica differs or a limit is missed.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    run::pass(root, &["cargo", "run", "--release", "--manifest-path", MANIFEST], &[])
}
