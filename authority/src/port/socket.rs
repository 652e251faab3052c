//! A WebSocket connection that this program serves: how it sends, and how it ends.

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{Sink, SinkExt};
use protocol::limits::{CLOSE_MS_MAX, SYNC_FRAME_BYTES_MAX, SYNC_WRITE_MS_MAX};
use score::wire;
use std::borrow::Cow;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};

/// How a connection ends.
#[derive(Debug)]
pub(crate) enum Over {
    /// The other side went away, or does not read.
    Gone,
    /// This side closes it, and says why.
    Closed(CloseCode, Cow<'static, str>),
}

impl Over {
    /// This side closes it, and says why.
    pub(crate) fn closed(code: CloseCode, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Closed(code, why.into())
    }
}

/// Waits until the server is told to stop. Cancel safe.
pub(crate) async fn told(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Sends a message in frames, each of which the other side takes in time.
pub(crate) async fn send(
    sink: &mut (impl Sink<Message> + Unpin),
    message: Bytes,
) -> Result<(), Over> {
    for frame in wire::frames(message) {
        put(sink, frame).await?;
    }
    Ok(())
}

/// Sends a frame, which the other side takes in time.
pub(crate) async fn put(
    sink: &mut (impl Sink<Message> + Unpin),
    frame: Message,
) -> Result<(), Over> {
    let sent = timeout(Duration::from_millis(SYNC_WRITE_MS_MAX), sink.send(frame)).await;
    sent.map_err(|_| Over::Gone)?.map_err(|_| Over::Gone)
}

/// Says why a connection ends, unless the other side is gone. `bare` gives the socket that its
/// stream has.
pub(crate) async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    sink: SplitSink<WebSocketStream<S>, Message>,
    stream: SplitStream<WebSocketStream<S>>,
    over: Over,
    bare: impl FnOnce(S) -> TcpStream,
) {
    if let Over::Closed(code, why) = over {
        let farewell = farewell(sink, stream, close_frame(code, &why), bare);
        drop(timeout(Duration::from_millis(CLOSE_MS_MAX), farewell).await);
    }
}

/// Says why, and reads what the other side still sends: a socket that is closed with bytes unread
/// resets, and takes the last words with it. The caller bounds the time.
async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(
    mut sink: SplitSink<WebSocketStream<S>, Message>,
    stream: SplitStream<WebSocketStream<S>>,
    frame: CloseFrame,
    bare: impl FnOnce(S) -> TcpStream,
) -> Option<()> {
    sink.send(Message::Close(Some(frame))).await.ok()?;
    let mut socket = bare(stream.reunite(sink).ok()?.into_inner());
    socket.shutdown().await.ok()?;
    let mut bytes = vec![0; SYNC_FRAME_BYTES_MAX];
    while socket.read(&mut bytes).await.ok()? > 0 {}
    Some(())
}

/// A close frame whose reason fits: the protocol allows 123 bytes.
fn close_frame(code: CloseCode, why: &str) -> CloseFrame {
    let mut end = why.len().min(123);
    while !why.is_char_boundary(end) {
        end -= 1;
    }
    CloseFrame { code, reason: why[..end].to_owned().into() }
}
