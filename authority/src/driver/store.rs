//! The embedded authority's disk: one redb file with the log, its snapshots and closed ledgers.

use crate::disk::{DiskError, Kind};
use crate::machine::{Machine, Output};
use protocol::limits::{KEEP_GENERATIONS, LOG_PAGE_ENTRIES_MAX, SNAPSHOT_ENTRIES_MAX};
use protocol::{
    BossId, BossSpec, Entry, Gen, Ledger, LogPage, ReadLog, Snapshot, decode_record, encode_record,
};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::Path;
use ucore::Version;

/// (boss, version) -> [`Entry`].
const LOG: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("log");
/// boss -> the newest [`Snapshot`]: where opening starts to fold.
const NEWEST: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("newest");
/// (boss, generation) -> the version and the [`Snapshot`] before its first entry: where its whole
/// log begins.
const BASES: TableDefinition<'_, (u32, u32), (u64, &[u8])> = TableDefinition::new("bases");
/// (boss, generation) -> the ledger with which it ended.
const LEDGERS: TableDefinition<'_, (u32, u32), &[u8]> = TableDefinition::new("ledgers");

const FILE: Kind = Kind {
    name: "authority.redb",
    format: 2,
    cure: "put a backup of the file in its place, or move it away to begin anew: shards then push \
           again what their journals still hold",
};

/// The open file.
#[derive(Debug)]
pub(super) struct Store {
    database: Database,
    since_snapshot: u64,
}

impl Store {
    /// Opens or creates the file in `dir`, and checks every page of it.
    pub(super) fn open(dir: &Path) -> Result<Self, DiskError> {
        let database = FILE.open(dir, |write| {
            write.open_table(LOG)?;
            write.open_table(NEWEST)?;
            write.open_table(BASES)?;
            write.open_table(LEDGERS)?;
            Ok(())
        })?;
        Ok(Self { database, since_snapshot: 0 })
    }

    /// The boss's machine as the log left it.
    pub(super) fn restore(
        &mut self,
        dir: &Path,
        boss: BossId,
        spec: BossSpec,
    ) -> Result<Machine, DiskError> {
        let damage = |error: redb::Error| FILE.damaged(dir, error);
        let snapshot = self.newest(boss).map_err(damage)?;
        let snapshot: Option<Snapshot> = snapshot
            .map(|bytes| decode_record(&bytes))
            .transpose()
            .map_err(|error| FILE.damaged(dir, error))?;
        let snapshot = snapshot.unwrap_or_default();
        let entries = self.entries(boss, snapshot.version, usize::MAX).map_err(damage)?;
        self.since_snapshot = entries.len() as u64;
        Machine::restore(boss, spec, snapshot, entries).map_err(|error| FILE.damaged(dir, error))
    }

    /// Makes outputs durable: one commit, synced before it returns.
    pub(super) fn commit(&mut self, boss: BossId, outputs: &[Output]) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        {
            let mut log = write.open_table(LOG)?;
            let mut bases = write.open_table(BASES)?;
            let mut newest = write.open_table(NEWEST)?;
            let mut ledgers = write.open_table(LEDGERS)?;
            for output in outputs {
                match output {
                    Output::Entry(entry) => {
                        self.since_snapshot += 1;
                        log.insert((boss.0, entry.version.0), encode_record(entry).as_slice())?;
                    }
                    Output::Base(generation, base) => {
                        let bytes = encode_record(base);
                        let line = (base.version.0, bytes.as_slice());
                        bases.insert((boss.0, generation.0), line)?;
                        // Opening may not start from what is dropped below.
                        newest.insert(boss.0, bytes.as_slice())?;
                        self.since_snapshot = 0;
                        if let Some(closed) = closing_ledger(boss, base) {
                            let key = (boss.0, generation.0 - 1);
                            ledgers.insert(key, encode_record(&closed).as_slice())?;
                        }
                        drop_old(boss, *generation, &mut log, &mut bases)?;
                    }
                }
            }
        }
        write.commit()?;
        Ok(())
    }

    /// Whether it is time to write a snapshot, so that opening stays fast.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.since_snapshot >= SNAPSHOT_ENTRIES_MAX
    }

    /// Replaces the snapshot from which opening starts.
    pub(super) fn save_snapshot(
        &mut self,
        boss: BossId,
        snapshot: &Snapshot,
    ) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        write.open_table(NEWEST)?.insert(boss.0, encode_record(snapshot).as_slice())?;
        write.commit()?;
        self.since_snapshot = 0;
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
        let entries = self.entries(page.boss, after, LOG_PAGE_ENTRIES_MAX);
        let entries = entries.map_err(|error| error.to_string())?;
        Ok(LogPage { base: base.map(Box::new), entries })
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

    fn entries(&self, boss: BossId, after: Version, max: usize) -> Result<Vec<Entry>, redb::Error> {
        let read = self.database.begin_read()?;
        let log = read.open_table(LOG)?;
        let mut entries = Vec::new();
        for line in log.range((boss.0, after.next().0)..=(boss.0, u64::MAX))?.take(max) {
            let entry = decode_record(line?.1.value())
                .map_err(|error| redb::StorageError::Corrupted(error.to_string()))?;
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// The ledger with which the generation before a base ended.
fn closing_ledger(boss: BossId, base: &Snapshot) -> Option<protocol::LedgerGeneration> {
    let ledger = Ledger::of(boss, &base.boss, base.version, base.chain);
    ledger.generations.into_iter().last()
}

/// Drops the logs of generations that are no longer kept; their closing ledgers stay.
fn drop_old(
    boss: BossId,
    generation: Gen,
    log: &mut redb::Table<'_, (u32, u64), &[u8]>,
    bases: &mut redb::Table<'_, (u32, u32), (u64, &[u8])>,
) -> Result<(), redb::Error> {
    let Some(oldest) = generation.0.checked_sub(KEEP_GENERATIONS) else { return Ok(()) };
    let base = bases.get((boss.0, oldest))?.map(|base| base.value().0);
    let Some(version) = base else { return Ok(()) };
    log.retain_in((boss.0, 0)..=(boss.0, version), |_, _| false)?;
    bases.retain_in((boss.0, 0)..(boss.0, oldest), |_, _| false)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Enter, Interval, Join, JournalId, PlayerId, Push, Scenario, ShardId, Status};
    use std::collections::BTreeMap;
    use ucore::{Bin, GMapDelta, Max};

    const JOURNAL: JournalId = JournalId(Bin([3; 16]));

    /// Kills the boss with one push, and lets its books close and the next generation begin.
    fn play_generation(machine: &mut Machine, generation: Gen) {
        let (boss, journal) = (machine.id(), JOURNAL);
        machine.handle_enter(&Enter { boss, journal, generation });
        let to = machine.truth().hp_max;
        let players = GMapDelta::line(PlayerId(1), Max::of(to));
        let interval = Interval { generation, from: 0, to, players, names: BTreeMap::new() };
        let seen = machine.truth().seen();
        let mut push = Push { boss, journal, interval, last: false, online: 1, seen };
        machine.handle_push(push.clone());
        machine.handle_poll();
        push.last = true;
        machine.handle_push(push);
        while machine.truth().generation == generation {
            machine.handle_poll();
        }
    }

    fn commit(store: &mut Store, machine: &mut Machine) {
        let outputs: Vec<_> = std::iter::from_fn(|| machine.poll_output()).collect();
        store.commit(machine.id(), &outputs).unwrap();
    }

    #[test]
    fn old_generations_keep_their_closing_ledger_and_newer_ones_their_whole_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let Scenario { id, spec } = Scenario::parse(Scenario::default_text()).unwrap();
        let mut machine = store.restore(dir.path(), id, spec).unwrap();
        let (journal, shard) = (JOURNAL, ShardId(1));
        machine.handle_join(Join { boss: id, journal, shard, lineage: Vec::new() });
        for generation in 1..=5 {
            play_generation(&mut machine, Gen(generation));
            commit(&mut store, &mut machine);
        }
        // Generation 6 goes on: 4 and 5 are whole, 1 to 3 are closing ledgers.
        let page = store.page(ReadLog { boss: id, after: Version(0) }).unwrap();
        let base = page.base.expect("the log no longer begins at version 1");
        assert_eq!(base.boss.current().map(|(generation, _)| generation), Some(Gen(3)));
        assert!(page.entries[0].fields.starts_with("spawn g=4 "), "{}", page.entries[0].fields);
        let mut value = *base;
        page.entries.iter().for_each(|entry| value.follow(entry).unwrap());
        assert_eq!(value, machine.snapshot(), "the base and what follows are the whole value");
        let read = store.database.begin_read().unwrap();
        let ledgers = read.open_table(LEDGERS).unwrap();
        for generation in 1..=5 {
            let bytes = ledgers.get((id.0, generation)).unwrap().expect("a closing ledger");
            let ledger: protocol::LedgerGeneration = decode_record(bytes.value()).unwrap();
            assert_eq!((ledger.generation, ledger.status), (Gen(generation), Status::Closed));
            assert_eq!((ledger.hp, ledger.damage), (0, ledger.hp_max));
        }
        drop((ledgers, read, store));
        let mut store = Store::open(dir.path()).unwrap();
        let again = store.restore(dir.path(), id, machine.spec().clone()).unwrap();
        assert_eq!(again.snapshot(), machine.snapshot(), "and it opens again");
    }
}
