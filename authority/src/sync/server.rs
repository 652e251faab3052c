//! A sync service on a port of its own, with its health: what `worldboss authority serve` runs.

use super::service::Service;
use crate::books::Books;
use crate::client::Authority;
use crate::{port, vitals};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use score::Clock;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running sync service on its own port.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    service: Service,
    stopping: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

/// How long the authority may take to show that it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Serves an authority on a port from [`port::listen`].
///
/// # Errors
/// Those of the operating system.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn serve(listener: TcpListener, authority: Arc<dyn Authority>) -> std::io::Result<Server> {
    let addr = listener.local_addr()?;
    let service = Service::new(Arc::clone(&authority));
    let mut registry = Registry::with_prefix("worldboss");
    let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
    registry.register("build", "The build", build);
    service.register(&mut registry);
    let registry = Arc::new(registry);
    let (stopping, stopped) = watch::channel(false);
    let books = Books::new(Arc::clone(&authority), None, Clock::start());
    let nothing = "there is nothing here; shards use /sync, people /api/leaderboard, /api/hall, \
        /api/players/N, /api/ledger, /livez, /readyz and /metrics\n";
    let routes = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(move || ready(authority, stopped)))
        .route("/metrics", get(move || async move { metrics(&registry) }))
        .fallback(move || async move { (StatusCode::NOT_FOUND, nothing) })
        .merge(books.routes())
        .merge(service.routes());
    let serving = tokio::spawn(port::serve(listener, routes));
    Ok(Server { addr, service, stopping, serving })
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers what was asked, closes every connection and then the port.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        self.service.stop().await;
        self.serving.abort();
        drop((&mut self.serving).await);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn ready(authority: Arc<dyn Authority>, stopping: watch::Receiver<bool>) -> Response {
    let why = if *stopping.borrow() {
        "this service is stopping".to_owned()
    } else {
        match tokio::time::timeout(READY_TIMEOUT, authority.bosses()).await {
            Ok(Ok(_)) => return "ok\n".into_response(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("the authority has not answered within {READY_TIMEOUT:?}"),
        }
    };
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response()
}

fn metrics(registry: &Registry) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], vitals::page(registry)).into_response()
}
