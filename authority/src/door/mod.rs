//! The door by which pages reach shared structures: their own origin alone, few groups, little at a
//! time, and nothing that could hurt who shares with them.

mod connection;
mod rate;

use crate::client::Authority;
use crate::port::{Upgrade, come_back};
use crate::sync::Budget;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use protocol::limits::DOOR_CONNECTIONS_MAX;
use protocol::{GROUPS_PATH, GROUPS_SUBPROTOCOL, GroupName, GroupRefusal, Propose};
use score::Clock;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// What pages may write into a group.
pub type Rule = Arc<dyn Fn(&Propose) -> Result<(), GroupRefusal> + Send + Sync>;

/// The door by which pages reach shared structures. Cloning gives another handle to the same one.
#[derive(Debug, Clone)]
pub struct Door(Arc<Shared>);

/// What its connections share.
pub(crate) struct Shared {
    authority: Arc<dyn Authority>,
    /// The groups that pages may share.
    rules: BTreeMap<GroupName, Rule>,
    clock: Clock,
    slots: Arc<Semaphore>,
    budget: Budget,
    stop: watch::Sender<bool>,
    metrics: Metrics,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Door").field("groups", &self.rules.keys()).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Default)]
struct Metrics {
    connections: Gauge,
    requests: Family<[(&'static str, &'static str); 1], Counter>,
}

impl Door {
    /// A door to these groups of an authority.
    #[must_use]
    pub fn new(authority: Arc<dyn Authority>, rules: BTreeMap<GroupName, Rule>) -> Self {
        Self(Arc::new(Shared {
            authority,
            rules,
            clock: Clock::start(),
            slots: Arc::new(Semaphore::new(DOOR_CONNECTIONS_MAX)),
            budget: Budget::default(),
            stop: watch::Sender::new(false),
            metrics: Metrics::default(),
        }))
    }

    /// Its route, to be merged with those of the port that it is on.
    pub fn routes(&self) -> Router {
        Router::new().route(GROUPS_PATH, get(upgrade)).with_state(Arc::clone(&self.0))
    }

    /// Adds its metrics to those of the process.
    pub fn register(&self, registry: &mut Registry) {
        let Metrics { connections, requests } = self.0.metrics.clone();
        registry.register("door_connections", "Pages that share structures", connections);
        registry.register("door_requests", "Requests of pages about shared structures", requests);
    }

    /// Closes every connection, and takes no more.
    pub fn stop(&self) {
        self.0.stop.send_replace(true);
    }
}

/// A rule for groups in which pages may write whatever they like.
#[must_use]
pub fn anything() -> Rule {
    Arc::new(|_| Ok(()))
}

/// Turns a request into a connection.
async fn upgrade(State(door): State<Arc<Shared>>, request: Request) -> Response {
    if !is_of_this_origin(request.headers()) {
        let why = "a page of another origin asks; open the page that this server serves\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let upgrade = match Upgrade::check(request, GROUPS_SUBPROTOCOL) {
        Ok(upgrade) => upgrade,
        Err(refusal) => return *refusal,
    };
    if *door.stop.borrow() {
        return come_back("this server is stopping");
    }
    let Ok(slot) = Arc::clone(&door.slots).try_acquire_owned() else {
        return come_back("this server has all the connections that it can hold");
    };
    upgrade.accept(move |socket, read| async move {
        door.metrics.connections.inc();
        connection::run(socket, read, &door).await;
        door.metrics.connections.dec();
        drop(slot);
    })
}

/// Whether a request comes from a page that this very server has served, or from no page at all.
/// Behind a proxy that rewrites Host, its Origin must be rewritten, too.
fn is_of_this_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let text = |value: &header::HeaderValue| value.to_str().ok().map(str::to_owned);
    let (origin, host) = (text(origin), headers.get(header::HOST).and_then(text));
    let authority = origin.as_deref().and_then(|origin| origin.split_once("://"));
    host.is_some_and(|host| authority.is_some_and(|(_, authority)| authority == host))
}
