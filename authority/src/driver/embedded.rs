//! The embedded authority: the machine in this process, on a thread and a disk of its own.
//!
//! Requests that wait together share one synced commit, and each is answered after it.
#![expect(
    clippy::disallowed_methods,
    reason = "the driver owns the thread; a synced commit must not block a runtime's worker"
)]

use super::entropy;
use super::executor::PATIENCE;
use super::store::Store;
use crate::client::{Answered, Authority};
use crate::disk::DiskError;
use crate::machine::{Machine, Saga};
use futures::FutureExt;
use futures::future::BoxFuture;
use protocol::limits::{AUTHORITY_REQUESTS_MAX, COMMIT_REQUESTS_MAX, READ_WAIT_MS_MAX};
use protocol::{
    BossId, ExecutorId, ReadLog, Spawn, SpawnAnswer, Status, SyncAnswer, SyncRequest, Unavailable,
};
use score::Clock;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// The embedded authority. Cloning it gives another handle to the same one. Dropping the last one
/// ends it, and waits until its file is closed.
#[derive(Debug, Clone)]
pub struct Embedded {
    // Dropped before the thread, which ends when no sender is left.
    requests: mpsc::Sender<Asked>,
    /// Counts commits: readers at the end of a log wait for the next one.
    commits: watch::Receiver<u64>,
    /// Why it stopped, once it has.
    stopped: watch::Receiver<Option<Arc<str>>>,
    _thread: Arc<Thread>,
}

/// Waits for the thread when it is dropped.
#[derive(Debug)]
struct Thread(Option<std::thread::JoinHandle<()>>);

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // A thread that has panicked has nothing more to say.
            drop(thread.join());
        }
    }
}

/// What the thread is asked, and where the answer goes.
type Asked = (SyncRequest, oneshot::Sender<Result<SyncAnswer, Unavailable>>);

/// Who takes the steps of settlements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    /// The authority itself, under a term of its own.
    ByItself,
    /// Whoever asks for them: tests and tools that decide when time passes.
    ByHand,
}

impl Embedded {
    /// Whether the directory has an authority, which [`open`](Self::open) would not make anew.
    #[must_use]
    pub fn is_in(dir: &Path) -> bool {
        Store::is_in(dir)
    }

    /// Opens the directory, checks its file, and continues where the logs of its bosses end.
    ///
    /// # Errors
    /// [`DiskError`], which names the file and the cure.
    pub fn open(dir: &Path) -> Result<Self, DiskError> {
        Self::open_with(dir, Steps::ByItself)
    }

    /// The same, with a choice of who takes the steps of settlements.
    ///
    /// # Errors
    /// [`DiskError`], which names the file and the cure.
    pub fn open_with(dir: &Path, steps: Steps) -> Result<Self, DiskError> {
        let mut store = Store::open(dir)?;
        let bosses = store.restore(dir)?;
        let (commits, committed) = watch::channel(0);
        let executor = (steps == Steps::ByItself).then(entropy::executor);
        let (sagas, clock) = (BTreeMap::new(), Clock::start());
        let truths = Truths { store, bosses, commits, executor, sagas, clock };
        let failed = |error: std::io::Error| DiskError::Io(dir.to_owned(), error.to_string());
        let (requests, inbox) = mpsc::channel(AUTHORITY_REQUESTS_MAX);
        let (stop, stopped) = watch::channel(None);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let thread = std::thread::Builder::new()
            .name("authority".to_owned())
            .spawn(move || {
                if let Err(reason) = runtime.block_on(run(truths, inbox)) {
                    tracing::error!(
                        target: "worldboss::authority",
                        "the authority stops: {reason}",
                    );
                    stop.send_replace(Some(reason.into()));
                }
            })
            .map_err(failed)?;
        let thread = Arc::new(Thread(Some(thread)));
        Ok(Self { requests, commits: committed, stopped, _thread: thread })
    }

    async fn request(&self, request: SyncRequest) -> Result<SyncAnswer, Unavailable> {
        let (reply, answer) = oneshot::channel();
        if self.requests.send((request, reply)).await.is_ok()
            && let Ok(answer) = answer.await
        {
            return answer;
        }
        let reason = self.stopped.borrow().as_deref().unwrap_or("its thread has ended").to_owned();
        Err(Unavailable::Stopped(reason))
    }

    /// Reads a page; at the end of the log, waits until there is one.
    async fn read(mut self, page: ReadLog) -> Result<SyncAnswer, Unavailable> {
        let wait = Duration::from_millis(page.wait_ms.min(READ_WAIT_MS_MAX).into());
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            self.commits.mark_unchanged();
            let answer = self.request(SyncRequest::ReadLog(page)).await?;
            let empty = matches!(&answer, SyncAnswer::ReadLog(page) if page.entries.is_empty());
            let more = tokio::time::timeout_at(deadline, self.commits.changed());
            if !empty || !matches!(more.await, Ok(Ok(()))) {
                return Ok(answer);
            }
        }
    }
}

impl Authority for Embedded {
    fn ask(&self, request: SyncRequest) -> Answered<SyncAnswer> {
        let authority = self.clone();
        if let SyncRequest::ReadLog(page) = request
            && page.wait_ms > 0
        {
            return authority.read(page).boxed();
        }
        async move { authority.request(request).await }.boxed()
    }

    /// It stops by itself when its disk refuses a write or a sync: what the disk holds then is
    /// unknown, so it must be opened and checked anew.
    fn stopped(&self) -> BoxFuture<'static, String> {
        let mut stopped = self.stopped.clone();
        async move {
            match stopped.wait_for(Option::is_some).await {
                Ok(reason) => reason.as_deref().unwrap_or_default().to_owned(),
                Err(_) => "its thread has ended".to_owned(),
            }
        }
        .boxed()
    }
}

/// All bosses of a file.
struct Truths {
    store: Store,
    bosses: BTreeMap<BossId, Machine>,
    commits: watch::Sender<u64>,
    /// Who takes the steps of settlements here, if anybody does.
    executor: Option<ExecutorId>,
    sagas: BTreeMap<BossId, Saga>,
    clock: Clock,
}

/// Serves requests until every handle is gone, or the disk fails.
async fn run(mut truths: Truths, mut inbox: mpsc::Receiver<Asked>) -> Result<(), String> {
    let mut asked = Vec::new();
    loop {
        truths.settle();
        truths.commit()?;
        let look = truths.sagas.values().map(Saga::poll_timeout).min();
        let look = tokio::time::sleep_until(truths.clock.instant(look));
        tokio::select! {
            count = inbox.recv_many(&mut asked, COMMIT_REQUESTS_MAX) => {
                if count == 0 {
                    return Ok(());
                }
                let answers: Vec<_> = asked
                    .drain(..)
                    .map(|(request, reply)| (truths.answer(request), reply))
                    .collect();
                let committed = truths.commit();
                for (answer, reply) in answers {
                    let durable = committed.clone().map_err(Unavailable::Stopped);
                    // Who asked may be gone; then nobody needs it.
                    drop(reply.send(durable.and(answer)));
                }
                committed?;
            }
            () = look => {}
        }
    }
}

impl Truths {
    /// Takes the steps of settlements that are due. Those of one turn share a commit.
    fn settle(&mut self) {
        let Some(executor) = self.executor else { return };
        let now = self.clock.now();
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

    /// Carries a request out. The answer must be kept back until the commit.
    fn answer(&mut self, request: SyncRequest) -> Result<SyncAnswer, Unavailable> {
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
                SyncAnswer::ReadLog(self.store.page(page).map_err(Unavailable::Unknown)?)
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

    /// Makes durable what the machines put out.
    fn commit(&mut self) -> Result<(), String> {
        let outputs: Vec<_> = self
            .bosses
            .iter_mut()
            .flat_map(|(id, boss)| std::iter::from_fn(|| boss.poll_output()).map(|out| (*id, out)))
            .collect();
        if outputs.is_empty() {
            return Ok(());
        }
        let failed = |error: redb::Error| format!("its disk refused a write: {error}");
        self.store.commit(&outputs).map_err(failed)?;
        self.commits.send_modify(|commits| *commits += 1);
        for (id, boss) in &self.bosses {
            if self.store.wants_snapshot(*id) {
                self.store.save_snapshot(*id, &boss.snapshot()).map_err(failed)?;
            }
        }
        Ok(())
    }
}
