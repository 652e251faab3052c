//! The embedded authority's disk: one redb file with the log, its snapshots and closed ledgers.

use crate::machine::{Machine, Output, RestoreError};
use protocol::limits::{KEEP_GENERATIONS, LOG_PAGE_ENTRIES_MAX, SNAPSHOT_ENTRIES_MAX};
use protocol::{
    BossId, BossSpec, Entry, Gen, Ledger, LogPage, ReadLog, Snapshot, decode, encode,
};
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::{Path, PathBuf};
use ucore::Version;

const FORMAT: TableDefinition<'_, &str, u64> = TableDefinition::new("format");
/// (boss, version) -> [`Entry`].
const LOG: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("log");
/// boss -> the newest [`Snapshot`]: where opening starts to fold.
const NEWEST: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("newest");
/// (boss, generation) -> the [`Snapshot`] before its first entry: where its whole log begins.
const BASES: TableDefinition<'_, (u32, u32), &[u8]> = TableDefinition::new("bases");
/// (boss, generation) -> the ledger with which it ended.
const LEDGERS: TableDefinition<'_, (u32, u32), &[u8]> = TableDefinition::new("ledgers");

const FORMAT_VERSION: u64 = 1;

/// Why the authority's file can't be used. Each text names the file and the cure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is in use by another process; stop that one first, or choose another directory", .0.display())]
    Locked(PathBuf),
    /// The disk refuses.
    #[error("can't open {path}: {1}; check that it can be read and written", path = .0.display())]
    Io(PathBuf, String),
    /// Its contents were damaged.
    #[error(
        "{path} is damaged ({1}); put a backup of the file in its place, or move it away to begin \
         anew: shards then push again what their journals still hold", path = .0.display()
    )]
    Damaged(PathBuf, String),
    /// It was written by another version of worldboss.
    #[error(
        "{path} has format {1}, and this build reads format {FORMAT_VERSION}; use the build that \
         wrote it", path = .0.display()
    )]
    Format(PathBuf, u64),
}

/// The open file.
#[derive(Debug)]
pub(super) struct Store {
    database: Database,
    since_snapshot: u64,
}

impl Store {
    /// Opens or creates the file in `dir`, and checks every page of it.
    pub(super) fn open(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join("authority.redb");
        let io = |error: std::io::Error| OpenError::Io(path.clone(), error.to_string());
        std::fs::create_dir_all(dir).map_err(io)?;
        let fresh = !path.try_exists().map_err(io)?;
        let opened = if fresh { Database::create(&path) } else { Database::open(&path) };
        let mut database = opened.map_err(|error| open_error(&path, error))?;
        if fresh {
            // A file whose name was never synced is gone after a power cut.
            std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)?;
        }
        // A plain open reads flipped bits as data.
        match database.check_integrity() {
            Ok(true) => {}
            Ok(false) => return Err(damaged(&path, "pages did not match their checksums")),
            Err(error) => return Err(open_error(&path, error)),
        }
        let store = Self { database, since_snapshot: 0 };
        let format = store.format(fresh).map_err(|error| damaged(&path, error))?;
        if format == FORMAT_VERSION { Ok(store) } else { Err(OpenError::Format(path, format)) }
    }

    /// Reads the format's version; a fresh file gets its tables here.
    fn format(&self, fresh: bool) -> Result<u64, redb::Error> {
        if fresh {
            let write = self.database.begin_write()?;
            write.open_table(FORMAT)?.insert("version", FORMAT_VERSION)?;
            write.open_table(LOG)?;
            write.open_table(NEWEST)?;
            write.open_table(BASES)?;
            write.open_table(LEDGERS)?;
            write.commit()?;
        }
        let read = self.database.begin_read()?;
        let version = read.open_table(FORMAT)?.get("version")?;
        Ok(version.map_or(0, |version| version.value()))
    }

    /// The boss's machine as the log left it.
    pub(super) fn restore(
        &self,
        dir: &Path,
        boss: BossId,
        spec: BossSpec,
    ) -> Result<Machine, OpenError> {
        let path = dir.join("authority.redb");
        let damage = |error: redb::Error| damaged(&path, error);
        let snapshot = self.newest(boss).map_err(damage)?;
        let snapshot: Option<Snapshot> = snapshot
            .map(|bytes| decode(&bytes))
            .transpose()
            .map_err(|error| damaged(&path, error))?;
        let after = snapshot.as_ref().map_or(Version(0), |snapshot| snapshot.version);
        let entries = self.entries(boss, after, usize::MAX).map_err(damage)?;
        Machine::restore(boss, spec, snapshot, entries)
            .map_err(|error: RestoreError| damaged(&path, error))
    }

    /// Makes outputs durable: one commit, synced before it returns.
    pub(super) fn commit(&mut self, boss: BossId, outputs: &[Output]) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        {
            let mut log = write.open_table(LOG)?;
            let mut bases = write.open_table(BASES)?;
            let mut ledgers = write.open_table(LEDGERS)?;
            for output in outputs {
                match output {
                    Output::Entry(entry) => {
                        self.since_snapshot += 1;
                        log.insert((boss.0, entry.version.0), encode(entry).as_slice())?;
                    }
                    Output::Base(generation, base) => {
                        bases.insert((boss.0, generation.0), encode(base).as_slice())?;
                        if let Some(closed) = closing_ledger(boss, base) {
                            let key = (boss.0, generation.0 - 1);
                            ledgers.insert(key, encode(&closed).as_slice())?;
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
        write.open_table(NEWEST)?.insert(boss.0, encode(snapshot).as_slice())?;
        write.commit()?;
        self.since_snapshot = 0;
        Ok(())
    }

    /// A page of the log.
    pub(super) fn page(&self, page: ReadLog) -> Result<LogPage, String> {
        let read = || -> Result<_, redb::Error> {
            let tables = self.database.begin_read()?;
            let bases = tables.open_table(BASES)?;
            let oldest = bases.range((page.boss.0, 0)..=(page.boss.0, u32::MAX))?.next();
            let base = oldest.transpose()?.map(|(_, base)| base.value().to_vec());
            Ok(base)
        };
        let base = read().map_err(|error| error.to_string())?;
        let base: Option<Snapshot> =
            base.map(|bytes| decode(&bytes)).transpose().map_err(|error| error.to_string())?;
        let base = base.filter(|base| page.after < base.version);
        let after = base.as_ref().map_or(page.after, |base| base.version);
        let entries = self
            .entries(page.boss, after, LOG_PAGE_ENTRIES_MAX)
            .map_err(|error| error.to_string())?;
        Ok(LogPage { base: base.map(Box::new), entries })
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
            let entry = decode(line?.1.value())
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
    bases: &mut redb::Table<'_, (u32, u32), &[u8]>,
) -> Result<(), redb::Error> {
    let Some(oldest) = generation.0.checked_sub(KEEP_GENERATIONS) else { return Ok(()) };
    let Some(base) = bases.get((boss.0, oldest))?.map(|base| base.value().to_vec()) else {
        return Ok(());
    };
    let base: Snapshot =
        decode(&base).map_err(|error| redb::StorageError::Corrupted(error.to_string()))?;
    log.retain_in((boss.0, 0)..=(boss.0, base.version.0), |_, _| false)?;
    bases.retain_in((boss.0, 0)..(boss.0, oldest), |_, _| false)?;
    Ok(())
}

fn damaged(path: &Path, what: impl std::fmt::Display) -> OpenError {
    OpenError::Damaged(path.to_owned(), what.to_string())
}

fn open_error(path: &Path, error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::Locked(path.to_owned()),
        DatabaseError::Storage(redb::StorageError::Io(error))
            if error.kind() != std::io::ErrorKind::InvalidData
                && error.kind() != std::io::ErrorKind::UnexpectedEof =>
        {
            OpenError::Io(path.to_owned(), error.to_string())
        }
        error => damaged(path, error),
    }
}
