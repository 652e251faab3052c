//! A target such as `ws://127.0.0.1:7777/ws`: checked and looked up once.

use super::LoadError;
use super::watch::PAGE;
use hyper::Uri;
use std::net::SocketAddr;

/// Where players connect.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) uri: Uri,
    /// `host:port`, for the Host header.
    pub(super) authority: String,
    /// Its addresses, tried in order.
    pub(super) addresses: Vec<SocketAddr>,
}

impl Target {
    /// The address of a WebSocket.
    pub(super) async fn look_up(text: &str) -> Result<Self, LoadError> {
        Self::of(text, "ws", "ws://127.0.0.1:7777/ws").await
    }

    /// The address of a page of metrics.
    pub(super) async fn page(text: &str) -> Result<Self, LoadError> {
        Self::of(text, "http", PAGE).await
    }

    async fn of(text: &str, scheme: &str, example: &'static str) -> Result<Self, LoadError> {
        let target = || text.to_owned();
        let refuse = |why: String| LoadError::Target { target: target(), why, example };
        let uri: Uri = text.parse().map_err(|_| refuse("it is no address".to_owned()))?;
        let Some(host) = uri.host().filter(|_| uri.scheme_str() == Some(scheme)) else {
            return Err(refuse(format!("it does not begin with {scheme}:// and a host")));
        };
        let port = uri.port_u16().unwrap_or(80);
        let authority = format!("{host}:{port}");
        let found = tokio::net::lookup_host(&authority).await;
        let addresses = found.map_err(|error| refuse(error.to_string()))?.collect();
        Ok(Self { uri, authority, addresses })
    }
}
