//! All bosses of a file: requests in, answers out, and a commit between them.

use super::file::File;
use crate::disk::DiskError;
use crate::machine::group::{Bounds, GroupOutput};
use crate::machine::{GroupId, Groups, GroupsOutput, Machine, PATIENCE, Saga, refused};
use crate::recent::Recent;
use protocol::{
    BossId, ExecutorId, Follow, GroupAnswer, GroupEntry, GroupRequest, Micros, Spawn, SpawnAnswer,
    Status, SyncAnswer, SyncRequest, Unavailable,
};
use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;

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
    groups: Groups,
    /// What was committed of the groups' logs lately.
    recent: Arc<Recent>,
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
        Self::open_within(dir, executor, Bounds::default())
    }

    /// The same, with bounds of shared structures that a test can meet.
    ///
    /// # Errors
    /// [`DiskError`], which names the file and the cure.
    pub fn open_within(
        dir: &Path,
        executor: Option<ExecutorId>,
        bounds: Bounds,
    ) -> Result<Self, DiskError> {
        Self::restore(dir, File::open(dir)?, executor, bounds)
    }

    /// One whose file is nowhere but in memory.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn in_memory(executor: Option<ExecutorId>, bounds: Bounds) -> Result<Self, DiskError> {
        let file = File::open_on(InMemoryBackend::new())?;
        Self::restore(Path::new("memory"), file, executor, bounds)
    }

    /// The same, on a disk that is none of the system's.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open_on(
        disk: impl StorageBackend,
        executor: Option<ExecutorId>,
    ) -> Result<Self, DiskError> {
        Self::restore(Path::new(""), File::open_on(disk)?, executor, Bounds::default())
    }

    fn restore(
        dir: &Path,
        mut file: File,
        executor: Option<ExecutorId>,
        bounds: Bounds,
    ) -> Result<Self, DiskError> {
        let bosses = file.restore(dir)?;
        let groups = file.restore_groups(dir, bounds)?;
        let recent = Arc::new(Recent::new(&bounds));
        for (name, group) in groups.iter() {
            recent.begin(name, group.schema(), group.head(), group.newest().as_ref());
        }
        Ok(Self { file, bosses, executor, sagas: BTreeMap::new(), groups, recent })
    }

    /// A boss.
    #[must_use]
    pub fn get(&self, id: BossId) -> Option<&Machine> {
        self.bosses.get(&id)
    }

    /// The newest entries of the groups' logs, for those who follow them.
    pub(crate) fn recent(&self) -> Arc<Recent> {
        Arc::clone(&self.recent)
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
    /// The page of a [`Proposed`](protocol::Proposed) is empty: whoever gives the answer away adds
    /// what its asker has missed. A page of a group's log is read only while everything is
    /// committed.
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
            SyncRequest::Group(request) => SyncAnswer::Group(self.answer_group(request)?),
        })
    }

    fn answer_group(&mut self, request: GroupRequest) -> Result<GroupAnswer, Unavailable> {
        Ok(match request {
            GroupRequest::Found(found) => self.groups.handle_found(found),
            GroupRequest::Propose(propose) => {
                let past = self.file.group_past(&self.groups, &propose);
                self.groups.handle_propose(&propose, past.map_err(Unavailable::Unknown)?)
            }
            GroupRequest::Follow(follow) => return self.page(&follow),
            GroupRequest::Checkpoint(checkpoint) => self.groups.handle_checkpoint(checkpoint),
            GroupRequest::Dispute(dispute) => self.groups.handle_dispute(&dispute),
            GroupRequest::Leave(leave) => self.groups.handle_leave(&leave),
        })
    }

    /// A page of a group's log as it is on the disk.
    fn page(&self, follow: &Follow) -> Result<GroupAnswer, Unavailable> {
        if !self.groups.is_drained() {
            let why = "entries are on their way to the disk; read the log behind the commit";
            return Err(Unavailable::Refused(why.to_owned()));
        }
        let page = self.file.group_page(&self.groups, follow).map_err(Unavailable::Unknown)?;
        Ok(page.map_or_else(refused, GroupAnswer::Page))
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
        let of_groups: Vec<_> = std::iter::from_fn(|| self.groups.poll_output()).collect();
        if outputs.is_empty() && of_groups.is_empty() {
            return Ok(false);
        }
        let failed = |error: redb::Error| format!("its disk refused a write: {error}");
        self.file.commit(&outputs, &of_groups).map_err(failed)?;
        self.publish(of_groups);
        for (id, boss) in &self.bosses {
            if self.file.wants_snapshot(*id) {
                self.file.save_snapshot(*id, &boss.snapshot()).map_err(failed)?;
            }
        }
        Ok(true)
    }

    /// Tells those who follow groups what is durable now.
    fn publish(&self, outputs: Vec<(GroupId, GroupsOutput)>) {
        let mut news: BTreeMap<GroupId, Vec<GroupEntry>> = BTreeMap::new();
        for (id, output) in outputs {
            let entries = news.entry(id).or_default();
            match output {
                GroupsOutput::Begun(name) => {
                    let schema = self.groups.get(id).schema();
                    self.recent.begin(&name, schema, schema.start(), None);
                }
                GroupsOutput::Group(GroupOutput::Entry(entry)) => entries.push(entry),
                GroupsOutput::Group(GroupOutput::Barred(keeper, version)) => tracing::warn!(
                    target: "worldboss::authority",
                    group = %self.groups.name(id), %version, keeper = %keeper.0,
                    "a kept value is not what its log makes: it is dropped, and its keeper brings \
                     no more",
                ),
                GroupsOutput::Group(
                    GroupOutput::Note(_) | GroupOutput::State(_) | GroupOutput::Value(..),
                ) => {}
            }
        }
        for (id, entries) in news {
            let newest = self.groups.get(id).newest();
            self.recent.publish(self.groups.name(id), entries, newest.as_ref());
        }
    }
}
