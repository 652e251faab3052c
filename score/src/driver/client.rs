//! The client: calls go in as bytes, answers come out as bytes, over a connection that comes back.

use super::address::Address;
use super::link::{Link, LinkError};
use bytes::Bytes;
use protocol::limits::{SYNC_MESSAGE_BYTES_MAX, SYNC_REQUESTS_MAX};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// A connection to one address, on which many calls may be open at a time.
///
/// It connects when it is first asked, and from then on comes back by itself. A call that finds no
/// connection waits for the next attempt and shares its outcome. When a connection ends, the calls
/// that had left on it fail as [`CallError::Unknown`]: repeating them is the caller's decision.
///
/// Cloning gives another handle to the same connection; dropping the last one closes it.
#[derive(Debug, Clone)]
pub struct Client {
    address: Arc<Address>,
    calls: mpsc::Sender<Call>,
    /// One for each call that is not answered yet.
    slots: Arc<Semaphore>,
}

/// How patient a [`Client`] is.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// How long an attempt to connect may take.
    pub connect_max: Duration,
    /// How often it pings. A connection on which nothing came for twice as long is given up.
    pub ping_every: Duration,
    /// The longest first pause between two attempts.
    pub backoff_first: Duration,
    /// The longest pause between two attempts.
    pub backoff_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect_max: Duration::from_secs(5),
            ping_every: Duration::from_secs(5),
            backoff_first: Duration::from_millis(100),
            backoff_max: Duration::from_secs(5),
        }
    }
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It never left this process: nothing was done.
    #[error("{0}")]
    NotSent(LinkError),
    /// It left, or a part of it: it may have been carried out or not.
    #[error("{0}")]
    Unknown(LinkError),
}

/// A call on its way.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) body: Vec<u8>,
    /// Taken by the connection that sends it, or by the caller who gives up before.
    taken: Arc<AtomicBool>,
    reply: oneshot::Sender<Result<Bytes, CallError>>,
    _slot: OwnedSemaphorePermit,
}

impl Call {
    /// Whether it is to be sent; then its caller can no longer say that it was not.
    pub(super) fn take(&self) -> bool {
        !self.reply.is_closed() && !self.taken.swap(true, Ordering::AcqRel)
    }

    pub(super) fn end(self, result: Result<Bytes, CallError>) {
        // A caller that has gone away needs no answer.
        drop(self.reply.send(result));
    }
}

impl Client {
    /// A client of the service at an address, which speaks a WebSocket sub-protocol.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(address: Address, subprotocol: &'static str, timing: Timing) -> Self {
        let address = Arc::new(address);
        let (calls, inbox) = mpsc::channel(SYNC_REQUESTS_MAX);
        let link = Link::new(Arc::clone(&address), subprotocol, timing, inbox);
        tokio::spawn(link.run());
        Self { address, calls, slots: Arc::new(Semaphore::new(SYNC_REQUESTS_MAX)) }
    }

    /// Where it connects.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a body, and waits at most `patience` for the answer's.
    ///
    /// # Errors
    /// [`CallError`], which says whether the body has left.
    pub async fn call(&self, body: Vec<u8>, patience: Duration) -> Result<Bytes, CallError> {
        if body.len() > BODY_BYTES_MAX {
            return Err(CallError::NotSent(LinkError::TooLong(body.len())));
        }
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return Err(CallError::NotSent(LinkError::TooMany));
        };
        let taken = Arc::new(AtomicBool::new(false));
        let (reply, answer) = oneshot::channel();
        let call = Call { body, taken: Arc::clone(&taken), reply, _slot: slot };
        // Each call has a slot, so there is room for it.
        drop(self.calls.try_send(call));
        let url = || self.address.to_string();
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) if taken.swap(true, Ordering::AcqRel) => {
                Err(CallError::Unknown(LinkError::Stopped))
            }
            Ok(Err(_)) => Err(CallError::NotSent(LinkError::Stopped)),
            Err(_) if taken.swap(true, Ordering::AcqRel) => {
                Err(CallError::Unknown(LinkError::NoAnswer { url: url(), within: patience }))
            }
            Err(_) => {
                Err(CallError::NotSent(LinkError::NoConnection { url: url(), within: patience }))
            }
        }
    }
}

/// Bytes of a body: its number and the array around them need ten more.
const BODY_BYTES_MAX: usize = SYNC_MESSAGE_BYTES_MAX - 10;
