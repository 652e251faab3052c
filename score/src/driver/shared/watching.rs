//! Changes: as a stream, and as a callback.

use super::intents::caught;
use super::pending::block_on;
use crate::Change;
use futures::{Stream, StreamExt};
use std::any::Any;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use ucore::{Coalesce, Updatable};

/// What changes in a shared structure: a [`Stream`], which ends when the structure is closed.
///
/// Who reads slowly gets more at once: changes fold as far as they can, and when there are too many
/// of them, [`Change::Whole`] says to look at the value instead.
#[derive(Debug)]
pub struct Changes<U>(Arc<Mutex<Mailbox<U>>>);

#[derive(Debug)]
struct Mailbox<U> {
    change: Change<U>,
    over: bool,
    waker: Option<Waker>,
}

/// Keeps a callback. Dropping it ends the calls, and drops the callback with all that it holds.
#[derive(Debug)]
#[must_use = "the calls end when it is dropped"]
pub struct Watch(#[expect(dead_code, reason = "its end is its use")] Arc<dyn Any + Send + Sync>);

type Callback<T> = Box<dyn FnMut(&T, &Change<<T as Updatable>::Update>) + Send>;

/// Somebody who wants to know about changes.
pub(crate) enum Watcher<T: Updatable> {
    Stream(Post<T::Update>),
    Callback(Weak<Mutex<Callback<T>>>),
}

/// The side that puts changes into a mailbox. Its end is the end of the changes.
pub(crate) struct Post<U>(Weak<Mutex<Mailbox<U>>>);

pub(super) fn pair<T: Updatable>() -> (Watcher<T>, Changes<T::Update>) {
    let mailbox = Mailbox { change: Change::default(), over: false, waker: None };
    let mailbox = Arc::new(Mutex::new(mailbox));
    (Watcher::Stream(Post(Arc::downgrade(&mailbox))), Changes(mailbox))
}

pub(super) fn calling<T: Updatable + 'static>(
    callback: impl FnMut(&T, &Change<T::Update>) + Send + 'static,
) -> (Watcher<T>, Watch) {
    // The watch owns it: what it has captured, perhaps the structure itself, goes with the watch.
    let callback: Callback<T> = Box::new(callback);
    let callback = Arc::new(Mutex::new(callback));
    (Watcher::Callback(Arc::downgrade(&callback)), Watch(callback))
}

impl<T: Updatable> Watcher<T> {
    /// Tells a change. Whether more are wanted.
    pub(crate) fn tell(&mut self, value: &T, change: &Change<T::Update>) -> bool {
        match self {
            Self::Stream(post) => {
                let Some(mailbox) = post.0.upgrade() else { return false };
                let mut mailbox = lock(&mailbox);
                mailbox.change.merge(change.clone());
                wake(&mut mailbox);
                true
            }
            Self::Callback(callback) => {
                let Some(callback) = callback.upgrade() else { return false };
                let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
                caught(|| callback(value, change)).is_ok()
            }
        }
    }

    /// Whether anybody would hear of a change.
    pub(crate) fn is_wanted(&self) -> bool {
        match self {
            Self::Stream(post) => post.0.strong_count() > 0,
            Self::Callback(callback) => callback.strong_count() > 0,
        }
    }
}

impl<U> Drop for Post<U> {
    fn drop(&mut self) {
        if let Some(mailbox) = self.0.upgrade() {
            let mut mailbox = lock(&mailbox);
            mailbox.over = true;
            wake(&mut mailbox);
        }
    }
}

fn lock<U>(mailbox: &Mutex<Mailbox<U>>) -> MutexGuard<'_, Mailbox<U>> {
    mailbox.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake<U>(mailbox: &mut Mailbox<U>) {
    if let Some(waker) = mailbox.waker.take() {
        waker.wake();
    }
}

impl<U: Coalesce> Stream for Changes<U> {
    type Item = Change<U>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Change<U>>> {
        let mut mailbox = lock(&self.0);
        if !mailbox.change.is_empty() {
            return Poll::Ready(Some(std::mem::take(&mut mailbox.change)));
        }
        if mailbox.over {
            return Poll::Ready(None);
        }
        mailbox.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<U: Coalesce> Changes<U> {
    /// Blocks this thread until there is a change. None: there will be none.
    pub fn wait(&mut self) -> Option<Change<U>> {
        block_on(self.next())
    }
}
