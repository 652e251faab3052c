//! The authority of one boss as a pure machine: requests in, answers and log entries out.
//!
//! The caller drains [`Machine::poll_output`] after every `handle_*` and makes those entries
//! durable before it gives the answer away.

mod intake;
mod boss;
mod log;

use protocol::{
    Boss, BossId, BossSpec, BossUpdate, Entry, FollowError, Gen, JournalId, Snapshot, SpawnAnswer,
    Status, Truth,
};
use std::collections::BTreeMap;
use ucore::Updatable;

use log::Log;

/// The authority of one boss.
#[derive(Debug)]
pub struct Machine {
    id: BossId,
    boss: Boss,
    log: Log,
    /// The scenario of the generations to come.
    next: BossSpec,
    /// Players online by journal. A hint for the scoreboard: in no log, gone with the process.
    online: BTreeMap<JournalId, Online>,
}

#[derive(Debug, Clone, Copy)]
struct Online {
    players: u32,
    silent_polls: u32,
}

/// Polls without a push after which a journal's players no longer count as online.
pub(crate) const SILENT_POLLS: u32 = 3;

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
            online: BTreeMap::new(),
        };
        machine.log.announce(spec);
        machine.begin(Gen(1));
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
            log.advance(entry.version, entry.chain);
        }
        let empty = value.boss.current().is_none();
        let mut machine = Self { id, boss: value.boss, log, next: spec, online: BTreeMap::new() };
        if empty {
            machine.begin(Gen(1));
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

    /// One step of the life cycle, about once a second.
    pub fn handle_poll(&mut self) {
        self.online.values_mut().for_each(|online| online.silent_polls += 1);
        self.online.retain(|_, online| online.silent_polls < SILENT_POLLS);
        let Some((generation, life)) = self.boss.current() else {
            return;
        };
        let (waited, timing) = (life.waited, life.spec.timing);
        match life.status {
            Status::Alive => {}
            Status::Defeated => self.turn(generation, Status::Collecting),
            Status::Collecting => {
                let complete = life.entered.values().all(|finished| *finished);
                if complete || waited >= u32::from(timing.collect_s) {
                    self.turn(generation, Status::Closed);
                } else {
                    self.commit(BossUpdate::Wait { generation });
                }
            }
            Status::Closed if waited >= u32::from(timing.respawn_s) => {
                self.begin(generation.next());
            }
            Status::Closed => self.commit(BossUpdate::Wait { generation }),
        }
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
            players: self.online.values().map(|online| online.players).sum(),
        }
    }

    fn begin(&mut self, generation: Gen) {
        self.log.begin(generation, self.snapshot());
        let spec = Box::new(self.next.clone());
        self.commit(BossUpdate::Spawn { generation, spec });
    }

    fn turn(&mut self, generation: Gen, status: Status) {
        self.commit(BossUpdate::Status { generation, status });
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
