//! No file names a directory of one developer's machine: it would be wrong on every other.

use crate::checks::Violation;
use crate::tree::Tree;

/// Put together here, so that this file does not hold them itself.
const HOMES: &[&str] = &[concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.iter() {
        for (index, line) in text.lines().enumerate() {
            if let Some(home) = HOMES.iter().find(|home| leaks(line, home)) {
                let sentence = format!("a path below `{home}`: write it relative to the project");
                violations.push(Violation::new(path, index + 1, sentence));
            }
        }
    }
    violations
}

/// In the middle of a longer path, the same letters are an ordinary directory.
fn leaks(line: &str, home: &str) -> bool {
    let goes_on = |letter: char| letter.is_alphanumeric() || "._-})$".contains(letter);
    line.match_indices(home).any(|(at, _)| !line[..at].ends_with(goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::places;

    #[test]
    fn a_path_of_one_machine_is_reported_in_any_file() {
        for home in HOMES {
            for line in [format!("cd {home}me/x"), format!("\"file://{home}me\""), (*home).into()] {
                let text = format!("first\n{line}\n");
                assert_eq!(places(check, &[("README.md", &text)]), ["README.md:2"], "{line}");
            }
        }
    }

    #[test]
    fn the_same_letters_in_a_longer_path_pass() {
        for home in HOMES {
            let text = format!("site{home}index.html $DIR{home}x");
            assert_eq!(places(check, &[("README.md", &text)]), [""; 0]);
        }
    }
}
