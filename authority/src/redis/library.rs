//! The Function library: its source, its names, and what its answers mean.
//!
//! Every name ends in the hash of the source. Builds whose rules differ run side by side on one
//! Redis, and loading never replaces anything: what is there under this name is this source.

use protocol::limits::{JOURNALS_MAX, KEEP_GENERATIONS, LINEAGE_MAX, REMAINS_MAX};
use protocol::mutants::{self, Mutant};
use sha1::{Digest, Sha1};
use std::fmt::Write;

use crate::machine::SILENT_POLLS;
use crate::machine::group::Bounds;

/// Entries of a group's log that an answer carries, so that most need no read.
const CARRIED_ENTRIES_MAX: usize = 64;
/// Bytes of their edits.
const CARRIED_BYTES_MAX: usize = 64 * 1024;

/// The parts in the order in which they use each other.
const PARTS: [&str; 7] = [
    include_str!("functions/call.lua"),
    include_str!("functions/books.lua"),
    include_str!("functions/intake.lua"),
    include_str!("functions/join.lua"),
    include_str!("functions/life.lua"),
    include_str!("functions/settlement.lua"),
    include_str!("functions/groups.lua"),
];

/// Lines of the library that a planted fault changes.
const FAULTS: [(Mutant, &str, &str); 8] = [
    (Mutant::RedisNoDedupe, "totals, it.to - totals.applied)", "totals, it.to - it.from)"),
    (Mutant::RedisNoFence, "elseif journal.sealed then", "elseif false then"),
    (Mutant::RedisTermUnchecked, "not reigns(boss, stage.executor, stage.term)", "false"),
    (Mutant::RedisFoldUnchecked, "(not count or lacks(boss, version, args[10]))", "not count"),
    (Mutant::RedisEditTwice, "elseif it.seq == tonumber(last) then", "elseif false then"),
    (Mutant::RedisExpectIgnored, "it.expect < ordered or it.expect > group.version", "false"),
    (Mutant::RedisForkUnseen, "entry and entry[2][2] == chain and", "entry and"),
    (Mutant::RedisValueUnchecked, "not it.is_right and 'wrong_hash' or nil, bytes", "nil, bytes"),
];

/// The library of this build.
#[derive(Debug, Clone)]
pub(super) struct Library {
    hash: String,
    source: String,
}

impl Library {
    pub(super) fn new(bounds: &Bounds) -> Self {
        let mut source = PARTS.join("\n");
        for (name, value) in [
            ("@KEEP_GENERATIONS@", u64::from(KEEP_GENERATIONS)),
            ("@REMAINS_MAX@", REMAINS_MAX as u64),
            ("@JOURNALS_MAX@", JOURNALS_MAX as u64),
            ("@LINEAGE_MAX@", LINEAGE_MAX as u64),
            ("@SILENT_POLLS@", SILENT_POLLS),
            ("@GROUPS_MAX@", bounds.groups as u64),
            ("@GROUP_WRITERS_MAX@", bounds.writers as u64),
            ("@GROUP_BARRED_MAX@", bounds.barred as u64),
            ("@GROUP_UPDATES_BYTES_MAX@", bounds.updates_bytes as u64),
            ("@GROUP_VALUE_BYTES_MAX@", bounds.value_bytes as u64),
            ("@GROUP_MARK_ENTRIES@", bounds.mark_entries),
            ("@GROUP_LOG_ENTRIES_MAX@", bounds.log_entries),
            ("@GROUP_LOG_BYTES_MAX@", bounds.log_bytes),
            ("@CARRIED_ENTRIES_MAX@", CARRIED_ENTRIES_MAX.min(bounds.page_entries) as u64),
            ("@CARRIED_BYTES_MAX@", CARRIED_BYTES_MAX.min(bounds.page_bytes) as u64),
        ] {
            source = source.replace(name, &value.to_string());
        }
        for (mutant, line, fault) in FAULTS {
            if mutants::is(mutant) {
                source = source.replace(line, fault);
            }
        }
        let digest = Sha1::digest(&source);
        let mut hash = String::new();
        for byte in &digest[..8] {
            write!(hash, "{byte:02x}").expect("writing to a String can't fail");
        }
        Self { source: source.replace("@HASH@", &hash), hash }
    }

    /// What `FUNCTION LOAD` takes.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The name of a function in `FCALL`.
    pub(super) fn function(&self, name: Function) -> String {
        format!("worldboss_{}_{}", name.name(), self.hash)
    }

    /// The name of the library.
    pub(super) fn name(&self) -> String {
        format!("worldboss_{}", self.hash)
    }
}

/// A function of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Spawn,
    Join,
    Enter,
    Push,
    Truth,
    Reign,
    Settle,
    Next,
    Rank,
    Register,
    Found,
    Propose,
    Follow,
    Checkpoint,
    Dispute,
    Leave,
}

impl Function {
    /// How many of a boss's or a group's keys it takes. No more than it uses: while a slot moves to
    /// another node, a call that names a key which does not exist has to wait.
    pub(super) const fn keys(self) -> usize {
        match self {
            Self::Spawn | Self::Next | Self::Rank | Self::Checkpoint | Self::Dispute => 3,
            Self::Join | Self::Enter | Self::Push | Self::Reign | Self::Settle => 2,
            Self::Propose | Self::Follow => 2,
            Self::Truth | Self::Register | Self::Found | Self::Leave => 1,
        }
    }

    /// The command that calls it.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Truth | Self::Follow => "FCALL_RO",
            Self::Spawn
            | Self::Join
            | Self::Enter
            | Self::Push
            | Self::Reign
            | Self::Settle
            | Self::Next
            | Self::Rank
            | Self::Register
            | Self::Found
            | Self::Propose
            | Self::Checkpoint
            | Self::Dispute
            | Self::Leave => "FCALL",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Spawn => "spawn",
            Self::Join => "join",
            Self::Enter => "enter",
            Self::Push => "push",
            Self::Truth => "truth",
            Self::Reign => "reign",
            Self::Settle => "settle",
            Self::Next => "next",
            Self::Rank => "rank",
            Self::Register => "register",
            Self::Found => "found",
            Self::Propose => "propose",
            Self::Follow => "follow",
            Self::Checkpoint => "checkpoint",
            Self::Dispute => "dispute",
            Self::Leave => "leave",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_that_a_fault_changes_stands_in_the_library_once() {
        let source = PARTS.join("\n");
        for (mutant, line, _) in FAULTS {
            assert_eq!(source.matches(line).count(), 1, "{}: {line}", mutant.name());
        }
    }
}
