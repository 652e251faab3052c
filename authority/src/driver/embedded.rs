//! The embedded authority: the machine in this process, on a thread and a disk of its own.
//!
//! Requests that wait together share one synced commit, and each is answered after it.
#![expect(
    clippy::disallowed_methods,
    reason = "the driver owns the thread; a synced commit must not block a runtime's worker"
)]

use super::entropy;
use crate::client::{Answered, Authority};
use crate::disk::DiskError;
use crate::machine::group::Bounds;
use crate::recent::Recent;
use crate::store::Truths;
use futures::FutureExt;
use futures::future::BoxFuture;
use protocol::limits::{AUTHORITY_REQUESTS_MAX, COMMIT_REQUESTS_MAX, READ_WAIT_MS_MAX};
use protocol::{
    ExecutorId, Follow, GroupAnswer, GroupRequest, Propose, ReadLog, SyncAnswer, SyncRequest,
    Unavailable,
};
use score::Clock;
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
    /// What was committed of shared structures lately, which needs no question to the thread.
    recent: Arc<Recent>,
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

impl Steps {
    fn executor(self) -> Option<ExecutorId> {
        (self == Self::ByItself).then(entropy::executor)
    }
}

impl Embedded {
    /// Whether the directory has an authority, which [`open`](Self::open) would not make anew.
    #[must_use]
    pub fn is_in(dir: &Path) -> bool {
        Truths::is_in(dir)
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
        Self::open_within(dir, steps, Bounds::default())
    }

    /// The same, with bounds of shared structures that a test can meet.
    ///
    /// # Errors
    /// [`DiskError`], which names the file and the cure.
    pub fn open_within(dir: &Path, steps: Steps, bounds: Bounds) -> Result<Self, DiskError> {
        let truths = Truths::open_within(dir, steps.executor(), bounds)?;
        Self::start(truths).map_err(|error| DiskError::Io(dir.to_owned(), error.to_string()))
    }

    /// One without a disk: nothing of it outlives the process.
    ///
    /// # Errors
    /// [`DiskError`], when the system gives it no thread.
    pub fn in_memory() -> Result<Self, DiskError> {
        Self::in_memory_within(Steps::ByItself, Bounds::default())
    }

    /// The same, with a choice of who takes the steps of settlements, and with bounds of shared
    /// structures that a test can meet.
    ///
    /// # Errors
    /// [`DiskError`], when the system gives it no thread.
    pub fn in_memory_within(steps: Steps, bounds: Bounds) -> Result<Self, DiskError> {
        let truths = Truths::in_memory(steps.executor(), bounds)?;
        Self::start(truths).map_err(|error| DiskError::Io("memory".into(), error.to_string()))
    }

    fn start(truths: Truths) -> std::io::Result<Self> {
        let (commits, committed) = watch::channel(0);
        let clock = Clock::start();
        let (requests, inbox) = mpsc::channel(AUTHORITY_REQUESTS_MAX);
        let (stop, stopped) = watch::channel(None);
        let recent = truths.recent();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let thread = std::thread::Builder::new().name("authority".to_owned()).spawn(move || {
            if let Err(reason) = runtime.block_on(run(truths, clock, inbox, commits)) {
                tracing::error!(
                    target: "worldboss::authority",
                    "the authority stops: {reason}",
                );
                stop.send_replace(Some(reason.into()));
            }
        })?;
        let thread = Arc::new(Thread(Some(thread)));
        Ok(Self { requests, commits: committed, recent, stopped, _thread: thread })
    }

    async fn request(&self, request: SyncRequest) -> Result<SyncAnswer, Unavailable> {
        let (reply, answer) = oneshot::channel();
        if self.requests.send((request, reply)).await.is_ok()
            && let Ok(answer) = answer.await
        {
            return answer;
        }
        Err(self.why_stopped())
    }

    fn why_stopped(&self) -> Unavailable {
        let reason = self.stopped.borrow().as_deref().unwrap_or("its thread has ended").to_owned();
        Unavailable::Stopped(reason)
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

/// Shared structures.
impl Embedded {
    async fn ask_group(&self, request: GroupRequest) -> Result<GroupAnswer, Unavailable> {
        let answer = self.request(SyncRequest::Group(request)).await?;
        let SyncAnswer::Group(answer) = answer else {
            unreachable!("an answer is of its request's kind, and this is {answer:?}");
        };
        Ok(answer)
    }

    async fn group_request(&self, request: GroupRequest) -> Result<GroupAnswer, Unavailable> {
        match request {
            GroupRequest::Follow(follow) => self.follow(follow).await,
            GroupRequest::Propose(propose) => self.propose(propose).await,
            GroupRequest::Found(_)
            | GroupRequest::Checkpoint(_)
            | GroupRequest::Dispute(_)
            | GroupRequest::Leave(_) => self.ask_group(request).await,
        }
    }

    /// Proposes, and tells the writer what it has missed, its own entry with it.
    async fn propose(&self, propose: Propose) -> Result<GroupAnswer, Unavailable> {
        let (group, schema, seen) = (propose.group.clone(), propose.schema, Some(propose.seen));
        let mut answer = self.ask_group(GroupRequest::Propose(propose)).await?;
        if let GroupAnswer::Proposed(proposed) = &mut answer {
            let missed = Follow { group, schema, seen, distrust: None, wait_ms: 0 };
            // Without it, the verdict stands nevertheless.
            if let Ok(GroupAnswer::Page(page)) = self.group_page(&missed).await {
                proposed.page = page;
            }
        }
        Ok(answer)
    }

    /// Reads a page of a group's log; at its end, waits until there is one.
    async fn follow(&self, follow: Follow) -> Result<GroupAnswer, Unavailable> {
        let wait = Duration::from_millis(follow.wait_ms.min(READ_WAIT_MS_MAX).into());
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            // Taken before the page is: what comes after the page changes it.
            let news = self.recent.find(&follow.group, follow.schema).map(|ring| ring.news());
            let answer = self.group_page(&follow).await?;
            let is_empty = matches!(
                &answer, GroupAnswer::Page(page) if page.base.is_none() && page.entries.is_empty()
            );
            let Some(mut news) = news.filter(|_| is_empty && !wait.is_zero()) else {
                return Ok(answer);
            };
            let mut stopped = self.stopped.clone();
            tokio::select! {
                // An error: the group was begun anew, with another ring.
                _ = news.changed() => {}
                _ = stopped.wait_for(Option::is_some) => return Err(self.why_stopped()),
                () = tokio::time::sleep_until(deadline) => return Ok(answer),
            }
        }
    }

    /// What follows a position of a group's log: from memory, and what is older from the disk.
    async fn group_page(&self, follow: &Follow) -> Result<GroupAnswer, Unavailable> {
        let ring = self.recent.find(&follow.group, follow.schema);
        let page = ring
            .zip(follow.seen)
            .and_then(|(ring, seen)| self.recent.page(&ring, seen, follow.distrust));
        match page {
            Some(page) => Ok(GroupAnswer::Page(page)),
            None => self.ask_group(GroupRequest::Follow(follow.clone())).await,
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
        if let SyncRequest::Group(request) = request {
            return async move { authority.group_request(request).await.map(SyncAnswer::Group) }
                .boxed();
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

/// Serves requests until every handle is gone, or the disk fails.
async fn run(
    mut truths: Truths,
    clock: Clock,
    mut inbox: mpsc::Receiver<Asked>,
    commits: watch::Sender<u64>,
) -> Result<(), String> {
    let commit = |truths: &mut Truths| {
        let committed = truths.commit();
        commits.send_if_modified(|count| {
            let is_new = committed == Ok(true);
            *count += u64::from(is_new);
            is_new
        });
        committed
    };
    let mut asked = Vec::new();
    loop {
        truths.settle(clock.now());
        commit(&mut truths)?;
        let look = tokio::time::sleep_until(clock.instant(truths.poll_timeout()));
        tokio::select! {
            count = inbox.recv_many(&mut asked, COMMIT_REQUESTS_MAX) => {
                if count == 0 {
                    return Ok(());
                }
                // Pages of groups' logs show what is on the disk, so they come behind the commit.
                let (pages, asked): (Vec<_>, Vec<_>) =
                    asked.drain(..).partition(|(request, _)| is_page(request));
                let answers: Vec<_> = asked
                    .into_iter()
                    .map(|(request, reply)| (truths.answer(request), reply))
                    .collect();
                let committed = commit(&mut truths);
                for (answer, reply) in answers {
                    let durable = committed.clone().map_err(Unavailable::Stopped);
                    // Who asked may be gone; then nobody needs it.
                    drop(reply.send(durable.and(answer)));
                }
                committed?;
                for (request, reply) in pages {
                    drop(reply.send(truths.answer(request)));
                }
            }
            () = look => {}
        }
    }
}

const fn is_page(request: &SyncRequest) -> bool {
    matches!(request, SyncRequest::Group(GroupRequest::Follow(_)))
}
