//! `cargo xtask ci`: the checks on the sources that the compiler cannot make.

#![expect(clippy::print_stdout, reason = "a violation is data for the person or the editor")]

use std::path::Path;

use crate::checks::{self, Violation};
use crate::tree::Tree;

/// Prints every violation, not only the first: they are usually cured together.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let tree = Tree::load(root)?;
    let mut violations: Vec<Violation> =
        checks::ON_SOURCES.iter().flat_map(|check| (check.run)(&tree)).collect();
    violations.extend(checks::pure::check(root)?);
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => {
            let names: Vec<&str> = checks::ON_SOURCES.iter().map(|check| check.name).collect();
            println!("nothing against {}, pure", names.join(", "));
            Ok(())
        }
        1 => Err("1 violation".to_owned()),
        many => Err(format!("{many} violations")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run as command;
    use crate::scratch::Scratch;

    #[test]
    fn a_planted_violation_fails_the_command() {
        let scratch = Scratch::new("ci");
        command::read(scratch.path(), &command::git(&["init", "-q"])).expect("git is present");
        scratch.write("src/main.rs", "fn main() {}\n");
        assert!(run(scratch.path()).expect_err("nothing is in its place").contains("violations"));
    }
}
