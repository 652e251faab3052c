//! The file of a shard: one redb file with its journal.

use crate::machine::{Disk, Journal, Record};
use authority::disk::{DiskError, Kind};
use protocol::JournalId;
use protocol::mutants::{self, Mutant};
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    WriteTransaction,
};
use std::path::Path;
use ucore::{Updatable, decode, encode};

/// tick -> [`Record`], after the checkpoint.
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
/// The [`Journal`] from which the records continue.
const CHECKPOINT: TableDefinition<'_, (), &[u8]> = TableDefinition::new("checkpoint");
/// A [`JournalId`] that was about to join.
const INTENT: TableDefinition<'_, (), &[u8]> = TableDefinition::new("intent");

const FILE: Kind = Kind {
    name: "journal.redb",
    format: 2,
    cure: "put a backup of the file in its place, or move it away to begin anew: what was pushed \
           stays counted, sessions and damage that were not pushed are lost with the file",
};

fn create(write: &WriteTransaction) -> Result<(), redb::Error> {
    write.open_table(RECORDS)?;
    write.open_table(CHECKPOINT)?;
    write.open_table(INTENT)?;
    Ok(())
}

/// The journal's file.
#[derive(Debug)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Whether the directory has such a file.
    #[must_use]
    pub fn is_in(dir: &Path) -> bool {
        FILE.path(dir).exists()
    }

    /// Opens or creates the file in `dir`, checks it, and replays it.
    ///
    /// # Errors
    /// [`DiskError`], which names the file and the cure.
    pub fn open(dir: &Path) -> Result<(Self, Disk), DiskError> {
        Self::replayed(dir, FILE.open(dir, create)?)
    }

    /// The same, on a disk that is none of the system's.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open_on(disk: impl StorageBackend) -> Result<(Self, Disk), DiskError> {
        Self::replayed(Path::new(""), FILE.open_on(disk, create)?)
    }

    fn replayed(dir: &Path, database: Database) -> Result<(Self, Disk), DiskError> {
        let store = Self { database };
        let disk = store.replay().map_err(|what| FILE.damaged(dir, what))?;
        Ok((store, disk))
    }

    fn replay(&self) -> Result<Disk, String> {
        let (checkpoint, intent, records) = self.read().map_err(|error| error.to_string())?;
        let intent = intent.map(|bytes| decode::<JournalId>(&bytes)).transpose();
        let intent = intent.map_err(|error| format!("the intent: {error}"))?;
        let Some(checkpoint) = checkpoint else {
            return Ok(Disk { journal: None, intent });
        };
        let mut journal: Journal =
            decode(&checkpoint).map_err(|error| format!("the checkpoint: {error}"))?;
        for bytes in records {
            let record: Record = decode(&bytes).map_err(|error| format!("a record: {error}"))?;
            let tick = record.tick;
            journal
                .apply(record)
                .map_err(|reject| format!("the record of tick {tick}: {reject}"))?;
        }
        Ok(Disk { journal: Some(journal), intent })
    }

    #[expect(clippy::type_complexity, reason = "three tables, read together, used once")]
    fn read(&self) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>, Vec<Vec<u8>>), redb::Error> {
        let read = self.database.begin_read()?;
        let checkpoint = read.open_table(CHECKPOINT)?.get(())?.map(|bytes| bytes.value().to_vec());
        let intent = read.open_table(INTENT)?.get(())?.map(|bytes| bytes.value().to_vec());
        let mut records = Vec::new();
        for line in read.open_table(RECORDS)?.iter()? {
            records.push(line?.1.value().to_vec());
        }
        Ok((checkpoint, intent, records))
    }

    /// How many records there are after the checkpoint.
    #[cfg(test)]
    pub(crate) fn records_len(&self) -> Result<u64, redb::Error> {
        use redb::ReadableTableMetadata;
        Ok(self.database.begin_read()?.open_table(RECORDS)?.len()?)
    }

    /// Syncs the id of a journal that is about to join.
    ///
    /// # Errors
    /// What the disk says. Then nobody knows what the file holds.
    pub fn intend(&self, journal: JournalId) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        write.open_table(INTENT)?.insert((), encode(&journal).as_slice())?;
        write.commit()?;
        Ok(())
    }

    /// Syncs a journal that has joined, in the place of everything before.
    ///
    /// # Errors
    /// What the disk says. Then nobody knows what the file holds.
    pub fn adopt(&self, journal: &Journal) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        write.open_table(INTENT)?.remove(())?;
        write.open_table(RECORDS)?.retain(|_, _| false)?;
        write.open_table(CHECKPOINT)?.insert((), encode(journal).as_slice())?;
        write.commit()?;
        Ok(())
    }

    /// Syncs a tick's record, and `checkpoint`, the journal before it, if it is given.
    ///
    /// # Errors
    /// What the disk says. Then nobody knows what the file holds.
    pub fn append(&self, record: &Record, checkpoint: Option<&Journal>) -> Result<(), redb::Error> {
        let mut write = self.database.begin_write()?;
        if mutants::is(Mutant::RecordUnsynced) {
            write.set_durability(Durability::None)?;
        }
        {
            let mut records = write.open_table(RECORDS)?;
            if let Some(journal) = checkpoint {
                write.open_table(CHECKPOINT)?.insert((), encode(journal).as_slice())?;
                records.retain(|_, _| false)?;
            }
            records.insert(record.tick.0, encode(record).as_slice())?;
        }
        write.commit()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{BossId, ShardId};
    use ucore::Bin;

    #[test]
    fn an_intent_is_found_until_its_journal_is_adopted() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::begin(JournalId(Bin([1; 16])), BossId(1), ShardId(1), None, false);
        let (store, _) = Store::open(dir.path()).unwrap();
        store.intend(journal.id).unwrap();
        drop(store);
        let (store, disk) = Store::open(dir.path()).unwrap();
        assert_eq!(disk, Disk { journal: None, intent: Some(journal.id) });
        store.adopt(&journal).unwrap();
        drop(store);
        let (_, disk) = Store::open(dir.path()).unwrap();
        assert_eq!(disk, Disk { journal: Some(journal), intent: None });
    }
}
