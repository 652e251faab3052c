//! A Redis that dies, hangs, is full, or comes back with less, under those who share a group.

use super::member::Member;
use super::{SCHEMA, id};
use crate::refusals::refusal;
use crate::shard::open;
use authority::{Authority, Redis};
use protocol::{Checkpoint, GroupAnswer, GroupRequest, ProposeVerdict, StateHash};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::interval;
use ucore::{Blob, Version};
use xtask::redis::{Cluster, Server};

#[tokio::test]
async fn what_was_answered_survives_kills_of_a_redis_that_syncs_always() {
    let mut server = Server::start(&[("appendfsync", "always")]).unwrap();
    let mut writer = Member::open(&open(&server), "room", 1).await;
    let mut follower = Member::open(&open(&server), "room", 2).await;
    for kill in 1..=4_usize {
        for _ in 0..5 * kill {
            writer.propose().await.unwrap();
        }
        follower.catch_up().await;
        let waiting = tokio::spawn(follower.authority.group(follower.follow(30_000)));
        server.kill().unwrap();
        assert!(writer.propose().await.is_err());
        assert!(waiting.await.unwrap().is_err(), "who waits is told, too");
        server.restart().unwrap();
        // Whether it came through or not, its number tells.
        writer.propose().await.unwrap();
        follower.catch_up().await;
        writer.check_own();
        assert_eq!(follower.edits, writer.edits);
    }
    assert_eq!((writer.anew, follower.anew), (0, 0), "nothing was taken back");
}

#[tokio::test]
async fn a_stale_replica_that_was_promoted_is_noticed_by_all_who_have_seen_more() {
    let mut master = Server::start(&[]).unwrap();
    let mut writer = Member::open(&open(&master), "room", 1).await;
    let mut follower = Member::open(&open(&master), "room", 2).await;
    writer.propose().await.unwrap();
    let replica = Server::replica_of(&master, &[]).unwrap();
    replica.promote().unwrap();
    for _ in 0..5 {
        writer.propose().await.unwrap();
    }
    follower.catch_up().await;
    master.kill().unwrap();
    let (one, two) = (open(&replica), open(&replica));
    (writer.authority, follower.authority) = (Arc::new(one), Arc::new(two));
    // Somebody else is faster, so what comes again is another log.
    let mut other = Member::open(&open(&replica), "room", 3).await;
    other.propose().await.unwrap();
    assert_eq!(writer.propose().await.unwrap(), ProposeVerdict::Gap);
    assert_eq!((writer.next, writer.anew), (2, 1), "the answer says what is gone");
    while writer.next <= 8 {
        assert_eq!(writer.propose().await.unwrap(), ProposeVerdict::Committed);
    }
    follower.catch_up().await;
    assert_eq!(follower.anew, 1);
    writer.check_own();
    assert_eq!(follower.edits, writer.edits);
}

#[tokio::test]
async fn a_redis_that_hangs_leaves_outcomes_unknown_and_repeating_counts_once() {
    let mut server = Server::start(&[]).unwrap();
    let mut writer = Member::open(&open(&server), "room", 1).await;
    writer.propose().await.unwrap();
    server.pause().unwrap();
    for _ in 0..4 {
        writer.propose().await.unwrap_err();
    }
    server.resume().unwrap();
    let verdict = writer.propose().await.unwrap();
    assert!(matches!(verdict, ProposeVerdict::Committed | ProposeVerdict::Duplicate));
    writer.catch_up().await;
    writer.check_own();
    assert_eq!(writer.edits.len(), 2);
}

#[tokio::test]
async fn a_full_redis_refuses_and_changes_nothing() {
    let server = Server::start(&[]).unwrap();
    let mut writer = Member::open(&open(&server), "room", 1).await;
    writer.propose().await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    refusal(writer.propose().await, "raise `maxmemory`");
    assert_eq!(writer.pull(0).await.unwrap(), 0, "reading goes on");
    server.command(&["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    writer.propose().await.unwrap();
    assert_eq!(writer.seen.version, Version(2));
}

#[tokio::test]
async fn keys_of_another_type_or_layout_are_left_alone() {
    for key in ["state", "log", "kept"] {
        let server = Server::start(&[("appendfsync", "no")]).unwrap();
        let redis = open(&server);
        let mut writer = Member::open(&redis, "room", 1).await;
        let keep = |writer: &Member| {
            let value = Blob::of(&writer.edits);
            let (group, schema, keeper) = (writer.group.clone(), SCHEMA, id(9));
            let (at, hash) = (writer.seen, StateHash::of_bytes(&value));
            let it = Checkpoint { group, schema, keeper, at, hash, value };
            redis.group(GroupRequest::Checkpoint(it))
        };
        while writer.next <= 1_024 {
            writer.propose().await.unwrap();
        }
        assert!(matches!(keep(&writer).await, Ok(GroupAnswer::Kept(_))));
        while writer.next <= 2_048 {
            writer.propose().await.unwrap();
        }
        let name = format!("{{group:room}}:{key}");
        server.command(&["RENAME", &name, "aside"]).unwrap();
        server.command(&["SET", &name, "something else"]).unwrap();
        let cure = "another program has written to";
        refusal(keep(&writer).await, cure);
        if key != "kept" {
            refusal(writer.propose().await, cure);
        }
        server.command(&["DEL", &name]).unwrap();
        server.command(&["RENAME", "aside", &name]).unwrap();
        assert!(matches!(keep(&writer).await, Ok(GroupAnswer::Kept(_))), "{key}");
        writer.propose().await.unwrap();
        assert_eq!(writer.seen.version, Version(2_049), "{key}: what was refused changed nothing");
        server.command(&["HSET", "{group:room}:state", "layout", "0"]).unwrap();
        refusal(writer.propose().await, "another build has begun this boss or group");
    }
}

const GROUPS: u8 = 4;

/// Writers and followers of some groups in two processes, until they are told to stop.
struct Load {
    over: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
    writers: Vec<JoinHandle<Member>>,
    followers: Vec<JoinHandle<Member>>,
}

impl Load {
    async fn start(url: &str) -> Self {
        let (over, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (writers, followers) = (Vec::new(), Vec::new());
        let mut load = Self { over, answers, writers, followers };
        let processes = [(); 2].map(|()| Redis::new(url).unwrap());
        for number in 0..GROUPS {
            for (redis, writer) in processes.iter().zip(1..) {
                let group = format!("room/{number}");
                let member = Member::open(redis, &group, writer).await;
                let (over, answers) = (Arc::clone(&load.over), Arc::clone(&load.answers));
                load.writers.push(tokio::spawn(write(member, over, answers)));
                let member = Member::open(redis, &group, 10 + writer).await;
                load.followers.push(tokio::spawn(follow(member, Arc::clone(&load.over))));
            }
        }
        load
    }

    /// Waits until so many more proposals were answered.
    async fn go_on(&self, answers: u64) {
        let goal = self.answers.load(Ordering::Relaxed) + answers;
        let mut looks = interval(Duration::from_millis(5));
        for _ in 0..12_000 {
            looks.tick().await;
            if self.answers.load(Ordering::Relaxed) >= goal {
                return;
            }
        }
        panic!("proposals are not answered any more");
    }

    /// Ends it, and holds all copies of each group to one log that has every edit once.
    async fn check(self) {
        self.over.store(true, Ordering::Relaxed);
        let mut members = Vec::new();
        for writer in self.writers {
            let mut writer = writer.await.unwrap();
            // What a fail-over has taken back comes again.
            let last = writer.next;
            while {
                settled(&mut writer).await;
                writer.next <= last
            } {}
            members.push(writer);
        }
        for follower in self.followers {
            members.push(follower.await.unwrap());
        }
        for member in &mut members {
            member.catch_up().await;
            member.check_own();
        }
        for member in &members {
            let same = members.iter().filter(|other| other.group == member.group);
            same.for_each(|other| assert_eq!(other.edits, member.edits, "{}", member.group));
        }
    }
}

async fn settled(writer: &mut Member) {
    let mut tries = interval(Duration::from_millis(20));
    for _ in 0..1_000 {
        if writer.propose().await.is_ok() {
            return;
        }
        tries.tick().await;
    }
    panic!("no proposal is answered any more");
}

async fn write(mut member: Member, over: Arc<AtomicBool>, answers: Arc<AtomicU64>) -> Member {
    let mut ticks = interval(Duration::from_millis(5));
    while !over.load(Ordering::Relaxed) {
        ticks.tick().await;
        if member.propose().await.is_ok() {
            answers.fetch_add(1, Ordering::Relaxed);
        }
    }
    member
}

async fn follow(mut member: Member, over: Arc<AtomicBool>) -> Member {
    let mut pauses = interval(Duration::from_millis(20));
    while !over.load(Ordering::Relaxed) {
        if member.pull(500).await.is_err() {
            pauses.tick().await;
        }
    }
    member
}

fn slot(cluster: &Cluster) -> u16 {
    cluster.slot_of("{group:room/1}:state").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_groups_slot_that_moves_under_load_loses_nothing() {
    let cluster = Cluster::start(&[]).unwrap();
    let load = Load::start(&cluster.url()).await;
    load.go_on(200).await;
    let moved = slot(&cluster);
    for _ in 0..3 {
        let from = cluster.master_of(moved).unwrap();
        let to = (0..3).find(|owner| *owner != from).unwrap();
        cluster.move_slot(moved, to).unwrap();
        load.go_on(200).await;
    }
    load.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_groups_master_that_is_lost_under_load_is_replaced_and_gets_what_its_replica_lacks() {
    let mut cluster = Cluster::start(&[]).unwrap();
    let load = Load::start(&cluster.url()).await;
    load.go_on(200).await;
    let lost = slot(&cluster);
    let owner = cluster.master_of(lost).unwrap();
    cluster.kill_master(owner).unwrap();
    assert_ne!(cluster.wait_for_failover(lost).unwrap(), owner);
    load.go_on(400).await;
    load.check().await;
}
