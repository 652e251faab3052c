//! The outcome of an operation that is under way: a future, or something to wait for.

use crate::Error;
use std::cell::Cell;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// The outcome of an operation on a [`Shared`](crate::Shared) structure. The operation goes on
/// whether anybody waits or not.
///
/// It is a future of any runtime.
#[derive(Debug)]
#[must_use = "whether it was done shows here alone"]
pub struct Pending<R>(Result<oneshot::Receiver<Result<R, Error>>, Option<Error>>);

/// Where an outcome is told.
#[derive(Debug)]
pub(crate) struct Reply<R> {
    to: oneshot::Sender<Result<R, Error>>,
    _slot: OwnedSemaphorePermit,
}

pub(super) fn pair<R>(slot: OwnedSemaphorePermit) -> (Reply<R>, Pending<R>) {
    let (to, outcome) = oneshot::channel();
    (Reply { to, _slot: slot }, Pending(Ok(outcome)))
}

impl<R> Reply<R> {
    pub(super) fn send(self, outcome: Result<R, Error>) {
        // Nobody has to wait.
        drop(self.to.send(outcome));
    }
}

impl<R> Pending<R> {
    pub(super) fn failed(error: Error) -> Self {
        Self(Err(Some(error)))
    }

    /// Blocks this thread until the outcome is there. In an asynchronous program better `await`.
    ///
    /// # Errors
    /// [`Error`]; [`Error::Inside`] where waiting would never end.
    pub fn wait(self) -> Result<R, Error> {
        if is_inside() {
            return Err(Error::Inside);
        }
        block_on(self)
    }
}

impl<R> Future for Pending<R> {
    type Output = Result<R, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(outcome) => {
                let outcome = std::task::ready!(Pin::new(outcome).poll(context));
                Poll::Ready(outcome.unwrap_or(Err(Error::Closed)))
            }
            Err(error) => Poll::Ready(Err(error.take().unwrap_or(Error::Closed))),
        }
    }
}

thread_local! {
    /// Whether this thread runs a closure of a connection, which must not wait for it.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether waiting for an operation here would never end.
pub(crate) fn is_inside() -> bool {
    INSIDE.get()
}

/// Runs closures of users, which must not wait for operations.
pub(crate) fn inside<R>(run: impl FnOnce() -> R) -> R {
    let before = INSIDE.replace(true);
    let result = run();
    INSIDE.set(before);
    result
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future without a runtime, so inside of one, too.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let outcome = block_with(future, || {
        std::thread::park();
        true
    });
    outcome.expect("it waits for ever")
}

/// The same, but no longer than this. None: it took longer.
#[expect(clippy::disallowed_methods, reason = "whoever blocks a thread looks at its clock")]
pub(crate) fn block_on_for<F: Future>(patience: Duration, future: F) -> Option<F::Output> {
    // None: there is no such time, so there is always some left.
    let end = Instant::now().checked_add(patience);
    block_with(future, || {
        let left = end.map_or(patience, |end| end.saturating_duration_since(Instant::now()));
        std::thread::park_timeout(left);
        !left.is_zero()
    })
}

/// Polls a future, and pauses in between for as long as `pause` says that there is time.
fn block_with<F: Future>(future: F, mut pause: impl FnMut() -> bool) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        if !pause() {
            return None;
        }
    }
}
