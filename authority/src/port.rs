//! A port of this program: opened with a long queue, served with time-outs, and HTTP requests
//! turned into WebSocket connections.

pub(crate) mod socket;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use score::wire;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

/// How long a request's head may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Opens a port with a queue that takes thousands of connections at once.
///
/// # Errors
/// Those of the operating system, such as an address in use.
pub fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    const BACKLOG: u32 = 4_096;
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Serves connections for as long as it is polled.
pub async fn serve(listener: TcpListener, routes: Router) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES_MAX);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: wait until some connection ends.
                tracing::warn!(target: "worldboss::port", "can't accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // A socket that refuses options is about to fail anyway.
        drop(wire::set_options(&stream));
        let service = TowerToHyperService::new(routes.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(target: "worldboss::port", "an HTTP connection ended: {error}");
            }
        });
    }
}

/// A request that may become a WebSocket connection.
#[derive(Debug)]
pub struct Upgrade {
    request: Request,
    response: Response,
}

impl Upgrade {
    /// Checks that a request asks for a WebSocket connection with this sub-protocol.
    ///
    /// # Errors
    /// The refusal to answer with, which says what is missing.
    pub fn check(request: Request, subprotocol: &'static str) -> Result<Self, Box<Response>> {
        let refuse = |why| Box::new((StatusCode::BAD_REQUEST, why).into_response());
        let mut response = match create_response_with_body(&request, Body::empty) {
            Ok(response) => response,
            Err(error) => {
                let text = format!("this address takes WebSocket connections alone: {error}\n");
                return Err(refuse(text));
            }
        };
        if !offers(request.headers(), subprotocol) {
            return Err(refuse(format!("offer the sub-protocol {subprotocol}\n")));
        }
        let name = HeaderValue::from_static(subprotocol);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, name);
        Ok(Self { request, response })
    }

    /// The answer to give. Once it has left, `take` gets the socket, and the bytes that came on it
    /// already. It gets nothing if the other side leaves before.
    pub fn accept<F>(
        mut self,
        take: impl FnOnce(TcpStream, Vec<u8>) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send,
    {
        let upgraded = hyper::upgrade::on(&mut self.request);
        tokio::spawn(async move {
            let Ok(upgraded) = upgraded.await else { return };
            let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else { return };
            take(parts.io.into_inner(), parts.read_buf.to_vec()).await;
        });
        self.response
    }
}

/// The answer to who asks at a bad moment.
#[must_use]
pub fn come_back(why: &str) -> Response {
    let retry = [(header::RETRY_AFTER, "5")];
    (StatusCode::SERVICE_UNAVAILABLE, retry, format!("{why}; try again in 5 seconds\n"))
        .into_response()
}

fn offers(headers: &HeaderMap, subprotocol: &str) -> bool {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut names =
        offers.filter_map(|offer| offer.to_str().ok()).flat_map(|offer| offer.split(','));
    names.any(|name| name.trim() == subprotocol)
}
