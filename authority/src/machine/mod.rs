//! The authority of one boss as a pure machine: requests in, answers and log entries out.
//!
//! The caller drains [`Machine::poll_output`] after every `handle_*` and makes those entries
//! durable before it gives the answer away.

mod intake;
mod boss;
mod log;
mod settlement;
mod saga;
mod audit;
pub mod group;
mod groups;

pub use audit::{Account, Audit, Finding, Imbalance, JournalAccount};
#[cfg(feature = "driver")]
pub(crate) use groups::refused;
pub use groups::{GroupId, Groups, GroupsOutput};
pub use saga::{PATIENCE, Saga, SagaAnswer, SagaRequest};
#[cfg(feature = "driver")]
pub(crate) use settlement::shares_of;
pub use settlement::{credits, grants};

use protocol::mutants::{self, Mutant};
use protocol::{
    Boss, BossId, BossSpec, BossUpdate, Entry, FollowError, Gen, JournalId, Snapshot, SpawnAnswer,
    Standings, Truth,
};
use std::collections::BTreeMap;
use ucore::{Updatable, Version};

use log::Log;

/// The authority of one boss.
#[derive(Debug)]
pub struct Machine {
    id: BossId,
    boss: Boss,
    log: Log,
    /// The scenario of the generations to come.
    next: BossSpec,
    /// Polls of executors who reigned. This and what follows are hints: in no log, gone with the
    /// process.
    polls: u64,
    /// Journals that were heard.
    heard: BTreeMap<JournalId, Heard>,
    /// The newest leaderboard.
    standings: Option<Box<Standings>>,
    /// The version at which it was computed.
    ranked: Version,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    /// Players online.
    players: u32,
    /// The poll after which it was heard last.
    poll: u64,
}

/// Polls without a push after which a journal's players no longer count as online.
pub(crate) const SILENT_POLLS: u64 = 3;

/// What the caller must make durable, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The value before the first entry of a generation: where its whole log begins.
    Base(Gen, Box<Snapshot>),
    /// The next entry of the log.
    Entry(Entry),
    /// The scenario of the generations to come.
    Next(Box<BossSpec>),
}

impl Machine {
    /// A boss whose log is empty: its first generation begins at once.
    #[must_use]
    pub fn new(id: BossId, spec: BossSpec) -> Self {
        let mut machine = Self {
            id,
            boss: Boss::default(),
            log: Log::default(),
            next: spec.clone(),
            polls: 0,
            heard: BTreeMap::new(),
            standings: None,
            ranked: Version(0),
        };
        machine.log.announce(spec);
        machine.begin(Gen(1), 0);
        machine
    }

    /// Continues a log from a value of it. `spec` is the scenario of the generations to come.
    ///
    /// # Errors
    /// The first entry that does not follow from what is before it.
    pub fn restore(
        id: BossId,
        spec: BossSpec,
        mut value: Snapshot,
        entries: impl IntoIterator<Item = Entry>,
    ) -> Result<Self, FollowError> {
        let mut log = Log::at(value.version, value.chain);
        for entry in entries {
            value.follow(&entry)?;
            if !mutants::is(Mutant::RestoreBehind) {
                log.advance(entry.version, entry.chain);
            }
        }
        let empty = value.boss.current().is_none();
        let (polls, heard, ranked) = (0, BTreeMap::new(), Version(0));
        let boss = value.boss;
        let mut machine = Self { id, boss, log, next: spec, polls, heard, standings: None, ranked };
        if empty {
            machine.begin(Gen(1), machine.boss.term().number);
        }
        Ok(machine)
    }

    /// Makes the generations to come as `spec` says.
    pub fn handle_spawn(&mut self, spec: BossSpec) -> SpawnAnswer {
        if spec != self.next {
            self.next = spec.clone();
            self.log.announce(spec);
        }
        SpawnAnswer::Next(self.truth())
    }

    /// What must be durable before the last answer is given.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.log.poll_output()
    }

    /// The boss.
    #[must_use]
    pub fn boss(&self) -> &Boss {
        &self.boss
    }

    /// The boss's id.
    #[must_use]
    pub fn id(&self) -> BossId {
        self.id
    }

    /// The scenario of the current generation.
    #[must_use]
    pub fn spec(&self) -> &BossSpec {
        self.boss.current().map_or(&self.next, |(_, life)| &life.spec)
    }

    /// The whole value with its position.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let (version, chain) = (self.log.version(), self.log.chain());
        Snapshot { version, chain, boss: self.boss.clone() }
    }

    /// The truth.
    #[must_use]
    pub fn truth(&self) -> Truth {
        let (generation, life) = self.boss.current().expect("the constructors spawn generation 1");
        Truth {
            version: self.log.version(),
            chain: self.log.chain(),
            generation,
            hp_max: life.spec.hp_max,
            damage: life.damage(),
            status: life.status,
            phase: life.phase,
            players: self.heard.values().fold(0, |sum, heard| sum.saturating_add(heard.players)),
            waited: life.waited,
        }
    }

    fn begin(&mut self, generation: Gen, term: u64) {
        self.log.begin(generation, self.snapshot());
        let spec = Box::new(self.next.clone());
        self.commit(BossUpdate::Spawn { generation, term, spec });
    }

    /// Appends an update that the rules have chosen.
    fn commit(&mut self, update: BossUpdate) {
        let entry = Entry::after(self.log.version(), self.log.chain(), &update);
        let applied = self.boss.apply(update);
        assert_eq!(
            applied,
            Ok(()),
            "an update is checked before it is committed: {}",
            entry.fields
        );
        self.log.append(entry);
    }
}
