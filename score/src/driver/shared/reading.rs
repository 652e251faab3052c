//! Reading: the newest value for everybody, and a hold on one for who looks.

use crate::replica::Counts;
use std::cell::Cell;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use ucore::{Chain, Snapshot, Version};

/// The newest value, where readers find it.
#[derive(Debug)]
pub(crate) struct Head<T> {
    newest: Mutex<Arc<Snapshot<T>>>,
    counts: Mutex<Counts>,
    news: watch::Sender<Version>,
}

thread_local! {
    /// The address of what this thread changes now, or 0.
    static CHANGING: Cell<usize> = const { Cell::new(0) };
}

/// That this thread changes a value, until it is dropped.
struct Changing;

impl Changing {
    fn begin(address: usize) -> Self {
        CHANGING.set(address);
        Self
    }
}

impl Drop for Changing {
    fn drop(&mut self) {
        CHANGING.set(0);
    }
}

impl<T> Head<T> {
    pub(crate) fn new(first: Snapshot<T>) -> Self {
        let news = watch::Sender::new(first.version);
        Self { newest: Mutex::new(Arc::new(first)), counts: Mutex::default(), news }
    }

    /// Changes it, for as long as a page of the log is applied.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut Arc<Snapshot<T>>) -> R) -> R {
        let mut newest = self.lock();
        let _changing = Changing::begin(std::ptr::from_ref(self).addr());
        change(&mut newest)
    }

    /// Locked for moments, and never across an await.
    fn lock(&self) -> MutexGuard<'_, Arc<Snapshot<T>>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read(&self) -> Reading<T> {
        // To wait for a lock that this thread holds would be for ever.
        assert!(
            CHANGING.get() != std::ptr::from_ref(self).addr(),
            "a look at the value before an update can't read the structure; use what it is given",
        );
        Reading(Arc::clone(&self.lock()))
    }

    /// The newest version, for those who wait for one.
    pub(crate) fn news(&self) -> watch::Receiver<Version> {
        self.news.subscribe()
    }

    /// Tells how it stands to those who wait.
    pub(crate) fn tell(&self, counts: Counts) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
        let version = self.lock().version;
        self.news.send_if_modified(|newest| std::mem::replace(newest, version) != version);
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value of a shared structure, as it was when it was read.
#[derive(Debug)]
pub struct Reading<T>(Arc<Snapshot<T>>);

impl<T> Reading<T> {
    /// The version of the group's log at which it is so.
    #[must_use]
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// The chain there: two programs that read the same one read the same value.
    #[must_use]
    pub fn chain(&self) -> Chain {
        self.0.chain
    }
}

impl<T> Reading<T> {
    pub(crate) fn snapshot(&self) -> &Snapshot<T> {
        &self.0
    }
}

impl<T> Clone for Reading<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Reading<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}
