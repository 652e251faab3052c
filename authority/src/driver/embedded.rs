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
use crate::store::Truths;
use futures::FutureExt;
use futures::future::BoxFuture;
use protocol::limits::{AUTHORITY_REQUESTS_MAX, COMMIT_REQUESTS_MAX, READ_WAIT_MS_MAX};
use protocol::{ReadLog, SyncAnswer, SyncRequest, Unavailable};
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
        let executor = (steps == Steps::ByItself).then(entropy::executor);
        let truths = Truths::open(dir, executor)?;
        let (commits, committed) = watch::channel(0);
        let clock = Clock::start();
        let failed = |error: std::io::Error| DiskError::Io(dir.to_owned(), error.to_string());
        let (requests, inbox) = mpsc::channel(AUTHORITY_REQUESTS_MAX);
        let (stop, stopped) = watch::channel(None);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let thread = std::thread::Builder::new()
            .name("authority".to_owned())
            .spawn(move || {
                if let Err(reason) = runtime.block_on(run(truths, clock, inbox, commits)) {
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
                let answers: Vec<_> = asked
                    .drain(..)
                    .map(|(request, reply)| (truths.answer(request), reply))
                    .collect();
                let committed = commit(&mut truths);
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
