//! The embedded authority: the machine in this process, on a thread and a disk of its own.
//!
//! Requests that wait together share one synced commit, and each is answered after it.
#![expect(
    clippy::disallowed_methods,
    reason = "the driver owns the thread; a synced commit must not block a runtime's worker"
)]

use super::store::Store;
use crate::client::{Answered, Authority, Unavailable};
use crate::disk::DiskError;
use crate::machine::Machine;
use futures::FutureExt;
use protocol::limits::{AUTHORITY_REQUESTS_MAX, COMMIT_REQUESTS_MAX};
use protocol::{
    BossId, Enter, EnterAnswer, Join, JoinAnswer, LogPage, Push, PushAnswer, ReadLog, Scenario,
    Truth,
};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// The embedded authority. Cloning it gives another handle to the same one. Dropping the last one
/// ends it, and waits until its file is closed.
#[derive(Debug, Clone)]
pub struct Embedded {
    // Dropped before the thread, which ends when no sender is left.
    requests: mpsc::Sender<Request>,
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

enum Request {
    Join(Join, Reply<JoinAnswer>),
    Enter(Enter, Reply<EnterAnswer>),
    Push(Push, Reply<PushAnswer>),
    Truth(BossId, Reply<Truth>),
    ReadLog(ReadLog, Reply<LogPage>),
}

type Reply<T> = oneshot::Sender<Result<T, Unavailable>>;

/// Gives an answer away; called once everything behind it is durable.
type Give = Box<dyn FnOnce(Result<(), Unavailable>) + Send>;

/// How often the life cycle takes a step.
const POLL: Duration = Duration::from_secs(1);

impl Embedded {
    /// Opens the directory, checks its file, and continues where its log ends. An empty directory
    /// begins the first generation of `scenario`; otherwise `scenario` is that of the next one.
    ///
    /// # Errors
    /// [`DiskError`], which names the file and the cure.
    pub fn open(dir: &Path, scenario: Scenario) -> Result<Self, DiskError> {
        let mut store = Store::open(dir)?;
        let mut machine = store.restore(dir, scenario.id, scenario.spec)?;
        let failed = |error: String| DiskError::Io(dir.to_owned(), error);
        commit(&mut store, &mut machine).map_err(failed)?;
        let (requests, inbox) = mpsc::channel(AUTHORITY_REQUESTS_MAX);
        let (stop, stopped) = watch::channel(None);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let thread = std::thread::Builder::new()
            .name("authority".to_owned())
            .spawn(move || {
                if let Err(reason) = runtime.block_on(run(store, machine, inbox)) {
                    tracing::error!(
                        target: "worldboss::authority",
                        "the authority stops: {reason}",
                    );
                    stop.send_replace(Some(reason.into()));
                }
            })
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { requests, stopped, _thread: Arc::new(Thread(Some(thread))) })
    }

    /// Waits until the authority stops by itself, and says why. It does so when its disk refuses a
    /// write or a sync: what the disk holds then is unknown, so it must be opened and checked anew.
    pub async fn stopped(&self) -> String {
        let mut stopped = self.stopped.clone();
        match stopped.wait_for(Option::is_some).await {
            Ok(reason) => reason.as_deref().unwrap_or_default().to_owned(),
            Err(_) => "its thread has ended".to_owned(),
        }
    }

    fn ask<T: Send + 'static>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Answered<T> {
        let (reply, answer) = oneshot::channel();
        let (authority, request) = (self.clone(), request(reply));
        async move {
            let sent = authority.requests.send(request).await.is_ok();
            if sent && let Ok(answer) = answer.await {
                return answer;
            }
            let reason =
                authority.stopped.borrow().as_deref().unwrap_or("its thread has ended").to_owned();
            Err(Unavailable::Stopped(reason))
        }
        .boxed()
    }
}

impl Authority for Embedded {
    fn join(&self, join: Join) -> Answered<JoinAnswer> {
        self.ask(|reply| Request::Join(join, reply))
    }

    fn enter(&self, enter: Enter) -> Answered<EnterAnswer> {
        self.ask(|reply| Request::Enter(enter, reply))
    }

    fn push(&self, push: Push) -> Answered<PushAnswer> {
        self.ask(|reply| Request::Push(push, reply))
    }

    fn truth(&self, boss: BossId) -> Answered<Truth> {
        self.ask(|reply| Request::Truth(boss, reply))
    }

    fn read_log(&self, page: ReadLog) -> Answered<LogPage> {
        self.ask(|reply| Request::ReadLog(page, reply))
    }
}

/// Serves requests until every handle is gone, or the disk fails.
async fn run(
    mut store: Store,
    mut machine: Machine,
    mut inbox: mpsc::Receiver<Request>,
) -> Result<(), String> {
    let mut poll = tokio::time::interval(POLL);
    poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut requests = Vec::new();
    loop {
        tokio::select! {
            count = inbox.recv_many(&mut requests, COMMIT_REQUESTS_MAX) => {
                if count == 0 {
                    return Ok(());
                }
                let requests = requests.drain(..);
                let answers = requests.map(|request| serve(&store, &mut machine, request));
                let answers = answers.collect();
                settle(&mut store, &mut machine, answers)?;
            }
            _ = poll.tick() => {
                machine.handle_poll();
                settle(&mut store, &mut machine, Vec::new())?;
            }
        }
    }
}

/// Commits what the machine put out, then gives the answers away.
fn settle(store: &mut Store, machine: &mut Machine, answers: Vec<Give>) -> Result<(), String> {
    let committed = commit(store, machine);
    for give in answers {
        give(committed.clone().map_err(Unavailable::Stopped));
    }
    committed
}

fn commit(store: &mut Store, machine: &mut Machine) -> Result<(), String> {
    let outputs: Vec<_> = std::iter::from_fn(|| machine.poll_output()).collect();
    if outputs.is_empty() {
        return Ok(());
    }
    let failed = |error: redb::Error| format!("its disk refused a write: {error}");
    store.commit(machine.id(), &outputs).map_err(failed)?;
    if store.wants_snapshot() {
        store.save_snapshot(machine.id(), &machine.snapshot()).map_err(failed)?;
    }
    Ok(())
}

/// Carries a request out and keeps its answer back.
fn serve(store: &Store, machine: &mut Machine, request: Request) -> Give {
    let boss = machine.id();
    match request {
        Request::Join(join, reply) if join.boss == boss => hold(machine.handle_join(join), reply),
        Request::Enter(enter, reply) if enter.boss == boss => {
            hold(machine.handle_enter(&enter), reply)
        }
        Request::Push(push, reply) if push.boss == boss => hold(machine.handle_push(push), reply),
        Request::Truth(id, reply) if id == boss => hold(machine.truth(), reply),
        Request::ReadLog(page, reply) if page.boss == boss => match store.page(page) {
            Ok(page) => hold(page, reply),
            Err(error) => refuse(Unavailable::Unknown(error), reply),
        },
        Request::Join(Join { boss, .. }, reply) => refuse(Unavailable::NoBoss(boss), reply),
        Request::Enter(Enter { boss, .. }, reply) => refuse(Unavailable::NoBoss(boss), reply),
        Request::Push(Push { boss, .. }, reply) => refuse(Unavailable::NoBoss(boss), reply),
        Request::Truth(boss, reply) => refuse(Unavailable::NoBoss(boss), reply),
        Request::ReadLog(ReadLog { boss, .. }, reply) => refuse(Unavailable::NoBoss(boss), reply),
    }
}

/// Who asked may have gone away; then nobody needs the answer.
fn hold<T: Send + 'static>(answer: T, reply: Reply<T>) -> Give {
    Box::new(move |durable| drop(reply.send(durable.map(|()| answer))))
}

fn refuse<T: Send + 'static>(why: Unavailable, reply: Reply<T>) -> Give {
    Box::new(move |_| drop(reply.send(Err(why))))
}
