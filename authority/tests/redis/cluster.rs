//! Many bosses over the slots of a cluster: a slot moves and a master is lost, while all are hit.

use crate::shard::Shard;
use authority::{Authority, Redis};
use protocol::BossId;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::interval;
use xtask::redis::Cluster;

const BOSSES: u32 = 8;

/// A load on all bosses, until it is told to stop.
struct Load {
    over: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    shards: Vec<JoinHandle<Shard>>,
}

impl Load {
    async fn start(redis: &Redis) -> Self {
        let (over, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut shards = Vec::new();
        for boss in 1..=BOSSES {
            let mut shard = Shard::start(redis.clone(), BossId(boss), 1_000_000_000).await;
            let (over, answers) = (Arc::clone(&over), Arc::clone(&answers));
            shards.push(tokio::spawn(async move {
                let mut ticks = interval(Duration::from_millis(5));
                while !over.load(Ordering::Relaxed) {
                    ticks.tick().await;
                    shard.hit(3);
                    // No answer is no harm: the next push carries everything.
                    if shard.push().await.is_ok() {
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                }
                shard
            }));
        }
        Self { over, answers, shards }
    }

    /// Waits until so many more pushes were answered.
    async fn go_on(&self, answers: u64) {
        let goal = self.answers.load(Ordering::Relaxed) + answers;
        let mut looks = interval(Duration::from_millis(5));
        for _ in 0..12_000 {
            looks.tick().await;
            if self.answers.load(Ordering::Relaxed) >= goal {
                return;
            }
        }
        panic!("pushes are not answered any more");
    }

    /// Ends it, and holds every truth to what was accepted.
    async fn check(self, redis: &Redis) {
        self.over.store(true, Ordering::Relaxed);
        for shard in self.shards {
            let mut shard = shard.await.unwrap();
            let settled = shard.settle().await;
            assert_eq!(settled.damage, shard.total, "what was accepted is in the truth, once");
        }
        let bosses: Vec<_> = (1..=BOSSES).map(BossId).collect();
        assert_eq!(redis.bosses().await.unwrap(), bosses);
    }
}

fn slot(cluster: &Cluster, boss: u32) -> u16 {
    cluster.slot_of(&format!("{{boss:{boss}}}:state")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_moves_under_load_loses_nothing() {
    let cluster = Cluster::start(&[]).unwrap();
    let redis = Redis::new(&cluster.url()).unwrap();
    let load = Load::start(&redis).await;
    let owners: BTreeSet<_> =
        (1..=BOSSES).map(|boss| cluster.master_of(slot(&cluster, boss)).unwrap()).collect();
    assert!(owners.len() > 1, "the bosses are spread over the masters");
    load.go_on(200).await;
    let (moved, all) = (slot(&cluster, 1), owners.iter().copied().collect::<Vec<_>>());
    for _ in 0..3 {
        let from = cluster.master_of(moved).unwrap();
        let to = *all.iter().find(|owner| **owner != from).unwrap();
        cluster.move_slot(moved, to).unwrap();
        assert_eq!(cluster.master_of(moved).unwrap(), to);
        load.go_on(200).await;
    }
    load.check(&redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_lost_under_load_is_replaced_and_gets_what_its_replica_lacks() {
    let mut cluster = Cluster::start(&[]).unwrap();
    let redis = Redis::new(&cluster.url()).unwrap();
    let load = Load::start(&redis).await;
    load.go_on(200).await;
    let lost = slot(&cluster, 1);
    let owner = cluster.master_of(lost).unwrap();
    cluster.kill_master(owner).unwrap();
    let next = cluster.wait_for_failover(lost).unwrap();
    assert_ne!(next, owner);
    load.go_on(400).await;
    load.check(&redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_takes_long_to_move_keeps_nobody_from_playing() {
    let cluster = Cluster::start(&[]).unwrap();
    let redis = Redis::new(&cluster.url()).unwrap();
    let load = Load::start(&redis).await;
    let moving = slot(&cluster, 1);
    let from = cluster.master_of(moving).unwrap();
    cluster.open_slot(moving, (from + 1) % 3).unwrap();
    load.go_on(400).await;
    load.check(&redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_hangs_under_load_is_replaced() {
    let mut cluster = Cluster::start(&[]).unwrap();
    let redis = Redis::new(&cluster.url()).unwrap();
    let load = Load::start(&redis).await;
    load.go_on(200).await;
    let lost = slot(&cluster, 1);
    let owner = cluster.master_of(lost).unwrap();
    cluster.node_mut(owner).unwrap().pause().unwrap();
    let next = cluster.wait_for_failover(lost).unwrap();
    assert_ne!(next, owner);
    load.go_on(400).await;
    // Who comes new to it has a node in its address that does not answer.
    let newcomer = Redis::new(&cluster.url()).unwrap();
    let mut looks = interval(Duration::from_millis(100));
    while newcomer.truth(BossId(1)).await.is_err() {
        looks.tick().await;
    }
    load.check(&newcomer).await;
}
