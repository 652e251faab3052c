//! Reads the ledger of a target: one GET on a connection of its own.

use super::target::Target;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use protocol::Ledger;
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Bytes of a ledger. Longer: it is not read.
const LEDGER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long one read may take.
const LEDGER_MAX: Duration = Duration::from_secs(10);

/// The ledger as the target shows it now.
pub(super) async fn ledger(target: &Target) -> Result<Ledger, String> {
    let body = timeout(LEDGER_MAX, get(target, "/api/ledger")).await;
    let body = body.map_err(|_| "the ledger did not come within 10 s".to_owned())?;
    let body = body.map_err(|error| format!("the ledger could not be read: {error}"))?;
    serde_json::from_slice(&body).map_err(|error| format!("the ledger is malformed: {error}"))
}

async fn get(target: &Target, path: &str) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(target.addresses.as_slice()).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header(HOST, &target.authority)
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
