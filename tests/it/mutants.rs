//! Planted faults: a build with them says so, and any other knows nothing of them.

use crate::server::worldboss;
use crate::tools::{Said, run};
use protocol::mutants::VARIABLE;

/// What a process says that is to be this mutant, and has nothing else to do.
fn started(mutant: Option<&str>) -> Said {
    let mut command = worldboss();
    command.env_remove(VARIABLE).args(["authority", "bosses", "--authority", "embedded:none"]);
    run(command.envs(mutant.map(|mutant| (VARIABLE, mutant))))
}

#[test]
#[cfg(not(feature = "mutants"))]
fn a_build_for_players_is_no_mutant() {
    for mutant in ["no-dedupe", "no-such-fault"] {
        assert!(!started(Some(mutant)).err.contains("mutant"), "{mutant}");
    }
}

#[test]
#[cfg(feature = "mutants")]
fn a_mutant_says_loudly_what_it_is_and_an_unknown_name_is_refused() {
    assert!(started(None).err.contains("this build has planted faults"));
    let mutant = started(Some("no-dedupe")).err;
    assert!(mutant.contains("WARN") && mutant.contains("is the mutant `no-dedupe`"), "{mutant}");
    let unknown = started(Some("no-such-fault"));
    assert_eq!(unknown.code, Some(1));
    let names = protocol::mutants::Mutant::ALL.iter().map(|mutant| mutant.name());
    names.for_each(|name| assert!(unknown.err.contains(name), "{name}: {}", unknown.err));
}
