//! The connection: one for all calls, made anew when it leads nowhere; others for reads.

use super::fault::{Reaction, explain, explain_unsent, reaction};
use super::library::Library;
use super::target::{AddressError, Connection, Purpose, Target, without_password};
use protocol::limits::{REDIS_GROUP_READERS_MAX, REDIS_READERS_MAX};
use protocol::{BossId, Unavailable};
use redis::aio::MultiplexedConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{Cmd, RedisResult, Value, cmd};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout};

/// How long a connection may take to come up.
const CONNECT_MAX: Duration = Duration::from_millis(2_500);
/// How long a function's answer is waited for. Then its outcome is unknown.
pub(super) const CALL_MAX: Duration = Duration::from_secs(2);
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
    functions: Library,
    shared: Mutex<Shared>,
    /// Connections for reads that may take their time, while nobody waits on them.
    idle: Mutex<Vec<Connection>>,
    readers: Semaphore,
    /// The same for reads that wait for what is not there yet, so that they keep back no others.
    waiting: Semaphore,
    /// Room for readers of what is new in groups.
    news: Arc<Semaphore>,
    /// Executors' connections, while nobody uses them.
    pub(super) apart: Mutex<BTreeMap<BossId, Vec<MultiplexedConnection>>>,
}

/// The connection that all callers share.
#[derive(Debug, Default)]
struct Shared {
    live: Option<Connection>,
    /// Tells a connection apart from the ones before it.
    number: u64,
    /// Time-outs in a row.
    timeouts: u32,
    /// Why the last attempt to connect failed, and when: it answers who has waited for it.
    failed: Option<(Instant, Unavailable)>,
}

impl Link {
    pub(super) fn new(url: &str, functions: Library) -> Result<Self, AddressError> {
        Ok(Self {
            target: Target::parse(url)?,
            address: without_password(url),
            functions,
            shared: Mutex::default(),
            idle: Mutex::default(),
            readers: Semaphore::new(REDIS_READERS_MAX),
            waiting: Semaphore::new(REDIS_READERS_MAX),
            news: Arc::new(Semaphore::new(REDIS_GROUP_READERS_MAX)),
            apart: Mutex::default(),
        })
    }

    /// Calls a function, and loads the library where it is missing.
    pub(super) async fn call(&self, command: &Cmd) -> Result<Value, Unavailable> {
        match self.try_call(command).await? {
            Ok(value) => Ok(value),
            Err(error) if reaction(&error) == Reaction::Load => {
                self.load().await?;
                self.try_call(command).await?.map_err(|error| explain(&error))
            }
            Err(error) => Err(explain(&error)),
        }
    }

    async fn try_call(&self, command: &Cmd) -> Result<RedisResult<Value>, Unavailable> {
        let (mut connection, number) = self.connection().await?;
        let answer = timeout(CALL_MAX, connection.send(command)).await;
        self.learn(number, &answer).await;
        answer
            .map_err(|_| Unavailable::Unknown(format!("no answer from Redis within {CALL_MAX:?}")))
    }

    /// Gives a connection up that leads nowhere, or to the wrong place.
    async fn learn(&self, number: u64, answer: &Result<RedisResult<Value>, Elapsed>) {
        let mut shared = self.shared.lock().await;
        if shared.number != number {
            return;
        }
        shared.timeouts = if answer.is_err() { shared.timeouts + 1 } else { 0 };
        let is_wrong = matches!(answer, Ok(Err(error)) if reaction(error) == Reaction::Reconnect);
        if is_wrong || shared.timeouts >= TIMEOUTS_MAX {
            (shared.live, shared.timeouts) = (None, 0);
            self.idle.lock().await.clear();
        }
    }

    /// The connection of the moment; a new one if there is none.
    async fn connection(&self) -> Result<(Connection, u64), Unavailable> {
        let asked = Instant::now();
        let mut shared = self.shared.lock().await;
        if let Some(live) = &shared.live {
            return Ok((live.clone(), shared.number));
        }
        if let Some((_, why)) = shared.failed.as_ref().filter(|(when, _)| *when > asked) {
            return Err(why.clone());
        }
        match self.connect(Purpose::Share).await {
            Ok(connection) => {
                shared.live = Some(connection.clone());
                shared.number += 1;
                Ok((connection, shared.number))
            }
            Err(why) => {
                shared.failed = Some((Instant::now(), why.clone()));
                Err(why)
            }
        }
    }

    /// A new connection, to a server that can be used.
    async fn connect(&self, purpose: Purpose) -> Result<Connection, Unavailable> {
        let connected = timeout(CONNECT_MAX, async {
            let mut connection = self.target.connect(purpose).await?;
            let hello = match &mut connection {
                Connection::Single(single) => Some(cmd("HELLO").query_async(single).await?),
                // It asks its nodes for their roles by itself.
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

    /// A new connection to one server: the only one, or the node of a cluster at this address, or
    /// any.
    pub(super) async fn connect_one(
        &self,
        address: Option<&str>,
    ) -> Result<MultiplexedConnection, Unavailable> {
        let cluster = match &self.target {
            Target::Cluster(cluster) => cluster,
            Target::Single(_) => match self.connect(Purpose::Wait).await? {
                Connection::Single(single) => return Ok(single),
                Connection::Cluster(_) => {
                    return Err(Unavailable::Refused("one server is no cluster".to_owned()));
                }
            },
        };
        let connected = cluster.connect_one(address).await;
        connected.map_err(|error| explain_unsent(&error, address.unwrap_or(&self.address)))
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
        let (connection, _) = self.connection().await?;
        let loaded = timeout(READ_MAX, self.load_over(connection)).await;
        loaded.unwrap_or_else(|_| {
            Err(Unavailable::Unknown("no answer from Redis to FUNCTION LOAD".to_owned()))
        })
    }

    async fn load_over(&self, connection: Connection) -> Result<(), Unavailable> {
        let mut load = cmd("FUNCTION");
        load.arg("LOAD").arg(self.functions.source());
        let answers = match connection {
            Connection::Single(mut single) => vec![load.query_async(&mut single).await],
            Connection::Cluster(mut cluster) => {
                // Each master's own answer.
                let every = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
                match cluster.route_command(load, every).await {
                    Ok(Value::Map(answers)) => {
                        answers.into_iter().map(|(_, answer)| answer.extract_error()).collect()
                    }
                    answer => vec![answer],
                }
            }
        };
        for answer in answers {
            match answer {
                Err(error) if !error.to_string().contains("already exists") => {
                    return Err(explain(&error));
                }
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Reads something, apart from the calls: an answer may be large, or may take `wait` to come.
    pub(super) async fn read(&self, command: &Cmd, wait: Duration) -> Result<Value, Unavailable> {
        let permit = if wait > Duration::ZERO {
            self.waiting.try_acquire().ok()
        } else {
            timeout(READ_MAX, self.readers.acquire()).await.ok().and_then(Result::ok)
        };
        let Some(_permit) = permit else { return Err(too_many()) };
        self.ask_apart(command, wait).await?.map_err(|error| explain(&error))
    }

    /// Room for one more reader of what is new in a group, as long as it is held.
    pub(super) fn room_for_news(&self) -> Result<OwnedSemaphorePermit, Unavailable> {
        Arc::clone(&self.news).try_acquire_owned().map_err(|_| too_many())
    }

    /// Reads for somebody who has [room](Self::room_for_news), which may take `wait`.
    pub(super) async fn read_news(
        &self,
        command: &Cmd,
        wait: Duration,
    ) -> Result<Value, Unavailable> {
        self.ask_apart(command, wait).await?.map_err(|error| explain(&error))
    }

    /// Calls a function whose arguments are large, apart from the other calls.
    pub(super) async fn call_large(&self, command: &Cmd) -> Result<Value, Unavailable> {
        let permit = timeout(READ_MAX, self.readers.acquire()).await.ok().and_then(Result::ok);
        let Some(_permit) = permit else { return Err(too_many()) };
        match self.ask_apart(command, Duration::ZERO).await? {
            Err(error) if reaction(&error) == Reaction::Load => {
                self.load().await?;
                self.ask_apart(command, Duration::ZERO).await?.map_err(|error| explain(&error))
            }
            answer => answer.map_err(|error| explain(&error)),
        }
    }

    /// Asks something on a connection that nobody else uses meanwhile.
    async fn ask_apart(
        &self,
        command: &Cmd,
        wait: Duration,
    ) -> Result<RedisResult<Value>, Unavailable> {
        let idle = self.idle.lock().await.pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect(Purpose::Wait).await?,
        };
        let Ok(answer) = timeout(wait + READ_MAX, connection.send(command)).await else {
            return Err(Unavailable::Unknown("no answer from Redis to a read".to_owned()));
        };
        let mut idle = self.idle.lock().await;
        match &answer {
            Ok(_) => idle.push(connection),
            // The others lead to the same place.
            Err(_) => idle.clear(),
        }
        Ok(answer)
    }
}

fn too_many() -> Unavailable {
    Unavailable::Refused("too many readers are at work; read again in a moment".to_owned())
}

impl Connection {
    async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Single(single) => command.query_async(single).await,
            Self::Cluster(cluster) => command.query_async(cluster).await,
        }
    }
}
