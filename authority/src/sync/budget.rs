//! How many bytes of messages a service holds: large ones are shed before memory runs out.

use protocol::limits::{SYNC_HELD_BYTES_MAX, SYNC_SPARED_BYTES_MAX};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The bytes that all connections of a service hold together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Budget(Arc<AtomicUsize>);

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    /// Holds a message, if there is room for it.
    pub(crate) fn hold(&self, bytes: usize) -> Option<Held> {
        let mut held = self.nothing();
        held.grow(bytes).then_some(held)
    }

    fn nothing(&self) -> Held {
        Held { budget: self.clone(), bytes: 0 }
    }
}

impl Held {
    /// Holds more of the same message, if there is room for it.
    fn grow(&mut self, more: usize) -> bool {
        let held = self.budget.0.fetch_add(more, Ordering::Relaxed) + more;
        self.bytes += more;
        self.bytes <= SYNC_SPARED_BYTES_MAX || held <= SYNC_HELD_BYTES_MAX
    }

    fn shrink(&mut self, less: usize) {
        let less = less.min(self.bytes);
        self.bytes -= less;
        self.budget.0.fetch_sub(less, Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

/// What a connection holds of the message that is arriving.
#[derive(Debug, Clone)]
pub(super) struct Arriving(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    held: Held,
    /// All bytes that ever came: who is silent is told by it.
    heard: u64,
}

impl Arriving {
    pub(super) fn new(budget: &Budget) -> Self {
        Self(Arc::new(Mutex::new(State { held: budget.nothing(), heard: 0 })))
    }

    /// Takes note of bytes that came.
    ///
    /// # Errors
    /// [`io::ErrorKind::QuotaExceeded`]: there is no room for a message as long as this one.
    pub(super) fn note(&self, bytes: usize) -> io::Result<()> {
        let mut state = self.lock();
        state.heard += bytes as u64;
        if state.held.grow(bytes) { Ok(()) } else { Err(io::ErrorKind::QuotaExceeded.into()) }
    }

    /// A ping or pong with this payload was among them.
    pub(super) fn forget_control_frame(&self, payload: usize) {
        const HEAD_AND_MASK: usize = 6;
        self.lock().held.shrink(HEAD_AND_MASK + payload);
    }

    /// The message is there: what was held for it goes with it.
    pub(super) fn complete(&self) -> Held {
        let mut state = self.lock();
        let nothing = state.held.budget.nothing();
        std::mem::replace(&mut state.held, nothing)
    }

    pub(super) fn heard(&self) -> u64 {
        self.lock().heard
    }

    /// Locked for moments, never across an await.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_there_is_no_room_only_large_messages_are_refused() {
        let budget = Budget::default();
        let most = budget.hold(SYNC_HELD_BYTES_MAX).unwrap();
        assert!(budget.hold(SYNC_SPARED_BYTES_MAX + 1).is_none());
        let spared = budget.hold(SYNC_SPARED_BYTES_MAX).unwrap();
        let arriving = Arriving::new(&budget);
        arriving.note(SYNC_SPARED_BYTES_MAX).unwrap();
        assert_eq!(arriving.note(1).unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
        drop((most, spared, arriving));
        assert_eq!(budget.0.load(Ordering::Relaxed), 0, "everything was given back");
        assert!(budget.hold(SYNC_HELD_BYTES_MAX).is_some());
    }

    #[test]
    fn what_was_held_for_a_message_goes_with_it() {
        let budget = Budget::default();
        let arriving = Arriving::new(&budget);
        arriving.note(100).unwrap();
        arriving.note(6).unwrap();
        arriving.forget_control_frame(0);
        let held = arriving.complete();
        assert_eq!((held.bytes, arriving.heard()), (100, 106));
        drop(arriving);
        assert_eq!(budget.0.load(Ordering::Relaxed), 100);
        drop(held);
        assert_eq!(budget.0.load(Ordering::Relaxed), 0);
    }
}
