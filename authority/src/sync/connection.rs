//! One connection of the sync service: requests come in, and their answers leave in any order.

use super::budget::{Arriving, Held};
use super::service::Shared;
use crate::port::socket::{self, Over, told};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{SplitSink, SplitStream};
use protocol::limits::{
    SYNC_FRAME_BYTES_MAX, SYNC_MESSAGE_BYTES_MAX, SYNC_REQUESTS_MAX, SYNC_SILENCE_MS_MAX,
};
use protocol::{
    GroupRequest, Numbered, SyncAnswer, SyncRequest, Unavailable, decode_record, encode_record,
};
use score::wire::{self, Tap};
use std::convert::Infallible;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, interval_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{Message, Role};

/// Takes note of bytes that come.
type Note = Box<dyn FnMut(usize) -> std::io::Result<()> + Send>;

type Stream = WebSocketStream<Tap<TcpStream, Note>>;

type Answer = Result<SyncAnswer, Unavailable>;

/// An encoded answer, and what is given back once it has left.
struct Outgoing {
    message: Bytes,
    _held: Option<Held>,
    _slot: OwnedSemaphorePermit,
}

/// Serves a connection until it ends.
pub(super) async fn run(socket: TcpStream, read: Vec<u8>, shared: &Arc<Shared>) {
    let arriving = Arriving::new(&shared.budget);
    let notes = arriving.clone();
    let note: Note = Box::new(move |bytes| notes.note(bytes));
    let (socket, config) = (Tap::new(socket, note), Some(wire::config()));
    let stream = WebSocketStream::from_partially_read(socket, read, Role::Server, config).await;
    let (mut sink, mut stream) = stream.split();
    let (answers, outbox) = mpsc::channel(SYNC_REQUESTS_MAX);
    let mut requests = Requests {
        shared: Arc::clone(shared),
        arriving,
        answers,
        slots: Arc::new(Semaphore::new(SYNC_REQUESTS_MAX)),
        works: JoinSet::new(),
        stop: shared.stop.subscribe(),
    };
    let over = tokio::select! {
        over = requests.take(&mut stream) => {
            let Err(over) = over;
            over
        }
        () = send(&mut sink, outbox) => Over::Gone,
    };
    drop(requests);
    if let Over::Closed(code, why) = &over {
        shared.metrics.closed((*code).into());
        tracing::debug!(
            target: "worldboss::sync", code = u16::from(*code), %why, "closing a connection"
        );
    }
    // What still comes counts for nobody.
    socket::close(sink, stream, over, Tap::into_inner).await;
}

/// A connection's requests, from their arrival to the outbox.
struct Requests {
    shared: Arc<Shared>,
    arriving: Arriving,
    answers: mpsc::Sender<Outgoing>,
    /// One for each request whose answer has not left yet.
    slots: Arc<Semaphore>,
    works: JoinSet<()>,
    stop: watch::Receiver<bool>,
}

impl Requests {
    /// Takes requests and has them answered, until the connection is over.
    async fn take(&mut self, stream: &mut SplitStream<Stream>) -> Result<Infallible, Over> {
        let period = Duration::from_millis(SYNC_SILENCE_MS_MAX / 2);
        let mut checks = interval_at(Instant::now() + period, period);
        loop {
            // With all requests open that it may have, a connection is not read any further.
            let slot = tokio::select! {
                slot = Arc::clone(&self.slots).acquire_owned() => slot,
                () = told(&mut self.stop) => return Err(self.drain().await),
            };
            let slot = slot.expect("nobody closes this semaphore");
            checks.reset();
            let message = tokio::select! {
                message = next(stream, &self.arriving) => message?,
                over = silence(&self.arriving, &mut checks) => return Err(over),
                over = failed(&mut self.works) => return Err(over),
                () = told(&mut self.stop) => {
                    drop(slot);
                    return Err(self.drain().await);
                }
            };
            let held = self.arriving.complete();
            let request = decode(message).await?;
            self.shared.metrics.requested(&request.body);
            self.works.spawn(work(
                request,
                (held, slot),
                Arc::clone(&self.shared),
                self.answers.clone(),
            ));
        }
    }

    /// Waits until everything that was asked is answered.
    async fn drain(&self) -> Over {
        let all = u32::try_from(SYNC_REQUESTS_MAX).unwrap_or(u32::MAX);
        drop(self.slots.acquire_many(all).await);
        Over::closed(CloseCode::Restart, "this service is stopping; come back to it")
    }
}

/// Waits until some request's work ends without an answer, for which its asker must not wait.
/// Cancel safe.
async fn failed(works: &mut JoinSet<()>) -> Over {
    while let Some(done) = works.join_next().await {
        if done.is_err() {
            return Over::closed(CloseCode::Error, "a request has failed here");
        }
    }
    std::future::pending().await
}

/// Waits until the other side has been silent for too long. Cancel safe.
async fn silence(arriving: &Arriving, checks: &mut Interval) -> Over {
    let mut silent = false;
    let mut heard = arriving.heard();
    loop {
        checks.tick().await;
        let now = arriving.heard();
        if silent && now == heard {
            let why = format!("nothing came for {SYNC_SILENCE_MS_MAX} ms; send pings");
            return Over::closed(CloseCode::Policy, why);
        }
        silent = now == heard;
        heard = now;
    }
}

/// The next request's bytes. Cancel safe.
async fn next(stream: &mut SplitStream<Stream>, arriving: &Arriving) -> Result<Bytes, Over> {
    let closed = |code, why: String| Err(Over::closed(code, why));
    loop {
        match stream.next().await {
            Some(Ok(Message::Binary(message))) => return Ok(message),
            Some(Ok(Message::Ping(payload) | Message::Pong(payload))) => {
                arriving.forget_control_frame(payload.len());
            }
            // The next read sends the answer to it.
            Some(Ok(Message::Close(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Text(_)) | Err(Error::Utf8(_))) => {
                let why = "messages are binary frames, this was a text frame";
                return closed(CloseCode::Unsupported, why.to_owned());
            }
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { size, max_size }))) => {
                let what = if max_size == SYNC_FRAME_BYTES_MAX {
                    "frame, send it in several of"
                } else {
                    "message,"
                };
                let why = format!("{size} bytes in one {what} at most {max_size} are read");
                return closed(CloseCode::Size, why);
            }
            Some(Err(Error::Io(error))) if error.kind() == ErrorKind::QuotaExceeded => {
                let why = "too many large messages arrive at once; send it again later";
                return closed(CloseCode::Again, why.to_owned());
            }
            Some(Err(Error::Protocol(error))) if is_framing(&error) => {
                return closed(CloseCode::Protocol, error.to_string());
            }
            Some(Err(_)) | None => return Err(Over::Gone),
        }
    }
}

/// Whether the other side broke the protocol, and did not just go away.
fn is_framing(error: &ProtocolError) -> bool {
    !matches!(
        error,
        ProtocolError::ResetWithoutClosingHandshake
            | ProtocolError::SendAfterClosing
            | ProtocolError::ReceivedAfterClosing
    )
}

/// Reads a request, a long one where it delays nobody else.
async fn decode(message: Bytes) -> Result<Numbered<SyncRequest>, Over> {
    let read = |message: Bytes| decode_record::<Numbered<SyncRequest>>(&message);
    let decoded = if message.len() <= SYNC_FRAME_BYTES_MAX {
        read(message)
    } else {
        let decoded = tokio::task::spawn_blocking(move || read(message)).await;
        decoded.map_err(|_| Over::Gone)?
    };
    decoded.map_err(|error| {
        Over::closed(CloseCode::Invalid, format!("not a request of this protocol: {error}"))
    })
}

/// Has a request answered.
async fn work(
    request: Numbered<SyncRequest>,
    (held, slot): (Held, OwnedSemaphorePermit),
    shared: Arc<Shared>,
    answers: mpsc::Sender<Outgoing>,
) {
    let Numbered { number, body } = request;
    let answer = ask(&shared, body).await;
    drop(held);
    let mut message = encode(number, answer).await;
    let mut held = shared.budget.hold(message.len());
    let refusal = if message.len() > SYNC_MESSAGE_BYTES_MAX {
        Some(format!("the answer has {} bytes, more than can be sent", message.len()))
    } else if held.is_none() {
        Some("too many large answers wait for their readers; ask again later".to_owned())
    } else {
        None
    };
    if let Some(why) = refusal {
        held = None;
        // What was asked may be done: it is the answer that does not come.
        message = encode_record(&Numbered { number, body: Answer::Err(Unavailable::Unknown(why)) });
    }
    let outgoing = Outgoing { message: message.into(), _held: held, _slot: slot };
    // A connection that is over needs no answer.
    drop(answers.send(outgoing).await);
}

/// Asks the authority. Who waits for a log's next entry does not keep the service from stopping.
async fn ask(shared: &Shared, request: SyncRequest) -> Answer {
    let waits = match &request {
        SyncRequest::ReadLog(page) => page.wait_ms > 0,
        SyncRequest::Group(GroupRequest::Follow(follow)) => follow.wait_ms > 0,
        SyncRequest::Group(_)
        | SyncRequest::Spawn(_)
        | SyncRequest::Join(_)
        | SyncRequest::Enter(_)
        | SyncRequest::Push(_)
        | SyncRequest::Truth(_)
        | SyncRequest::Bosses
        | SyncRequest::Reign(_)
        | SyncRequest::Settle(_)
        | SyncRequest::Shares(_) => false,
    };
    let asked = shared.authority.ask(request);
    if !waits {
        return asked.await;
    }
    let mut stop = shared.stop.subscribe();
    tokio::select! {
        answer = asked => answer,
        () = told(&mut stop) => {
            Err(Unavailable::Refused("this service is stopping; ask again later".to_owned()))
        }
    }
}

/// An answer's bytes. Those that may be long are made where they delay nobody else.
async fn encode(number: u64, body: Answer) -> Vec<u8> {
    let is_long = match &body {
        Ok(SyncAnswer::ReadLog(_) | SyncAnswer::Join(_) | SyncAnswer::Shares(_)) => true,
        Ok(SyncAnswer::Push(answer)) => !answer.late.is_empty(),
        Ok(
            SyncAnswer::Spawn(_)
            | SyncAnswer::Enter(_)
            | SyncAnswer::Truth(_)
            | SyncAnswer::Bosses(_)
            | SyncAnswer::Reign(_)
            | SyncAnswer::Settle(_)
            | SyncAnswer::Group(_),
        )
        | Err(_) => false,
    };
    let answer = Numbered { number, body };
    if !is_long {
        return encode_record(&answer);
    }
    let encoded = tokio::task::spawn_blocking(move || encode_record(&answer)).await;
    encoded.unwrap_or_else(|_| {
        let body = Answer::Err(Unavailable::Unknown("the service is stopping".to_owned()));
        encode_record(&Numbered { number, body })
    })
}

/// Sends answers until the other side is gone, or does not read.
async fn send(sink: &mut SplitSink<Stream, Message>, mut outbox: mpsc::Receiver<Outgoing>) {
    while let Some(outgoing) = outbox.recv().await {
        if socket::send(sink, outgoing.message.clone()).await.is_err() {
            return;
        }
    }
}
