//! The task behind a client: connects, moves calls and answers, and begins again after every loss.

use super::address::{Address, Heard, Note, Socket};
use super::client::{Call, CallError, Timing};
use super::wire::{self, Tap};
use crate::Backoff;
use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{FutureExt, SinkExt, StreamExt};
use protocol::limits::{CLOSE_MS_MAX, SYNC_MESSAGE_BYTES_MAX, SYNC_REQUESTS_MAX};
use protocol::{Micros, Numbered};
use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

/// Why there is no connection, or no answer on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The host is unknown.
    #[error("the host {host} is not known: {why}; correct the address")]
    Lookup {
        /// The host and port.
        host: String,
        /// What the look-up says.
        why: String,
    },
    /// Nobody takes connections there.
    #[error("nothing takes connections at {url}: {why}; start it there, or correct the address")]
    Unreachable {
        /// The address.
        url: String,
        /// What the operating system says.
        why: String,
    },
    /// An HTTP server is there that does not open this connection.
    #[error("{url} answers {status}{said}; correct the address, or try again later")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: String,
        /// What it says about it.
        said: String,
    },
    /// It is a WebSocket server of another kind.
    #[error("{url} does not speak {subprotocol}; correct the address, or use builds that fit")]
    Subprotocol {
        /// The address.
        url: String,
        /// The sub-protocol that was offered.
        subprotocol: &'static str,
    },
    /// It does not speak WebSocket.
    #[error("{url} does not open a WebSocket connection: {why}; correct the address")]
    Handshake {
        /// The address.
        url: String,
        /// What is wrong with its answer.
        why: String,
    },
    /// Connecting took too long, or nobody could connect in time.
    #[error("no connection to {url} within {within:?}; check that it runs and can be reached")]
    NoConnection {
        /// The address.
        url: String,
        /// How long it was tried.
        within: Duration,
    },
    /// The answer did not come in time.
    #[error("no answer from {url} within {within:?}")]
    NoAnswer {
        /// The address.
        url: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// The connection ended.
    #[error("the connection to {url} ended: {why}")]
    Ended {
        /// The address.
        url: String,
        /// How.
        why: String,
    },
    /// Too many calls are open.
    #[error("{SYNC_REQUESTS_MAX} calls are open already; try again when some are answered")]
    TooMany,
    /// The body is longer than a message may be.
    #[error("a message of {0} bytes can't be sent, at most {SYNC_MESSAGE_BYTES_MAX} can")]
    TooLong(usize),
    /// The client's task has ended with its runtime.
    #[error("the client has stopped with its runtime")]
    Stopped,
}

/// What a client's task knows.
pub(super) struct Link {
    address: Arc<Address>,
    subprotocol: &'static str,
    timing: Timing,
    calls: mpsc::Receiver<Call>,
    /// Calls that no connection has taken yet. Each has a slot, so there is a bound.
    waiting: VecDeque<Call>,
    backoff: Backoff,
    /// The number of the last call.
    number: u64,
}

/// Why a connection is over.
enum Over {
    /// Nobody holds the client any more.
    Dropped,
    Lost(String),
}

type Stream = WebSocketStream<Tap<TcpStream, Note>>;

impl Link {
    pub(super) fn new(
        address: Arc<Address>,
        subprotocol: &'static str,
        timing: Timing,
        calls: mpsc::Receiver<Call>,
    ) -> Self {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).expect("the operating system has entropy");
        let (first, max) = (Micros::from(timing.backoff_first), Micros::from(timing.backoff_max));
        let backoff = Backoff::new(u64::from_le_bytes(seed), first, max);
        let waiting = VecDeque::new();
        Self { address, subprotocol, timing, calls, waiting, backoff, number: 0 }
    }

    /// Runs until nobody holds the client any more.
    pub(super) async fn run(mut self) {
        // A client that is never asked never connects.
        let Some(first) = self.calls.recv().await else { return };
        self.waiting.push_back(first);
        loop {
            let connect = timeout(self.timing.connect_max, self.address.connect(self.subprotocol));
            let connected = tokio::select! {
                connected = connect => connected,
                () = gather(&mut self.calls, &mut self.waiting) => return,
            };
            let connected = connected.unwrap_or_else(|_| {
                let (url, within) = (self.address.to_string(), self.timing.connect_max);
                Err(LinkError::NoConnection { url, within })
            });
            match connected {
                Ok(socket) => match self.live(socket).await {
                    Over::Dropped => return,
                    Over::Lost(why) => tracing::debug!(
                        target: "worldboss::score",
                        "the connection to {} ended: {why}", self.address,
                    ),
                },
                Err(why) => self.fail(&why),
            }
            let pause = tokio::time::sleep(Duration::from_micros(self.backoff.next_delay().0));
            tokio::select! {
                () = pause => {}
                () = gather(&mut self.calls, &mut self.waiting) => return,
            }
        }
    }

    /// An attempt has failed: so have the calls that waited for it.
    fn fail(&mut self, why: &LinkError) {
        tracing::debug!(target: "worldboss::score", "{why}");
        let more = std::iter::from_fn(|| self.calls.try_recv().ok());
        self.waiting
            .drain(..)
            .chain(more)
            .for_each(|call| call.end(Err(CallError::NotSent(why.clone()))));
    }

    /// Lives on a connection until it ends, and fails what it leaves unanswered.
    async fn live(&mut self, socket: Socket) -> Over {
        tracing::debug!(target: "worldboss::score", "connected to {}", self.address);
        let began = Instant::now();
        let (mut sink, mut stream) = socket.stream.split();
        let open = Open::default();
        let every = self.timing.ping_every;
        let over = tokio::select! {
            over = receive(&mut stream, &open, &socket.heard, pings(every)) => {
                let Err(why) = over;
                Over::Lost(why)
            }
            over = self.send(&mut sink, &open, pings(every)) => over,
        };
        if open.has_answered() || began.elapsed() > self.timing.backoff_max {
            self.backoff.reset();
        }
        match &over {
            Over::Dropped => {
                let farewell = farewell(&mut sink, &mut stream);
                drop(timeout(Duration::from_millis(CLOSE_MS_MAX), farewell).await);
            }
            Over::Lost(why) => {
                let why = LinkError::Ended { url: self.address.to_string(), why: why.clone() };
                let unanswered = std::mem::take(&mut open.lock().calls);
                unanswered
                    .into_values()
                    .for_each(|call| call.end(Err(CallError::Unknown(why.clone()))));
            }
        }
        over
    }

    /// Sends calls and pings until nobody holds the client, or the connection fails.
    async fn send(
        &mut self,
        sink: &mut SplitSink<Stream, Message>,
        open: &Open,
        mut pings: Interval,
    ) -> Over {
        let lost = |error: tokio_tungstenite::tungstenite::Error| Over::Lost(error.to_string());
        loop {
            let call = match self.waiting.pop_front() {
                Some(call) => call,
                None => tokio::select! {
                    call = self.calls.recv() => match call {
                        Some(call) => call,
                        None => return Over::Dropped,
                    },
                    _ = pings.tick() => {
                        if let Err(error) = sink.send(Message::Ping(Bytes::new())).await {
                            return lost(error);
                        }
                        continue;
                    }
                },
            };
            let Some(message) = self.number(call, open) else { continue };
            for frame in wire::frames(message.into()) {
                // Between two frames of a long message, the other side shows that it lives.
                if pings.tick().now_or_never().is_some()
                    && let Err(error) = sink.feed(Message::Ping(Bytes::new())).await
                {
                    return lost(error);
                }
                if let Err(error) = sink.send(frame).await {
                    return lost(error);
                }
            }
        }
    }

    /// The message of a call, which is open from now on; none if nobody waits for it any more.
    fn number(&mut self, mut call: Call, open: &Open) -> Option<Vec<u8>> {
        if !call.take() {
            return None;
        }
        self.number += 1;
        let message = Numbered::wrap(self.number, &std::mem::take(&mut call.body));
        open.lock().calls.insert(self.number, call);
        Some(message)
    }
}

/// The calls that have left on a connection.
#[derive(Default)]
struct Open(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    calls: BTreeMap<u64, Call>,
    answered: bool,
}

impl Open {
    /// Locked for moments, never across an await.
    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_answered(&self) -> bool {
        self.lock().answered
    }

    /// Gives an answer to its caller.
    fn answer(&self, message: &Bytes) -> Result<(), String> {
        let (number, body) = Numbered::unwrap(message).map_err(|error| error.to_string())?;
        let mut open = self.lock();
        let call = open.calls.remove(&number);
        let call = call.ok_or_else(|| format!("it answers {number}, which was not asked"))?;
        open.answered = true;
        drop(open);
        call.end(Ok(message.slice_ref(body)));
        Ok(())
    }
}

/// Takes calls in until nobody holds the client any more. Cancel safe.
async fn gather(calls: &mut mpsc::Receiver<Call>, waiting: &mut VecDeque<Call>) {
    while let Some(call) = calls.recv().await {
        waiting.push_back(call);
    }
}

/// Receives answers until the connection ends, and says why.
async fn receive(
    stream: &mut SplitStream<Stream>,
    open: &Open,
    heard: &Heard,
    mut checks: Interval,
) -> Result<Infallible, String> {
    let (mut bytes, mut silent) = (heard.bytes(), 0);
    loop {
        tokio::select! {
            message = stream.next() => match message {
                Some(Ok(Message::Binary(message))) => open.answer(&message)?,
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Text(_))) => return Err("it sent a text".to_owned()),
                Some(Ok(Message::Close(frame))) => {
                    // Lets the answer to the close leave.
                    drop(stream.next().now_or_never());
                    return Err(closed(frame));
                }
                Some(Err(error)) => return Err(error.to_string()),
                None => return Err("it was cut".to_owned()),
            },
            _ = checks.tick() => {
                // Bytes count, and not messages: one message may take longer than this.
                silent = if heard.bytes() == bytes { silent + 1 } else { 0 };
                bytes = heard.bytes();
                if silent == 2 {
                    return Err(format!("nothing came for {:?}", checks.period() * 2));
                }
            }
        }
    }
}

fn closed(frame: Option<CloseFrame>) -> String {
    match frame {
        Some(CloseFrame { code, reason }) => {
            format!("it was closed with {}, \"{reason}\"", u16::from(code))
        }
        None => "it was closed".to_owned(),
    }
}

/// Says goodbye, and waits for the other side's.
async fn farewell(sink: &mut SplitSink<Stream, Message>, stream: &mut SplitStream<Stream>) {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    drop(sink.send(Message::Close(Some(frame))).await);
    while let Some(Ok(_)) = stream.next().await {}
}

fn pings(every: Duration) -> Interval {
    let mut pings = interval_at(Instant::now() + every, every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings
}
