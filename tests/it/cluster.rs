//! Many shards, one authority in a process of its own: whoever dies, the books balance.

use crate::kill::{load, report};
use crate::server::{Server, output, signal, wait, worldboss};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const ACCEPTED: &str = "worldboss_hits_total{result=\"accepted\"}";
pub(crate) const COUNTED: &str = "worldboss_pushes_total{verdict=\"counted\"}";
pub(crate) const UNANSWERED: &str = "worldboss_authority_unanswered_total";

pub(crate) fn ready(server: &Server) -> bool {
    server.get("/readyz").starts_with("HTTP/1.1 200")
}

/// Waits until a counter of each shard has grown.
pub(crate) fn wait_for_more(shards: &[Server], metric: &str, more: u64) {
    let enough: Vec<_> = shards.iter().map(|shard| shard.metric(metric) + more).collect();
    for (shard, enough) in shards.iter().zip(enough) {
        wait(metric, || shard.metric(metric) >= enough);
    }
}

pub(crate) fn assert_balanced(report: &Value) {
    for zero in ["damage_lost", "damage_doubled", "hits_unresolved", "faults"] {
        assert_eq!(report[zero], 0, "{zero} in {report:#}");
    }
    assert_eq!(report["damage_truth"], report["damage_acked"], "{report:#}");
}

#[test]
fn an_authority_that_is_killed_again_and_again_counts_the_hits_of_two_shards_once() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("out.json");
    let mut authority = Server::authority(&dir.path().join("truth"));
    let url = format!("ws://{}", authority.addr);
    let shards = [1, 2]
        .map(|label: u16| Server::shard(label, &url, &dir.path().join(format!("shard-{label}"))));
    let mut load = load(&shards.each_ref(), 200, 5, &json);
    for noticed in [0, 1, 2, 0, 3] {
        wait_for_more(&shards, COUNTED, 10);
        authority.kill();
        wait_for_more(&shards, UNANSWERED, noticed);
        authority.restart();
    }
    wait_for_more(&shards, COUNTED, 10);
    for shard in &shards {
        wait("it is ready", || ready(shard));
    }
    let report = load.interrupted(&json);
    assert_balanced(&report);
    assert_eq!(report["reconnects"], 0, "no player has noticed: {report:#}");
    assert!(report["hits_acked"].as_u64().unwrap() > 1_000, "{report:#}");
    // Both shards show the same books, and every part ends when it is asked to.
    let ledger =
        |shard: &Server| shard.get("/api/ledger").split_once("\r\n\r\n").unwrap().1.to_owned();
    let [first, second] = shards.each_ref().map(ledger);
    assert_eq!(first, second);
    for shard in shards {
        assert_eq!(shard.terminate(), Some(0));
    }
    assert_eq!(authority.terminate(), Some(0));
}

#[test]
fn a_shard_is_the_authority_of_another_one_and_either_may_be_killed() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("out.json");
    let embedded = format!("embedded:{}", dir.path().join("truth").display());
    let first = Server::shard(1, &embedded, &dir.path().join("shard-1"));
    let url = format!("ws://{}/sync", first.addr);
    let mut shards = [first, Server::shard(2, &url, &dir.path().join("shard-2"))];
    let mut load = load(&shards.each_ref(), 100, 5, &json);
    for killed in [0, 1] {
        wait_for_more(&shards, COUNTED, 10);
        shards[killed].kill_and_restart();
    }
    wait_for_more(&shards, COUNTED, 10);
    wait("the players are back", || shards.iter().all(|shard| shard.metric(ACCEPTED) > 100));
    signal(&load, "INT");
    assert_eq!(load.wait().unwrap().code(), Some(130));
    assert_balanced(&report(&json));
}

fn shard_on(authority: &str, data: &std::path::Path) -> std::process::Command {
    let mut shard = worldboss();
    shard.args(["shard", "--shard-id", "1", "--listen", "127.0.0.1:0", "--guests"]);
    shard.args(["--authority", authority, "--data"]).arg(data);
    shard
}

#[test]
fn an_authority_that_is_no_address_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    for (authority, why) in [
        ("wss://boss", "this build has no TLS"),
        ("ws://", "write ws://HOST:PORT"),
        ("http://boss", "write embedded:DIR, redis://HOST:PORT or ws://HOST:PORT"),
    ] {
        let (code, stderr) = output(&mut shard_on(authority, dir.path()));
        assert_eq!(code, Some(1), "{authority}: {stderr}");
        assert!(stderr.contains(why), "{authority}: {stderr}");
    }
}

#[test]
fn a_shard_whose_authority_is_away_or_is_none_says_so_and_waits_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let game = Server::start(&dir.path().join("game"));
    // A port that is taken, and on which nobody listens.
    let silent = tokio::net::TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let silent_addr = silent.local_addr().unwrap();
    // What may be repaired is waited for.
    for (authority, why) in [
        (format!("ws://{silent_addr}"), "start it there, or correct the address"),
        (format!("ws://{}/sink", game.addr), "answers 404 Not Found, \"there is nothing here"),
        (format!("ws://{}/ws", game.addr), "offer the sub-protocol worldboss.v4"),
    ] {
        let mut shard = shard_on(&authority, &dir.path().join("shard"));
        let mut shard = shard.stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(shard.stderr.take().unwrap()).lines().map(Result::unwrap);
        let why = said.inspect(|line| eprintln!("{line}")).find(|line| line.contains(why));
        assert!(why.is_some(), "{authority}");
        assert_eq!(shard.try_wait().unwrap(), None, "{authority}: it waits");
        shard.kill().unwrap();
        shard.wait().unwrap();
    }
}
