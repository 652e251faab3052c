//! The tools of `worldboss authority`: real processes on an embedded store, and every mistake.

use crate::feed::fold;
use crate::server::{Server, signal, wait, worldboss};
use crate::world::journal;
use authority::{Authority, Embedded, Executor, Steps};
use protocol::{
    BossId, Enter, Gen, Interval, Join, PlayerId, Progress, Push, Scenario, ShardId, Spawn, Verdict,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Instant;
use ucore::{GMapDelta, Max};

/// What a process said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn run(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    Said { code: status.code(), out, err }
}

/// `worldboss authority ARGS --authority embedded:DIR`
pub(crate) fn tool(args: &[&str], dir: &Path) -> Command {
    let mut command = worldboss();
    command.arg("authority").args(args);
    command.arg("--authority").arg(format!("embedded:{}", dir.display()));
    command
}

/// What a tool writes to stdout when nothing is wrong.
pub(crate) fn out(args: &[&str], dir: &Path) -> String {
    let said = run(&mut tool(args, dir));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{args:?}");
    said.out
}

pub(crate) fn json(args: &[&str], dir: &Path) -> Value {
    serde_json::from_str(&out(&[args, &["--json"]].concat(), dir)).unwrap()
}

/// A scenario whose books close fast.
pub(crate) fn scenario(id: u32, name: &str, hp_max: u64) -> String {
    format!(
        "boss = {{ id = {id}, name = \"{name}\", hp_max = {hp_max} }}\n\
         phase = [{{ name = \"Calm\", percent = 100 }}, {{ name = \"Fury\", percent = 50 }}]\n\
         skill = [{{ id = 1, name = \"Strike\", damage = 1 }}]\n\
         timing = {{ collect_s = 1, respawn_s = 1 }}\n"
    )
}

pub(crate) fn file(dir: &Path, text: &str) -> PathBuf {
    let file = dir.join("boss.toml");
    std::fs::write(&file, text).unwrap();
    file
}

/// An authority that this process has open, in which time passes by hand.
#[derive(Debug)]
pub(crate) struct Open<A = Embedded>(pub(crate) A);

impl Open {
    pub(crate) async fn with(dir: &Path, scenario: &str) -> Self {
        let open = Self(Embedded::open_with(dir, Steps::ByHand).unwrap());
        open.spawn(scenario).await;
        open
    }

    /// Kills boss 1, and lets time pass until its next generation has begun.
    pub(crate) async fn pass(&self, generation: Gen, hp: u64) {
        let (boss, journal) = (BossId(1), journal(1));
        self.0.enter(Enter { boss, journal, generation }).await.unwrap();
        self.push_to(generation, 1, (0, hp), false).await;
        self.push_to(generation, 1, (hp, hp), true).await;
        let mut executor = Executor::at_once(Arc::new(self.0.clone()), boss);
        seconds_until(&mut executor, |seen| seen.truth.generation != generation).await;
    }
}

/// Lets seconds of an executor pass until it is there, and gives up after 60.
pub(crate) async fn seconds_until(executor: &mut Executor, is_there: impl Fn(&Progress) -> bool) {
    let mut last = None;
    for _ in 0..60 {
        let seen = executor.second().await.unwrap();
        if is_there(&seen) {
            return;
        }
        last = Some(seen);
    }
    panic!("it does not come; after 60 seconds there is {last:#?}");
}

impl<A: Authority> Open<A> {
    pub(crate) async fn spawn(&self, scenario: &str) {
        let Scenario { id: boss, spec } = Scenario::parse(scenario).unwrap();
        self.0.spawn(Spawn { boss, spec: Box::new(spec) }).await.unwrap();
    }

    /// A journal that enters generation 1 of boss 1.
    pub(crate) async fn join(&self, number: u8) {
        let (boss, journal, shard) = (BossId(1), journal(number), ShardId(number.into()));
        self.0.join(Join { boss, journal, shard, lineage: Vec::new() }).await.unwrap();
        self.0.enter(Enter { boss, journal, generation: Gen(1) }).await.unwrap();
    }

    /// One player's damage in it.
    pub(crate) async fn push(&self, number: u8, from: u64, to: u64) {
        self.push_to(Gen(1), number, (from, to), false).await;
    }

    pub(crate) async fn push_to(
        &self,
        generation: Gen,
        number: u8,
        (from, to): (u64, u64),
        last: bool,
    ) {
        let player = PlayerId(number.into());
        let players = GMapDelta::line(player, Max::of(to));
        let names = [(player, format!("player {number}"))].into();
        let interval = Interval { generation, from, to, players, names };
        let (boss, journal) = (BossId(1), journal(number));
        let seen = self.0.truth(boss).await.unwrap().seen();
        let push = Push { boss, journal, interval, last, online: 1, seen, standings: 0 };
        assert_eq!(self.0.push(push).await.unwrap().verdict, Verdict::Counted);
    }
}

/// Two journals and this many pushes of 1: versions 1 to 5, then one each.
pub(crate) async fn played(dir: &Path, pushes: u64) {
    let open = Open::with(dir, &scenario(1, "Morvath", 1_000)).await;
    open.join(1).await;
    open.join(2).await;
    for to in 1..=pushes {
        open.push(1, to - 1, to).await;
    }
}

#[test]
fn spawn_begins_a_boss_and_then_says_what_its_next_generation_is() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let spawn = |name: &str, flags: &[&str]| {
        let file = file(dir.path(), &scenario(7, name, 1_000));
        out(&[&["spawn", file.to_str().unwrap()], flags].concat(), &store)
    };
    let begun = spawn("Morvath", &[]);
    assert_eq!(begun, "boss 7 has begun its generation 1: Morvath\n");
    let next = spawn("Gorm", &[]);
    assert!(next.starts_with("boss 7 fights on in generation 1; from generation 2 on"), "{next}");
    let next: Value = serde_json::from_str(&spawn("Gorm", &["--json"])).unwrap();
    let expected = r#"{"boss":7,"name":"Gorm","begun":false,"generation":2}"#;
    assert_eq!(next, serde_json::from_str::<Value>(expected).unwrap());
    assert_eq!(json(&["status"], &store)["name"], "Morvath", "it is what it was");
}

#[tokio::test]
async fn bosses_are_listed_a_line_each() {
    let dir = tempfile::tempdir().unwrap();
    played(dir.path(), 10).await;
    Open::with(dir.path(), &scenario(12, "Gorm", 5_000)).await;
    let text = out(&["bosses"], dir.path());
    let expected = "    1  Morvath, generation 1, alive, 990 of 1,000 HP, 99.0 %\n   \
                    12  Gorm, generation 1, alive, 5,000 of 5,000 HP, 100.0 %\n";
    assert_eq!(text, expected);
    let lines = out(&["bosses", "--json"], dir.path());
    let expected = "{\"boss\":1,\"name\":\"Morvath\",\"generation\":1,\"status\":\"alive\",\
                    \"hp\":990,\"hp_max\":1000}\n\
                    {\"boss\":12,\"name\":\"Gorm\",\"generation\":1,\"status\":\"alive\",\
                    \"hp\":5000,\"hp_max\":5000}\n";
    assert_eq!(lines, expected);
    assert_eq!(json(&["status", "--boss", "12"], dir.path())["name"], "Gorm");
}

#[tokio::test]
async fn status_shows_the_truth_and_the_journals_that_made_it() {
    let dir = tempfile::tempdir().unwrap();
    played(dir.path(), 600).await;
    let status = json(&["status"], dir.path());
    let expected = serde_json::json!({
        "boss": 1, "name": "Morvath", "generation": 1, "status": "alive", "version": 605,
        "hp": 400, "hp_max": 1_000, "phase": 1, "phase_name": "Fury", "online": 0, "damage": 600,
        "late": 0, "players": 1,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(status[field], *value, "{field} in {status}");
    }
    let journals = status["journals"].as_array().unwrap();
    let applied: u64 = journals.iter().map(|it| it["applied"].as_u64().unwrap()).sum();
    assert_eq!((journals.len(), applied), (2, 600));
    let text = out(&["status"], dir.path());
    let chain = status["chain"].as_str().unwrap();
    let row =
        |shard: &str, journal: &str, [finished, heard]: [&str; 2], damage: u32, players: u32| {
            format!(
                "  {shard:>5}  {journal:<32}  {finished:<8}  {heard:<13}  {damage:>16}  {:>12}  \
             {players:>9}\n",
                0
            )
        };
    for needle in [
        "Morvath (boss 1)\n",
        "  generation  1, alive\n",
        "  HP          400 of 1,000, 40.0 %  [############------------------]\n",
        "  phase       Fury (2 of 2)\n",
        &format!("  version     605, chain {chain}\n"),
        &row("1", &"01".repeat(16), ["no", "now"], 600, 1),
        &row("2", &"02".repeat(16), ["no", "now"], 0, 0),
        &row("", "all", ["", ""], 600, 1),
    ] {
        assert!(text.contains(needle), "`{needle}` is missing in\n{text}");
    }
}

#[tokio::test]
async fn looking_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let open = Open::with(dir.path(), &scenario(1, "Morvath", 10)).await;
    open.join(1).await;
    open.push(1, 0, 10).await;
    drop(open);
    let before = out(&["status"], dir.path());
    assert!(before.contains("generation  1, defeated") && before.contains("0 of 10, 0.0 %"));
    // Where time passes, a dead boss takes a step each second.
    let mut tail = tool(&["tail", "--follow"], dir.path());
    let child = tail.stdout(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    wait("two seconds are over", || began.elapsed().as_secs() >= 2);
    signal(&child, "INT");
    let told = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(told.lines().count(), 4, "{told}");
    assert_eq!(out(&["status"], dir.path()), before);
}

#[test]
fn the_tools_work_on_a_truth_in_redis() {
    let redis = xtask::redis::Server::start(&[]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), &scenario(5, "Morvath", 1_000));
    let on_redis = |args: &[&str]| {
        let mut command = worldboss();
        let said = run(command.arg("authority").args(args).args(["--authority", &redis.url()]));
        assert_eq!(said.code, Some(0), "{args:?}: {said:?}");
        said.out
    };
    on_redis(&["load"]);
    let begun = on_redis(&["spawn", file.to_str().unwrap()]);
    assert_eq!(begun, "boss 5 has begun its generation 1: Morvath\n");
    let line = on_redis(&["bosses"]);
    assert_eq!(line, "    5  Morvath, generation 1, alive, 1,000 of 1,000 HP, 100.0 %\n");
    let value = fold(on_redis(&["tail", "--from", "1", "--json"]).lines());
    let status = on_redis(&["status", "--json"]);
    assert!(status.contains(&value.chain.to_string()), "{status}");
}

#[tokio::test]
async fn every_flag_is_also_an_environment_variable() {
    let dir = tempfile::tempdir().unwrap();
    played(dir.path(), 20).await;
    Open::with(dir.path(), &scenario(2, "Gorm", 5_000)).await;
    let mut tail = worldboss();
    tail.args(["authority", "tail"]);
    tail.env("WORLDBOSS_AUTHORITY", format!("embedded:{}", dir.path().display()));
    tail.env("WORLDBOSS_BOSS", "1").env("WORLDBOSS_FROM", "24").env("WORLDBOSS_JSON", "1");
    let said = run(&mut tail);
    assert_eq!((said.code, said.out.lines().count()), (Some(0), 2), "{said:?}");
    assert!(said.out.starts_with("{\"version\":24,"), "{said:?}");
    let mut replay = worldboss();
    replay.args(["authority", "replay"]).env("WORLDBOSS_AT", "24").env("WORLDBOSS_BOSS", "1");
    replay.env("WORLDBOSS_AUTHORITY", format!("embedded:{}", dir.path().display()));
    assert!(run(&mut replay).out.contains("  version     24, "));
}

#[tokio::test]
async fn every_mistake_is_named_with_its_cure() {
    let dir = tempfile::tempdir().unwrap();
    let (played_dir, empty) = (dir.path().join("data").join("authority"), dir.path().join("empty"));
    let several = dir.path().join("several");
    played(&played_dir, 3).await;
    drop(Embedded::open(&empty).unwrap());
    for id in [3, 4] {
        Open::with(&several, &scenario(id, "Gorm", 100)).await;
    }
    let bad_file = file(dir.path(), &scenario(0, "Gorm", 100));
    let spawn = ["spawn", bad_file.to_str().unwrap()];
    for (args, at, code, needles) in [
        (&["status"][..], &empty, 1, &["has no boss", "worldboss authority spawn FILE"][..]),
        (&["tail"], &empty, 1, &["has no boss", "worldboss authority spawn FILE"]),
        (&["status", "--boss", "9"], &played_dir, 1, &["has no boss 9", "it has 1"]),
        (&["tail", "--boss", "9"], &played_dir, 1, &["has no boss 9", "it has 1"]),
        (&["tail", "--follow", "--boss", "9"], &played_dir, 1, &["has no boss 9; name one"]),
        (&["status"], &several, 1, &["several bosses", "choose one by --boss: 3, 4"]),
        (&["tail"], &several, 1, &["several bosses", "choose one by --boss: 3, 4"]),
        (&["tail", "--from", "0"], &played_dir, 2, &["--from", "numbers from 1"]),
        (&["tail", "--from", "last"], &played_dir, 2, &["--from", "numbers from 1"]),
        (&["status", "--boss", "Gorm"], &several, 2, &["--boss", "authority bosses"]),
        (&["tail", "--from", "10"], &played_dir, 1, &["ends at version 8", "at most with 9"]),
        (&["tail", "--follow", "--from", "10"], &played_dir, 1, &["ends at version 8"]),
        (&["status"], &dir.path().join("data"), 1, &["there is no authority in", "it is in"]),
        (&["bosses"], &dir.path().join("none"), 1, &["there is no authority in", "spawn FILE"]),
        (&spawn, &several, 1, &["boss.toml", "`boss.id` is 0"]),
        (&["spawn"], &several, 2, &["<FILE>"]),
    ] {
        let said = run(&mut tool(args, at));
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{args:?}: {said:?}");
        for needle in needles {
            assert!(said.err.contains(needle), "{args:?}: {needle}: {}", said.err);
        }
    }
    assert!(!dir.path().join("none").exists(), "looking makes nothing");
    let mut nowhere = worldboss();
    let said = run(nowhere.args(["authority", "bosses", "--authority", "floppy:A"]));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("floppy:A") && said.err.contains("embedded:DIR"), "{said:?}");
}

#[tokio::test]
async fn a_running_game_is_named_by_the_address_that_reaches_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(dir.path(), &scenario(1, "Morvath", 100));
    let spawn = ["spawn", file.to_str().unwrap()];
    let (unnamed, data) = (dir.path().join("unnamed"), dir.path().join("data"));
    let _open = Open::with(&unnamed, &scenario(1, "Morvath", 100)).await;
    let server = Server::start(&data);
    let address = format!("ws://{}\n", server.addr);
    for args in [&["status"][..], &["tail"], &["tail", "--follow"], &["bosses"], &spawn] {
        for (at, address) in
            [(&unnamed, "ws://HOST:PORT, where"), (&data.join("authority"), &address)]
        {
            let said = run(&mut tool(args, at));
            assert_eq!(said.code, Some(1), "{said:?}");
            let needle = format!("in use by a running process; reach it by --authority {address}");
            assert!(said.err.contains(&needle), "{args:?}: {}", said.err);
        }
    }
    let mut there = worldboss();
    let said = run(there.args(["authority", "bosses", "--authority", address.trim()]));
    assert!(said.out.starts_with("    1  Morvath, the Ember Colossus, "), "{said:?}");
}
