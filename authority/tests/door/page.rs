//! A page, as far as a door can tell.

use futures::{SinkExt, StreamExt};
use protocol::{DoorAnswer, DoorRequest, Numbered};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};

pub(crate) type Socket = WebSocketStream<TcpStream>;

const LONG: Duration = Duration::from_secs(30);

/// Opens a connection; what the server says if it does not.
pub(crate) async fn connect(
    addr: SocketAddr,
    subprotocol: &str,
    origin: Option<&str>,
) -> Result<Socket, String> {
    let uri = format!("ws://{addr}/groups").parse().unwrap();
    let mut request = ClientRequestBuilder::new(uri).with_sub_protocol(subprotocol);
    if let Some(origin) = origin {
        request = request.with_header("Origin", origin);
    }
    let stream = TcpStream::connect(addr).await.unwrap();
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            Err(format!("{} {}", response.status(), String::from_utf8_lossy(&body)))
        }
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) struct Page {
    socket: Socket,
    number: u64,
}

impl Page {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket, number: 1_000 }
    }

    pub(crate) async fn put(&mut self, message: Message) {
        // The server may have closed it already.
        drop(self.socket.send(message).await);
    }

    pub(crate) async fn send(&mut self, number: u64, request: &DoorRequest) {
        let body = ucore::encode(request);
        self.put(Message::binary(Numbered::wrap(number, &body))).await;
    }

    /// The next answer. None: the server has none.
    pub(crate) async fn answer(&mut self) -> (u64, Option<DoorAnswer>) {
        loop {
            let message = timeout(LONG, self.socket.next()).await.expect("an answer comes");
            if let Message::Binary(bytes) = message.unwrap().unwrap() {
                let (number, body) = Numbered::unwrap(&bytes).unwrap();
                let answer = (body != [0xc0]).then(|| DoorAnswer::decode(body).unwrap());
                return (number, answer);
            }
        }
    }

    pub(crate) async fn ask(&mut self, request: &DoorRequest) -> DoorAnswer {
        self.number += 1;
        let number = self.number;
        self.send(number, request).await;
        let (found, answer) = self.answer().await;
        assert_eq!(found, number);
        answer.expect("an answer")
    }

    /// Takes what comes without a word, not even a pong, until the server closes the connection.
    pub(crate) async fn be_silent(&mut self) {
        let (ping, mut rest) = ([0x89, 0], Vec::new());
        while rest.first() != Some(&0x88) {
            let came = self.socket.get_mut().read_buf(&mut rest).await.unwrap();
            assert!(came > 0, "it says that it closes");
            while rest.starts_with(&ping) {
                rest.drain(..ping.len());
            }
        }
    }

    /// With what code and reason the server closes the connection.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            let message = timeout(LONG, self.socket.next()).await.expect("it is closed");
            match message {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                other => panic!("a close frame, and not {other:?}"),
            }
        }
    }
}
