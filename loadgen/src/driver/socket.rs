//! One bot's WebSocket: small buffers, no delay, binary messages of the player's protocol.

use super::target::Target;
use futures::{SinkExt, StreamExt};
use protocol::{PlayerMessage, SUBPROTOCOL};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, ClientRequestBuilder, Message};

/// Longest message that a shard may send.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// How long a connection may take to come up.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long the other side of a closing connection has to answer.
const CLOSE_MAX: Duration = Duration::from_secs(2);
/// Connections from one loopback address. It has about 28,000 ports for one destination.
const PER_ADDRESS: u32 = 25_000;

/// An open connection.
#[derive(Debug)]
pub(super) struct Socket(WebSocketStream<TcpStream>);

/// What came.
#[derive(Debug)]
pub(super) enum Incoming {
    /// A binary message.
    Message(Bytes),
    /// The end, with the shard's close code if there was one.
    Closed(Option<u16>),
    /// A ping or another frame that needs no answer from here.
    Nothing,
}

impl Socket {
    /// Connects. `index` is the connection's number on this target.
    pub(super) async fn connect(target: &Target, index: u32) -> Result<Self, String> {
        let connected = timeout(CONNECT_MAX, Self::try_connect(target, index)).await;
        connected.unwrap_or_else(|_| Err("a connection took longer than 10 s".to_owned()))
    }

    async fn try_connect(target: &Target, index: u32) -> Result<Self, String> {
        let mut result = Err("a target has no address".to_owned());
        for address in &target.addresses {
            match dial(*address, index).await {
                Ok(stream) => return Self::upgrade(stream, target).await,
                Err(error) => result = Err(format!("a connection failed: {error}")),
            }
        }
        result
    }

    async fn upgrade(stream: TcpStream, target: &Target) -> Result<Self, String> {
        let request = ClientRequestBuilder::new(target.uri.clone()).with_sub_protocol(SUBPROTOCOL);
        let config = WebSocketConfig::default()
            .read_buffer_size(4_096)
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let opened = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
        let (socket, _) = opened.await.map_err(|error| format!("an upgrade failed: {error}"))?;
        Ok(Self(socket))
    }

    /// Sends a message; false when the connection is gone.
    pub(super) async fn send(&mut self, message: &PlayerMessage) -> bool {
        let bytes = ucore::encode(message);
        self.0.send(Message::Binary(bytes.into())).await.is_ok()
    }

    /// The next thing that comes.
    pub(super) async fn next(&mut self) -> Incoming {
        match self.0.next().await {
            Some(Ok(Message::Binary(bytes))) => Incoming::Message(bytes),
            Some(Ok(Message::Text(text))) => Incoming::Message(text.into()),
            Some(Ok(Message::Close(frame))) => {
                Incoming::Closed(frame.map(|frame| frame.code.into()))
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Incoming::Nothing,
            Some(Err(_)) | None => Incoming::Closed(None),
        }
    }

    /// Ends the connection in order: says so, or answers the other side's farewell.
    pub(super) async fn close(mut self) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        let farewell = async {
            // Fails when the other side closed first; then what is left is to flush the answer.
            drop(self.0.close(Some(frame)).await);
            while let Some(Ok(_)) = self.0.next().await {}
        };
        drop(timeout(CLOSE_MAX, farewell).await);
    }
}

async fn dial(address: SocketAddr, index: u32) -> std::io::Result<TcpStream> {
    let stream = match (address.ip(), index / PER_ADDRESS) {
        (IpAddr::V4(ip), group @ 1..) if ip.is_loopback() => {
            let socket = TcpSocket::new_v4()?;
            let [_, _, high, low] = (group + 1).to_be_bytes();
            socket.bind((Ipv4Addr::new(127, 0, high, low), 0).into())?;
            socket.connect(address).await?
        }
        _ => TcpStream::connect(address).await?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}
