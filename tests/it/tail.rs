//! The event feed by real processes: whole, once, in order, and ended as it should be.

use crate::feed::fold;
use crate::server::{Server, signal, worldboss};
use crate::tools::{Open, json, out, played, run, scenario, tool};
use crate::world::journal;
use authority::{Authority, Embedded, Remote, Steps, Tail};
use protocol::{
    BossId, Enter, FeedEvent, Gen, Happened, Interval, Join, PlayerId, Push, ReadLog, ShardId,
    Verdict,
};
use score::FeedStart;
use serde_json::Value;
use std::io::{BufRead, BufReader, pipe};
use std::process::{Output, Stdio};
use ucore::{Chain, GMapDelta, Max, Version};

#[tokio::test]
async fn a_tail_from_1_holds_the_whole_log_to_its_chain() {
    let dir = tempfile::tempdir().unwrap();
    played(dir.path(), 600).await;
    let status = json(&["status"], dir.path());
    let lines = out(&["tail", "--from", "1", "--json"], dir.path());
    let value = fold(lines.lines());
    assert_eq!(status["version"], value.version.0);
    assert_eq!(status["chain"], value.chain.to_string().as_str());
    // The program writes what the library tells.
    let authority = std::sync::Arc::new(Embedded::open_with(dir.path(), Steps::ByHand).unwrap());
    let mut tail = Tail::new(authority, BossId(1), FeedStart::At(Version(1)), 7);
    let mut told = String::new();
    loop {
        let events = tail.next().await.unwrap();
        if events.is_empty() {
            break;
        }
        let events = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n");
        told.extend(events);
    }
    assert!(told == lines);
}

#[tokio::test]
async fn a_tail_for_people_has_the_last_10_entries_in_words() {
    let dir = tempfile::tempdir().unwrap();
    played(dir.path(), 20).await;
    let text = out(&["tail"], dir.path());
    assert_eq!(text.lines().count(), 10);
    let last = "      25  generation 1: 1 damage, 1 player, 1 name; journal 01010101 is at 20\n";
    assert!(text.ends_with(last), "{text}");
    let text = out(&["tail", "--from", "1"], dir.path());
    let first = "       1  generation 1 begins: Morvath, 1,000 HP\n       \
                 2  journal 01010101 of shard 1 opens\n       \
                 3  journal 01010101 enters generation 1\n";
    assert!(text.starts_with(first), "{text}");
    assert_eq!(out(&["tail", "--from", "26"], dir.path()), "", "there is nothing yet");
}

#[tokio::test]
async fn a_tail_names_the_oldest_version_that_can_be_shown() {
    let dir = tempfile::tempdir().unwrap();
    let open = Open::with(dir.path(), &scenario(1, "Morvath", 10)).await;
    open.join(1).await;
    for generation in 1..=3 {
        open.pass(Gen(generation), 10).await;
    }
    let page = ReadLog { boss: BossId(1), after: Version(0), wait_ms: 0 };
    let base = open.0.read_log(page).await.unwrap().base.unwrap().version;
    drop(open);
    let note = format!("versions 1 to {base} are gone; {} is the oldest", base.next());
    let people = run(&mut tool(&["tail", "--from", "1"], dir.path()));
    assert!(people.err.contains(&note), "{people:?}");
    let first = people.out.lines().next().unwrap();
    assert!(first.ends_with("generation 2 begins: Morvath, 10 HP"), "{people:?}");
    let services = run(&mut tool(&["tail", "--from", "1", "--json"], dir.path()));
    assert!(services.err.contains(&note), "{services:?}");
    let gone: Value = serde_json::from_str(services.out.lines().next().unwrap()).unwrap();
    assert_eq!((&gone["kind"], &gone["from"]), (&"gone".into(), &1.into()));
    assert_eq!(gone["version"], base.0);
}

#[tokio::test]
async fn what_is_pushed_while_a_tail_follows_is_told_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let open = Open::with(dir.path(), &scenario(1, "Morvath", 1_000)).await;
    let authority = std::sync::Arc::new(open.0.clone());
    let mut tail = Tail::new(authority, BossId(1), FeedStart::At(Version(1)), 7);
    let following = tokio::spawn(async move {
        let mut told = Vec::new();
        while told.len() < 203 {
            told.extend(tail.follow().await.unwrap());
        }
        told
    });
    open.join(1).await;
    for to in 1..=200 {
        open.push(1, to - 1, to).await;
    }
    let told: Vec<FeedEvent> = following.await.unwrap();
    let page = ReadLog { boss: BossId(1), after: Version(0), wait_ms: 0 };
    let log = open.0.read_log(page).await.unwrap().entries;
    let positions: Vec<_> = told.iter().map(|event| (event.version, event.chain)).collect();
    let expected: Vec<_> = log.iter().map(|entry| (entry.version, entry.chain)).collect();
    assert_eq!(positions, expected);
}

/// Damage of a journal in boss 1 of an authority that may be away, from total to total.
async fn push_until_taken(authority: &Remote, number: u8, (from, to): (u64, u64)) {
    let (boss, journal, generation) = (BossId(1), journal(number), Gen(1));
    let interval = |from, to| {
        let players = GMapDelta::line(PlayerId(number.into()), Max::of(to));
        Interval { generation, from, to, players, names: [].into() }
    };
    for to in from + 1..=to {
        loop {
            let join = Join { boss, journal, shard: ShardId(1), lineage: Vec::new() };
            let enter = Enter { boss, journal, generation };
            let seen = protocol::Seen { version: Version(0), chain: Chain::START };
            let interval = interval(to - 1, to);
            let push = Push { boss, journal, interval, last: false, online: 1, seen, standings: 0 };
            // What has no answer is asked again, and was perhaps heard already.
            if authority.join(join).await.is_ok()
                && authority.enter(enter).await.is_ok()
                && let Ok(answer) = authority.push(push).await
            {
                assert!(matches!(answer.verdict, Verdict::Counted | Verdict::Duplicate));
                break;
            }
        }
    }
}

/// Lines of a child until one of them tells the version of the truth.
fn read_to_the_end(
    lines: &mut impl Iterator<Item = String>,
    authority: &Remote,
    runtime: &tokio::runtime::Runtime,
) -> Vec<String> {
    let truth = runtime.block_on(authority.truth(BossId(1))).unwrap();
    let end = format!("{{\"version\":{},\"chain\":\"{}\"", truth.version, truth.chain);
    let mut read = Vec::new();
    while read.last().is_none_or(|line: &String| !line.starts_with(&end)) {
        read.push(lines.next().unwrap());
    }
    read
}

#[test]
fn a_tail_follows_over_deaths_and_a_roll_back_of_its_authority_until_it_is_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store").join("authority.redb");
    let copy = dir.path().join("copy");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut server = Server::authority(store.parent().unwrap());
    let url = format!("ws://{}", server.addr);
    let authority = runtime.block_on(async { Remote::new(&url).unwrap() });
    let mut tail = worldboss();
    tail.args(["authority", "tail", "--follow", "--from", "1", "--json", "--authority", &url]);
    let mut child = tail.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let push = |number, interval| {
        runtime.block_on(push_until_taken(&authority, number, interval));
    };

    push(1, (0, 20));
    let mut told = read_to_the_end(&mut lines, &authority, &runtime);
    server.kill();
    std::fs::copy(&store, &copy).unwrap();
    server.restart();
    push(1, (20, 40));
    told.extend(read_to_the_end(&mut lines, &authority, &runtime));
    let value = fold(told.iter().map(String::as_str));
    assert_eq!(value.boss.life(Gen(1)).unwrap().damage(), 40, "no line is missing, none is twice");

    // The last 20 are lost, and others come.
    server.kill();
    std::fs::copy(&copy, &store).unwrap();
    server.restart();
    push(2, (0, 30));
    let again = read_to_the_end(&mut lines, &authority, &runtime);
    let rolled_back: FeedEvent = serde_json::from_str(&again[0]).unwrap();
    assert_eq!(rolled_back.happened, Happened::RolledBack { was: value.version });
    let kept = usize::try_from(rolled_back.version.0).unwrap();
    told.truncate(kept);
    told.extend(again.into_iter().skip(1));
    let value = fold(told.iter().map(String::as_str));
    assert_eq!(value.boss.life(Gen(1)).unwrap().damage(), 50);

    let mut status = worldboss();
    let said = run(status.args(["authority", "status", "--json", "--authority", &url]));
    assert!(said.out.contains(&value.chain.to_string()), "{said:?}");
    signal(&child, "INT");
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(130));
    let err = String::from_utf8(stderr).unwrap();
    for note in ["; asking again in", "the authority answers again", "was rolled back from"] {
        assert!(err.contains(note), "`{note}` is missing in {err}");
    }
}

#[test]
fn a_tail_that_knows_its_boss_waits_for_an_authority_that_is_not_there_yet() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::authority(dir.path());
    server.kill();
    let mut tail = worldboss();
    tail.args(["authority", "tail", "--follow", "--boss", "1", "--json", "--authority"]);
    tail.arg(format!("ws://{}", server.addr)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = tail.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|line| line.contains("asking again in")));
    server.restart();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(told.next().unwrap().starts_with("{\"version\":1,"));
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_reader_that_takes_no_more_does_not_keep_an_interrupt_from_being_heard() {
    let dir = tempfile::tempdir().unwrap();
    played(dir.path(), 600).await;
    let mut tail = tool(&["tail", "--from", "1", "--json"], dir.path());
    let mut child = tail.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    // All of it is more than a pipe holds.
    stdout.read_line(&mut line).unwrap();
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[tokio::test]
async fn a_closed_stdout_ends_a_tail_quietly() {
    let dir = tempfile::tempdir().unwrap();
    played(dir.path(), 20).await;
    for flags in [&["tail"][..], &["tail", "--follow"], &["tail", "--follow", "--json"]] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let child = tool(flags, dir.path()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        let err = String::from_utf8(stderr).unwrap();
        assert_eq!((status.code(), err.as_str()), (Some(0), ""), "{flags:?}");
    }
}
