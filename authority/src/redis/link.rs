//! The connection: one for everybody, made anew when it leads nowhere; others for reads that wait.

use super::fault::{Reaction, explain, explain_unsent, reaction};
use super::library::Library;
use super::target::{AddressError, Connection, Target, without_password};
use protocol::Unavailable;
use protocol::limits::REDIS_READERS_MAX;
use redis::cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo};
use redis::{Cmd, RedisResult, Value, cmd};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

/// How long a connection may take to come up.
pub(super) const CONNECT_MAX: Duration = Duration::from_millis(1_500);
/// How long a function's answer is waited for. Then its outcome is unknown.
const CALL_MAX: Duration = Duration::from_secs(2);
/// How long the answer to a read is waited for.
pub(super) const READ_MAX: Duration = Duration::from_secs(10);
/// Time-outs in a row after which a connection is given up: it may lead to a machine that is gone.
const TIMEOUTS_MAX: u32 = 3;
/// The oldest Redis that has Functions.
const VERSION_MIN: u32 = 7;

/// The way to a Redis.
#[derive(Debug)]
pub(super) struct Link {
    target: Target,
    /// As it may be shown.
    address: String,
    library: Library,
    live: Mutex<Option<Live>>,
    /// Connections for reads that wait, while nobody waits on them.
    idle: Mutex<Vec<Connection>>,
    readers: Semaphore,
}

#[derive(Debug)]
struct Live {
    connection: Connection,
    /// Told apart from the ones before it.
    number: u64,
    timeouts: u32,
}

impl Link {
    pub(super) fn new(url: &str, library: Library) -> Result<Self, AddressError> {
        Ok(Self {
            target: Target::parse(url)?,
            address: without_password(url),
            library,
            live: Mutex::new(None),
            idle: Mutex::new(Vec::new()),
            readers: Semaphore::new(REDIS_READERS_MAX),
        })
    }

    /// Calls a function, and loads the library where it is missing.
    pub(super) async fn call(&self, command: Cmd) -> Result<Value, Unavailable> {
        self.send(&command, CALL_MAX).await
    }

    /// Reads something.
    pub(super) async fn read(&self, command: Cmd) -> Result<Value, Unavailable> {
        self.send(&command, READ_MAX).await
    }

    async fn send(&self, command: &Cmd, patience: Duration) -> Result<Value, Unavailable> {
        match self.try_send(command, patience).await? {
            Ok(value) => Ok(value),
            Err(error) if reaction(&error) == Reaction::Load => {
                self.load().await?;
                self.try_send(command, patience).await?.map_err(|error| explain(&error))
            }
            Err(error) => Err(explain(&error)),
        }
    }

    async fn try_send(
        &self,
        command: &Cmd,
        patience: Duration,
    ) -> Result<RedisResult<Value>, Unavailable> {
        let (mut connection, number) = self.connection().await?;
        let answer = timeout(patience, connection.send(command)).await;
        let mut live = self.live.lock().await;
        let is_same = live.as_ref().is_some_and(|live| live.number == number);
        match &answer {
            Ok(Ok(_)) => live.iter_mut().for_each(|live| live.timeouts = 0),
            Ok(Err(error)) if reaction(error) == Reaction::Reconnect && is_same => *live = None,
            Ok(Err(_)) => {}
            Err(_) if is_same => {
                live.iter_mut().for_each(|live| live.timeouts += 1);
                live.take_if(|live| live.timeouts >= TIMEOUTS_MAX);
            }
            Err(_) => {}
        }
        answer
            .map_err(|_| Unavailable::Unknown(format!("no answer from Redis within {patience:?}")))
    }

    /// The connection of the moment; a new one if there is none.
    async fn connection(&self) -> Result<(Connection, u64), Unavailable> {
        let mut live = self.live.lock().await;
        if let Some(live) = &*live {
            return Ok((live.connection.clone(), live.number));
        }
        let connection = self.connect().await?;
        static NUMBERS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NUMBERS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        *live = Some(Live { connection: connection.clone(), number, timeouts: 0 });
        Ok((connection, number))
    }

    /// A new connection, to a server that can be used.
    async fn connect(&self) -> Result<Connection, Unavailable> {
        let connected = timeout(CONNECT_MAX, async {
            let mut connection = self.target.connect().await?;
            let hello = match &mut connection {
                Connection::Single(single) => Some(cmd("HELLO").query_async(single).await?),
                Connection::Cluster(_) => None,
            };
            Ok((connection, hello))
        });
        match connected.await {
            Ok(Ok((connection, hello))) => match hello.and_then(|hello| self.unfit(&hello)) {
                Some(why) => Err(Unavailable::Refused(why)),
                None => Ok(connection),
            },
            Ok(Err(error)) => Err(explain_unsent(&error, &self.address)),
            Err(_) => {
                let why =
                    format!("{} does not answer; start it, or check the address", self.address);
                Err(Unavailable::Refused(why))
            }
        }
    }

    /// Why a server that has said hello can't be used.
    fn unfit(&self, hello: &Value) -> Option<String> {
        let said: BTreeMap<String, Value> = redis::from_redis_value_ref(hello).unwrap_or_default();
        let field = |name| redis::from_redis_value_ref::<String>(said.get(name)?).ok();
        let (address, version) = (&self.address, field("version").unwrap_or_default());
        let major = version.split('.').next().and_then(|major| major.parse().ok());
        if major.is_some_and(|major: u32| major < VERSION_MIN) {
            return Some(format!("{address} is Redis {version}; Redis 7.0 or newer is needed"));
        }
        if field("role").is_some_and(|role| role != "master") {
            return Some(format!(
                "{address} is a replica; name its master, or repair the fail-over"
            ));
        }
        if field("mode").is_some_and(|mode| mode == "cluster") {
            return Some(format!("{address} is a node of a cluster; write redis-cluster://"));
        }
        None
    }

    /// Loads the library on every master. One that is there already is this very one.
    pub(super) async fn load(&self) -> Result<(), Unavailable> {
        let mut command = cmd("FUNCTION");
        command.arg("LOAD").arg(self.library.source());
        let (connection, _) = self.connection().await?;
        let loaded = timeout(READ_MAX, async {
            match connection {
                Connection::Single(mut single) => command.query_async(&mut single).await,
                Connection::Cluster(mut cluster) => {
                    let masters = MultipleNodeRoutingInfo::AllMasters;
                    let every = Some(ResponsePolicy::AllSucceeded);
                    let routing = RoutingInfo::MultiNode((masters, every));
                    cluster.route_command(command, routing).await?.extract_error()
                }
            }
        });
        match loaded.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.to_string().contains("already exists") => Ok(()),
            Ok(Err(error)) => Err(explain(&error)),
            Err(_) => Err(Unavailable::Unknown("no answer from Redis to FUNCTION LOAD".to_owned())),
        }
    }

    /// Reads something that may take `wait` to come, on a connection that nobody else waits for.
    pub(super) async fn read_waiting(
        &self,
        command: Cmd,
        wait: Duration,
    ) -> Result<Value, Unavailable> {
        let Ok(_permit) = self.readers.try_acquire() else {
            let why = "too many readers wait for the next entry of a log; ask without waiting";
            return Err(Unavailable::Refused(why.to_owned()));
        };
        let idle = self.idle.lock().await.pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        match timeout(wait + READ_MAX, connection.send(&command)).await {
            Ok(Ok(value)) => {
                self.idle.lock().await.push(connection);
                Ok(value)
            }
            Ok(Err(error)) => Err(explain(&error)),
            Err(_) => Err(Unavailable::Unknown("no answer from Redis to a read".to_owned())),
        }
    }
}

impl Connection {
    async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Single(single) => command.query_async(single).await,
            Self::Cluster(cluster) => command.query_async(cluster).await,
        }
    }
}
