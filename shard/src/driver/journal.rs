//! Hop 7, journal: a tick becomes durable, once, before any of its hits is accepted.
#![expect(
    clippy::disallowed_methods,
    reason = "the driver owns the thread; a sync must not block a runtime's worker"
)]

use crate::machine::{Disk, Journal, Record};
use authority::disk::{DiskError, Kind};
use protocol::JournalId;
use protocol::limits::JOURNAL_RECORDS_MAX;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::oneshot;
use ucore::Updatable;
use ucore::{decode, encode};

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

/// The journal's file.
#[derive(Debug)]
pub(super) struct Store {
    database: Database,
}

impl Store {
    /// Whether the directory has such a file.
    pub(super) fn is_in(dir: &Path) -> bool {
        FILE.path(dir).exists()
    }

    /// Opens or creates the file in `dir`, checks it, and replays it.
    pub(super) fn open(dir: &Path) -> Result<(Self, Disk), DiskError> {
        let database = FILE.open(dir, |write| {
            write.open_table(RECORDS)?;
            write.open_table(CHECKPOINT)?;
            write.open_table(INTENT)?;
            Ok(())
        })?;
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

    /// Syncs the id of a journal that is about to join.
    pub(super) fn intend(&self, journal: JournalId) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        write.open_table(INTENT)?.insert((), encode(&journal).as_slice())?;
        write.commit()?;
        Ok(())
    }

    /// Syncs a journal that has joined, in the place of everything before.
    pub(super) fn adopt(&self, journal: &Journal) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        write.open_table(INTENT)?.remove(())?;
        write.open_table(RECORDS)?.retain(|_, _| false)?;
        write.open_table(CHECKPOINT)?.insert((), encode(journal).as_slice())?;
        write.commit()?;
        Ok(())
    }

    /// Syncs a tick's record, and `checkpoint`, the journal before it, if it is given.
    fn append(&self, record: &Record, checkpoint: Option<&Journal>) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
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

/// A record on its way to the disk.
struct Append {
    record: Record,
    checkpoint: Option<Journal>,
    done: oneshot::Sender<Result<(), String>>,
}

/// The thread that syncs records, one at a time.
#[derive(Debug)]
pub(super) struct Writer {
    /// None once the writer is being dropped.
    appends: Option<SyncSender<Append>>,
    thread: Option<std::thread::JoinHandle<()>>,
    since_checkpoint: u32,
}

impl Writer {
    /// Starts the thread. Dropping the writer ends it, and waits until the file is closed.
    pub(super) fn start(store: Store) -> std::io::Result<Self> {
        // The machine has at most one record under way.
        let (appends, inbox) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_all(&store, &inbox))?;
        Ok(Self { appends: Some(appends), thread: Some(thread), since_checkpoint: 0 })
    }

    /// Hands a record over; the receiver hears when it is durable. `journal` is the value before
    /// it: from time to time that becomes the checkpoint, and the records before it go.
    pub(super) fn append(
        &mut self,
        record: Record,
        journal: &Journal,
    ) -> oneshot::Receiver<Result<(), String>> {
        self.since_checkpoint += 1;
        let checkpoint = (self.since_checkpoint > JOURNAL_RECORDS_MAX).then(|| {
            self.since_checkpoint = 0;
            journal.clone()
        });
        let (done, synced) = oneshot::channel();
        // A thread that is gone drops `done`, and the receiver hears of that.
        if let Some(appends) = &self.appends {
            drop(appends.send(Append { record, checkpoint, done }));
        }
        synced
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.appends = None;
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has nothing more to say.
            drop(thread.join());
        }
    }
}

/// Stops at the first error: after a failed sync nobody knows what the disk holds, so the file
/// must be opened and checked anew.
fn write_all(store: &Store, inbox: &Receiver<Append>) {
    while let Ok(Append { record, checkpoint, done }) = inbox.recv() {
        let written = store.append(&record, checkpoint.as_ref());
        let failed = written.is_err();
        let written = written.map_err(|error| {
            format!("the journal's disk refused a write: {error}; its hits are not accepted")
        });
        drop(done.send(written));
        if failed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{BossId, Gen, PlayerId, SessionId, ShardId, Tick};

    use crate::machine::{BookChange, BookLine};
    use ucore::Bin;

    fn record(tick: u64) -> Record {
        let (total, session) = (tick * 10, SessionId(0));
        let line = BookLine { total: 10, first: total, last: total, session };
        // Another player in every tick: a lost record shows.
        let lines = [(PlayerId(tick), line)].into();
        let book = BookChange { generation: Gen(1), total, answered: total - 10, lines };
        Record { tick: Tick(tick), books: vec![book], ..Record::default() }
    }

    #[tokio::test]
    async fn a_journal_is_replayed_from_its_checkpoint_to_its_last_record() {
        let dir = tempfile::tempdir().unwrap();
        let (store, disk) = Store::open(dir.path()).unwrap();
        assert_eq!(disk, Disk::default());
        let mut journal =
            Journal::begin(JournalId(Bin([1; 16])), BossId(1), ShardId(1), None, false);
        store.intend(journal.id).unwrap();
        store.adopt(&journal).unwrap();
        let mut writer = Writer::start(store).unwrap();
        // Enough for two checkpoints, and some records after the last.
        let ticks = u64::from(JOURNAL_RECORDS_MAX) * 2 + 7;
        for tick in 1..=ticks {
            let synced = writer.append(record(tick), &journal);
            assert_eq!(synced.await.unwrap(), Ok(()));
            journal.apply(record(tick)).unwrap();
        }
        drop(writer);
        let (store, disk) = Store::open(dir.path()).unwrap();
        assert_eq!(disk, Disk { journal: Some(journal), intent: None });
        let records = store.read().unwrap().2.len();
        assert!(records <= JOURNAL_RECORDS_MAX as usize, "{records} records since a checkpoint");
    }

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
