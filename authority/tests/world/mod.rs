//! An authority in memory whose past, answers and retention a test can change.

use authority::machine::{Machine, Output, Saga};
use authority::{Answered, Authority};
use futures::FutureExt;
use protocol::{
    BossId, BossUpdate, Enter, Entry, ExecutorId, Gen, Interval, Join, JournalId, LogPage, Micros,
    PlayerId, Push, PushAnswer, ReadLog, Scenario, ShardId, Snapshot, Status, SyncAnswer,
    SyncRequest, Unavailable,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use ucore::{Bin, GMapDelta, Max, Version};

pub(crate) const BOSS: BossId = BossId(1);

/// A journal's id made of one number.
pub(crate) fn journal(number: u8) -> JournalId {
    JournalId(Bin([number; 16]))
}

/// The authority. Cloning it gives another handle.
#[derive(Debug, Clone)]
pub(crate) struct World(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    machine: Machine,
    saga: Saga,
    now: Micros,
    log: VecDeque<Entry>,
    /// The value before the oldest entry that it still has.
    base: Snapshot,
    /// Entries of one page.
    page: usize,
    /// What the next requests come to.
    faults: VecDeque<Unavailable>,
    /// What was asked.
    asked: Vec<SyncRequest>,
}

impl World {
    /// A boss that nobody has hit, with the HP that a test needs.
    pub(crate) fn new(hp_max: u64) -> Self {
        let Scenario { mut spec, .. } = Scenario::parse(Scenario::default_text()).unwrap();
        spec.hp_max = hp_max;
        let machine = Machine::new(BOSS, spec);
        let (log, base, page) = (VecDeque::new(), Snapshot::default(), 3);
        let (faults, asked) = (VecDeque::new(), Vec::new());
        let (saga, now) = (Saga::new(BOSS, ExecutorId(Bin([0xee; 16])), 0), Micros(0));
        let inner = Inner { machine, saga, now, log, base, page, faults, asked };
        let world = Self(Arc::new(Mutex::new(inner)));
        world.inner().sync();
        world
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(crate) fn authority(&self) -> Arc<dyn Authority> {
        Arc::new(self.clone())
    }

    /// The whole value at the end of the log.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.inner().machine.snapshot()
    }

    pub(crate) fn version(&self) -> Version {
        self.snapshot().version
    }

    /// Opens a journal and lets it enter the current generation: two entries.
    pub(crate) fn join(&self, number: u8) {
        let (boss, journal, shard) = (BOSS, journal(number), ShardId(number.into()));
        let mut inner = self.inner();
        inner.machine.handle_join(Join { boss, journal, shard, lineage: Vec::new() });
        let generation = inner.machine.truth().generation;
        inner.machine.handle_enter(&Enter { boss, journal, generation });
        inner.sync();
    }

    /// One player's damage from total to total: an entry if it is new.
    pub(crate) fn push(&self, number: u8, from: u64, to: u64) -> PushAnswer {
        let generation = self.inner().machine.truth().generation;
        self.push_to(generation, number, (from, to), false)
    }

    pub(crate) fn push_to(
        &self,
        generation: Gen,
        number: u8,
        (from, to): (u64, u64),
        last: bool,
    ) -> PushAnswer {
        let mut inner = self.inner();
        let player = PlayerId(number.into());
        let players = GMapDelta::line(player, Max::of(to));
        let names = [(player, format!("player {number}"))].into();
        let interval = Interval { generation, from, to, players, names };
        let seen = inner.machine.truth().seen();
        let (boss, journal) = (BOSS, journal(number));
        let push = Push { boss, journal, interval, last, online: 1, seen, standings: 0 };
        let answer = inner.machine.handle_push(push);
        inner.sync();
        answer
    }

    /// A second passes.
    pub(crate) fn poll(&self) {
        let mut inner = self.inner();
        let Inner { machine, saga, now, .. } = &mut *inner;
        *now = *now + Micros::from_millis(1_000);
        saga.drive(*now, machine);
        inner.sync();
    }

    /// Loses every entry after this version.
    pub(crate) fn roll_back(&self, version: Version) {
        let mut inner = self.inner();
        inner.log.retain(|entry| entry.version <= version);
        let (spec, base) = (inner.machine.spec().clone(), inner.base.clone());
        let log = inner.log.clone();
        inner.machine = Machine::restore(BOSS, spec, base, log).unwrap();
    }

    /// Keeps only the entries after this version.
    pub(crate) fn forget(&self, version: Version) {
        let mut inner = self.inner();
        while inner.base.version < version {
            let entry = inner.log.pop_front().unwrap();
            inner.base.follow(&entry).unwrap();
        }
    }

    /// A bit more damage of a journal, if it may do some.
    pub(crate) fn push_more(&self, number: u8) {
        let (generation, taken) = {
            let inner = self.inner();
            let (generation, life) = inner.machine.boss().current().unwrap();
            (generation, life.applied(journal(number)))
        };
        let last = self.inner().machine.truth().status != Status::Alive;
        self.push_to(generation, number, (taken, taken + 7), last);
    }

    /// All damage of all generations, late or not, since the first entry.
    pub(crate) fn damage_ever(&self) -> u64 {
        let inner = self.inner();
        let mut taken = BTreeMap::new();
        for entry in &inner.log {
            if let BossUpdate::Push { journal, interval, .. }
            | BossUpdate::Late { journal, interval, .. } =
                BossUpdate::parse(&entry.fields, &entry.blob).unwrap()
            {
                taken.insert((interval.generation, journal), interval.to);
            }
        }
        taken.values().sum()
    }

    /// The version before the oldest entry that it still has.
    pub(crate) fn base(&self) -> Version {
        self.inner().base.version
    }

    pub(crate) fn log(&self) -> Vec<Entry> {
        self.inner().log.iter().cloned().collect()
    }

    /// Another authority answers from now on.
    pub(crate) fn become_as(&self, other: &Self) {
        let mut inner = self.inner();
        let other = other.inner();
        inner.log.clone_from(&other.log);
        inner.base.clone_from(&other.base);
        let (spec, base) = (other.machine.spec().clone(), inner.base.clone());
        let log = inner.log.clone();
        inner.machine = Machine::restore(BOSS, spec, base, log).unwrap();
    }

    /// Appends an entry that no rule has made.
    pub(crate) fn append(&self, fields: &str) {
        let mut inner = self.inner();
        let last = inner.log.back().unwrap();
        let version = last.version.next();
        let chain = last.chain.link(version, fields, &[]);
        inner.log.push_back(Entry { version, chain, fields: fields.to_owned(), blob: Vec::new() });
    }

    /// Changes the newest entry without its chain.
    pub(crate) fn spoil_last(&self) {
        self.inner().log.back_mut().unwrap().blob.push(0);
    }

    /// Entries of one page from now on.
    pub(crate) fn set_page(&self, entries: usize) {
        self.inner().page = entries;
    }

    /// What the next request comes to.
    pub(crate) fn fail_next(&self, why: Unavailable) {
        self.inner().faults.push_back(why);
    }

    /// What was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<SyncRequest> {
        std::mem::take(&mut self.inner().asked)
    }
}

impl Inner {
    fn sync(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            if let Output::Entry(entry) = output {
                self.log.push_back(entry);
            }
        }
    }

    fn answer(&mut self, request: SyncRequest) -> Result<SyncAnswer, Unavailable> {
        self.asked.push(request.clone());
        if let Some(why) = self.faults.pop_front() {
            return Err(why);
        }
        match request {
            SyncRequest::Truth(_) => Ok(SyncAnswer::Truth(self.machine.truth())),
            SyncRequest::ReadLog(ReadLog { after, .. }) => {
                let is_old = after < self.base.version;
                let base = is_old.then(|| Box::new(self.base.clone()));
                let after = after.max(self.base.version);
                let entries = self.log.iter().filter(|entry| entry.version > after);
                let entries = entries.take(self.page).cloned().collect();
                Ok(SyncAnswer::ReadLog(LogPage { base, entries }))
            }
            other => Err(Unavailable::Refused(format!("this authority has no {other:?}"))),
        }
    }
}

impl Authority for World {
    fn ask(&self, request: SyncRequest) -> Answered<SyncAnswer> {
        let answer = self.inner().answer(request);
        async move { answer }.boxed()
    }
}
