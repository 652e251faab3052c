//! What `/metrics` shows of a sync service.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use protocol::{GroupRequest, SyncRequest};

/// Handles of its metrics. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub(super) struct Metrics {
    pub(super) connections: Gauge,
    requests: Family<[(&'static str, &'static str); 1], Counter>,
    closes: Family<[(&'static str, u16); 1], Counter>,
}

impl Metrics {
    pub(super) fn register(&self, to: &mut Registry) {
        let connections = self.connections.clone();
        to.register("sync_connections", "Open connections of the sync service", connections);
        let requests = self.requests.clone();
        to.register("sync_requests", "Requests to the sync service by kind", requests);
        let closes = self.closes.clone();
        to.register("sync_closes", "Connections closed by the sync service, by close code", closes);
    }

    pub(super) fn requested(&self, request: &SyncRequest) {
        let kind = match request {
            SyncRequest::Spawn(_) => "spawn",
            SyncRequest::Join(_) => "join",
            SyncRequest::Enter(_) => "enter",
            SyncRequest::Push(_) => "push",
            SyncRequest::Truth(_) => "truth",
            SyncRequest::ReadLog(_) => "read_log",
            SyncRequest::Bosses => "bosses",
            SyncRequest::Reign(_) => "reign",
            SyncRequest::Settle(_) => "settle",
            SyncRequest::Shares(_) => "shares",
            SyncRequest::Group(GroupRequest::Found(_)) => "found",
            SyncRequest::Group(GroupRequest::Propose(_)) => "propose",
            SyncRequest::Group(GroupRequest::Follow(_)) => "follow",
            SyncRequest::Group(GroupRequest::Checkpoint(_)) => "checkpoint",
            SyncRequest::Group(GroupRequest::Dispute(_)) => "dispute",
            SyncRequest::Group(GroupRequest::Leave(_)) => "leave",
        };
        self.requests.get_or_create(&[("request", kind)]).inc();
    }

    pub(super) fn closed(&self, code: u16) {
        self.closes.get_or_create(&[("code", code)]).inc();
    }
}
