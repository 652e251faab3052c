//! The shard's port: the page, health, metrics, the ledger, and the upgrade of players' sockets.

use super::ledger::Books;
use super::metrics::Metrics;
use super::page::page;
use super::worker::{Command, Slot};
use authority::FollowerError;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use protocol::SUBPROTOCOL;
use protocol::limits::CONNECTIONS_MAX;
use socket2::{SockRef, TcpKeepalive};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

/// What the routes need.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) workers: Vec<mpsc::Sender<Command>>,
    pub(super) next_worker: AtomicUsize,
    /// Players are let in.
    pub(super) open: AtomicBool,
    pub(super) connections: Arc<AtomicUsize>,
    pub(super) metrics: Metrics,
    pub(super) books: Books,
    /// Why hits are not taken; empty while they are.
    pub(super) unready: watch::Receiver<&'static str>,
}

/// How long a request's head may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a peer may leave what was sent to it unconfirmed.
const VANISHED: Duration = Duration::from_secs(20);
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Serves connections for as long as it is polled.
pub(super) async fn serve(listener: TcpListener, site: Arc<Site>) {
    let routes = Router::new()
        .route("/", get(page))
        .route("/assets/{file}", get(page))
        .route("/ws", get(upgrade))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/ledger", get(ledger))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing here; try /\n") })
        .with_state(site);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES_MAX);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: wait until some connection ends.
                tracing::warn!(target: "worldboss::shard", "can't accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // A socket that refuses options is about to fail anyway.
        drop(set_options(&stream));
        let service = TowerToHyperService::new(routes.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(target: "worldboss::shard", "an HTTP connection ended: {error}");
            }
        });
    }
}

/// Small frames leave at once, and a peer that vanished without a word is noticed.
fn set_options(stream: &TcpStream) -> std::io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    let probes = TcpKeepalive::new().with_time(VANISHED / 2).with_interval(VANISHED / 4);
    socket.set_tcp_keepalive(&probes)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(VANISHED))?;
    Ok(())
}

async fn ready(State(site): State<Arc<Site>>) -> Response {
    let why = *site.unready.borrow();
    if why.is_empty() {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
}

async fn metrics(State(site): State<Arc<Site>>) -> Response {
    let connections = site.connections.load(Ordering::Relaxed);
    site.metrics.connections.set(i64::try_from(connections).unwrap_or(i64::MAX));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], site.metrics.page()).into_response()
}

async fn ledger(State(site): State<Arc<Site>>) -> Response {
    // A reader that leaves in the middle must not cost the next one what was folded.
    let ledger = tokio::spawn(async move { site.books.ledger().await }).await;
    let kind = [(header::CONTENT_TYPE, "application/json")];
    match ledger.unwrap_or(Err(FollowerError::Interrupted)) {
        Ok(ledger) => (kind, ledger).into_response(),
        Err(error) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("no ledger now: {error}\n")).into_response()
        }
    }
}

/// Turns a request into a player's socket and hands it to a worker.
async fn upgrade(State(site): State<Arc<Site>>, mut request: Request) -> Response {
    let response = match create_response_with_body(&request, Body::empty) {
        Ok(response) => response,
        Err(error) => {
            let text = format!("this address takes WebSocket connections alone: {error}\n");
            return (StatusCode::BAD_REQUEST, text).into_response();
        }
    };
    if !offers_subprotocol(&request) {
        let text = format!("offer the sub-protocol {SUBPROTOCOL}\n");
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    if !site.open.load(Ordering::Relaxed) {
        return come_back("this shard takes no players now");
    }
    let Some(slot) = Slot::take(&site.connections, CONNECTIONS_MAX) else {
        return come_back("this shard has all the connections that it can hold");
    };
    let idx = site.next_worker.fetch_add(1, Ordering::Relaxed) % site.workers.len();
    let worker = site.workers[idx].clone();
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        // Whoever leaves during the upgrade has not joined yet.
        let Ok(upgraded) = upgraded.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
            return;
        };
        let Ok(socket) = parts.io.into_inner().into_std() else {
            return;
        };
        drop(worker.send(Command::Socket(socket, parts.read_buf.to_vec(), slot)).await);
    });
    let mut response = response;
    let name = HeaderValue::from_static(SUBPROTOCOL);
    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, name);
    response
}

fn come_back(why: &'static str) -> Response {
    let retry = [(header::RETRY_AFTER, "5")];
    (StatusCode::SERVICE_UNAVAILABLE, retry, format!("{why}; try again in 5 seconds\n"))
        .into_response()
}

fn offers_subprotocol(request: &Request) -> bool {
    let offers = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut names =
        offers.filter_map(|offer| offer.to_str().ok()).flat_map(|offer| offer.split(','));
    names.any(|name| name.trim() == SUBPROTOCOL)
}
