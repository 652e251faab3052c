//! What both ends of a connection do with its socket: options, bounds, and frames of bounded size.

use bytes::Bytes;
use protocol::limits::{SYNC_FRAME_BYTES_MAX, SYNC_MESSAGE_BYTES_MAX};
use socket2::{SockRef, TcpKeepalive};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// How long a peer may leave what was sent to it unconfirmed.
const VANISHED: Duration = Duration::from_secs(20);

/// Small frames leave at once, and a peer that vanished without a word is noticed.
///
/// # Errors
/// Those of the operating system.
pub fn set_options(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    let probes = TcpKeepalive::new().with_time(VANISHED / 2).with_interval(VANISHED / 4);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(VANISHED))?;
    Ok(())
}

/// Bounds of frames and messages. A frame that is written leaves at once.
#[must_use]
pub fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * SYNC_FRAME_BYTES_MAX)
        .max_message_size(Some(SYNC_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(SYNC_FRAME_BYTES_MAX))
}

/// A binary message as frames of at most [`SYNC_FRAME_BYTES_MAX`].
pub fn frames(message: Bytes) -> impl Iterator<Item = Message> {
    let mut rest = Some(message);
    let mut first = true;
    std::iter::from_fn(move || {
        let mut frame = rest.take()?;
        if frame.len() > SYNC_FRAME_BYTES_MAX {
            rest = Some(frame.split_off(SYNC_FRAME_BYTES_MAX));
        }
        let kind = if std::mem::take(&mut first) { Data::Binary } else { Data::Continue };
        Some(Message::Frame(Frame::message(frame, OpCode::Data(kind), rest.is_none())))
    })
}

/// A stream that tells `tap` how many bytes came, before anybody looks at them. An error of it is
/// the stream's.
pub struct Tap<S, F> {
    stream: S,
    tap: F,
}

impl<S, F> Tap<S, F> {
    /// Puts a tap on a stream.
    pub fn new(stream: S, tap: F) -> Self {
        Self { stream, tap }
    }

    /// The stream.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: fmt::Debug, F> fmt::Debug for Tap<S, F> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(to)
    }
}

impl<S, F> AsyncRead for Tap<S, F>
where
    S: AsyncRead + Unpin,
    F: FnMut(usize) -> io::Result<()> + Unpin,
{
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        Poll::Ready((self.tap)(buffer.filled().len() - before))
    }
}

impl<S, F> AsyncWrite for Tap<S, F>
where
    S: AsyncWrite + Unpin,
    F: Unpin,
{
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_travels_in_frames_that_add_up_to_it() {
        for (len, expected) in [(0, 1), (1, 1), (SYNC_FRAME_BYTES_MAX, 1), (200_000, 4)] {
            let message: Vec<u8> = (0..=255).cycle().take(len).collect();
            let (mut joined, mut kinds) = (Vec::new(), Vec::new());
            for frame in frames(message.clone().into()) {
                let Message::Frame(frame) = frame else { panic!("a raw frame") };
                assert!(frame.payload().len() <= SYNC_FRAME_BYTES_MAX);
                joined.extend_from_slice(frame.payload());
                kinds.push((frame.header().opcode, frame.header().is_final));
            }
            assert_eq!(joined, message);
            assert_eq!(kinds.len(), expected, "{len} bytes");
            let (first, last) = (kinds[0], kinds[expected - 1]);
            assert_eq!((first.0, last.1), (OpCode::Data(Data::Binary), true));
            let inner = OpCode::Data(Data::Continue);
            assert!(kinds[1..].iter().all(|(kind, _)| *kind == inner));
            assert!(kinds[..expected - 1].iter().all(|(_, last)| !last));
        }
    }
}
