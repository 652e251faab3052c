//! The sync service: takes connections, counts them, and closes them in order.

use super::budget::Budget;
use super::connection;
use super::metrics::Metrics;
use crate::client::Authority;
use crate::port::{Upgrade, come_back};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use prometheus_client::registry::Registry;
use protocol::limits::SYNC_CONNECTIONS_MAX;
use protocol::{SYNC_PATH, SYNC_SUBPROTOCOL};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// An authority, exported to whoever can reach the port: it asks for no proof of who that is.
/// Cloning gives another handle to the same service.
#[derive(Debug, Clone)]
pub struct Service(Arc<Shared>);

/// What its connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) authority: Arc<dyn Authority>,
    pub(super) budget: Budget,
    pub(super) metrics: Metrics,
    pub(super) stop: watch::Sender<bool>,
    connections: Arc<Semaphore>,
}

/// How long a stopping service waits for answers that are on their way.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

impl Service {
    /// Exports an authority.
    #[must_use]
    pub fn new(authority: Arc<dyn Authority>) -> Self {
        Self(Arc::new(Shared {
            authority,
            budget: Budget::default(),
            metrics: Metrics::default(),
            stop: watch::Sender::new(false),
            connections: Arc::new(Semaphore::new(SYNC_CONNECTIONS_MAX)),
        }))
    }

    /// Its route, to be merged with those of the port that it is on.
    pub fn routes(&self) -> Router {
        Router::new().route(SYNC_PATH, get(upgrade)).with_state(Arc::clone(&self.0))
    }

    /// Adds its metrics to those of the process.
    pub fn register(&self, registry: &mut Registry) {
        self.0.metrics.register(registry);
    }

    /// Answers what was asked, closes every connection, and takes no more.
    pub async fn stop(&self) {
        self.0.stop.send_replace(true);
        // Connections that can't be closed in time end with their process.
        let all = u32::try_from(SYNC_CONNECTIONS_MAX).unwrap_or(u32::MAX);
        let ended = self.0.connections.acquire_many(all);
        drop(tokio::time::timeout(STOP_PATIENCE, ended).await);
    }
}

/// Turns a request into a connection.
async fn upgrade(State(service): State<Arc<Shared>>, request: Request) -> Response {
    let upgrade = match Upgrade::check(request, SYNC_SUBPROTOCOL) {
        Ok(upgrade) => upgrade,
        Err(refusal) => return *refusal,
    };
    if *service.stop.borrow() {
        return come_back("this service is stopping");
    }
    let Ok(slot) = Arc::clone(&service.connections).try_acquire_owned() else {
        return come_back("this service has all the connections that it can hold");
    };
    upgrade.accept(move |socket, read| async move {
        service.metrics.connections.inc();
        connection::run(socket, read, &service).await;
        service.metrics.connections.dec();
        drop(slot);
    })
}
