//! What happened in a world, as a hash for machines and as lines for people.

use super::fault::Fault;
use protocol::{Gen, JournalId, Micros, Status, Verdict};
use std::fmt;
use std::hash::{Hash, Hasher};
use ucore::Version;
use xxhash_rust::xxh64::Xxh64;

/// Something that happened.
#[derive(Debug, Clone, Hash)]
pub(super) enum Note {
    Fault(Fault),
    Started { process: u32, slot: usize },
    Joined { process: u32, journal: JournalId },
    Ended { process: u32, why: &'static str },
    Synced { process: u32, tick: u64, accepted: u64 },
    Asked { process: u32, call: u64, what: &'static str },
    Pushed { process: u32, call: u64, generation: Gen, from: u64, to: u64, last: bool },
    Answered { process: u32, call: u64, what: &'static str },
    Counted { process: u32, call: u64, verdict: Verdict, applied: u64, version: Version },
    Unanswered { process: u32, call: u64 },
    Logged { version: Version, line: String },
    TruthOpened { version: Version },
    TruthEnded { why: &'static str },
    Connected { player: usize, process: u32, resumed: bool },
    Disconnected { player: usize },
    Told { player: usize, generation: Gen, status: Status, hp: u64 },
    Acked { player: usize, seq: u32, damage: u64 },
    Calm,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(f, "fault          {}", fault.name()),
            Self::Started { process, slot } => {
                write!(f, "process {process:<6} starts as shard {slot}")
            }
            Self::Joined { process, journal } => {
                write!(f, "process {process:<6} is open with journal {journal}")
            }
            Self::Ended { process, why } => write!(f, "process {process:<6} ends: {why}"),
            Self::Synced { process, tick, accepted } => {
                write!(f, "process {process:<6} syncs tick {tick}: {accepted} accepted in all")
            }
            Self::Asked { process, call, what } => {
                write!(f, "process {process:<6} asks #{call}: {what}")
            }
            Self::Pushed { process, call, generation, from, to, last } => {
                let last = if *last { ", its last" } else { "" };
                write!(f, "process {process:<6} pushes #{call}: g={generation} {from}..{to}{last}")
            }
            Self::Answered { process, call, what } => {
                write!(f, "process {process:<6} hears #{call}: {what}")
            }
            Self::Counted { process, call, verdict, applied, version } => {
                write!(
                    f,
                    "process {process:<6} hears #{call}: {verdict:?}, {applied} applied, \
                     v={version}"
                )
            }
            Self::Unanswered { process, call } => {
                write!(f, "process {process:<6} gives #{call} up")
            }
            Self::Logged { version, line } => write!(f, "truth          {version}: {line}"),
            Self::TruthOpened { version } => write!(f, "truth          opens at v={version}"),
            Self::TruthEnded { why } => write!(f, "truth          ends: {why}"),
            Self::Connected { player, process, resumed } => {
                let how = if *resumed { "resumes" } else { "begins" };
                write!(f, "player {player:<7} {how} on process {process}")
            }
            Self::Disconnected { player } => write!(f, "player {player:<7} loses its connection"),
            Self::Told { player, generation, status, hp } => {
                write!(f, "player {player:<7} sees g={generation} {status:?}, {hp} HP")
            }
            Self::Acked { player, seq, damage } => {
                write!(f, "player {player:<7} has hits up to {seq} answered: {damage} damage")
            }
            Self::Calm => write!(f, "from here on nothing goes wrong"),
        }
    }
}

/// Who is told what happens, line by line.
pub type Lines = Box<dyn FnMut(&str)>;

/// Where notes go.
pub(super) struct Trace {
    hash: Xxh64,
    lines: Option<Lines>,
}

impl Trace {
    /// A trace that is hashed, and shown line by line if anybody looks.
    pub(super) fn new(lines: Option<Lines>) -> Self {
        Self { hash: Xxh64::new(0), lines }
    }

    pub(super) fn note(&mut self, now: Micros, note: &Note) {
        (now, note).hash(&mut self.hash);
        if let Some(lines) = &mut self.lines {
            lines(&format!("{:>10.3} s  {note}", now.0 as f64 / 1e6));
        }
    }

    /// The hash of everything that was noted.
    pub(super) fn hash(&self) -> u64 {
        self.hash.finish()
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("hash", &self.hash()).finish_non_exhaustive()
    }
}
