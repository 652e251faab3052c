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
    let body = timeout(LEDGER_MAX, get(authority, addresses, "/api/ledger")).await;
    let body = body.map_err(|_| "the ledger did not come within 10 s".to_owned())?;
    let body = body.map_err(|error| format!("the ledger could not be read: {error}"))?;
    serde_json::from_slice(&body).map_err(|error| format!("the ledger is malformed: {error}"))
}

/// A page of a server, such as `/metrics`.
///
/// # Errors
/// If it does not come within `max`, or is answered by anything but 200 OK.
pub async fn page(addr: SocketAddr, path: &str, max: Duration) -> Result<String, String> {
    let page = timeout(max, get(&addr.to_string(), &[addr], path)).await;
    let page = page.map_err(|_| format!("{path} did not come within {max:?}"))?;
    let page = page.map_err(|error| format!("{path} could not be read: {error}"))?;
    Ok(String::from_utf8_lossy(&page).into_owned())
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
