//! Asking a sync service: requests as messages, answers as values.

use super::address::{Address, AddressError};
use super::client::{CallError, Client, Timing};
use bytes::Bytes;
use protocol::limits::{READ_WAIT_MS_MAX, SYNC_FRAME_BYTES_MAX};
use protocol::{
    GroupRequest, SYNC_PATH, SYNC_SUBPROTOCOL, SyncAnswer, SyncRequest, Unavailable, decode_record,
    encode_record,
};
use std::time::Duration;

/// A sync service in another process. Cloning it gives another handle to the same connections.
///
/// What may wait for a log's next entry goes over a connection of its own: it delays no push.
#[derive(Debug, Clone)]
pub struct Remote {
    requests: Client,
    reads: Client,
}

/// How long an answer may take, beyond the time that a read asks to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A push of more players is encoded where it delays nobody.
const LINES_AT_ONCE: usize = 1_000;

impl Remote {
    /// The service behind an address such as `ws://127.0.0.1:7777`. It connects when it is first
    /// asked, and comes back by itself after every loss.
    ///
    /// # Errors
    /// [`AddressError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(url: &str) -> Result<Self, AddressError> {
        let address = Address::parse(url, SYNC_PATH)?;
        let client = || Client::new(address.clone(), SYNC_SUBPROTOCOL, Timing::default());
        Ok(Self { requests: client(), reads: client() })
    }

    /// Has a request carried out.
    ///
    /// # Errors
    /// [`Unavailable`], which says whether it may have been.
    pub async fn ask(&self, request: SyncRequest) -> Result<SyncAnswer, Unavailable> {
        let (client, patience) = match wait_of(&request) {
            Some(wait_ms) => {
                let wait = Duration::from_millis(wait_ms.min(READ_WAIT_MS_MAX).into());
                (&self.reads, ANSWER_TIMEOUT + wait)
            }
            None => (&self.requests, ANSWER_TIMEOUT),
        };
        match client.call(encode(request).await?, patience).await {
            Ok(answer) => decode(answer).await,
            Err(CallError::NotSent(why)) => Err(Unavailable::Refused(why.to_string())),
            Err(CallError::Unknown(why)) => Err(Unavailable::Unknown(why.to_string())),
        }
    }
}

/// How long a request may wait for what is not there yet, if it is one that may.
fn wait_of(request: &SyncRequest) -> Option<u32> {
    match request {
        SyncRequest::ReadLog(page) => Some(page.wait_ms),
        SyncRequest::Group(GroupRequest::Follow(follow)) => Some(follow.wait_ms),
        SyncRequest::Spawn(_)
        | SyncRequest::Join(_)
        | SyncRequest::Enter(_)
        | SyncRequest::Push(_)
        | SyncRequest::Truth(_)
        | SyncRequest::Bosses
        | SyncRequest::Reign(_)
        | SyncRequest::Settle(_)
        | SyncRequest::Shares(_)
        | SyncRequest::Group(_) => None,
    }
}

async fn encode(request: SyncRequest) -> Result<Vec<u8>, Unavailable> {
    let is_long = match &request {
        SyncRequest::Push(push) => push.interval.players.len() > LINES_AT_ONCE,
        SyncRequest::Join(join) => !join.lineage.is_empty(),
        SyncRequest::Shares(shares) => shares.players.len() > LINES_AT_ONCE,
        SyncRequest::Group(GroupRequest::Checkpoint(_)) => true,
        SyncRequest::Spawn(_)
        | SyncRequest::Enter(_)
        | SyncRequest::Truth(_)
        | SyncRequest::ReadLog(_)
        | SyncRequest::Bosses
        | SyncRequest::Reign(_)
        | SyncRequest::Settle(_)
        | SyncRequest::Group(_) => false,
    };
    if !is_long {
        return Ok(encode_record(&request));
    }
    let encoded = tokio::task::spawn_blocking(move || encode_record(&request)).await;
    encoded.map_err(|_| Unavailable::Refused("this process is stopping".to_owned()))
}

async fn decode(answer: Bytes) -> Result<SyncAnswer, Unavailable> {
    let read = |answer: Bytes| decode_record::<Result<SyncAnswer, Unavailable>>(&answer);
    let decoded = if answer.len() <= SYNC_FRAME_BYTES_MAX {
        read(answer)
    } else {
        let decoded = tokio::task::spawn_blocking(move || read(answer)).await;
        decoded.map_err(|_| Unavailable::Unknown("this process is stopping".to_owned()))?
    };
    decoded.unwrap_or_else(|error| {
        let what = format!("it answered what this build can't read: {error}; use builds that fit");
        Err(Unavailable::Unknown(what))
    })
}
