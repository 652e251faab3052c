//! Followers that wait at the end of a log.

use super::member::{Member, page};
use super::{SCHEMA, id};
use crate::refusals::refusal;
use crate::shard::open;
use authority::{Authority, Remote, port, sync};
use protocol::limits::GROUP_MARK_ENTRIES;
use protocol::limits::REDIS_GROUP_READERS_MAX;
use protocol::{Checkpoint, GroupAnswer, GroupRequest, StateHash};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::interval;
use ucore::{Blob, Version};
use xtask::redis::{Reply, Server};

/// Waits until so many clients of a server wait for what is not there yet.
async fn blocked(server: &Server, count: usize) {
    let mut looks = interval(Duration::from_millis(10));
    for _ in 0..1_000 {
        looks.tick().await;
        if clients_blocked(server) == count {
            return;
        }
    }
    panic!("{} clients wait, and not {count}", clients_blocked(server));
}

fn clients_blocked(server: &Server) -> usize {
    let info = server.command(&["INFO", "clients"]).unwrap().text();
    let line = info.lines().find_map(|line| line.strip_prefix("blocked_clients:")).unwrap();
    line.trim().parse().unwrap()
}

#[tokio::test]
async fn two_processes_on_one_group_see_each_others_entries() {
    let server = Server::start(&[]).unwrap();
    let mut first = Member::open(&open(&server), "room/1", 1).await;
    let mut second = Member::open(&open(&server), "room/1", 2).await;
    let mut other = Member::open(&open(&server), "room/2", 1).await;
    for _ in 0..5 {
        first.propose().await.unwrap();
        second.propose().await.unwrap();
    }
    other.propose().await.unwrap();
    first.catch_up().await;
    assert_eq!((first.edits.len(), &first.edits), (10, &second.edits));
    assert_eq!(other.edits.len(), 1, "another group is another log");
    assert_eq!((first.anew, second.anew), (0, 0));
}

#[tokio::test]
async fn a_commit_wakes_everybody_who_waits_in_another_process_by_one_reader() {
    let server = Server::start(&[]).unwrap();
    let mut writer = Member::open(&open(&server), "room", 1).await;
    let other = open(&server);
    for round in 1..=3_u64 {
        writer.catch_up().await;
        let mut at_end = Member::open(&other, "room", 2).await;
        at_end.catch_up().await;
        let waiting: Vec<_> =
            (0..50).map(|_| tokio::spawn(at_end.authority.group(at_end.follow(30_000)))).collect();
        blocked(&server, 1).await;
        writer.propose().await.unwrap();
        for one in waiting {
            let page = page(one.await.unwrap().unwrap());
            assert_eq!(page.entries.len(), 1, "each gets what is new");
            assert_eq!((page.base, page.head), (None, Version(round)));
        }
        assert!(clients_blocked(&server) <= 1, "one reader of the process waits");
    }
    drop((writer, other));
    blocked(&server, 0).await;
}

#[tokio::test]
async fn a_wait_without_news_ends_with_an_empty_page() {
    let server = Server::start(&[]).unwrap();
    let redis = open(&server);
    let mut member = Member::open(&redis, "room", 1).await;
    member.propose().await.unwrap();
    for _ in 0..2 {
        let page = page(member.authority.group(member.follow(20)).await.unwrap());
        assert_eq!((page.base, page.entries.len(), page.head), (None, 0, Version(1)));
    }
    // Who is not at the end waits for nothing.
    let mut late = Member::open(&redis, "room", 2).await;
    assert_eq!(late.pull(30_000).await.unwrap(), 1);
}

#[tokio::test]
async fn who_waits_at_a_position_that_is_taken_back_begins_anew() {
    let server = Server::start(&[]).unwrap();
    let mut member = Member::open(&open(&server), "room", 1).await;
    member.propose().await.unwrap();
    let keys = ["{group:room}:state", "{group:room}:log"];
    let saved = keys.map(|key| server.command(&[b"DUMP", key.as_bytes()]).unwrap());
    member.propose().await.unwrap();
    member.propose().await.unwrap();
    let waiting = tokio::spawn(member.authority.group(member.follow(30_000)));
    blocked(&server, 1).await;
    for (key, saved) in keys.iter().zip(saved) {
        let Reply::Bulk(Some(dump)) = saved else { panic!("no dump") };
        server.command(&["DEL", key]).unwrap();
        server.command(&[b"RESTORE", key.as_bytes(), b"0", &dump]).unwrap();
    }
    let page = page(waiting.await.unwrap().unwrap());
    assert_eq!(page.base.map(|base| base.at), Some(SCHEMA.start()));
    assert_eq!((page.entries.len(), page.head), (1, Version(1)));
    // Its own number tells the writer what is gone; it goes on from there.
    while member.next < 5 {
        member.propose().await.unwrap();
    }
    member.check_own();
    assert_eq!(member.pull(10).await.unwrap(), 0);
}

#[tokio::test]
async fn followers_hear_of_values_that_are_kept_and_late_ones_begin_with_them() {
    let server = Server::start(&[("appendfsync", "no")]).unwrap();
    let redis = open(&server);
    let mut writer = Member::open(&redis, "room", 1).await;
    while writer.seen.version.0 < GROUP_MARK_ENTRIES {
        writer.propose().await.unwrap();
    }
    let value = Blob::of(&writer.edits);
    let (group, schema, keeper) = (writer.group.clone(), SCHEMA, id(9));
    let (at, hash) = (writer.seen, StateHash::of_bytes(&value));
    let checkpoint = Checkpoint { group, schema, keeper, at, hash, value };
    let checkpoint = GroupRequest::Checkpoint(checkpoint);
    let answer = redis.group(checkpoint).await.unwrap();
    let GroupAnswer::Kept(kept) = answer else { panic!("{answer:?}") };
    let mark = kept.kept.unwrap();
    assert_eq!((mark.version, mark.hash), (at.version, hash));
    writer.propose().await.unwrap();
    // Another process, where somebody waits.
    let other = open(&server);
    let mut late = Member::open(&other, "room", 2).await;
    assert_eq!(late.pull(0).await.unwrap(), 1, "the value, and what follows it");
    assert_eq!((late.anew, &late.edits), (1, &writer.edits));
    let waiting = tokio::spawn(other.group(late.follow(30_000)));
    blocked(&server, 1).await;
    writer.propose().await.unwrap();
    let page = page(waiting.await.unwrap().unwrap());
    assert_eq!(page.kept, Some(mark));
}

#[tokio::test]
async fn a_process_waits_for_the_news_of_so_many_groups_and_refuses_more() {
    let server = Server::start(&[("appendfsync", "no")]).unwrap();
    let redis = open(&server);
    let mut waiting = Vec::new();
    for number in 0..REDIS_GROUP_READERS_MAX {
        let member = Member::open(&redis, &format!("room/{number}"), 1).await;
        waiting.push(tokio::spawn(redis.group(member.follow(30_000))));
    }
    blocked(&server, REDIS_GROUP_READERS_MAX).await;
    let mut other = Member::open(&redis, "other", 1).await;
    refusal(other.pull(30_000).await, "read again in a moment");
    assert_eq!(other.pull(0).await.unwrap(), 0, "who does not wait is served");
    other.propose().await.unwrap();
    let mut first = Member::open(&redis, "room/0", 2).await;
    first.propose().await.unwrap();
    let page = page(waiting.swap_remove(0).await.unwrap().unwrap());
    assert_eq!(page.entries.len(), 1, "those that were there before are served");
}

/// A process that serves the groups of a Redis, and one that asks it.
fn served(server: &Server) -> (sync::Server, Remote) {
    let listener = port::listen(([127, 0, 0, 1], 0).into()).unwrap();
    let service = sync::serve(listener, Arc::new(open(server))).unwrap();
    let remote = Remote::new(&format!("ws://{}", service.addr())).unwrap();
    (service, remote)
}

#[tokio::test]
async fn programs_of_two_servers_on_one_redis_share_a_group() {
    let redis = Server::start(&[]).unwrap();
    let (_first, here) = served(&redis);
    let (second, there) = served(&redis);
    let mut writer = Member::open(&here, "room", 1).await;
    let mut reader = Member::open(&there, "room", 2).await;
    for _ in 0..20 {
        let waiting = tokio::spawn(there.group(reader.follow(30_000)));
        writer.propose().await.unwrap();
        reader.take(page(waiting.await.unwrap().unwrap()));
    }
    reader.catch_up().await;
    assert_eq!((reader.edits.len(), &reader.edits), (20, &writer.edits));
    // One server ends; its programs go on at the other one.
    let waiting = tokio::spawn(there.group(reader.follow(30_000)));
    blocked(&redis, 1).await;
    second.stop().await;
    waiting.await.unwrap().unwrap_err();
    reader.authority = Arc::new(here);
    reader.propose().await.unwrap();
    writer.catch_up().await;
    assert_eq!((writer.edits.len(), &reader.edits), (21, &writer.edits));
}
