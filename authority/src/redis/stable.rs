//! What an executor is told is stable: every replica of the server has it.
//!
//! Executors have connections of their own. Waiting for replicas keeps back whatever comes behind
//! it on the same connection, and it counts what that very connection has written.

use super::fault::{Reaction, explain, reaction};
use super::link::{CALL_MAX, Link};
use super::reply::odd;
use protocol::limits::REDIS_STABLE_MS_MAX;
use protocol::mutants::{self, Mutant};
use protocol::{BossId, Unavailable};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value, cmd};
use std::time::Duration;
use tokio::time::timeout;

/// Attempts of a call: at any node, at the one that it names, and with the library loaded there.
const ATTEMPTS: u32 = 4;

/// Connections of one boss that are kept: its settlement's and its leaderboard's.
const IDLE_MAX: usize = 2;

/// A connection over which an executor has called a function.
#[derive(Debug)]
pub(super) struct Apart<'a> {
    link: &'a Link,
    boss: BossId,
    connection: MultiplexedConnection,
}

impl Link {
    /// Calls a function on a connection that nobody else uses meanwhile.
    pub(super) async fn call_apart(
        &self,
        boss: BossId,
        command: &Cmd,
        wait: Duration,
    ) -> Result<(Value, Apart<'_>), Unavailable> {
        let idle = self.apart.lock().await.get_mut(&boss).and_then(Vec::pop);
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect_one(None).await?,
        };
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let answer = timeout(wait, command.query_async::<Value>(&mut connection)).await;
            let error = match answer {
                Ok(Ok(value)) => return Ok((value, Apart { link: self, boss, connection })),
                Ok(Err(error)) => error,
                Err(_) => {
                    let why = format!("no answer from Redis within {wait:?}");
                    return Err(Unavailable::Unknown(why));
                }
            };
            if let Some((address, _)) = error.redirect_node() {
                connection = self.connect_one(Some(address)).await?;
                if error.code() == Some("ASK") {
                    // The slot is on its way there; the node takes no call that does not know it.
                    let asking = cmd("ASKING");
                    let asking = timeout(wait, asking.query_async::<()>(&mut connection)).await;
                    asking.ok().and_then(Result::ok).ok_or_else(|| explain(&error))?;
                }
            } else if reaction(&error) == Reaction::Load {
                self.load().await?;
            } else {
                return Err(explain(&error));
            }
            last = Some(error);
        }
        Err(last.map_or_else(|| odd("nothing"), |error| explain(&error)))
    }
}

impl Apart<'_> {
    /// Waits until every replica has what was written, and all that the server had written before.
    pub(super) async fn stabilise(mut self) -> Result<(), Unavailable> {
        let mut replicas = self.replicas().await?;
        if mutants::is(Mutant::RedisUnstable) {
            replicas = 0;
        }
        let have_it = if replicas > 0 { self.wait_for(replicas).await? } else { 0 };
        self.keep().await;
        if have_it < replicas {
            return Err(Unavailable::Unknown(format!(
                "{have_it} of {replicas} replicas have it after {REDIS_STABLE_MS_MAX} ms; repair \
                 the others or end them, no step is taken before they have it"
            )));
        }
        Ok(())
    }

    /// Leaves the connection to the next call.
    pub(super) async fn keep(self) {
        let mut apart = self.link.apart.lock().await;
        let idle = apart.entry(self.boss).or_default();
        if idle.len() < IDLE_MAX {
            idle.push(self.connection);
        }
    }

    async fn replicas(&mut self) -> Result<usize, Unavailable> {
        let Value::Array(role) = self.ask(&cmd("ROLE"), CALL_MAX).await? else {
            return Err(odd("no role"));
        };
        let Some(Value::Array(replicas)) = role.get(2) else {
            return Err(Unavailable::Unknown("it was demoted meanwhile; ask again".to_owned()));
        };
        Ok(replicas.len())
    }

    async fn wait_for(&mut self, replicas: usize) -> Result<usize, Unavailable> {
        let mut wait = cmd("WAIT");
        wait.arg(replicas).arg(REDIS_STABLE_MS_MAX);
        let longest = CALL_MAX + Duration::from_millis(REDIS_STABLE_MS_MAX);
        let have_it = self.ask(&wait, longest).await?;
        redis::from_redis_value(have_it).map_err(|_| odd("no number of replicas"))
    }

    async fn ask(&mut self, command: &Cmd, wait: Duration) -> Result<Value, Unavailable> {
        let answer = timeout(wait, command.query_async(&mut self.connection)).await;
        let unknown = || Unavailable::Unknown("no answer from Redis about replicas".to_owned());
        answer.map_err(|_| unknown())?.map_err(|error| explain(&error))
    }
}
