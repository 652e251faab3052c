//! Hop 4, session: a message arrives, is bounded and decoded, and joins its worker's batch.

use super::metrics::Metrics;
use super::outbox::{Link, Outbox, Wire};
use crate::machine::ConnId;
use futures::StreamExt;
use protocol::limits::{
    CLOSE_MS_MAX, HELLO_MS_MAX, INPUT_BYTES_PER_TICK_MAX, INPUTS_PER_TICK_MAX, LINGER_BYTES_MAX,
    MESSAGE_BYTES_MAX,
};
use protocol::{CloseCode, Hello, Hit, MessageError, Micros, PROTOCOL, PlayerMessage};
use score::Clock;
use socket2::SockRef;
use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};

/// Something that happened on a connection.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) conn: ConnId,
    pub(super) at: Micros,
    pub(super) what: What,
}

/// What happened.
#[derive(Debug)]
pub(super) enum What {
    Hello(Hello),
    Hit(Hit),
    /// The last one: the connection has ended.
    Gone,
}

/// What a worker's sessions share: the batch that the next tick takes.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    /// Bounded by [`INPUTS_PER_TICK_MAX`] for each connection.
    pub(super) inputs: RefCell<Vec<Input>>,
    /// Connections that have ended since the last batch.
    pub(super) ended: RefCell<Vec<ConnId>>,
    /// Counts the batches taken, so that each connection knows when its allowance is renewed.
    pub(super) round: Cell<u64>,
}

impl Inbox {
    pub(super) fn put(&self, conn: ConnId, what: What) {
        self.inputs.borrow_mut().push(Input { conn, at: self.clock.now(), what });
    }
}

/// Who reads a connection. Dropped with its task, however that ends, it tells that the connection
/// has ended.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) conn: ConnId,
    pub(super) inbox: Rc<Inbox>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.inbox.put(self.conn, What::Gone);
        self.inbox.ended.borrow_mut().push(self.conn);
    }
}

/// Why the shard closes a connection.
struct Refused(CloseCode, String);

/// Reads one connection until it ends.
pub(super) async fn run(reader: Reader, link: Rc<Link>, read: Vec<u8>) {
    let Reader { conn, inbox } = &reader;
    let allowance = (inbox.round.get(), INPUT_BYTES_PER_TICK_MAX);
    let wire = Wire { link: Rc::clone(&link), inbox: Rc::clone(inbox), allowance };
    let mut stream =
        WebSocketStream::from_partially_read(wire, read, Role::Server, Some(config())).await;
    if let Err(Refused(code, why)) = receive(*conn, &mut stream, &link.outbox, inbox).await {
        inbox.metrics.closed(code);
        tracing::debug!(
            target: "worldboss::shard", conn = conn.0, code = code.code(), why, "closing"
        );
        // A socket that is gone needs no goodbye.
        drop(link.outbox.borrow_mut().close(&link.socket, close_frame(code, &why)));
    }
    let goodbye = tokio::time::timeout(Duration::from_millis(CLOSE_MS_MAX), linger(&link));
    drop(goodbye.await);
}

/// Sends the last words and waits until the other side has gone, reading what it still sends: a
/// socket that is closed with bytes unread resets, and takes the last words with it.
async fn linger(Link { socket, outbox }: &Link) -> std::io::Result<()> {
    while !outbox.borrow_mut().flush(socket)? {
        socket.writable().await?;
    }
    SockRef::from(socket).shutdown(Shutdown::Write)?;
    // On the heap: every connection's future is as large as the largest of its moments.
    let (mut left, mut bytes) = (LINGER_BYTES_MAX, vec![0; 1_024]);
    while left > 0 {
        socket.readable().await?;
        match socket.try_read(&mut bytes) {
            Ok(0) => break,
            Ok(len) => left = left.saturating_sub(len),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn receive(
    conn: ConnId,
    stream: &mut WebSocketStream<Wire>,
    outbox: &RefCell<Outbox>,
    inbox: &Inbox,
) -> Result<(), Refused> {
    let mut allowance = Allowance::default();
    let hello = next(stream, inbox, &mut allowance);
    let hello = tokio::time::timeout(Duration::from_millis(HELLO_MS_MAX), hello);
    let hello = hello.await.map_err(|_| {
        let why = format!("no Hello within {HELLO_MS_MAX} ms of connecting");
        Refused(CloseCode::HelloTimeout, why)
    })??;
    match hello {
        None => return Ok(()),
        Some(PlayerMessage::Hello(hello)) => {
            check_hello(&hello)?;
            outbox.borrow_mut().every = hello.every;
            inbox.put(conn, What::Hello(hello));
        }
        Some(PlayerMessage::Hit(_)) => {
            let why = "the first message must be Hello".to_owned();
            return Err(Refused(CloseCode::HelloExpected, why));
        }
    }
    while let Some(message) = next(stream, inbox, &mut allowance).await? {
        match message {
            PlayerMessage::Hit(hit) => inbox.put(conn, What::Hit(hit)),
            PlayerMessage::Hello(_) => {
                let why = "Hello was said already in this connection".to_owned();
                return Err(Refused(CloseCode::HelloExpected, why));
            }
        }
    }
    Ok(())
}

fn check_hello(hello: &Hello) -> Result<(), Refused> {
    if hello.protocol != PROTOCOL {
        let why = format!("this server speaks protocol {PROTOCOL}: load the client anew");
        return Err(Refused(CloseCode::Protocol, why));
    }
    hello.check().map_err(|why| Refused(CloseCode::Field, why))
}

/// What a connection may still send before the next tick takes the batch.
#[derive(Default)]
struct Allowance {
    round: u64,
    messages: usize,
}

impl Allowance {
    /// Counts one more message, pings and pongs included.
    fn count(&mut self, inbox: &Inbox) -> Result<(), Refused> {
        if self.round != inbox.round.get() {
            *self = Self { round: inbox.round.get(), messages: 0 };
        }
        self.messages += 1;
        if self.messages <= INPUTS_PER_TICK_MAX {
            return Ok(());
        }
        let why = format!("more than {INPUTS_PER_TICK_MAX} messages in one tick");
        Err(Refused(CloseCode::Flood, why))
    }
}

/// The next message; none when the connection has ended.
async fn next(
    stream: &mut WebSocketStream<Wire>,
    inbox: &Inbox,
    allowance: &mut Allowance,
) -> Result<Option<PlayerMessage>, Refused> {
    loop {
        let message = stream.next().await;
        if let Some(Ok(_)) = message {
            allowance.count(inbox)?;
        }
        match message {
            Some(Ok(Message::Binary(bytes))) => return decode(&bytes, inbox).map(Some),
            Some(Ok(Message::Text(_)) | Err(Error::Utf8(_))) => {
                let why = "messages are binary frames, this was a text frame".to_owned();
                return Err(Refused(CloseCode::Text, why));
            }
            Some(Ok(_)) => {}
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { size, .. }))) => {
                let why =
                    format!("a message of {size} bytes, at most {MESSAGE_BYTES_MAX} are read");
                return Err(Refused(CloseCode::TooLarge, why));
            }
            Some(Err(Error::Io(error))) if error.kind() == ErrorKind::QuotaExceeded => {
                let why = format!("more than {INPUT_BYTES_PER_TICK_MAX} bytes in one tick");
                return Err(Refused(CloseCode::Flood, why));
            }
            Some(Err(Error::Protocol(error))) if is_framing(&error) => {
                return Err(Refused(CloseCode::Framing, error.to_string()));
            }
            Some(Err(_)) | None => return Ok(None),
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

fn decode(bytes: &[u8], inbox: &Inbox) -> Result<PlayerMessage, Refused> {
    let message = PlayerMessage::decode(bytes).map_err(|error| {
        let unknown = matches!(error, MessageError::UnknownType(_));
        let code = if unknown { CloseCode::UnknownType } else { CloseCode::Malformed };
        Refused(code, format!("not a message of this protocol: {error}"))
    })?;
    inbox.metrics.received(&message);
    Ok(message)
}

/// A close frame whose reason fits: the protocol allows 123 bytes.
pub(super) fn close_frame(code: CloseCode, why: &str) -> CloseFrame {
    let mut end = why.len().min(123);
    while !why.is_char_boundary(end) {
        end -= 1;
    }
    CloseFrame { code: code.code().into(), reason: why[..end].to_owned().into() }
}

/// Small read buffers, because every connection has one; the outbox does the writing.
fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(1_024)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * MESSAGE_BYTES_MAX)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}
