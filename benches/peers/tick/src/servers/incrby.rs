//! The tokio-tungstenite server with its HP in Redis: each hit is an INCRBY of its own, which is
//! awaited, and the state is read there once in a tick.

use super::ServeError;
use super::tungstenite::{accept, message};
use crate::state::{HP_MAX, TICK_MS};
use redis::AsyncCommands;
use std::io;
use std::time::Duration;
use tokio::sync::watch;

const KEY: &str = "boss:hp";

/// Serves for ever, with the Redis on this port.
#[tokio::main]
pub(super) async fn serve(port: u16, redis: u16) -> Result<(), ServeError> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{redis}/"))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    connection.set::<_, _, ()>(KEY, HP_MAX).await?;
    let (state, states) = watch::channel(message(0, HP_MAX));
    let mut reader = connection.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(TICK_MS));
        for tick in 1.. {
            ticks.tick().await;
            match reader.get(KEY).await {
                Ok(hp) => drop(state.send_replace(message(tick, hp))),
                Err(error) => eprintln!("no state in this tick: {error}"),
            }
        }
    });
    let hit = move || {
        let mut connection = connection.clone();
        async move {
            let left = connection.incr::<_, _, u64>(KEY, -1).await;
            left.map(drop).map_err(|error| io::Error::other(error).into())
        }
    };
    accept(port, &states, hit).await
}
