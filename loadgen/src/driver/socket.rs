//! One player's WebSocket: a socket that never blocks, small buffers, no delay, binary messages of
//! the player's protocol.

use super::target::Target;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use protocol::SUBPROTOCOL;
use socket2::{Domain, Protocol, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio_tungstenite::tungstenite::client::{IntoClientRequest, client_with_config};
use tokio_tungstenite::tungstenite::handshake::client::ClientHandshake;
use tokio_tungstenite::tungstenite::handshake::{HandshakeError, MidHandshake};
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{WebSocket, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, ClientRequestBuilder, Error, Message};

/// Longest message that a shard may send.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one read, which are zeroed before it. A state frame has some fifty.
const READ_BYTES: usize = 512;
/// Connections from one loopback address. It has about 28,000 ports for one destination.
const PER_ADDRESS: u32 = 25_000;

/// A connection, from its first packet to its last.
#[derive(Debug)]
pub(super) struct Socket {
    stage: Stage,
    /// Something waits to be written.
    is_full: bool,
}

#[derive(Debug)]
enum Stage {
    /// TCP connects.
    Dialing(TcpStream),
    /// HTTP becomes WebSocket.
    Upgrading(Box<MidHandshake<ClientHandshake<Wire>>>),
    /// Messages go both ways.
    Open(Box<WebSocket<Wire>>),
    /// Nothing goes any more.
    Broken,
}

/// What came.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A message.
    Message(Bytes),
    /// The end, with the shard's close code if there was one.
    Closed(Option<u16>),
    /// A ping or another frame that needs no answer from here.
    Nothing,
    /// All that had come was read.
    Dry,
}

/// Bytes that went through a socket since they were asked for last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) received: u64,
    pub(super) sent: u64,
}

impl Socket {
    /// Begins to connect. `index` is the connection's number on this target, `attempt` chooses
    /// among the target's addresses.
    pub(super) fn dial(
        target: &Target,
        (index, attempt): (u32, usize),
        registry: &Registry,
        token: Token,
    ) -> Result<Self, String> {
        let address = target.addresses.get(attempt % target.addresses.len().max(1));
        let address = *address.ok_or("a target has no address")?;
        let dialed = dial(address, index).and_then(|mut stream| {
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            Ok(stream)
        });
        let stream = dialed.map_err(|error| format!("a connection failed: {error}"))?;
        Ok(Self { stage: Stage::Dialing(stream), is_full: false })
    }

    /// Goes on connecting; true once it is open.
    pub(super) fn advance(&mut self, target: &Target) -> Result<bool, String> {
        match std::mem::replace(&mut self.stage, Stage::Broken) {
            Stage::Dialing(stream) => match is_connected(&stream) {
                Ok(false) => {
                    self.stage = Stage::Dialing(stream);
                    Ok(false)
                }
                Ok(true) => self.upgrade(stream, target),
                Err(error) => Err(format!("a connection failed: {error}")),
            },
            Stage::Upgrading(half) => self.shake(half.handshake()),
            stage @ (Stage::Open(_) | Stage::Broken) => {
                self.stage = stage;
                Ok(self.is_open())
            }
        }
    }

    fn upgrade(&mut self, stream: TcpStream, target: &Target) -> Result<bool, String> {
        let request = ClientRequestBuilder::new(target.uri.clone()).with_sub_protocol(SUBPROTOCOL);
        let request = request.into_client_request().map_err(|error| error.to_string())?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let passed = Passed::default();
        let wire = Wire { stream, is_dry: false, has_ended: false, passed };
        self.shake(client_with_config(request, wire, Some(config)))
    }

    fn shake<R>(
        &mut self,
        shaken: Result<(WebSocket<Wire>, R), HandshakeError<ClientHandshake<Wire>>>,
    ) -> Result<bool, String> {
        match shaken {
            Ok((socket, _)) => {
                self.stage = Stage::Open(Box::new(socket));
                Ok(true)
            }
            Err(HandshakeError::Interrupted(half)) => {
                self.stage = Stage::Upgrading(Box::new(half));
                Ok(false)
            }
            Err(HandshakeError::Failure(Error::Http(response))) => Err(format!(
                "an upgrade failed: the answer is {}, expected 101; the path of a shard is /ws",
                response.status()
            )),
            Err(HandshakeError::Failure(error)) => Err(format!("an upgrade failed: {error}")),
        }
    }

    /// Whether messages go both ways.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(_))
    }

    /// The socket has news: it may be read and written again. `has_ended`: its end is among what
    /// can be read.
    pub(super) fn wake(&mut self, has_ended: bool) {
        let wire = match &mut self.stage {
            Stage::Open(socket) => socket.get_mut(),
            Stage::Upgrading(half) => half.get_mut().get_mut(),
            Stage::Dialing(_) | Stage::Broken => return,
        };
        (wire.is_dry, wire.has_ended) = (false, wire.has_ended || has_ended);
        if self.is_full
            && let Stage::Open(socket) = &mut self.stage
        {
            let flushed = socket.flush();
            // What is wrong is found by who reads.
            self.sent(&flushed);
        }
    }

    /// Sends the bytes of a message, or keeps them until they can be sent; false when the
    /// connection is gone.
    pub(super) fn send(&mut self, bytes: Vec<u8>) -> bool {
        let Stage::Open(socket) = &mut self.stage else { return false };
        let sent = socket.send(Message::Binary(bytes.into()));
        self.sent(&sent)
    }

    fn sent(&mut self, sent: &Result<(), Error>) -> bool {
        self.is_full = matches!(sent, Err(Error::Io(error)) if is_blocked(error));
        self.is_full || sent.is_ok()
    }

    /// The next thing that has come.
    pub(super) fn read(&mut self) -> Incoming {
        let Stage::Open(socket) = &mut self.stage else { return Incoming::Dry };
        match socket.read() {
            Ok(Message::Binary(bytes)) => Incoming::Message(bytes),
            Ok(Message::Text(text)) => Incoming::Message(text.into()),
            Ok(Message::Close(frame)) => {
                // What is not through by now was not awaited by the other side.
                drop(socket.flush());
                Incoming::Closed(frame.map(|frame| frame.code.into()))
            }
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Incoming::Nothing,
            Err(Error::Io(error)) if is_blocked(&error) => Incoming::Dry,
            Err(_) => Incoming::Closed(None),
        }
    }

    /// Says farewell; the end comes by [`Self::read`].
    pub(super) fn close(&mut self) {
        if let Stage::Open(socket) = &mut self.stage {
            // Fails when the other side has closed, which is what is wanted.
            drop(socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() })));
        }
    }

    /// Bytes that went through since this was asked last.
    pub(super) fn take_passed(&mut self) -> Passed {
        match &mut self.stage {
            Stage::Open(socket) => std::mem::take(&mut socket.get_mut().passed),
            Stage::Dialing(_) | Stage::Upgrading(_) | Stage::Broken => Passed::default(),
        }
    }
}

/// The stream below a WebSocket. A read that brought less than there was room for has emptied the
/// socket, which needs no second call to be known.
#[derive(Debug)]
struct Wire {
    stream: TcpStream,
    is_dry: bool,
    /// Its end may lie behind what was read, and has no news of its own.
    has_ended: bool,
    passed: Passed,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_dry {
            return Err(ErrorKind::WouldBlock.into());
        }
        let len = self.stream.read(buffer)?;
        self.is_dry = len < buffer.len() && len > 0 && !self.has_ended;
        self.passed.received += len as u64;
        Ok(len)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.stream.write(bytes)?;
        self.passed.sent += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_blocked(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

/// Whether TCP has connected; an error if it will not.
fn is_connected(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

fn dial(address: SocketAddr, index: u32) -> io::Result<TcpStream> {
    let socket =
        socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    // Elsewhere the loopback has one address alone.
    if let (IpAddr::V4(ip), group @ 1..) = (address.ip(), index / PER_ADDRESS)
        && ip.is_loopback()
        && cfg!(target_os = "linux")
    {
        let [_, _, high, low] = (group + 1).to_be_bytes();
        let source = SocketAddr::from((Ipv4Addr::new(127, 0, high, low), 0));
        socket.bind(&source.into())?;
    }
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if is_under_way(&error) => {}
        Err(error) => return Err(error),
    }
    Ok(TcpStream::from_std(socket.into()))
}

fn is_under_way(error: &io::Error) -> bool {
    let in_progress = rustix::io::Errno::INPROGRESS.raw_os_error();
    is_blocked(error) || error.raw_os_error() == Some(in_progress)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll};
    use std::net::TcpListener;
    use std::thread::JoinHandle;
    use tokio_tungstenite::tungstenite::accept_hdr;
    use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
    use tokio_tungstenite::tungstenite::http::HeaderValue;

    /// A server whose connection sends one message and ends, at once; it is joined for that.
    #[expect(clippy::disallowed_methods, reason = "a server of its own needs a thread")]
    #[expect(clippy::result_large_err, reason = "tungstenite has it so")]
    fn server() -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let addr = listener.local_addr().expect("it has an address");
        let serving = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a player comes");
            let protocol = |_: &Request, mut response: Response| {
                let name = HeaderValue::from_static(SUBPROTOCOL);
                response.headers_mut().insert("Sec-WebSocket-Protocol", name);
                Ok(response)
            };
            let mut socket = accept_hdr(stream, protocol).expect("it wants a WebSocket");
            assert!(socket.read().expect("it says hello").is_binary());
            socket.send(Message::binary(vec![7])).expect("it is there");
        });
        (addr, serving)
    }

    #[tokio::test]
    async fn an_end_that_lies_behind_a_message_is_read_with_it() {
        let (addr, serving) = server();
        let target = Target::look_up(&format!("ws://{addr}/")).await.expect("an address");
        let (mut poll, mut events) = (Poll::new().expect("it polls"), Events::with_capacity(8));
        let dialed = Socket::dial(&target, (0, 0), poll.registry(), Token(1));
        let mut socket = dialed.expect("it dials");
        while !socket.is_open() {
            poll.poll(&mut events, None).expect("it polls");
            socket.wake(false);
            socket.advance(&target).expect("it connects");
        }
        while !matches!(socket.read(), Incoming::Dry) {}
        assert!(socket.send(vec![1]));
        // From here on both the message and the end are there, and have one event in common.
        serving.join().expect("the server has ended");
        poll.poll(&mut events, None).expect("it polls");
        let has_ended = events.iter().any(mio::event::Event::is_read_closed);
        socket.wake(has_ended);
        assert!(matches!(socket.read(), Incoming::Message(bytes) if bytes[..] == [7]));
        assert!(matches!(socket.read(), Incoming::Closed(None)), "nothing else would tell");
    }
}
