//! A Redis that can't be used is named with the cure; what a shard holds waits until it can.

use crate::shard::{Shard, spawn};
use authority::{Authority, Redis};
use protocol::limits::HP_MAX;
use protocol::{BossId, ExecutorId, ReadLog, Reign, Status, Unavailable, Verdict};
use std::collections::BTreeSet;
use ucore::{INT_MAX, Version};
use xtask::redis::{Cluster, Reply, Server};

const BOSS: BossId = BossId(1);

fn open(url: &str) -> Redis {
    Redis::new(url).unwrap()
}

fn server(settings: &[(&str, &str)]) -> Server {
    Server::start(settings).unwrap()
}

fn ok(server: &Server, words: &[&str]) {
    server.command(words).unwrap();
}

/// The text of a refusal, which must name its cure.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, Unavailable>, cure: &str) {
    let Err(Unavailable::Refused(text)) = answer else { panic!("not a refusal: {answer:?}") };
    assert!(text.contains(cure), "`{cure}` is missing in: {text}");
    assert!(!text.contains("secret"), "no password is shown: {text}");
}

#[tokio::test]
async fn a_wrong_password_is_named_and_the_right_one_works() {
    let server = server(&[]);
    ok(&server, &["CONFIG", "SET", "requirepass", "secret-right"]);
    let place = format!("127.0.0.1:{}", server.port());
    for url in [format!("redis://{place}"), format!("redis://:secret-wrong@{place}")] {
        refusal(open(&url).truth(BOSS).await, "redis://USER:PASSWORD@HOST:PORT");
    }
    let truth = open(&format!("redis://:secret-right@{place}")).truth(BOSS).await;
    assert_eq!(truth, Err(Unavailable::NoBoss(BOSS)));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let mut server = server(&[]);
    let redis = open(&server.url());
    server.kill().unwrap();
    refusal(redis.truth(BOSS).await, "start it, or check the address");
}

#[tokio::test]
async fn a_redis_without_functions_is_too_old() {
    let server = server(&[("rename-command FCALL", "\"\""), ("rename-command FCALL_RO", "\"\"")]);
    refusal(open(&server.url()).truth(BOSS).await, "Redis 7.0 or newer is needed");
}

#[tokio::test]
async fn a_full_redis_keeps_nobody_from_playing_and_takes_everything_once_there_is_room() {
    let server = server(&[]);
    let mut shard = Shard::start(open(&server.url()), BOSS, 1_000_000).await;
    shard.hit(10);
    shard.push().await.unwrap();
    ok(&server, &["CONFIG", "SET", "maxmemory", "1"]);
    for _ in 0..3 {
        shard.hit(10);
        refusal(shard.push().await, "raise `maxmemory`");
    }
    ok(&server, &["CONFIG", "SET", "maxmemory", "0"]);
    let answer = shard.push().await.unwrap();
    assert_eq!((answer.verdict, answer.truth.damage), (Verdict::Counted, 40));
    assert_eq!(answer.truth.version, Version(5), "spawn, join, enter and two pushes");
}

#[tokio::test]
async fn a_demoted_master_is_named_and_played_on_once_it_is_master_again() {
    let (master, other) = (server(&[]), server(&[]));
    let mut shard = Shard::start(open(&master.url()), BOSS, 1_000_000).await;
    shard.hit(10);
    shard.push().await.unwrap();
    // It keeps its data while the other one can't be reached with this password.
    ok(&master, &["CONFIG", "SET", "masterauth", "wrong"]);
    ok(&other, &["CONFIG", "SET", "requirepass", "secret"]);
    ok(&master, &["REPLICAOF", "127.0.0.1", &other.port().to_string()]);
    shard.hit(10);
    refusal(shard.push().await, "name its master");
    refusal(shard.push().await, "name its master");
    ok(&master, &["REPLICAOF", "NO", "ONE"]);
    let answer = shard.push().await.unwrap();
    assert_eq!((answer.verdict, answer.truth.damage), (Verdict::Counted, 20));
}

#[tokio::test]
async fn keys_of_another_type_are_left_alone() {
    for key in ["state", "log"] {
        let server = server(&[]);
        let mut shard = Shard::start(open(&server.url()), BOSS, 1_000_000).await;
        shard.hit(10);
        shard.push().await.unwrap();
        let name = format!("{{boss:1}}:{key}");
        ok(&server, &["RENAME", &name, "kept"]);
        ok(&server, &["SET", &name, "something else"]);
        shard.hit(10);
        refusal(shard.push().await, "another program has written to this boss's keys");
        ok(&server, &["DEL", &name]);
        ok(&server, &["RENAME", "kept", &name]);
        let answer = shard.push().await.unwrap();
        assert_eq!((answer.verdict, answer.truth.damage), (Verdict::Counted, 20), "{key}");
        assert_eq!(answer.truth.version, Version(5), "{key}: what was refused changed nothing");
    }
}

#[tokio::test]
async fn a_cluster_and_a_single_server_are_told_apart() {
    let single = server(&[]);
    let url = format!("redis-cluster://127.0.0.1:{}", single.port());
    refusal(open(&url).truth(BOSS).await, "write redis:// instead");
    let cluster = Cluster::start(&[]).unwrap();
    let node = format!("redis://127.0.0.1:{}", cluster.nodes()[0].port());
    refusal(open(&node).truth(BOSS).await, "write redis-cluster://");
}

/// A line of OPERATIONS.md, in words.
fn documented(beginning: &str) -> Vec<String> {
    let text = include_str!("../../../OPERATIONS.md");
    let line = text.lines().find(|line| line.starts_with(beginning)).unwrap();
    line.split(' ').map(str::to_owned).collect()
}

/// Gives a server the user of a game with the documented rights and some more, and tells how the
/// user stands in an address.
pub(crate) fn grant(server: &Server, more: &[String]) -> String {
    let rights = [documented("ACL SETUSER game "), more.to_vec()].concat();
    ok(server, &rights.iter().map(String::as_str).collect::<Vec<_>>());
    let password = rights.iter().find_map(|word| word.strip_prefix('>')).unwrap();
    format!("game:{password}")
}

#[tokio::test]
async fn a_user_with_the_documented_rights_can_play_in_a_cluster() {
    let cluster = Cluster::start(&[]).unwrap();
    open(&cluster.url()).load().await.unwrap();
    let line = documented("On a cluster, add `");
    let more = line.join(" ");
    let more = more.split('`').nth(1).unwrap().split(' ').map(str::to_owned).collect::<Vec<_>>();
    let users: Vec<_> = cluster.nodes().iter().map(|node| grant(node, &more)).collect();
    let url = cluster.url().replace("://", &format!("://{}@", users[0]));
    for boss in 1..=4 {
        let mut shard = Shard::start(open(&url), BossId(boss), 1_000).await;
        shard.hit(10);
        assert_eq!(shard.push().await.unwrap().truth.damage, 10);
        shard.next_generation().await;
    }
}

#[tokio::test]
async fn a_user_with_the_documented_rights_can_play_and_nothing_else() {
    let server = server(&[]);
    // What an executor is told waits for it.
    let _replica = Server::replica_of(&server, &[]).unwrap();
    open(&server.url()).load().await.unwrap();
    let redis = open(&format!("redis://{}@127.0.0.1:{}/1", grant(&server, &[]), server.port()));
    let mut shard = Shard::start(redis.clone(), BOSS, 1_000).await;
    shard.hit(10);
    assert_eq!(shard.push().await.unwrap().truth.damage, 10);
    // Enough for everything that is ever dropped.
    for _ in 0..4 {
        shard.next_generation().await;
    }
    assert_eq!(redis.bosses().await.unwrap(), [BOSS]);
    let page = ReadLog { boss: BOSS, after: Version(0), wait_ms: 0 };
    let first = redis.read_log(page).await.unwrap();
    assert!(first.base.is_some(), "the log was trimmed");
    let last = redis.read_log(page).await.unwrap().entries.last().unwrap().version;
    let waited = ReadLog { after: last, wait_ms: 1, ..page };
    assert_eq!(redis.read_log(waited).await.unwrap().entries.len(), 0);
    refusal(redis.load().await, "OPERATIONS.md");
    for forbidden in [
        &["FLUSHALL"][..],
        &["EVAL", "return 1", "0"],
        &["CONFIG", "GET", "*"],
        &["GET", "other"],
        &["DEL", "{boss:1}:log"],
        &["FUNCTION", "FLUSH"],
        &["KEYS", "*"],
    ] {
        let dry = [&["ACL", "DRYRUN", "game"], forbidden].concat();
        let reply = server.command(&dry).unwrap();
        assert!(matches!(reply, Reply::Bulk(_)), "{forbidden:?} is allowed");
    }
}

#[tokio::test]
async fn without_the_library_a_user_who_may_not_load_it_is_told_who_can() {
    let server = server(&[]);
    let redis = open(&format!("redis://{}@127.0.0.1:{}", grant(&server, &[]), server.port()));
    refusal(redis.truth(BOSS).await, "worldboss authority load");
}

#[tokio::test]
async fn libraries_of_other_builds_stay_and_loading_twice_changes_nothing() {
    let server = server(&[]);
    let other = "#!lua name=worldboss_0000000000000000\n\
                 redis.register_function('worldboss_push_0000000000000000', function() end)";
    ok(&server, &["FUNCTION", "LOAD", other]);
    let redis = open(&server.url());
    let name = redis.load().await.unwrap();
    assert_eq!(redis.load().await.unwrap(), name);
    let list = server.command(&["FUNCTION", "LIST"]).unwrap();
    assert_eq!(list.items().len(), 2, "{list:?}");
    spawn(&redis, BOSS, 10).await.unwrap();
}

#[tokio::test]
async fn a_unix_socket_serves_too() {
    let server = server(&[]);
    let redis = open(&format!("redis+unix://{}", server.socket().display()));
    assert_eq!(spawn(&redis, BOSS, 10).await.unwrap().hp_max, 10);
}

#[tokio::test]
async fn the_largest_numbers_are_exact() {
    let server = server(&[]);
    let mut shard = Shard::start(open(&server.url()), BOSS, HP_MAX).await;
    shard.hit(HP_MAX - 1);
    let answer = shard.push().await.unwrap();
    assert_eq!((answer.truth.hp(), answer.truth.status), (1, Status::Alive));
    assert_eq!(answer.truth.phase, 3, "one HP is the last phase");
    shard.hit(1);
    let answer = shard.push().await.unwrap();
    assert_eq!((answer.truth.hp(), answer.truth.status), (0, Status::Defeated));
    shard.hit(INT_MAX - HP_MAX);
    let answer = shard.push().await.unwrap();
    assert_eq!((answer.verdict, answer.applied), (Verdict::Counted, INT_MAX));
    let mut other = Shard::enter(shard.redis.clone(), BOSS, 2).await;
    other.hit(1);
    assert_eq!(other.push().await.unwrap().verdict, Verdict::Refused, "the sum would be too large");
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_before_anything_is_written() {
    for missing in ["hset", "hdel", "xadd", "xtrim"] {
        let server = server(&[]);
        let redis = open(&server.url());
        redis.load().await.unwrap();
        spawn(&redis, BOSS, 10).await.unwrap();
        let poor = format!("redis://{}@127.0.0.1:{}", grant(&server, &[]), server.port());
        ok(&server, &["ACL", "SETUSER", "game", &format!("-{missing}")]);
        let version = redis.truth(BOSS).await.unwrap().version;
        refusal(spawn(&open(&poor), BossId(2), 10).await.map(|_| ()), "OPERATIONS.md");
        let (boss, executor) = (BOSS, ExecutorId(ucore::Bin([1; 16])));
        let reign = |supersedes| Reign { boss, executor, supersedes, suspects: Vec::new() };
        refusal(open(&poor).reign(reign(Some(0))).await, "OPERATIONS.md");
        open(&poor).reign(reign(None)).await.expect("who only looks writes nothing");
        assert_eq!(redis.truth(BOSS).await.unwrap().version, version, "{missing}");
    }
}

#[tokio::test]
async fn keys_of_another_layout_are_left_to_their_build() {
    let server = server(&[]);
    let mut shard = Shard::start(open(&server.url()), BOSS, 1_000).await;
    ok(&server, &["HSET", "{boss:1}:state", "layout", "1"]);
    shard.hit(1);
    refusal(shard.push().await, "another build has begun this boss");
}

#[tokio::test]
async fn wrong_arguments_are_refused_before_anything_changes() {
    let server = server(&[]);
    let mut shard = Shard::start(open(&server.url()), BOSS, 1_000).await;
    shard.hit(10);
    let version = shard.push().await.unwrap().truth.version;
    let push = shard.redis.load().await.unwrap().replace("worldboss_", "worldboss_push_");
    let journal = "01".repeat(16);
    let chain = "0".repeat(40);
    let good = [&journal, "1", "10", "20", "0", "blob", "1", "0", &chain, "0"];
    let mut wrong: BTreeSet<(usize, &str)> = BTreeSet::new();
    for (at, value) in [
        (0, "x"),
        (0, ""),
        (1, "-1"),
        (1, "1e3"),
        (2, "9007199254740992"),
        (3, " 20"),
        (3, "nan"),
        (4, "2"),
        (6, "0x10"),
        (7, "99999999999999999"),
        (9, ""),
    ] {
        wrong.insert((at, value));
    }
    for (at, value) in wrong {
        let mut args = good;
        args[at] = value;
        bad_argument(&server, &push, &args);
    }
    let settle = shard.redis.load().await.unwrap().replace("worldboss_", "worldboss_settle_");
    let good = [&journal, "1", "1", "1", "0", "credit", "1", "blob", "1", &chain];
    for (at, value) in
        [(0, "me"), (1, "-1"), (2, ""), (3, "x"), (4, "1e3"), (5, "die"), (6, ""), (8, "-")]
    {
        let mut args = good;
        args[at] = value;
        bad_argument(&server, &settle, &args);
    }
    assert_eq!(shard.redis.truth(BOSS).await.unwrap().version, version);
}

/// Calls a function with an argument that it must refuse.
fn bad_argument(server: &Server, function: &str, args: &[&str]) {
    let keys = ["{boss:1}:state", "{boss:1}:log"];
    let words = [&["FCALL", function, "2"], &keys[..], args].concat();
    let refused = server.command(&words).unwrap_err();
    assert!(refused.contains("BADARG"), "{args:?}: {refused}");
}
