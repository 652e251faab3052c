//! Every planted fault stands somewhere in the code, and some check has to see it.

use crate::checks::Violation;
use crate::code;
use crate::mutants::TABLE;
use crate::tree::Tree;

const MUTANTS: &str = "protocol/src/mutants.rs";

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let Some(text) = tree.text(MUTANTS) else {
        return vec![Violation::new(MUTANTS, 1, "planted faults have their place here: write it")];
    };
    let others = tree.rust().filter(|(path, _)| *path != MUTANTS);
    let others: Vec<String> = others.map(|(_, text)| code::code_only(text)).collect();
    let planted = |mutant: &str| {
        let name = format!("Mutant::{mutant}");
        others.iter().any(|code| code::word_offsets(code, &name).next().is_some())
    };
    let known = |name: &str| TABLE.iter().any(|(mutant, _)| *mutant == name);
    let mut violations = Vec::new();
    for (idx, line) in text.lines().enumerate() {
        let Some((mutant, name)) = declared(line) else { continue };
        if !planted(mutant) {
            let sentence = format!("nothing is `{mutant}`: plant it or take it out");
            violations.push(Violation::new(MUTANTS, idx + 1, sentence));
        }
        if !known(name) {
            let sentence = format!("no check sees `{name}`: name one in xtask's table of mutants");
            violations.push(Violation::new(MUTANTS, idx + 1, sentence));
        }
    }
    violations
}

/// The variant and the name that a line such as `NoDedupe = "no-dedupe",` declares.
fn declared(line: &str) -> Option<(&str, &str)> {
    let (mutant, name) = line.trim().strip_suffix("\",")?.split_once(" = \"")?;
    mutant.chars().all(code::is_name).then_some((mutant, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::places;

    fn reported(declared: &str, planted: &str) -> Vec<String> {
        let text = format!("//! Mutants.\n    {declared}\n");
        places(check, &[(MUTANTS, &text), ("shard/src/lib.rs", planted)])
    }

    #[test]
    fn a_planted_fault_that_some_check_sees_passes() {
        let (name, _) = TABLE[0];
        assert_eq!(reported(&format!("A = \"{name}\","), "is(Mutant::A)"), [""; 0]);
    }

    #[test]
    fn a_fault_that_is_not_planted_or_not_seen_is_reported() {
        let (name, _) = TABLE[0];
        let declared = format!("A = \"{name}\",");
        for elsewhere in ["", "// Mutant::A", "Mutant::Ab"] {
            assert_eq!(reported(&declared, elsewhere), [format!("{MUTANTS}:2")], "{elsewhere}");
        }
        let unseen = reported("A = \"no-such-fault\",", "is(Mutant::A)");
        assert_eq!(unseen, [format!("{MUTANTS}:2")]);
    }

    #[test]
    fn a_missing_file_is_reported() {
        assert_eq!(places(check, &[]), [format!("{MUTANTS}:1")]);
    }
}
