//! Where shared structures live: a connection to a sync service, on a thread of its own.
#![expect(clippy::disallowed_methods, reason = "the driver owns the thread")]

use super::address::AddressError;
use super::clock::Clock;
use super::engine::{Ask, Engine};
use super::remote::Remote;
use crate::driver::shared::{Head, Pending, Shared};
use crate::replica::{Part, Replica};
use crate::{Error, SMap, SStack, SVec};
use futures::FutureExt;
use futures::future::BoxFuture;
use protocol::limits::{GROUP_MARK_ENTRIES, GROUP_WAITING_MAX};
use protocol::{GroupName, SyncAnswer, SyncRequest, Unavailable};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use ucore::{Key, Updatable};

/// Where shared structures live. Cloning it gives another handle to the same connection, which ends
/// with the last of them and of the structures that were opened by it.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    ask: Ask,
    runtime: Handle,
    /// Ends the thread when it is dropped, if there is one.
    _thread: Option<oneshot::Sender<()>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Server").finish_non_exhaustive()
    }
}

/// Why there is no [`Server`].
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address can't be one.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// There is no thread to be had.
    #[error("can't start a thread for the connection: {0}; end other programs, or raise the limit")]
    Thread(#[from] std::io::Error),
}

/// How long an operation may take, unless [`Opening::patience`] says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

impl Server {
    /// The sync service at an address such as `ws://127.0.0.1:7777`. It is connected to when a
    /// structure is opened, and again after every loss.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn at(url: &str) -> Result<Self, ServerError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let remote = {
            let _inside = runtime.enter();
            Remote::new(url)?
        };
        let handle = runtime.handle().clone();
        let (ending, end) = oneshot::channel::<()>();
        std::thread::Builder::new().name("score".to_owned()).spawn(move || {
            // Nothing is ever sent: the sender goes with the last handle.
            drop(runtime.block_on(end));
            // Structures say farewell, and then their tasks are gone.
            runtime.block_on(async { tokio::time::sleep(LAST_WORDS).await });
        })?;
        let ask: Ask = Arc::new(move |request| {
            let remote = remote.clone();
            async move { remote.ask(request).await }.boxed()
        });
        Ok(Self(Arc::new(Inner { ask, runtime: handle, _thread: Some(ending) })))
    }

    /// An authority that this program asks in its own way, on its own runtime.
    pub fn by<F>(ask: F, runtime: Handle) -> Self
    where
        F: Fn(SyncRequest) -> BoxFuture<'static, Result<SyncAnswer, Unavailable>>
            + Send
            + Sync
            + 'static,
    {
        Self(Arc::new(Inner { ask: Arc::new(ask), runtime, _thread: None }))
    }

    /// A shared map, which is begun if nobody has. Waits until it is there.
    ///
    /// # Errors
    /// [`Error`]
    pub fn map<K, V>(&self, name: &str) -> Result<SMap<K, V>, Error>
    where
        K: Key + Send + Sync + 'static,
        V: Updatable + Send + Sync + 'static,
        V::Update: Send + Sync,
    {
        self.group(name).open()
    }

    /// A shared vector, which is begun if nobody has. Waits until it is there.
    ///
    /// # Errors
    /// [`Error`]
    pub fn vec<T>(&self, name: &str) -> Result<SVec<T>, Error>
    where
        T: Updatable + Send + Sync + 'static,
        T::Update: Send + Sync,
    {
        self.group(name).open()
    }

    /// A shared stack, which is begun if nobody has. Waits until it is there.
    ///
    /// # Errors
    /// [`Error`]
    pub fn stack<T>(&self, name: &str) -> Result<SStack<T>, Error>
    where
        T: Updatable + Send + Sync + 'static,
        T::Update: Send + Sync,
    {
        self.group(name).open()
    }

    /// A group of programs that share one structure, to be opened with other settings than the
    /// usual ones.
    pub fn group(&self, name: &str) -> Opening {
        let group = GroupName(name.to_owned());
        let server = self.clone();
        Opening { server, group, create: true, keeps: true, patience: PATIENCE }
    }
}

/// How a structure is opened.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before it is opened"]
pub struct Opening {
    server: Server,
    group: GroupName,
    create: bool,
    keeps: bool,
    patience: Duration,
}

impl Opening {
    /// Whether the group is begun if nobody has. It is, unless this says otherwise.
    pub fn create(self, create: bool) -> Self {
        Self { create, ..self }
    }

    /// Whether this program brings the value to the authority now and then, so that the log before
    /// it may go. It does, unless this says otherwise; one program of a group has to.
    pub fn keeps(self, keeps: bool) -> Self {
        Self { keeps, ..self }
    }

    /// How long an operation may take, opening included: 10 s, unless this says otherwise.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Opens the structure, and waits until its value is there.
    ///
    /// # Errors
    /// [`Error`]: it has another type, or nobody answers.
    pub fn open<T>(self) -> Result<Shared<T>, Error>
    where
        T: Updatable + Default + Send + Sync + 'static,
        T::Update: Send + Sync,
    {
        if crate::driver::shared::is_inside() {
            return Err(Error::Inside);
        }
        crate::driver::shared::block_on(self.begin())
    }

    /// Opens the structure.
    ///
    /// # Errors
    /// [`Error`]: it has another type, or nobody answers.
    pub async fn begin<T>(self) -> Result<Shared<T>, Error>
    where
        T: Updatable + Default + Send + Sync + 'static,
        T::Update: Send + Sync,
    {
        let Self { server, group, create, keeps, patience } = self;
        if let Err(why) = group.check() {
            return Err(Error::Refused { group: group.0, why });
        }
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).expect("the operating system has entropy");
        let clock = Clock::start();
        let (commands, inbox) = mpsc::channel(GROUP_WAITING_MAX + WATCHES_MAX);
        let (opening, opened) = oneshot::channel();
        let engine = Engine {
            replica: Replica::new(Part {
                group,
                create,
                keeps,
                mark_entries: GROUP_MARK_ENTRIES,
                seed,
            }),
            head: Arc::new(Head::new(Replica::first(T::default()))),
            ask: Arc::clone(&server.0.ask),
            clock,
            commands: inbox,
            opening: Some((opening, clock.after(patience))),
            watchers: Vec::new(),
        };
        let head = Arc::clone(&engine.head);
        server.0.runtime.spawn(engine.run());
        let shared = Shared::new(head, commands, patience, clock, server.clone());
        opened.await.unwrap_or(Err(Error::Closed))?;
        Ok(shared)
    }
}

/// Requests for changes that may wait beside the operations.
const WATCHES_MAX: usize = 1_024;

/// How long a thread stays for farewells.
const LAST_WORDS: Duration = Duration::from_millis(1_200);

// The future of an operation must not depend on who awaits it.
const _: fn() = || {
    fn is_send<T: Send + 'static>() {}
    is_send::<Pending<()>>();
};
