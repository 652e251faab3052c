//! A target such as `ws://127.0.0.1:7777/ws`: checked and looked up once.

use super::LoadError;
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
    pub(super) async fn look_up(text: &str) -> Result<Self, LoadError> {
        let refuse = |why: String| LoadError::Target { target: text.to_owned(), why };
        let uri: Uri = text.parse().map_err(|_| refuse("it is no address".to_owned()))?;
        let Some(host) = uri.host().filter(|_| uri.scheme_str() == Some("ws")) else {
            return Err(refuse("it does not begin with ws:// and a host".to_owned()));
        };
        let port = uri.port_u16().unwrap_or(80);
        let authority = format!("{host}:{port}");
        let found = tokio::net::lookup_host(&authority).await;
        let addresses = found.map_err(|error| refuse(error.to_string()))?.collect();
        Ok(Self { uri, authority, addresses })
    }
}
