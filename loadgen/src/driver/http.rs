//! Reads a page of a server, such as the ledger of a target: one GET on a connection of its own.

use super::target::Target;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use protocol::Ledger;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Bytes of a ledger. Longer: it is not read.
const LEDGER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long one read may take.
const LEDGER_MAX: Duration = Duration::from_secs(10);

/// The ledger as the target shows it now.
pub(super) async fn ledger(target: &Target) -> Result<Ledger, String> {
    let Target { authority, addresses, .. } = target;
    let body = fetch(authority, addresses, "/api/ledger", LEDGER_MAX).await?;
    serde_json::from_slice(&body).map_err(|error| format!("the ledger is malformed: {error}"))
}

/// A page of a server, such as `/metrics`.
///
/// # Errors
/// If it does not come within `max`, or is answered by anything but 200 OK.
pub async fn page(addr: SocketAddr, path: &str, max: Duration) -> Result<String, String> {
    let body = fetch(&addr.to_string(), &[addr], path, max).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// The page of a target.
pub(super) async fn page_of(target: &Target, max: Duration) -> Result<String, String> {
    let Target { uri, authority, addresses } = target;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let body = fetch(authority, addresses, path, max).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

async fn fetch(
    host: &str,
    addresses: &[SocketAddr],
    path: &str,
    max: Duration,
) -> Result<Bytes, String> {
    let body = timeout(max, get(host, addresses, path)).await;
    let body = body.map_err(|_| format!("{path} did not come within {max:?}"))?;
    body.map_err(|error| format!("{path} could not be read: {error}"))
}

async fn get(
    host: &str,
    addresses: &[SocketAddr],
    path: &str,
) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(addresses).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header(HOST, host)
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(format!("{path} answers {}", response.status()).into());
        }
        let body = Limited::new(response.into_body(), LEDGER_BYTES_MAX);
        Ok(body.collect().await?.to_bytes())
    };
    // The connection only moves while it is polled; its end is no news once the body is here.
    let mut connection = std::pin::pin!(connection);
    let mut exchange = std::pin::pin!(exchange);
    tokio::select! {
        body = &mut exchange => body,
        ended = &mut connection => {
            ended?;
            exchange.await
        }
    }
}
