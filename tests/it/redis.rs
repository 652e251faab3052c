//! Shards on a real Redis: it is killed, hangs, is far away, and the books balance.

use crate::cluster::{COUNTED, UNANSWERED, assert_balanced, ready, wait_for_more};
use crate::kill::load;
use crate::server::{Server, wait};
use loadgen::driver::{Proxy, Way};
use std::path::Path;
use std::time::{Duration, Instant};
use xtask::redis;

const VERSION: &str = "worldboss_truth_version";
const AGE_MS: &str = "worldboss_truth_age_milliseconds";
const TICKS: &str = "worldboss_tick_seconds_count";

fn two_shards(url: &str, dir: &Path) -> [Server; 2] {
    [1, 2].map(|label: u16| Server::shard(label, url, &dir.join(format!("shard-{label}"))))
}

#[test]
fn two_shards_on_a_redis_that_is_killed_again_and_again_lose_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("out.json");
    let mut redis = redis::Server::start(&[("appendfsync", "always")]).unwrap();
    let shards = two_shards(&redis.url(), dir.path());
    let mut load = load(&shards.each_ref(), 200, 5, &json);
    for noticed in [0, 1, 2, 0, 3] {
        wait_for_more(&shards, COUNTED, 10);
        redis.kill().unwrap();
        wait_for_more(&shards, UNANSWERED, noticed);
        redis.restart().unwrap();
    }
    wait_for_more(&shards, COUNTED, 10);
    shards.iter().for_each(|shard| wait("it is ready", || ready(shard)));
    let report = load.interrupted(&json);
    assert_balanced(&report);
    assert_eq!(report["reconnects"], 0, "no player has noticed: {report:#}");
    let rollbacks: u64 =
        shards.iter().map(|shard| shard.metric("worldboss_authority_rollbacks_total")).sum();
    assert_eq!(rollbacks, 0, "a Redis that syncs always forgets nothing");
    for shard in shards {
        assert_eq!(shard.terminate(), Some(0));
    }
}

#[test]
fn a_redis_that_hangs_for_a_minute_costs_players_nothing_but_the_truths_age() {
    const HANGS_MS: u64 = 60_000;
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("out.json");
    let mut redis = redis::Server::start(&[]).unwrap();
    let shards = two_shards(&redis.url(), dir.path());
    let mut load = load(&shards.each_ref(), 300, 2, &json);
    wait_for_more(&shards, COUNTED, 20);
    let before = Figures::of(&shards);
    redis.pause().unwrap();
    let began = Instant::now();
    for shard in &shards {
        while shard.metric(AGE_MS) < HANGS_MS {
            assert!(began.elapsed().as_secs() < 120, "the truth's age grows");
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
    let hung = Figures::of(&shards);
    redis.resume().unwrap();
    shards.iter().for_each(|shard| wait("it is ready", || ready(shard)));
    let after = Figures::of(&shards);
    let report = load.interrupted(&json);
    eprintln!("before {before:?}\nhung {hung:?}\nafter {after:?}\n{report:#}");
    assert_balanced(&report);
    for zero in ["reconnects", "hits_rejected"] {
        assert_eq!(report[zero], 0, "no player has noticed: {zero} in {report:#}");
    }
    let attempts = hung.unanswered - before.unanswered;
    // A time-out of 2 s each, and back-offs that grow to 5 s.
    assert!(attempts <= 2 * HANGS_MS / 2_000, "{attempts} attempts in a minute");
    // What was under way when it went on, the attempts, and a step of the life cycle a second.
    let changes = after.version - before.version;
    assert!(changes <= attempts + 40, "{changes} changes of {attempts} attempts");
    let grown = hung.memory_kib.saturating_sub(before.memory_kib);
    assert!(grown < 64 * 1_024, "{grown} KiB more for the hits of a minute");
}

/// What shards show.
#[derive(Debug)]
struct Figures {
    unanswered: u64,
    version: u64,
    memory_kib: u64,
}

impl Figures {
    fn of(shards: &[Server]) -> Self {
        Self {
            unanswered: shards.iter().map(|shard| shard.metric(UNANSWERED)).sum(),
            version: shards.iter().map(|shard| shard.metric(VERSION)).max().unwrap_or(0),
            memory_kib: shards.iter().map(Server::memory_kib).sum(),
        }
    }
}

#[test]
fn a_redis_that_is_far_away_delays_no_frame() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("out.json");
    let redis = redis::Server::start(&[]).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let proxy = runtime.block_on(Proxy::start(redis.addr().parse().unwrap())).unwrap();
    let shard = Server::shard(1, &format!("redis://{}", proxy.addr()), &dir.path().join("shard"));
    proxy.delay(Way::Requests, Duration::from_millis(800));
    let mut load = load(&[&shard], 100, 2, &json);
    let counted = shard.metric(COUNTED);
    shard.wait("the delay is there", || shard.metric(COUNTED) > counted + 1);
    let (ticks, counted) = (shard.metric(TICKS), shard.metric(COUNTED));
    shard.wait("pushes come through", || shard.metric(COUNTED) > counted + 8);
    let (ticks, counted) = (shard.metric(TICKS) - ticks, shard.metric(COUNTED) - counted);
    let report = load.interrupted(&json);
    let (players, frames) = (100, report["frames_received"].as_u64().unwrap());
    eprintln!("{ticks} ticks, {counted} pushes, {frames} frames: {}", report["frame_interval_ms"]);
    assert_balanced(&report);
    assert!(ticks >= 7 * counted, "ticks go on while a push is under way: {ticks}, {counted}");
    assert!(frames >= players * ticks, "and each brings every player a frame");
}
