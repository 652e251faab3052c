//! What one Redis carries: pushes of this library beside pipelined INCRBY and a Function that does
//! nothing, by what the server promises of its disk.
//!
//! `cargo bench --bench authority` prints a line for each: operations per second with 64 in flight
//! on one connection, the ratio to the Function that does nothing in the same run, and how many
//! shards at ten ticks a second that is.
#![allow(missing_docs, clippy::print_stdout, clippy::panic, reason = "a bench prints its table")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "other benches use the rest")]
mod support;

use authority::{Authority, Redis};
use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use futures::future::join_all;
use std::time::{Duration, Instant};
use support::game::BOSS;
use support::pusher::{Pusher, begin};
use support::redis::{connect, incrby, nothing};
use tokio::runtime::Runtime;
use xtask::redis::Server;

/// Operations under way at once, as 64 shards on one connection would have them.
const IN_FLIGHT: u16 = 64;
/// Players who hit between two pushes of a shard.
const PLAYERS: u64 = 40;
/// About the bytes of such a push.
const PAYLOAD: [u8; 160] = [7; 160];

const DISKS: [(&str, &[(&str, &str)]); 3] = [
    ("no log on disk", &[("appendonly", "no")]),
    ("appendfsync everysec", &[("appendfsync", "everysec")]),
    ("appendfsync always", &[("appendfsync", "always")]),
];

/// Operations per second of one kind, over all that criterion asked for.
#[derive(Debug, Default)]
struct Rate {
    operations: u64,
    took: Duration,
}

impl Rate {
    fn add(&mut self, operations: u64, took: Duration) -> Duration {
        self.operations += operations;
        self.took += took;
        took
    }

    fn per_second(&self) -> f64 {
        self.operations as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

fn authority(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut table = Vec::new();
    for (disk, settings) in DISKS {
        let server = Server::start(settings).expect("redis-server starts");
        let rates = one_disk(criterion, &runtime, &server, disk);
        table.push((disk, rates));
    }
    println!();
    println!(
        "{:<22} {:<22} {:>12} {:>8} {:>16}",
        "disk", "operation", "per second", "ratio", "shards at 10 Hz"
    );
    for (disk, [incrby, nothing, push]) in &table {
        for (name, rate) in [("INCRBY", incrby), ("FCALL of nothing", nothing), ("push", push)] {
            let ratio = rate.per_second() / nothing.per_second();
            let shards = if name == "push" {
                format!("{:.0}", rate.per_second() / 10.0)
            } else {
                String::new()
            };
            println!("{disk:<22} {name:<22} {:>12.0} {ratio:>8.2} {shards:>16}", rate.per_second());
        }
    }
    let push = |idx: usize| table[idx].1[2].per_second();
    println!("\nalways costs {:.2} of the pushes of everysec", push(2) / push(1));
}

fn one_disk(
    criterion: &mut Criterion,
    runtime: &Runtime,
    server: &Server,
    disk: &str,
) -> [Rate; 3] {
    let mut group = criterion.benchmark_group(disk);
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(1));
    let connection = runtime.block_on(connect(server));
    let mut connections = vec![connection; IN_FLIGHT.into()];
    let mut pushers = runtime.block_on(pushers(server));
    let incrbys = measure(&mut group, runtime, "INCRBY", &mut connections, &async |it| {
        incrby(it).await;
    });
    let nothings =
        measure(&mut group, runtime, "FCALL of nothing", &mut connections, &async |it| {
            nothing(it, &PAYLOAD).await;
        });
    let pushes = measure(&mut group, runtime, "push", &mut pushers, &async |it| it.push().await);
    group.finish();
    let pushed: u64 = pushers.iter().map(Pusher::total).sum();
    let truth = runtime.block_on(Redis::new(&server.url()).expect("an address").truth(BOSS));
    assert_eq!(truth.expect("it answers").damage, pushed, "the truth is what was pushed");
    [incrbys, nothings, pushes]
}

/// Lets all workers do one kind of work at once, for as many rounds as criterion asks for.
fn measure<W>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    name: &str,
    workers: &mut [W],
    work: &impl AsyncFn(&mut W),
) -> Rate {
    let mut rate = Rate::default();
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
        bencher.iter_custom(|rounds| {
            let took = runtime.block_on(share(rounds, workers, work));
            rate.add(rounds, took)
        });
    });
    rate
}

async fn pushers(server: &Server) -> Vec<Pusher<Redis>> {
    let authority = Redis::new(&server.url()).expect("an address");
    begin(&authority).await;
    join_all((0..IN_FLIGHT).map(|number| Pusher::start(authority.clone(), number, PLAYERS))).await
}

/// Shares `rounds` among workers that run at once, and measures the whole.
async fn share<W>(rounds: u64, workers: &mut [W], work: &impl AsyncFn(&mut W)) -> Duration {
    let each = rounds / workers.len() as u64;
    let more = rounds % workers.len() as u64;
    let began = Instant::now();
    join_all(workers.iter_mut().zip(0_u64..).map(|(worker, idx)| async move {
        for _ in 0..each + u64::from(idx < more) {
            work(worker).await;
        }
    }))
    .await;
    began.elapsed()
}

criterion_group!(benches, authority);
criterion_main!(benches);
