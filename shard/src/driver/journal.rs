//! Hop 7, journal: a tick becomes durable, once, before any of its hits is accepted.
#![expect(
    clippy::disallowed_methods,
    reason = "the driver owns the thread; a sync must not block a runtime's worker"
)]

use crate::machine::{Journal, Record};
use crate::store::Store;
use protocol::limits::JOURNAL_RECORDS_MAX;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::oneshot;

/// A record on its way to the disk.
struct Append {
    record: Arc<Record>,
    checkpoint: Option<Journal>,
    done: oneshot::Sender<Result<(), String>>,
}

/// The thread that syncs records, one at a time.
#[derive(Debug)]
pub struct Writer {
    /// None once the writer is being dropped.
    appends: Option<SyncSender<Append>>,
    thread: Option<std::thread::JoinHandle<()>>,
    since_checkpoint: u32,
}

impl Writer {
    /// Starts the thread. Dropping the writer ends it, and waits until the file is closed.
    ///
    /// # Errors
    /// What the system says when it gives no thread.
    pub fn start(store: Store) -> std::io::Result<Self> {
        // The machine has at most one record under way.
        let (appends, inbox) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_all(&store, &inbox))?;
        Ok(Self { appends: Some(appends), thread: Some(thread), since_checkpoint: 0 })
    }

    /// Hands a record over; the receiver hears when it is durable, or the sentence why it is not.
    /// `journal` is the value before it: from time to time that becomes the checkpoint, and the
    /// records before it go.
    pub fn append(
        &mut self,
        record: Arc<Record>,
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
    use crate::machine::{BookChange, BookLine, Disk};
    use protocol::{BossId, Gen, JournalId, PlayerId, SessionId, ShardId, Tick};
    use ucore::{Bin, Updatable};

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
            let synced = writer.append(Arc::new(record(tick)), &journal);
            assert_eq!(synced.await.unwrap(), Ok(()));
            journal.apply(record(tick)).unwrap();
        }
        drop(writer);
        let (store, disk) = Store::open(dir.path()).unwrap();
        assert_eq!(disk, Disk { journal: Some(journal), intent: None });
        let records = store.records_len().unwrap();
        assert!(records <= u64::from(JOURNAL_RECORDS_MAX), "{records} since a checkpoint");
    }
}
