//! Which check has to see which planted fault: one that sees it surely, and soon.

/// A check that may be red.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) how: How,
}

/// How a check is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// By `cargo test`: its targets, and which tests of them.
    Test(&'static [&'static str]),
    /// By the game's own command line.
    Game(&'static [&'static str]),
    /// By the lab's, whose own process stays sane: those that it starts are mutants. It finds more
    /// than one kind of fault, so there is a mutant for each kind.
    Lab { words: &'static [&'static str], findings: Findings },
}

/// Mutants, each with words of everything that has to be found of it.
type Findings = &'static [(&'static str, &'static [&'static str])];

impl Check {
    /// What has to be built for it, as flags of cargo.
    pub(super) fn targets(&self) -> &'static [&'static str] {
        match self.how {
            How::Test(words) => words.split(|word| *word == "--").next().unwrap_or(words),
            How::Game(_) | How::Lab { .. } => &["--bins"],
        }
    }

    /// The mutants that it is asked about if nobody names others.
    pub(super) fn mutants(&self) -> Vec<&'static str> {
        match self.how {
            How::Test(_) | How::Game(_) => TABLE.iter().map(|(name, _)| *name).collect(),
            How::Lab { findings, .. } => findings.iter().map(|(name, _)| *name).collect(),
        }
    }

    /// Words of everything that it has to find of this mutant; none if anything will do.
    pub(super) fn findings(&self, mutant: &str) -> Option<&'static [&'static str]> {
        match self.how {
            How::Test(_) | How::Game(_) => None,
            How::Lab { findings, .. } => {
                findings.iter().find(|(name, _)| *name == mutant).map(|(_, words)| *words)
            }
        }
    }
}

/// Every check.
pub(super) const CHECKS: &[Check] = &[
    // Worlds with every fault, looked at from outside.
    Check { name: "sim", how: How::Game(&["loadgen", "sim", "--seeds", "200", "--stop"]) },
    // The same machines by hand: one story, or random ones.
    Check { name: "road", how: How::Test(&["--test", "it", "--", "road::", "late::", "spoils::"]) },
    Check { name: "histories", how: How::Test(&["--test", "it", "--", "histories::"]) },
    Check { name: "settlement", how: How::Test(&["--test", "settlement"]) },
    Check { name: "admission", how: How::Test(&["--lib", "--", "admission::"]) },
    Check { name: "pace", how: How::Test(&["--lib", "--", "pace::"]) },
    Check { name: "reckoning", how: How::Test(&["--lib", "--", "reckoning::"]) },
    // Those who read a log.
    Check { name: "follower", how: How::Test(&["--test", "follower"]) },
    Check { name: "tail", how: How::Test(&["--test", "tail"]) },
    // The rules as Functions, beside the machine, and what Redis alone can do wrong.
    Check {
        name: "conformance",
        how: How::Test(&["--test", "conformance", "--", "redis_gives_the_answers"]),
    },
    Check { name: "redis", how: How::Test(&["--test", "redis", "--", "settlement::"]) },
    Check { name: "groups", how: How::Test(&["--test", "groups", "--", "redis_keeps"]) },
    // Programs that share a structure, in worlds of their own.
    Check { name: "replicas", how: How::Test(&["--test", "replicas"]) },
    // Every order of events of a small cluster.
    Check { name: "model", how: How::Test(&["--test", "model", "--", "keep_every_law"]) },
    // Real processes among real faults.
    Check { name: "chaos", how: How::Lab { words: CHAOS_LINE, findings: CHAOS } },
];

const CHAOS_LINE: &[&str] = &[
    "loadgen",
    "chaos",
    "--faults",
    "lab/faults/mutants.toml",
    "--duration",
    "24s",
    "--shards",
    "2",
    "--players",
    "100",
];

/// The check of this name.
pub(super) fn check_named(name: &str) -> Result<&'static Check, String> {
    CHECKS.iter().find(|check| check.name == name).ok_or_else(|| {
        let all: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
        format!("there is no check `{name}`; there are: {}", all.join(" "))
    })
}

/// The check that has to see this mutant.
pub(super) fn check_of(mutant: &str) -> Result<&'static Check, String> {
    let found = TABLE.iter().find(|(name, _)| *name == mutant);
    let (_, check) = found.ok_or_else(|| format!("`{mutant}` is not in the table"))?;
    check_named(check)
}

/// The mutants of `protocol/src/mutants.rs`, in its order, and who has to see each of them.
pub(crate) const TABLE: &[(&str, &str)] = &[
    ("input-twice", "road"),
    ("old-hit-counted", "road"),
    ("no-cooldown", "admission"),
    ("refused-hit-counted", "sim"),
    ("ack-before-sync", "sim"),
    ("record-unsynced", "sim"),
    ("record-dropped", "sim"),
    ("no-intent", "road"),
    ("resend-elsewhere", "sim"),
    ("no-lineage", "histories"),
    ("answered-never-falls", "sim"),
    ("counted-too-soon", "sim"),
    ("enter-forgotten", "histories"),
    ("last-word-early", "histories"),
    ("book-dropped-early", "road"),
    ("fenced-goes-on", "sim"),
    ("no-dedupe", "sim"),
    ("gap-accepted", "sim"),
    ("lines-unbalanced", "road"),
    ("no-fence", "sim"),
    ("parent-not-sealed", "sim"),
    ("inherits-always", "sim"),
    ("stale-claim-taken", "sim"),
    ("never-ahead", "model"),
    ("last-word-ignored", "road"),
    ("late-counted", "sim"),
    ("late-untold", "sim"),
    ("rollback-untold", "road"),
    ("death-twice", "sim"),
    ("phase-skipped", "sim"),
    ("clamp-in-apply", "sim"),
    ("restore-behind", "sim"),
    ("log-unsynced", "sim"),
    ("chain-unchecked", "tail"),
    ("stale-follower", "follower"),
    ("close-without-waiting", "sim"),
    ("settle-twice", "settlement"),
    ("term-unchecked", "settlement"),
    ("credits-rounded", "sim"),
    ("own-gap-counted", "settlement"),
    ("drawn-at-the-end", "sim"),
    ("drawn-per-asker", "sim"),
    ("older-truth-ignored", "road"),
    ("told-too-soon", "sim"),
    ("frame-unsent", "reckoning"),
    ("tick-not-widened", "pace"),
    ("redis-no-dedupe", "conformance"),
    ("redis-no-fence", "conformance"),
    ("redis-term-unchecked", "conformance"),
    ("redis-fold-unchecked", "redis"),
    ("redis-unstable", "redis"),
    ("redis-edit-twice", "groups"),
    ("redis-expect-ignored", "groups"),
    ("redis-fork-unseen", "groups"),
    ("redis-value-unchecked", "groups"),
    ("edit-renumbered", "replicas"),
    ("transaction-stale", "replicas"),
    ("lie-believed", "replicas"),
];

/// Every kind of finding that a wrong game causes in chaos, by a mutant that causes it.
const CHAOS: Findings = &[
    ("record-unsynced", &["damage was accepted and is lost", "hits were never answered"]),
    ("refused-hit-counted", &["damage was counted twice"]),
    ("late-untold", &["damage was late, and its players were told otherwise"]),
    ("drawn-per-asker", &["shares that players were told are not", "two different shares"]),
    ("late-counted", &["the shares are not those of", "settlement has changed", "verify: "]),
    ("log-unsynced", &["what was announced of a fallen boss was taken back"]),
    ("no-dedupe", &["did not take hits again", "no boss fell"]),
    (
        "restore-behind",
        &["ended by itself", "could not be read", "did not drain", "did not end when it was asked"],
    ),
];

/// The mutants of every test run: different checks see them, each within seconds.
pub(super) const SLICE: &[&str] = &[
    "input-twice",
    "ack-before-sync",
    "enter-forgotten",
    "no-dedupe",
    "gap-accepted",
    "settle-twice",
    "told-too-soon",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_the_table_is_that_of_a_mutant() {
        // A process that is to be a mutant which does not exist fails, and that is no catch.
        let mutants = include_str!("../../../protocol/src/mutants.rs");
        for (name, _) in TABLE {
            assert!(mutants.contains(&format!(" = \"{name}\",")), "{name}");
        }
        let others = CHAOS.iter().map(|(name, _)| name).chain(SLICE);
        others.for_each(|name| assert!(check_of(name).is_ok(), "{name}"));
    }
}
