//! What runs the game: threads, sockets, a disk and a clock.

mod budget;
mod entropy;
mod metrics;
mod http;
mod page;
mod room;
mod session;
mod outbox;
mod journal;
mod tick;
mod uplink;
mod worker;
mod recover;

pub use authority::disk::DiskError as JournalError;
pub use authority::port::listen;
pub use journal::Writer;
pub use recover::{RecoverError, Recovered, RecoveredBook, recover};

use crate::machine::{Answer, Machine, Opened, Opening, OpeningError, Reckoning, Request, Step};
use crate::store::Store;
use authority::Authority;
use authority::books::Books;
use authority::port;
use authority::sync::Service;
use http::Site;
use metrics::Metrics;
use protocol::{BossId, GroupName, JoinAnswer, Micros, ShardId};
use score::{Backoff, Clock};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tick::Ticker;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uplink::{Uplink, ask};

/// What a shard needs.
#[derive(Debug)]
pub struct Config {
    /// Its label.
    pub shard: ShardId,
    /// The boss that is played.
    pub boss: BossId,
    /// The port, from [`listen`].
    pub listener: TcpListener,
    /// The directory of the journal.
    pub data: PathBuf,
    /// Threads that own the players' sockets, at least 1.
    pub workers: usize,
    /// The owner of the truth.
    pub authority: Arc<dyn Authority>,
    /// Groups that pages of this shard may share, beside the war room of its boss.
    pub share: Vec<GroupName>,
}

/// Why a shard can't start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The journal's file can't be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal does not belong here.
    #[error(transparent)]
    Refused(#[from] OpeningError),
    /// The operating system refuses a thread or the port's address.
    #[error("can't start: {0}")]
    Io(#[from] std::io::Error),
}

/// Why a shard ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It was told to: everything accepted is in the journal, and was pushed if possible.
    Stopped,
    /// Another process took over its journal.
    Fenced,
    /// Its journal can't go on, and why. The next process's can.
    Abandoned(&'static str),
    /// Its disk failed.
    Disk(String),
    /// A task of its own has failed.
    Failed(String),
    /// The authority does not let it in.
    Refused(OpeningError),
}

/// A running shard.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<Exit>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Tells it to answer and push everything, and to end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> Exit {
        match (&mut self.task).await {
            Ok(exit) => exit,
            Err(error) => Exit::Failed(error.to_string()),
        }
    }
}

/// Starts a shard. It serves health at once, and players as soon as the authority let it in.
///
/// # Errors
/// [`StartError`].
pub fn start(config: Config) -> Result<Running, StartError> {
    let addr = config.listener.local_addr()?;
    let (store, disk) = Store::open(&config.data)?;
    let opening = Opening::new(config.boss, config.shard, disk, entropy::journal())?;
    let sync = Service::new(Arc::clone(&config.authority));
    let door = room::door(&config.authority, config.boss, config.share);
    let (clock, metrics) = (Clock::start(), Metrics::new(&sync, &door));
    let workers: Vec<_> = (0..u16::try_from(config.workers.max(1)).unwrap_or(u16::MAX))
        .map(|idx| worker::start(idx, clock, metrics.clone()))
        .collect::<Result<_, _>>()?;
    let (stop, stopped) = watch::channel(false);
    let (unready, why) = watch::channel("the authority has not let this shard in yet");
    let lines: Vec<_> = workers.iter().map(|worker| worker.line.clone()).collect();
    let site = Arc::new(Site {
        workers: lines.clone(),
        next_worker: AtomicUsize::new(0),
        connections: Arc::default(),
        metrics: metrics.clone(),
        sync,
        open: AtomicBool::new(false),
        unready: why,
    });
    // Health is answered until the very end, players only while the shard is open.
    let books = Books::new(Arc::clone(&config.authority), Some(config.boss), clock);
    let routes = http::routes(Arc::clone(&site)).merge(books.routes()).merge(door.routes());
    let serving = tokio::spawn(port::serve(config.listener, routes));
    let authority = config.authority;
    let task = tokio::spawn(async move {
        let mut stopping = stopped.clone();
        let opened = tokio::select! {
            opened = open(opening, &store, &authority) => opened,
            () = told(&mut stopping) => Err(Exit::Stopped),
        };
        let writer = |opened| match Writer::start(store) {
            Ok(writer) => Ok((opened, writer)),
            Err(error) => Err(Exit::Failed(error.to_string())),
        };
        let (opened, writer) = match opened.and_then(writer) {
            Ok(opened) => opened,
            Err(exit) => {
                serving.abort();
                return exit;
            }
        };
        site.open.store(true, Ordering::Relaxed);
        let machine = Machine::new(*opened, clock.now(), entropy::seed());
        let uplink = Uplink::new(authority);
        let ticker = Ticker {
            machine,
            clock,
            metrics,
            writer,
            uplink,
            workers: lines,
            unready,
            shown: None,
            reckoning: Reckoning::default(),
            board: None,
            syncing: None,
        };
        let exit = ticker.run(stopped, &site.open).await;
        door.stop();
        site.sync.stop().await;
        serving.abort();
        let joined = tokio::task::spawn_blocking(move || {
            workers.into_iter().for_each(|worker| drop(worker.thread.join()));
        });
        drop(joined.await);
        exit
    });
    Ok(Running { addr, stop, task })
}

/// Waits until the shard is told to stop, or nobody is left to tell it.
async fn told(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Takes over the journal found on the disk.
async fn open(
    mut opening: Opening,
    store: &Store,
    authority: &Arc<dyn Authority>,
) -> Result<Box<Opened>, Exit> {
    let disk = |error: redb::Error| Exit::Disk(error.to_string());
    let mut backoff =
        Backoff::new(entropy::seed(), Micros::from_millis(100), Micros::from_millis(5_000));
    loop {
        match opening.step() {
            Step::Intend(journal) => {
                store.intend(journal).map_err(disk)?;
                opening.handle_written();
            }
            Step::Adopt(journal) => {
                store.adopt(&journal).map_err(disk)?;
                opening.handle_written();
            }
            Step::Join(join) => match ask(authority, Request::Join(join)).await {
                Ok(Answer::Join(JoinAnswer::Ahead)) => {
                    let why = "the authority was rolled back, and a generation has to begin again";
                    wait_to_join(&mut backoff, &why).await;
                }
                Ok(Answer::Join(answer)) => {
                    backoff.reset();
                    opening.handle_answer(answer).map_err(Exit::Refused)?;
                }
                Ok(Answer::Enter(_) | Answer::Push(_) | Answer::Shares(_)) => {}
                Err(error) => wait_to_join(&mut backoff, &error).await,
            },
            Step::Done(opened) => return Ok(opened),
        }
    }
}

async fn wait_to_join(backoff: &mut Backoff, why: &impl std::fmt::Display) {
    let delay = backoff.next_delay();
    tracing::warn!(
        target: "worldboss::shard",
        "{why}; joining again in {} ms", delay.as_millis(),
    );
    tokio::time::sleep(Duration::from_micros(delay.0)).await;
}
