//! A structure that many programs share: used like a local one.

mod intents;
mod pending;
mod reading;
mod watching;

use super::clock::Clock;
use super::engine::Command;
use crate::replica::Counts;
use crate::{Abort, Error, Transaction};
use intents::{Put, Run};
use protocol::limits::GROUP_WAITING_MAX;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use ucore::{Place, Plan, Updatable, Version, plan};

pub use pending::Pending;
pub(crate) use pending::{block_on, is_inside};
pub(crate) use reading::Head;
pub use reading::Reading;
pub(crate) use watching::Watcher;
pub use watching::{Changes, Watch};

/// A structure that many programs share.
///
/// Reading costs what it costs of a local structure, and shows what the group's log says, own
/// changes included once they have been acknowledged. Each method that changes it waits until the
/// change is durable and applied here; [`later`](Self::later) has the same methods without waiting.
///
/// Cloning gives another handle to the same copy. When the last one goes, the group is left.
#[derive(Debug)]
pub struct Shared<T: Updatable>(Arc<Inner<T>>);

impl<T: Updatable> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Inner<T: Updatable> {
    head: Arc<Head<T>>,
    commands: mpsc::Sender<Command<T>>,
    /// One for each operation that is not done.
    slots: Arc<Semaphore>,
    clock: Clock,
    patience: Duration,
    /// Keeps the connection.
    _server: crate::Server,
}

impl<T: Updatable + Send + Sync + 'static> Shared<T>
where
    T::Update: Send + Sync,
{
    pub(crate) fn new(
        head: Arc<Head<T>>,
        commands: mpsc::Sender<Command<T>>,
        patience: Duration,
        clock: Clock,
        server: crate::Server,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(GROUP_WAITING_MAX));
        Self(Arc::new(Inner { head, commands, slots, clock, patience, _server: server }))
    }

    /// The value now, which stays as it is for as long as it is looked at. A value that is looked
    /// at while it changes is copied once for that: do not hold it for long.
    ///
    /// # Panics
    /// In the look of [`propose_and_look`](Self::propose_and_look) at this very structure.
    #[must_use]
    pub fn read(&self) -> Reading<T> {
        self.0.head.read()
    }

    /// The value at a version or later. Waits until it is here, as long as an operation may take.
    ///
    /// # Errors
    /// [`Error::TimedOut`]
    pub fn read_at(&self, version: Version) -> Result<Reading<T>, Error> {
        if is_inside() {
            return Err(Error::Inside);
        }
        let mut news = self.0.head.news();
        let reached = pending::block_on_for(self.0.patience, async {
            let reached = news.wait_for(|newest| *newest >= version).await;
            reached.map(drop).map_err(|_| Error::Closed)
        });
        reached.unwrap_or_else(|| Err(Error::late("the log has not come that far")))?;
        Ok(self.read())
    }

    /// Changes the value by a closure, and waits until the change is durable and applied here.
    ///
    /// The closure sees the newest value that is here. If another transaction, or any change that
    /// is not a sum, comes first, it runs again on the value after that; so it should do nothing
    /// but look at the value and change it. Counters, max and min may have been changed meanwhile
    /// by who changed nothing else, and without a transaction: that is no reason to run again.
    /// Closures that wait together travel together. It runs on the connection's thread, where
    /// waiting for another operation is refused.
    ///
    /// # Errors
    /// [`Error`]; when the closure gives up, [`Error::Aborted`] with its reason.
    pub fn transact<R, F>(&self, closure: F) -> Result<R, Error>
    where
        R: Send + 'static,
        F: FnMut(&mut Transaction<'_, T>) -> Result<R, Abort> + Send + 'static,
    {
        self.begin(closure).wait()
    }

    /// The same without waiting.
    pub fn begin<R, F>(&self, closure: F) -> Pending<R>
    where
        R: Send + 'static,
        F: FnMut(&mut Transaction<'_, T>) -> Result<R, Abort> + Send + 'static,
    {
        self.submit(|reply| Box::new(Run::new(closure, reply)))
    }

    /// Proposes one update, whatever else happens to the value before: it never conflicts, and is
    /// refused if it does not fit the value that it meets.
    pub fn propose(&self, update: T::Update) -> Pending<()> {
        self.submit(|reply| Box::new(Put::new(update, false, unseen::<T>, reply)))
    }

    /// The same, with a look at the value just before the update is applied. The look runs on the
    /// connection's thread while the value changes: it is given the value, and can't
    /// [`read`](Self::read) this structure.
    pub fn propose_and_look<R, F>(&self, update: T::Update, look: F) -> Pending<R>
    where
        R: Send + 'static,
        F: FnOnce(&T) -> R + Send + 'static,
    {
        self.submit(|reply| Box::new(Put::new(update, true, look, reply)))
    }

    /// A place for updates on which nobody waits: `map.later().insert(1, 2).await`.
    #[must_use]
    pub fn later(&self) -> Later<'_, T> {
        Later(self)
    }

    /// A plan for updates of this structure, for [`propose`](Self::propose).
    #[must_use]
    pub fn plan(&self) -> Plan<T> {
        plan()
    }

    /// What changes from now on: a [`futures::Stream`], for which a thread can wait, too.
    #[must_use]
    pub fn changes(&self) -> Changes<T::Update> {
        let (watcher, changes) = watching::pair();
        // After the end there are no changes, and the watcher's end says so.
        drop(self.0.commands.try_send(Command::Watch(watcher)));
        changes
    }

    /// Calls back with the value and what has changed, on the connection's thread, until the watch
    /// is dropped.
    pub fn on_change<F>(&self, callback: F) -> Watch
    where
        F: FnMut(&T, &crate::Change<T::Update>) + Send + 'static,
    {
        let (watcher, watch) = watching::calling(callback);
        drop(self.0.commands.try_send(Command::Watch(watcher)));
        watch
    }

    /// What happened to this copy, counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.head.counts()
    }

    fn submit<R>(
        &self,
        intent: impl FnOnce(pending::Reply<R>) -> Box<dyn crate::Intent<T>>,
    ) -> Pending<R> {
        let Ok(slot) = Arc::clone(&self.0.slots).try_acquire_owned() else {
            return Pending::failed(Error::Busy { waiting: GROUP_WAITING_MAX });
        };
        let (reply, pending) = pending::pair(slot);
        let deadline = self.0.clock.after(self.0.patience);
        // A slot each, and a few commands beside: there is room unless the end has come, of which
        // the dropped reply tells.
        drop(self.0.commands.try_send(Command::Intent(intent(reply), deadline)));
        pending
    }
}

/// The look of who does not look.
const fn unseen<T>(_: &T) {}

/// Methods that wait.
impl<T: Updatable + Send + Sync + 'static> Place for &Shared<T>
where
    T::Update: Send + Sync,
{
    type Value = T;
    type Out = Result<(), Error>;

    fn put(self, update: T::Update) -> Self::Out {
        self.propose(update).wait()
    }
}

/// A place for updates on which nobody waits.
#[derive(Debug)]
pub struct Later<'a, T: Updatable>(&'a Shared<T>);

impl<T: Updatable + Send + Sync + 'static> Place for Later<'_, T>
where
    T::Update: Send + Sync,
{
    type Value = T;
    type Out = Pending<()>;

    fn put(self, update: T::Update) -> Pending<()> {
        self.0.propose(update)
    }
}
