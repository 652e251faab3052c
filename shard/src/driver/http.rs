//! The shard's port: the page, health, metrics, and the upgrade of players' sockets.

use super::metrics::Metrics;
use super::page::page;
use super::worker::{Command, Line, Slot};
use authority::port::{Upgrade, come_back};
use authority::sync::Service;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use protocol::SUBPROTOCOL;
use protocol::limits::CONNECTIONS_MAX;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::watch;

/// What the routes need.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) workers: Vec<Line>,
    pub(super) next_worker: AtomicUsize,
    /// Players are let in.
    pub(super) open: AtomicBool,
    pub(super) connections: Arc<AtomicUsize>,
    pub(super) metrics: Metrics,
    /// The authority, for other processes.
    pub(super) sync: Service,
    /// Why hits are not taken; empty while they are.
    pub(super) unready: watch::Receiver<&'static str>,
}

/// The routes of the port.
pub(super) fn routes(site: Arc<Site>) -> Router {
    let sync = site.sync.routes();
    Router::new()
        .route("/", get(page))
        .route("/list.html", get(page))
        .route("/assets/{file}", get(page))
        .route("/ws", get(upgrade))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there is nothing here; try /\n") })
        .with_state(site)
        .merge(sync)
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

/// Turns a request into a player's socket and hands it to a worker.
async fn upgrade(State(site): State<Arc<Site>>, request: Request) -> Response {
    let upgrade = match Upgrade::check(request, SUBPROTOCOL) {
        Ok(upgrade) => upgrade,
        Err(refusal) => return *refusal,
    };
    if !site.open.load(Ordering::Relaxed) {
        return come_back("this shard takes no players now");
    }
    let Some(slot) = Slot::take(&site.connections, CONNECTIONS_MAX) else {
        return come_back("this shard has all the connections that it can hold");
    };
    let idx = site.next_worker.fetch_add(1, Ordering::Relaxed) % site.workers.len();
    let worker = site.workers[idx].clone();
    upgrade.accept(move |socket, read| async move {
        // A socket that can't be handed over is about to fail anyway.
        let Ok(socket) = socket.into_std() else { return };
        worker.tell(Command::Socket(socket, read, slot)).await;
    })
}
