//! Who may use groups in Redis, and what is refused before anything changes.

use super::member::Member;
use super::{SCHEMA, id};
use crate::refusals::{grant, refusal};
use crate::shard::open;
use authority::machine::group::Bounds;
use authority::{Authority, Redis};
use protocol::{
    Checkpoint, Dispute, Found, GroupAnswer, GroupName, GroupRefusal, GroupRequest, Leave, Refused,
    StateHash,
};
use ucore::{Blob, Version};
use xtask::redis::{Cluster, Server};

/// One of everything that may be asked of a group.
async fn use_all(redis: &Redis, group: &str) {
    let mut member = Member::open(redis, group, 1).await;
    let (group, schema) = (member.group.clone(), SCHEMA);
    for round in 1..=3_u64 {
        while member.next <= 1_024 * round {
            member.propose().await.unwrap();
        }
        let value = Blob::of(&member.edits);
        let (at, hash, keeper) = (member.seen, StateHash::of_bytes(&value), id(9));
        let group = group.clone();
        let it = GroupRequest::Checkpoint(Checkpoint { group, schema, keeper, at, hash, value });
        kept(redis, it, Some(1_024 * round)).await;
    }
    let mut late = Member::open(redis, &group.0, 2).await;
    assert_eq!(late.pull(0).await.unwrap(), 0);
    assert_eq!((late.anew, late.seen), (1, member.seen));
    assert_eq!(late.pull(1).await.unwrap(), 0, "it may wait");
    let dispute = Dispute { group: group.clone(), schema, version: Version(3_072) };
    kept(redis, GroupRequest::Dispute(dispute), Some(2_048)).await;
    let leave = Leave { group, writer: id(1) };
    kept(redis, GroupRequest::Leave(leave), Some(2_048)).await;
}

async fn kept(redis: &Redis, request: GroupRequest, version: Option<u64>) {
    let answer = redis.group(request).await.unwrap();
    let GroupAnswer::Kept(kept) = answer else { panic!("{answer:?}") };
    assert_eq!(kept.kept.map(|kept| kept.version.0), version);
}

#[tokio::test]
async fn a_user_with_the_documented_rights_can_share_groups() {
    let server = Server::start(&[("appendfsync", "no")]).unwrap();
    open(&server).load().await.unwrap();
    let place = format!("redis://{}@127.0.0.1:{}", grant(&server, &[]), server.port());
    use_all(&Redis::new(&place).unwrap(), "a/b-c_d.e").await;
}

#[tokio::test]
async fn a_user_with_the_documented_rights_can_share_groups_in_a_cluster() {
    let cluster = Cluster::start(&[("appendfsync", "no")]).unwrap();
    Redis::new(&cluster.url()).unwrap().load().await.unwrap();
    let more = ["+cluster|slots", "+asking"].map(str::to_owned);
    let users: Vec<_> = cluster.nodes().iter().map(|node| grant(node, &more)).collect();
    let url = cluster.url().replace("://", &format!("://{}@", users[0]));
    use_all(&Redis::new(&url).unwrap(), "room").await;
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_before_a_group_changes() {
    for missing in ["hset", "hdel", "xadd", "xtrim"] {
        let server = Server::start(&[]).unwrap();
        let mut member = Member::open(&open(&server), "room", 1).await;
        member.propose().await.unwrap();
        let place = format!("redis://{}@127.0.0.1:{}", grant(&server, &[]), server.port());
        server.command(&["ACL", "SETUSER", "game", &format!("-{missing}")]).unwrap();
        let poor = Redis::new(&place).unwrap();
        let ask = |request| poor.group(request);
        let (group, schema) = (member.group.clone(), SCHEMA);
        let found = Found { group: GroupName("other".to_owned()), schema, create: true };
        refusal(ask(GroupRequest::Found(found)).await, "OPERATIONS.md");
        refusal(ask(GroupRequest::Propose(member.proposal())).await, "OPERATIONS.md");
        let leave = Leave { group, writer: id(1) };
        refusal(ask(GroupRequest::Leave(leave)).await, "OPERATIONS.md");
        assert_eq!(member.pull(0).await.unwrap(), 0, "{missing}: nothing was written");
    }
}

#[tokio::test]
async fn there_is_room_for_so_many_groups_and_those_that_are_there_stay() {
    let server = Server::start(&[]).unwrap();
    let bounds = Bounds { groups: 2, ..Bounds::default() };
    let redis = Redis::new_within(&server.url(), bounds).unwrap();
    let found = |group: &str, create| {
        let (group, schema) = (GroupName(group.to_owned()), SCHEMA);
        redis.group(GroupRequest::Found(Found { group, schema, create }))
    };
    for group in ["a", "b", "a"] {
        assert!(matches!(found(group, true).await, Ok(GroupAnswer::Founded(_))), "{group}");
    }
    let refused = |why| Ok(GroupAnswer::Refused(Refused { why }));
    assert_eq!(found("c", true).await, refused(GroupRefusal::TooManyGroups));
    assert_eq!(found("c", false).await, refused(GroupRefusal::NoGroup));
    assert_eq!(found("C", true).await, refused(GroupRefusal::Name));
    assert!(matches!(found("b", false).await, Ok(GroupAnswer::Founded(_))));
}

#[tokio::test]
async fn wrong_arguments_are_refused_before_a_group_changes() {
    let server = Server::start(&[]).unwrap();
    let redis = open(&server);
    let mut member = Member::open(&redis, "room", 1).await;
    member.propose().await.unwrap();
    let name = redis.load().await.unwrap();
    let (schema, chain) = (SCHEMA.to_string(), "0".repeat(40));
    let writer = "02".repeat(16);
    type Case<'a> = (&'a str, Vec<&'a str>, &'a [(usize, &'a str)]);
    let cases: [Case<'_>; 4] = [
        (
            "propose",
            vec![&schema, &writer, "1", "0", "1", "edit", "-", "0", &chain],
            &[
                (0, "07"),
                (1, "me"),
                (2, "-1"),
                (2, "1e3"),
                (3, "2"),
                (4, "x"),
                (6, "+"),
                (7, ""),
                (8, "zz"),
                (2, "9007199254740992"),
            ],
        ),
        ("follow", vec![&schema, "0", &chain, "-"], &[(0, ""), (1, "x"), (2, "-"), (3, "-1")]),
        (
            "checkpoint",
            vec![&schema, &writer, "1024", &chain, &schema, "1", "1", "v"],
            &[(1, "x"), (2, "-"), (3, "0"), (4, "0"), (5, ""), (6, "yes")],
        ),
        ("dispute", vec![&schema, "0"], &[(0, "X"), (1, "-")]),
    ];
    for (function, good, wrong) in cases {
        for (at, value) in wrong {
            let mut args = good.clone();
            args[*at] = value;
            let function = name.replace("worldboss_", &format!("worldboss_{function}_"));
            let keys = ["state", "log", "kept"].map(|kind| format!("{{group:room}}:{kind}"));
            let mut words = vec!["FCALL", &function, "3"];
            words.extend(keys.iter().map(String::as_str));
            words.extend(args);
            let refused = server.command(&words).unwrap_err();
            assert!(refused.contains("BADARG"), "{words:?}: {refused}");
        }
    }
    assert_eq!(member.pull(0).await.unwrap(), 0, "nothing has changed");
}

#[tokio::test]
async fn the_largest_edits_and_values_travel() {
    let server = Server::start(&[("appendfsync", "no")]).unwrap();
    let redis = open(&server);
    let bounds = Bounds::default();
    let mut member = Member::open(&redis, "room", 1).await;
    let mut large = member.proposal();
    large.edit.updates = Blob::from(vec![1; bounds.updates_bytes + 1]);
    let answer = redis.group(GroupRequest::Propose(large.clone())).await;
    let too_large = Ok(GroupAnswer::Refused(Refused { why: GroupRefusal::TooLarge }));
    assert_eq!(answer, too_large);
    large.edit.updates = Blob::from(vec![1; bounds.updates_bytes]);
    for _ in 0..2 {
        // The same again is a duplicate, and its page has to be read.
        let answer = redis.group(GroupRequest::Propose(large.clone())).await.unwrap();
        let GroupAnswer::Proposed(proposed) = answer else { panic!("{answer:?}") };
        assert_eq!((proposed.version, proposed.page.entries.len()), (Version(1), 1));
    }
    member.next = 2;
    while member.next <= 1_024 {
        member.propose().await.unwrap();
    }
    let keep = |bytes| {
        let value = Blob::from(vec![2; bytes]);
        let (group, schema, keeper) = (member.group.clone(), SCHEMA, id(9));
        let (at, hash) = (member.seen, StateHash::of_bytes(&value));
        redis.group(GroupRequest::Checkpoint(Checkpoint { group, schema, keeper, at, hash, value }))
    };
    assert_eq!(keep(bounds.value_bytes + 1).await, too_large);
    assert!(matches!(keep(bounds.value_bytes).await, Ok(GroupAnswer::Kept(_))));
    let GroupRequest::Follow(mut anew) = member.follow(0) else { panic!("no follow") };
    anew.seen = None;
    let page = super::member::page(redis.group(GroupRequest::Follow(anew)).await.unwrap());
    let value = page.base.and_then(|base| base.value).unwrap();
    assert_eq!(value.len(), bounds.value_bytes);
}
