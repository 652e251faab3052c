//! Where a Redis is: what `redis://`, `rediss://`, `redis+unix://` and `redis-cluster://` mean.

use super::link::READ_MAX;
use protocol::limits::READ_WAIT_MS_MAX;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult,
};
use socket2::TcpKeepalive;
use std::time::Duration;
use tokio::time::timeout;

/// How long one node of a cluster may take to accept a connection, and half of what it may take to
/// answer.
const NODE_MAX: Duration = Duration::from_millis(700);
/// How long the other side may leave what was sent unconfirmed before the connection is cut.
const VANISHED: Duration = Duration::from_secs(3);

/// The longest time that a read may be asked to wait.
const WAIT_MAX: Duration = Duration::from_millis(READ_WAIT_MS_MAX as u64);

/// An address that names no Redis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url} is no address of a Redis: {why}")]
pub struct AddressError {
    url: String,
    why: String,
}

/// One Redis, or a cluster of them.
#[derive(Clone)]
pub(super) enum Target {
    Single(Box<Client>),
    Cluster(Box<Cluster>),
}

/// A cluster's clients, which differ in how long they wait for a node.
#[derive(Clone)]
pub(super) struct Cluster {
    shared: ClusterClient,
    waiting: ClusterClient,
    /// The nodes that the address names.
    nodes: Vec<ConnectionInfo>,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Many callers, who want their answers at once.
    Share,
    /// One caller at a time, whose answer may take its time.
    Wait,
}

/// A connection that many callers share.
#[derive(Clone)]
pub(super) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, AddressError> {
        let wrong = |why: String| AddressError { url: without_password(url), why };
        if !cfg!(feature = "tls") && (url.starts_with("rediss:") || url.starts_with("rediss-")) {
            let why = "this build has no TLS; build it with `--features tls`";
            return Err(wrong(why.to_owned()));
        }
        #[cfg(feature = "tls")]
        // Another part of the process may have chosen one already; any will do.
        drop(rustls::crypto::ring::default_provider().install_default());
        let target = match cluster_nodes(url) {
            Some(nodes) => Self::cluster(&nodes),
            None => info(url).and_then(Client::open).map(|client| Self::Single(Box::new(client))),
        };
        target.map_err(|error| {
            wrong(format!(
                "{error}; write redis://HOST:PORT or redis-cluster://HOST:PORT,HOST:PORT"
            ))
        })
    }

    fn cluster(nodes: &[String]) -> RedisResult<Self> {
        let nodes = nodes.iter().map(|node| info(node)).collect::<RedisResult<Vec<_>>>()?;
        // Few retries, soon: whoever asks repeats the request anyway, with newer totals. A node
        // that has vanished must not use up the time in which the others could answer.
        let client = |response_max| {
            ClusterClient::builder(nodes.clone())
                .tcp_settings(tcp_settings())
                .retries(4)
                .min_retry_wait(20)
                .max_retry_wait(200)
                .connection_timeout(NODE_MAX)
                .response_timeout(response_max)
                .build()
        };
        let (shared, waiting) = (client(NODE_MAX * 2)?, client(READ_MAX + WAIT_MAX)?);
        Ok(Self::Cluster(Box::new(Cluster { shared, waiting, nodes })))
    }

    pub(super) async fn connect(&self, purpose: Purpose) -> RedisResult<Connection> {
        match self {
            Self::Single(client) => open(client).await.map(Connection::Single),
            Self::Cluster(cluster) => {
                let client = match purpose {
                    Purpose::Share => &cluster.shared,
                    Purpose::Wait => &cluster.waiting,
                };
                client.get_async_connection().await.map(Connection::Cluster)
            }
        }
    }
}

impl Cluster {
    /// A connection to one node: the one at this address, or else the first one that answers.
    pub(super) async fn connect_one(
        &self,
        address: Option<&str>,
    ) -> RedisResult<MultiplexedConnection> {
        let named = self.nodes.first().zip(address).and_then(|(node, place)| at(node, place));
        let nodes = named.map_or_else(|| self.nodes.clone(), |node| vec![node]);
        let mut failed = None;
        for node in nodes {
            match timeout(NODE_MAX, open(&Client::open(node)?)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => failed = Some(error),
                Err(_) => {}
            }
        }
        let silent = || std::io::Error::from(std::io::ErrorKind::TimedOut).into();
        Err(failed.unwrap_or_else(silent))
    }
}

async fn open(client: &Client) -> RedisResult<MultiplexedConnection> {
    // Who calls has a time-out of its own around everything.
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// The node at another address, for the same user.
fn at(node: &ConnectionInfo, address: &str) -> Option<ConnectionInfo> {
    let (host, port) = address.rsplit_once(':')?;
    let (host, port) = (host.to_owned(), port.parse().ok()?);
    let mut addr = ConnectionAddr::Tcp(host.clone(), port);
    if let ConnectionAddr::TcpTls { insecure, tls_params, .. } = node.addr().clone() {
        addr = ConnectionAddr::TcpTls { host, port, insecure, tls_params };
    }
    Some(node.clone().set_addr(addr))
}

fn info(url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?.set_tcp_settings(tcp_settings());
    // A user who may do no more than it has to may not name the library either.
    let settings = info.redis_settings().clone().set_skip_set_lib_name();
    Ok(info.set_redis_settings(settings))
}

fn tcp_settings() -> TcpSettings {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(5))
        .with_interval(Duration::from_secs(2))
        .with_retries(3);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(VANISHED);
    settings
}

/// The nodes of a cluster's address, each as an address of its own.
fn cluster_nodes(url: &str) -> Option<Vec<String>> {
    let (scheme, rest) = match url.strip_prefix("redis-cluster://") {
        Some(rest) => ("redis", rest),
        None => ("rediss", url.strip_prefix("rediss-cluster://")?),
    };
    let (user, nodes) = match rest.rsplit_once('@') {
        Some((user, nodes)) => (format!("{user}@"), nodes),
        None => (String::new(), rest),
    };
    let nodes = nodes.trim_end_matches('/').split(',');
    Some(nodes.map(|node| format!("{scheme}://{user}{node}")).collect())
}

/// An address as it may be shown, also one whose scheme was forgotten.
#[must_use]
pub fn without_password(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    let Some((before, rest)) = url.rsplit_once('@') else { return url.to_owned() };
    let is_scheme =
        |text: &&str| text.chars().all(|it| it.is_ascii_alphanumeric() || "+-".contains(it));
    match before.split_once("://").map(|(scheme, _)| scheme).filter(is_scheme) {
        Some(scheme) => format!("{scheme}://...@{rest}"),
        None => format!("...@{rest}"),
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Connection(..)")
    }
}

impl std::fmt::Debug for Target {
    /// Without the password that a derived one would show.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Single(_) => "Single(..)",
            Self::Cluster(_) => "Cluster(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_names_all_its_nodes_with_one_user() {
        let nodes =
            cluster_nodes("redis-cluster://ada:secret@10.0.0.1:7001,10.0.0.2:7002").unwrap();
        assert_eq!(nodes, ["redis://ada:secret@10.0.0.1:7001", "redis://ada:secret@10.0.0.2:7002"]);
        assert_eq!(cluster_nodes("redis://10.0.0.1:7001"), None);
    }

    #[test]
    fn a_wrong_address_is_shown_without_its_password() {
        for url in [
            "http://ada:secret@host",
            "ada:secret@host",
            "ada:secret@here://there@host",
            "redis://ada:secret@:x",
            "redis-cluster://",
            "valkey:///run/redis.sock?user=ada&pass=secret",
        ] {
            let error = Target::parse(url).unwrap_err().to_string();
            assert!(!error.contains("secret") && error.contains("redis://HOST:PORT"), "{error}");
        }
    }
}
