//! The lock storm: what a hit costs Redis when each one is an INCRBY, and when a shard adds up what
//! its players do in a tick.
//!
//! `cargo xtask peers lock-storm` offers the same hits at the same pace in both ways, and prints
//! the CPU that Redis spent on a thousand of them.
#![allow(missing_docs, clippy::print_stdout, clippy::panic, reason = "a bench prints its table")]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "other benches use the rest")]
mod support;

use authority::Redis;
use futures::future::join_all;
use std::time::Duration;
use support::pusher::{Pusher, begin};
use support::redis::{connect, incrby};
use tokio::runtime::Runtime;
use tokio::time::{MissedTickBehavior, interval};
use xtask::redis::Server;

const SHARDS: u16 = 50;
/// Players of a shard, each of whom hits once per tick.
const PLAYERS: u64 = PLAYERS_U32 as u64;
const PLAYERS_U32: u32 = 40;
const TICK: Duration = Duration::from_millis(100);

fn main() {
    let ticks = if support::is_measured() { 100 } else { 2 };
    let runtime = Runtime::new().expect("a runtime");
    let hits = ticks * u64::from(SHARDS) * PLAYERS;
    println!("{SHARDS} shards x {PLAYERS} hits per tick, {ticks} ticks of {TICK:?}: {hits} hits\n");
    let unit = "Redis CPU us / 1,000 hits";
    println!("{:<34} {:>12} {unit:>26} {:>8}", "way", "requests", "ratio");
    let storm = runtime.block_on(per_hit(&start(), ticks, Pace::AsTheyCome));
    let bursts = runtime.block_on(per_hit(&start(), ticks, Pace::OncePerTick));
    let aggregated = runtime.block_on(per_tick(&start(), ticks));
    for (name, requests, cpu) in [
        ("one INCRBY per hit, as they come", hits, storm),
        ("one INCRBY per hit, sent by tick", hits, bursts),
        ("one push per shard and tick", ticks * u64::from(SHARDS), aggregated),
    ] {
        let per_thousand = cpu as f64 * 1_000.0 / hits as f64;
        let ratio = cpu as f64 / aggregated.max(1) as f64;
        println!("{name:<34} {requests:>12} {per_thousand:>26.0} {ratio:>8.1}");
    }
    println!("\nThe INCRBY counts and no more: no players, no log, nothing exactly once.");
}

fn start() -> Server {
    Server::start(&[("appendfsync", "everysec")]).expect("redis-server starts")
}

/// When a shard sends the hits of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Each when its player hits: spread over the tick.
    AsTheyCome,
    /// All in one write: shards that wait for the tick without adding up.
    OncePerTick,
}

/// The CPU that a server spends on the hits, in microseconds.
async fn per_hit(server: &Server, ticks: u64, pace: Pace) -> u64 {
    let shards = join_all((0..SHARDS).map(|_| connect(server))).await;
    let before = cpu(server);
    let (rounds, together) = match pace {
        Pace::AsTheyCome => (ticks * PLAYERS, 1),
        Pace::OncePerTick => (ticks, PLAYERS),
    };
    let period = TICK * u32::try_from(together).expect("few players") / PLAYERS_U32;
    join_all(shards.into_iter().map(|shard| async move {
        let mut ticker = ticker(period);
        for _ in 0..rounds {
            ticker.tick().await;
            join_all((0..together).map(|_| {
                let mut shard = shard.clone();
                async move { incrby(&mut shard).await }
            }))
            .await;
        }
    }))
    .await;
    cpu(server) - before
}

/// The CPU that a server spends on the same hits, added up by shards, in microseconds.
async fn per_tick(server: &Server, ticks: u64) -> u64 {
    let authority = || Redis::new(&server.url()).expect("an address");
    begin(&authority()).await;
    let shards = (0..SHARDS).map(|number| Pusher::start(authority(), number, PLAYERS));
    let shards = join_all(shards).await;
    let before = cpu(server);
    let totals = join_all(shards.into_iter().map(|mut shard| async move {
        let mut ticker = ticker(TICK);
        for _ in 0..ticks {
            ticker.tick().await;
            shard.push().await;
        }
        shard.total()
    }));
    let total: u64 = totals.await.iter().sum();
    assert_eq!(total, ticks * u64::from(SHARDS) * PLAYERS * 100, "all hits were counted");
    cpu(server) - before
}

fn ticker(period: Duration) -> tokio::time::Interval {
    let mut ticker = interval(period);
    // The same hits in all ways, also if the machine is too slow for some of them.
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}

fn cpu(server: &Server) -> u64 {
    server.cpu_micros().expect("it says what it has used")
}
