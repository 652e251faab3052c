//! The sync service: takes connections, counts them, and closes them in order.

use super::budget::Budget;
use super::connection;
use super::metrics::Metrics;
use crate::client::Authority;
use crate::port::{Upgrade, come_back};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;
use protocol::limits::SYNC_CONNECTIONS_MAX;
use protocol::{SYNC_PATH, SYNC_SUBPROTOCOL};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// An authority, exported to every program that can reach the port: it asks for no proof of who
/// that is.
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

/// Why a request may not become a connection. Every program that reaches the port may, but no page:
/// a browser lets any page of the world connect to addresses that only its user can reach, and
/// names the page's origin when it does.
fn refusal(headers: &HeaderMap) -> Option<&'static str> {
    headers
        .contains_key(header::ORIGIN)
        .then_some("this service is for programs, and a page asks (it sent Origin)\n")
}

/// Turns a request into a connection.
async fn upgrade(State(service): State<Arc<Shared>>, request: Request) -> Response {
    if let Some(why) = refusal(request.headers()) {
        return (StatusCode::FORBIDDEN, why).into_response();
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Answered;
    use crate::port;
    use protocol::limits::{SYNC_HELD_BYTES_MAX, SYNC_SPARED_BYTES_MAX};
    use protocol::{BossId, SyncAnswer, SyncRequest, Unavailable, encode_record};
    use score::{Address, CallError, Client, Timing};
    use std::net::{Ipv4Addr, SocketAddr};

    /// It answers whatever it is asked with so many bosses.
    #[derive(Debug)]
    struct Bosses(usize);

    impl Authority for Bosses {
        fn ask(&self, _: SyncRequest) -> Answered<SyncAnswer> {
            let bosses = vec![BossId(u32::MAX); self.0];
            Box::pin(async { Ok(SyncAnswer::Bosses(bosses)) })
        }
    }

    fn serve(bosses: usize) -> (Service, Client) {
        let service = Service::new(Arc::new(Bosses(bosses)));
        let listener = port::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        tokio::spawn(port::serve(listener, service.routes()));
        let address = Address::parse(&url, SYNC_PATH).unwrap();
        (service, Client::new(address, SYNC_SUBPROTOCOL, Timing::default()))
    }

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn without_room_a_large_request_is_sent_away_and_a_small_one_is_not() {
        let (service, client) = serve(1);
        let all = service.0.budget.hold(SYNC_HELD_BYTES_MAX).unwrap();
        let large = vec![0xc0; 2 * SYNC_SPARED_BYTES_MAX];
        let Err(CallError::Unknown(why)) = client.call(large, LONG).await else { panic!("closed") };
        let why = why.to_string();
        assert!(why.contains("1013, \"too many large messages arrive at once"), "{why}");
        assert!(client.call(encode_record(&SyncRequest::Bosses), LONG).await.is_ok());
        drop(all);
        service.stop().await;
        assert!(service.0.budget.hold(SYNC_HELD_BYTES_MAX).is_some(), "everything was given back");
    }

    #[tokio::test]
    async fn without_room_a_large_answer_is_replaced_by_words_that_leave_open_what_was_done() {
        let (service, client) = serve(SYNC_SPARED_BYTES_MAX);
        let ask = async || {
            let answer = client.call(encode_record(&SyncRequest::Bosses), LONG).await.unwrap();
            protocol::decode_record::<Result<SyncAnswer, Unavailable>>(&answer).unwrap()
        };
        let all = service.0.budget.hold(SYNC_HELD_BYTES_MAX).unwrap();
        let why = ask().await.unwrap_err();
        assert!(matches!(why, Unavailable::Unknown(_)), "{why:?}");
        let why = why.to_string();
        assert!(why.contains("too many large answers wait for their readers"), "{why}");
        drop(all);
        assert!(ask().await.is_ok());
    }
}
