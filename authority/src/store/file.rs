//! The file of an embedded authority: one redb file with the log and its snapshots.

use super::groups;
use crate::disk::{DiskError, Kind};
use crate::machine::group::{Bounds, Past};
use crate::machine::{GroupId, Groups, GroupsOutput, Machine, Output};
use protocol::limits::{
    KEEP_GENERATIONS, LOG_PAGE_BYTES_MAX, LOG_PAGE_ENTRIES_MAX, SNAPSHOT_ENTRIES_MAX,
};
use protocol::mutants::{self, Mutant};
use protocol::{
    BossId, BossSpec, Entry, Follow, Gen, GroupPage, GroupRefusal, LogPage, Propose, ReadLog,
    Snapshot, decode_record, encode_record,
};
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    WriteTransaction,
};
use std::collections::BTreeMap;
use std::path::Path;
use ucore::Version;

/// (boss, version) -> [`Entry`].
const LOG: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("log");
/// boss -> the newest [`Snapshot`]: where opening starts to fold.
const NEWEST: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("newest");
/// (boss, generation) -> the version and the [`Snapshot`] before its first entry: where its whole
/// log begins.
const BASES: TableDefinition<'_, (u32, u32), (u64, &[u8])> = TableDefinition::new("bases");
/// boss -> the [`BossSpec`] of its generations to come: the list of bosses.
const NEXT: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("next");

const FILE: Kind = Kind {
    name: "authority.redb",
    format: 5,
    cure: "put a backup of the file in its place, or move it away to begin anew: shards then push \
           again what their journals still hold",
};

fn create(write: &WriteTransaction) -> Result<(), redb::Error> {
    write.open_table(LOG)?;
    write.open_table(NEWEST)?;
    write.open_table(BASES)?;
    write.open_table(NEXT)?;
    groups::create(write)
}

/// The open file.
#[derive(Debug)]
pub(super) struct File {
    database: Database,
    /// What opening would have to fold, by boss.
    since_snapshot: BTreeMap<BossId, Since>,
}

/// The log after the newest snapshot.
#[derive(Debug, Clone, Copy, Default)]
struct Since {
    entries: u64,
    bytes: usize,
    /// Bytes of that snapshot.
    snapshot: usize,
}

impl File {
    /// Opens or creates the file in `dir`, and checks every page of it.
    pub(super) fn open(dir: &Path) -> Result<Self, DiskError> {
        Ok(Self { database: FILE.open(dir, create)?, since_snapshot: BTreeMap::new() })
    }

    /// The same, on a disk that is none of the system's.
    pub(super) fn open_on(disk: impl StorageBackend) -> Result<Self, DiskError> {
        Ok(Self { database: FILE.open_on(disk, create)?, since_snapshot: BTreeMap::new() })
    }

    /// Whether the directory has such a file.
    pub(super) fn is_in(dir: &Path) -> bool {
        FILE.path(dir).exists()
    }

    /// The machines of all bosses as their logs left them.
    pub(super) fn restore(&mut self, dir: &Path) -> Result<BTreeMap<BossId, Machine>, DiskError> {
        let bosses = self.bosses().map_err(|error| FILE.damaged(dir, error))?;
        let mut machines = BTreeMap::new();
        for (boss, spec) in bosses {
            let spec = decode_record(&spec).map_err(|error| FILE.damaged(dir, error))?;
            machines.insert(boss, self.restore_boss(dir, boss, spec)?);
        }
        Ok(machines)
    }

    /// All groups as their logs left them.
    pub(super) fn restore_groups(&self, dir: &Path, bounds: Bounds) -> Result<Groups, DiskError> {
        groups::restore(&self.database, bounds).map_err(|error| FILE.damaged(dir, error))
    }

    fn bosses(&self) -> Result<Vec<(BossId, Vec<u8>)>, redb::Error> {
        let read = self.database.begin_read()?;
        let mut bosses = Vec::new();
        for line in read.open_table(NEXT)?.iter()? {
            let (boss, spec) = line?;
            bosses.push((BossId(boss.value()), spec.value().to_vec()));
        }
        Ok(bosses)
    }

    fn restore_boss(
        &mut self,
        dir: &Path,
        boss: BossId,
        spec: BossSpec,
    ) -> Result<Machine, DiskError> {
        let damage = |error: redb::Error| FILE.damaged(dir, error);
        let snapshot = self.newest(boss).map_err(damage)?;
        let size = snapshot.as_ref().map_or(0, Vec::len);
        let snapshot: Option<Snapshot> = snapshot
            .map(|bytes| decode_record(&bytes))
            .transpose()
            .map_err(|error| FILE.damaged(dir, error))?;
        let snapshot = snapshot.unwrap_or_default();
        let entries =
            self.entries(boss, snapshot.version, usize::MAX, usize::MAX).map_err(damage)?;
        let bytes = entries.iter().map(|entry| entry.fields.len() + entry.blob.len()).sum();
        let since = Since { entries: entries.len() as u64, bytes, snapshot: size };
        self.since_snapshot.insert(boss, since);
        Machine::restore(boss, spec, snapshot, entries).map_err(|error| FILE.damaged(dir, error))
    }

    /// Makes outputs durable: one commit, synced before it returns.
    pub(super) fn commit(
        &mut self,
        outputs: &[(BossId, Output)],
        of_groups: &[(GroupId, GroupsOutput)],
    ) -> Result<(), redb::Error> {
        let mut write = self.database.begin_write()?;
        if mutants::is(Mutant::LogUnsynced) {
            write.set_durability(Durability::None)?;
        }
        // Opening a table is a search, so those that get nothing are left alone.
        if !outputs.is_empty() {
            self.write_bosses(&write, outputs)?;
        }
        if !of_groups.is_empty() {
            let mut tables = groups::Tables::open(&write)?;
            of_groups.iter().try_for_each(|(id, output)| tables.write(*id, output))?;
        }
        write.commit()?;
        Ok(())
    }

    fn write_bosses(
        &mut self,
        write: &WriteTransaction,
        outputs: &[(BossId, Output)],
    ) -> Result<(), redb::Error> {
        let mut tables = Tables::open(write)?;
        for (boss, output) in outputs {
            let since = self.since_snapshot.entry(*boss).or_default();
            match output {
                Output::Entry(entry) => {
                    let record = encode_record(entry);
                    since.entries += 1;
                    since.bytes += record.len();
                    tables.log.insert((boss.0, entry.version.0), record.as_slice())?;
                }
                Output::Base(generation, base) => {
                    let snapshot = tables.begin(*boss, *generation, base)?;
                    *since = Since { snapshot, ..Since::default() };
                }
                Output::Next(spec) => {
                    tables.next.insert(boss.0, encode_record(&**spec).as_slice())?;
                }
            }
        }
        Ok(())
    }

    /// Whether it is time to write a snapshot, so that opening stays fast.
    pub(super) fn wants_snapshot(&self, boss: BossId) -> bool {
        self.since_snapshot.get(&boss).is_some_and(|since| {
            since.entries >= SNAPSHOT_ENTRIES_MAX && since.bytes >= since.snapshot
        })
    }

    /// Replaces the snapshot from which opening starts.
    pub(super) fn save_snapshot(
        &mut self,
        boss: BossId,
        snapshot: &Snapshot,
    ) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        let record = encode_record(snapshot);
        write.open_table(NEWEST)?.insert(boss.0, record.as_slice())?;
        write.commit()?;
        let since = Since { snapshot: record.len(), ..Since::default() };
        self.since_snapshot.insert(boss, since);
        Ok(())
    }

    /// A page of the log.
    pub(super) fn page(&self, page: ReadLog) -> Result<LogPage, String> {
        let base = self.base(page).map_err(|error| error.to_string())?;
        let base: Option<Snapshot> = base
            .map(|bytes| decode_record(&bytes))
            .transpose()
            .map_err(|error| error.to_string())?;
        let after = base.as_ref().map_or(page.after, |base| base.version);
        let entries = self.entries(page.boss, after, LOG_PAGE_ENTRIES_MAX, LOG_PAGE_BYTES_MAX);
        let entries = entries.map_err(|error| error.to_string())?;
        Ok(LogPage { base: base.map(Box::new), entries })
    }

    /// What a proposal's writer has seen is to the group's log.
    pub(super) fn group_past(&self, groups: &Groups, propose: &Propose) -> Result<Past, String> {
        // What expects nothing rests on nothing, and of an unknown group there is no log.
        let group = propose.expect.map(|_| groups.find(&propose.group, propose.schema));
        let Some(Ok(id)) = group else { return Ok(Past::Own) };
        let past = groups::past(&self.database, (id, groups.get(id)), propose.seen);
        past.map_err(|error| error.to_string())
    }

    /// A page of a group's log, when all that the groups have put out is committed.
    pub(super) fn group_page(
        &self,
        groups: &Groups,
        follow: &Follow,
    ) -> Result<Result<GroupPage, GroupRefusal>, String> {
        let id = match groups.find(&follow.group, follow.schema) {
            Ok(id) => id,
            Err(why) => return Ok(Err(why)),
        };
        let page = groups::page(&self.database, (id, groups.get(id)), groups.bounds(), follow);
        page.map_err(|error| error.to_string())
    }

    /// The oldest base, if the page asked for begins before it.
    fn base(&self, page: ReadLog) -> Result<Option<Vec<u8>>, redb::Error> {
        let tables = self.database.begin_read()?;
        let bases = tables.open_table(BASES)?;
        let oldest = bases.range((page.boss.0, 0)..=(page.boss.0, u32::MAX))?.next().transpose()?;
        Ok(oldest.and_then(|(_, base)| {
            let (version, bytes) = base.value();
            (page.after < Version(version)).then(|| bytes.to_vec())
        }))
    }

    fn newest(&self, boss: BossId) -> Result<Option<Vec<u8>>, redb::Error> {
        let read = self.database.begin_read()?;
        let newest = read.open_table(NEWEST)?.get(boss.0)?;
        Ok(newest.map(|bytes| bytes.value().to_vec()))
    }

    fn entries(
        &self,
        boss: BossId,
        after: Version,
        max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Entry>, redb::Error> {
        let read = self.database.begin_read()?;
        let log = read.open_table(LOG)?;
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for line in log.range((boss.0, after.next().0)..=(boss.0, u64::MAX))?.take(max) {
            let record = line?.1;
            let entry = decode_record(record.value())
                .map_err(|error| redb::StorageError::Corrupted(error.to_string()))?;
            entries.push(entry);
            bytes += record.value().len();
            if bytes >= bytes_max {
                break;
            }
        }
        Ok(entries)
    }
}

/// The tables that a commit may write.
struct Tables<'a> {
    log: redb::Table<'a, (u32, u64), &'static [u8]>,
    newest: redb::Table<'a, u32, &'static [u8]>,
    bases: redb::Table<'a, (u32, u32), (u64, &'static [u8])>,
    next: redb::Table<'a, u32, &'static [u8]>,
}

impl<'a> Tables<'a> {
    fn open(write: &'a WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            log: write.open_table(LOG)?,
            newest: write.open_table(NEWEST)?,
            bases: write.open_table(BASES)?,
            next: write.open_table(NEXT)?,
        })
    }

    /// A generation begins at `base`, whose bytes it counts, and those that are no longer kept lose
    /// their logs.
    fn begin(
        &mut self,
        boss: BossId,
        generation: Gen,
        base: &Snapshot,
    ) -> Result<usize, redb::Error> {
        let bytes = encode_record(base);
        self.bases.insert((boss.0, generation.0), (base.version.0, bytes.as_slice()))?;
        // Opening may not start from what is dropped below.
        self.newest.insert(boss.0, bytes.as_slice())?;
        let size = bytes.len();
        let Some(oldest) = generation.0.checked_sub(KEEP_GENERATIONS) else { return Ok(size) };
        let kept_from = self.bases.get((boss.0, oldest))?.map(|base| base.value().0);
        let Some(version) = kept_from else { return Ok(size) };
        self.log.retain_in((boss.0, 0)..=(boss.0, version), |_, _| false)?;
        self.bases.retain_in((boss.0, 0)..(boss.0, oldest), |_, _| false)?;
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Saga;
    use protocol::{
        Enter, ExecutorId, Interval, Join, JournalId, Micros, PlayerId, Push, Scenario, ShardId,
    };
    use ucore::{Bin, GMapDelta, Max};

    const JOURNAL: JournalId = JournalId(Bin([3; 16]));

    /// Kills the boss with one push, and lets its books close and the next generation begin.
    fn play_generation(machine: &mut Machine, generation: Gen) {
        let (boss, journal) = (machine.id(), JOURNAL);
        machine.handle_enter(&Enter { boss, journal, generation });
        let to = machine.truth().hp_max;
        let players = GMapDelta::line(PlayerId(1), Max::of(to));
        let interval = Interval { generation, from: 0, to, players, names: BTreeMap::new() };
        let (seen, standings) = (machine.truth().seen(), 0);
        let mut push = Push { boss, journal, interval, last: false, online: 1, seen, standings };
        machine.handle_push(push.clone());
        push.last = true;
        let executor = ExecutorId(Bin([u8::try_from(generation.0).unwrap(); 16]));
        let (mut saga, mut now) = (Saga::new(boss, executor, 0), Micros(0));
        for _ in 0..60 {
            now = now + Micros::from_millis(1_000);
            saga.drive(now, machine);
            machine.handle_push(push.clone());
            if machine.truth().generation != generation {
                return;
            }
        }
        panic!("it does not come; after 60 seconds there is {:#?}", machine.truth());
    }

    fn commit(store: &mut File, machine: &mut Machine) {
        let outputs: Vec<_> = std::iter::from_fn(|| machine.poll_output()).collect();
        let boss = machine.id();
        let outputs: Vec<_> = outputs.into_iter().map(|output| (boss, output)).collect();
        store.commit(&outputs, &[]).unwrap();
    }

    #[test]
    fn old_generations_stand_in_the_hall_of_fame_and_newer_ones_keep_their_whole_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = File::open(dir.path()).unwrap();
        let Scenario { id, spec } = Scenario::parse(Scenario::default_text()).unwrap();
        assert_eq!(store.restore(dir.path()).unwrap().len(), 0);
        let mut machine = Machine::new(id, spec);
        let (journal, shard) = (JOURNAL, ShardId(1));
        machine.handle_join(Join { boss: id, journal, shard, lineage: Vec::new() });
        for generation in 1..=5 {
            play_generation(&mut machine, Gen(generation));
            commit(&mut store, &mut machine);
        }
        // Generation 6 goes on: 4 and 5 are whole.
        let page = store.page(ReadLog { boss: id, after: Version(0), wait_ms: 0 }).unwrap();
        let base = page.base.expect("the log no longer begins at version 1");
        assert_eq!(base.boss.current().map(|(generation, _)| generation), Some(Gen(3)));
        assert!(page.entries[0].fields.starts_with("spawn g=4 "), "{}", page.entries[0].fields);
        let mut value = *base;
        page.entries.iter().for_each(|entry| value.follow(entry).unwrap());
        assert_eq!(value, machine.snapshot(), "the base and what follows are the whole value");
        let fame = value.boss.fame();
        assert_eq!(fame.hall.keys().map(|it| it.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        let profile = &fame.profiles[&PlayerId(1)];
        assert_eq!((profile.kills, profile.damage), (5, 5 * machine.truth().hp_max));
        drop(store);
        let mut store = File::open(dir.path()).unwrap();
        let again = store.restore(dir.path()).unwrap();
        assert_eq!(again[&id].snapshot(), machine.snapshot(), "and it opens again");
    }
}
