//! All bosses of a file: requests in, answers out, and a commit between them.

use super::file::File;
use crate::disk::DiskError;
use crate::machine::{Machine, PATIENCE, Saga};
use protocol::{
    BossId, ExecutorId, Micros, Spawn, SpawnAnswer, Status, SyncAnswer, SyncRequest, Unavailable,
};
use redb::StorageBackend;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

/// All bosses of a file, and who takes the steps of their settlements.
///
/// The caller answers any number of requests, then calls [`Self::commit`], and gives the answers
/// away when that has succeeded. After a commit that failed, nobody knows what the file holds: it
/// must be opened and checked anew.
#[derive(Debug)]
pub struct Truths {
    file: File,
    bosses: BTreeMap<BossId, Machine>,
    /// Who takes the steps of settlements here, if anybody does.
    executor: Option<ExecutorId>,
    sagas: BTreeMap<BossId, Saga>,
}

impl Truths {
    /// Whether the directory has a file, which [`Self::open`] would not make anew.
    #[must_use]
    pub fn is_in(dir: &Path) -> bool {
        File::is_in(dir)
    }

    /// Opens the directory, checks its file, and continues where the logs of its bosses end.
    ///
    /// # Errors
    /// [`DiskError`], which names the file and the cure.
    pub fn open(dir: &Path, executor: Option<ExecutorId>) -> Result<Self, DiskError> {
        Self::restore(dir, File::open(dir)?, executor)
    }

    /// The same, on a disk that is none of the system's.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open_on(
        disk: impl StorageBackend,
        executor: Option<ExecutorId>,
    ) -> Result<Self, DiskError> {
        Self::restore(Path::new(""), File::open_on(disk)?, executor)
    }

    fn restore(
        dir: &Path,
        mut file: File,
        executor: Option<ExecutorId>,
    ) -> Result<Self, DiskError> {
        let bosses = file.restore(dir)?;
        Ok(Self { file, bosses, executor, sagas: BTreeMap::new() })
    }

    /// A boss.
    #[must_use]
    pub fn get(&self, id: BossId) -> Option<&Machine> {
        self.bosses.get(&id)
    }

    /// Takes the steps of settlements that are due. Those of one turn share a commit.
    pub fn settle(&mut self, now: Micros) {
        let Some(executor) = self.executor else { return };
        for (id, boss) in &mut self.bosses {
            let saga = self
                .sagas
                .entry(*id)
                .or_insert_with(|| Saga::new(*id, executor, PATIENCE).at_once());
            let truth = boss.truth();
            if truth.status == Status::Defeated {
                saga.handle_sighting(now, 0, &truth);
            }
            saga.drive(now, boss);
        }
    }

    /// When [`Self::settle`] has something to do next; none while nothing is to be settled here.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Micros> {
        self.sagas.values().map(Saga::poll_timeout).min()
    }

    /// Carries a request out. The answer must be kept back until the commit.
    ///
    /// # Errors
    /// [`Unavailable`]; nothing has changed.
    pub fn answer(&mut self, request: SyncRequest) -> Result<SyncAnswer, Unavailable> {
        Ok(match request {
            SyncRequest::Spawn(spawn) => {
                spawn.spec.check().map_err(Unavailable::Refused)?;
                SyncAnswer::Spawn(self.spawn(spawn))
            }
            SyncRequest::Join(join) => SyncAnswer::Join(self.boss(join.boss)?.handle_join(join)),
            SyncRequest::Enter(enter) => {
                SyncAnswer::Enter(self.boss(enter.boss)?.handle_enter(&enter))
            }
            SyncRequest::Push(push) => SyncAnswer::Push(self.boss(push.boss)?.handle_push(push)),
            SyncRequest::Truth(boss) => SyncAnswer::Truth(self.boss(boss)?.truth()),
            SyncRequest::ReadLog(page) => {
                self.boss(page.boss)?;
                SyncAnswer::ReadLog(self.file.page(page).map_err(Unavailable::Unknown)?)
            }
            SyncRequest::Bosses => SyncAnswer::Bosses(self.bosses.keys().copied().collect()),
            SyncRequest::Reign(reign) => {
                SyncAnswer::Reign(self.boss(reign.boss)?.handle_reign(reign))
            }
            SyncRequest::Settle(settle) => {
                SyncAnswer::Settle(self.boss(settle.boss)?.handle_settle(settle))
            }
            SyncRequest::Shares(shares) => {
                SyncAnswer::Shares(self.boss(shares.boss)?.handle_shares(&shares))
            }
        })
    }

    fn boss(&mut self, id: BossId) -> Result<&mut Machine, Unavailable> {
        self.bosses.get_mut(&id).ok_or(Unavailable::NoBoss(id))
    }

    fn spawn(&mut self, spawn: Spawn) -> SpawnAnswer {
        match self.bosses.entry(spawn.boss) {
            Entry::Occupied(mut boss) => boss.get_mut().handle_spawn(*spawn.spec),
            Entry::Vacant(place) => {
                SpawnAnswer::Begun(place.insert(Machine::new(spawn.boss, *spawn.spec)).truth())
            }
        }
    }

    /// Makes durable what the machines put out; whether there was anything.
    ///
    /// # Errors
    /// What the disk says.
    pub fn commit(&mut self) -> Result<bool, String> {
        let outputs: Vec<_> = self
            .bosses
            .iter_mut()
            .flat_map(|(id, boss)| std::iter::from_fn(|| boss.poll_output()).map(|out| (*id, out)))
            .collect();
        if outputs.is_empty() {
            return Ok(false);
        }
        let failed = |error: redb::Error| format!("its disk refused a write: {error}");
        self.file.commit(&outputs).map_err(failed)?;
        for (id, boss) in &self.bosses {
            if self.file.wants_snapshot(*id) {
                self.file.save_snapshot(*id, &boss.snapshot()).map_err(failed)?;
            }
        }
        Ok(true)
    }
}
