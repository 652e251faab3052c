//! When something is broken: verify, replay and settle, by real processes.

use crate::server::worldboss;
use crate::tools::{Open, json, out, played, run, scenario, seconds_until, tool};
use crate::world::journal;
use authority::{Authority, Executor, Redis};
use protocol::{BossId, Entry, Gen, Status, decode_record, encode_record};
use redb::ReadableTable;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use ucore::Version;
use xtask::redis::Reply;

/// A boss that two journals fight, one of which is never heard again, with something to win.
fn with_rewards(hp_max: u64, collect_s: u16) -> String {
    let timing = format!("collect_s = {collect_s}");
    let reward =
        "reward = [{ id = 1, name = \"Scale\", top_percent = 100, chance_percent = 100 }]\n";
    scenario(1, "Morvath", hp_max).replace("collect_s = 1", &timing) + reward
}

/// Boss 1 is dead, journal 1 has said all, and journal 2 has not.
async fn fallen(dir: &Path, collect_s: u16) -> Open {
    let open = Open::with(dir, &with_rewards(1_000, collect_s)).await;
    fall(&open).await;
    open
}

async fn fall<A: Authority>(open: &Open<A>) {
    open.join(1).await;
    open.join(2).await;
    open.push(2, 0, 300).await;
    open.push(1, 0, 750).await;
    open.push_to(Gen(1), 1, (750, 750), true).await;
}

/// Takes steps until the books are settled.
async fn settled(open: &Open) {
    let mut executor = Executor::at_once(Arc::new(open.0.clone()), BossId(1));
    seconds_until(&mut executor, |seen| seen.truth.status == Status::Rewarded).await;
}

#[tokio::test]
async fn verify_shows_each_generation_and_explains_who_was_missing() {
    let dir = tempfile::tempdir().unwrap();
    let open = fallen(dir.path(), 1).await;
    settled(&open).await;
    drop(open);
    Open::with(dir.path(), &scenario(12, "Gorm", 5_000)).await;
    let text = out(&["verify"], dir.path());
    let lines: Vec<_> = text.lines().map(|it| it.split_whitespace().collect::<Vec<_>>()).collect();
    assert!(text.starts_with("Morvath (boss 1): everything adds up, versions 1 to 14\n"), "{text}");
    let expected = "1 rewarded 1,000 1,050 50 0 2 2 11 1 s 1,000 2";
    assert_eq!(lines[3], expected.split(' ').collect::<Vec<_>>(), "{text}");
    let journal = journal(2);
    let missing = format!(
        "generation 1: journal {journal} of shard 2 had not said its last when the books closed: \
         300 counted, 0 late\n"
    );
    assert!(text.contains(&missing), "{text}");
    assert!(text.contains("Gorm (boss 12): everything adds up, versions 1 to 1\n"), "{text}");
    let verified = json(&["verify", "--boss", "1"], dir.path());
    let generation = &verified["generations"][0];
    for (field, value) in [("counted", 1_050), ("overkill", 50), ("credits", 1_000), ("winners", 2)]
    {
        assert_eq!(generation[field], value, "{field} in {generation}");
    }
    assert_eq!(generation["journals"][1]["missing"], true);
    assert_eq!((&verified["since"], &verified["version"]), (&0.into(), &14.into()));
}

/// Changes an entry in the file of an embedded authority.
fn tamper(dir: &Path, version: u64, change: impl Fn(&mut Entry)) {
    const LOG: redb::TableDefinition<'_, (u32, u64), &[u8]> = redb::TableDefinition::new("log");
    let database = redb::Database::open(dir.join("authority.redb")).unwrap();
    let write = database.begin_write().unwrap();
    {
        let mut log = write.open_table(LOG).unwrap();
        let bytes = log.get((1, version)).unwrap().unwrap().value().to_vec();
        let mut entry: Entry = decode_record(&bytes).unwrap();
        change(&mut entry);
        log.insert((1, version), encode_record(&entry).as_slice()).unwrap();
    }
    write.commit().unwrap();
}

#[tokio::test]
async fn verify_names_the_entry_that_was_changed_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let open = Open::with(dir.path(), &scenario(1, "Morvath", 10)).await;
    open.join(1).await;
    open.pass(Gen(1), 10).await;
    open.pass(Gen(2), 10).await;
    drop(open);
    assert!(out(&["verify"], dir.path()).contains("everything adds up"));
    let chains = |line: &str| format!("boss 1: version 4, `{line}`: its chain is ");
    let says = |needle: &str| {
        let said = run(&mut tool(&["verify"], dir.path()));
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
        assert!(said.err.contains(needle), "{needle}: {}", said.err);
    };
    let as_it_was = "push j=01010101010101010101010101010101 g=1 f=0 t=10 l=0 p=1 d=1";
    tamper(dir.path(), 4, |entry| entry.fields = entry.fields.replace("t=10", "t=11"));
    says(&chains(&as_it_was.replace("t=10", "t=11")));
    tamper(dir.path(), 4, |entry| {
        entry.fields = as_it_was.to_owned();
        entry.version = Version(9);
    });
    says(&format!("boss 1: version 9, `{as_it_was}`: it stands where version 4 belongs"));
    tamper(dir.path(), 4, |entry| entry.version = Version(4));
    assert!(out(&["verify"], dir.path()).contains("everything adds up"), "as it was");
    // What opening folds is found before anything is asked.
    let newest = json(&["status"], dir.path())["version"].as_u64().unwrap();
    tamper(dir.path(), newest, |entry| entry.fields = entry.fields.replace("hp=10", "hp=11"));
    says(&format!("authority.redb is damaged (log entry {newest}: its chain does not follow"));
}

#[tokio::test]
async fn a_boss_that_has_fallen_in_redis_is_settled_and_every_forgery_there_is_named() {
    let redis = xtask::redis::Server::start(&[]).unwrap();
    let on_redis = |args: &[&str]| {
        let mut command = worldboss();
        run(command.arg("authority").args(args).args(["--authority", &redis.url()]))
    };
    let open = Open(Redis::new(&redis.url()).unwrap());
    open.spawn(&with_rewards(1_000, 600)).await;
    fall(&open).await;
    let said = on_redis(&["settle", "--now"]);
    assert!(said.out.ends_with("generation 1 of boss 1 is settled\n"), "{said:?}");
    let said = on_redis(&["replay", "--at", "7"]);
    assert!(said.out.contains("  HP          0 of 1,000"), "{said:?}");
    let says = |needle: &str| {
        let said = on_redis(&["verify"]);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
        assert!(said.err.contains(needle), "{needle}: {}", said.err);
    };
    let said = on_redis(&["verify"]);
    assert!(said.out.contains("everything adds up, versions 1 to 13\n"), "{said:?}");
    let run = |words: &[&str]| redis.command(words).unwrap();
    let (state, log) = ("{boss:1}:state", "{boss:1}:log");
    run(&["HSET", state, "1:damage", "1051"]);
    says("version 13, `the truth`: the authority tells the damage 1051, and by its log it is 1050");
    says("1050; OPERATIONS.md, section *When something is broken*, says what to do\n");
    run(&["HSET", state, "1:damage", "1050"]);
    // The same entries under the same ids, but for one word in one of them.
    let read = run(&["XRANGE", log, "-", "+"]);
    let entries = read.items().iter().map(|entry| {
        let fields = entry.items()[1].items().iter().map(|field| match field {
            Reply::Bulk(Some(bytes)) => bytes.clone(),
            _ => panic!("{field:?} is no value"),
        });
        (entry.items()[0].text(), fields.collect::<Vec<_>>())
    });
    let entries: Vec<_> = entries.collect();
    run(&["DEL", log]);
    for (id, fields) in &entries {
        let word = |bytes: &Vec<u8>| {
            let text = String::from_utf8_lossy(bytes);
            if text.starts_with("push ") {
                text.replace("t=300", "t=301").into_bytes()
            } else {
                bytes.clone()
            }
        };
        let words = ["XADD", log, id].map(|word| word.as_bytes().to_vec());
        let words: Vec<_> = words.into_iter().chain(fields.iter().map(word)).collect();
        redis.command(&words).unwrap();
    }
    says(&format!("version 6, `push j={} g=1 f=0 t=301 l=0 p=- d=0`: its chain is ", journal(2)));
    run(&["DEL", log]);
    says("its newest entries are missing");
}

#[tokio::test]
async fn replay_shows_the_boss_as_it_was_at_a_version() {
    let dir = tempfile::tempdir().unwrap();
    played(dir.path(), 600).await;
    let at = |version: &str| json(&["replay", "--at", version], dir.path());
    let half = at("305");
    for (field, value) in [("version", 305), ("hp", 700), ("damage", 300), ("phase", 0)] {
        assert_eq!(half[field], value, "{field} in {half}");
    }
    assert_eq!(half["state_hash"].as_str().unwrap().len(), 16);
    let newest = at("605");
    assert_ne!(newest["state_hash"], half["state_hash"]);
    let status = json(&["status"], dir.path());
    for field in ["version", "chain", "hp", "status", "players"] {
        assert_eq!(newest[field], status[field], "{field}");
    }
    let text = out(&["replay", "--at", "305"], dir.path());
    let hash = format!("\n  state hash  {}\n", half["state_hash"].as_str().unwrap());
    assert!(text.contains("  HP          700 of 1,000, 70.0 %") && text.ends_with(&hash), "{text}");
    assert!(!text.contains("online"), "{text}");
}

#[tokio::test]
async fn settle_takes_every_step_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    drop(fallen(dir.path(), 1).await);
    let text = out(&["settle"], dir.path());
    let steps: Vec<_> = text.lines().collect();
    assert!(steps[0].starts_with("       9  term 1 begins: executor "), "{text}");
    let expected = [
        "      10  generation 1 collects the last words of its journals",
        "      11  generation 1 waits",
        "      12  generation 1: the books are closed at version 11",
        "      13  generation 1: the boss is divided among 2 players",
        "      14  generation 1: 2 players won rewards",
        "generation 1 of boss 1 is settled",
    ];
    assert_eq!(steps[1..], expected, "{text}");
    let status = out(&["status"], dir.path());
    let needle = "  settlement  books closed at version 11; 1,000 HP divided among 2 players; \
                  2 rewards to 2 players\n";
    assert!(status.contains(needle), "{status}");
    assert_eq!(out(&["settle"], dir.path()), "generation 1 of boss 1 is settled\n", "once more");
    assert!(out(&["verify"], dir.path()).contains("everything adds up, versions 1 to 14"));
}

#[tokio::test]
async fn settle_now_waits_for_nobody() {
    let dir = tempfile::tempdir().unwrap();
    drop(fallen(dir.path(), 600).await);
    let text = out(&["settle", "--now"], dir.path());
    let missing = format!("      10  journal {} is not waited for\n", journal(2));
    assert!(text.contains(&missing), "{text}");
    assert!(
        text.contains("      11  generation 1: the books are closed at version 10\n"),
        "{text}"
    );
    assert!(text.ends_with("generation 1 of boss 1 is settled\n") && !text.contains("waits"));
    let status = json(&["status"], dir.path());
    assert_eq!((&status["status"], &status["damage"]), (&"rewarded".into(), &1_050.into()));
    assert_eq!(status["settlement"]["closed"]["version"], 10);
}

#[tokio::test]
async fn settle_tells_its_steps_as_the_event_feed_does() {
    let dir = tempfile::tempdir().unwrap();
    drop(fallen(dir.path(), 1).await);
    let text = out(&["settle", "--json"], dir.path());
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap_or("-")).collect();
    assert_eq!(kinds, ["term", "collect", "wait", "close", "credit", "reward", "-"]);
    let last = serde_json::json!({ "boss": 1, "generation": 1, "status": "rewarded" });
    assert_eq!(lines[6], last);
}

#[tokio::test]
async fn who_may_not_be_repaired_is_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let alive = dir.path().join("alive");
    played(&alive, 3).await;
    let text = out(&["settle"], &alive);
    let expected = "generation 1 of boss 1 is alive, 997 of 1,000 HP: there is nothing to settle\n";
    assert_eq!(text, expected);
    assert_eq!(json(&["settle"], &alive)["status"], "alive");
    assert_eq!(json(&["status"], &alive)["version"], 8, "nothing has changed");
    let old = dir.path().join("old");
    let open = Open::with(&old, &scenario(1, "Morvath", 10)).await;
    open.join(1).await;
    for generation in 1..=3 {
        open.pass(Gen(generation), 10).await;
    }
    let first =
        open.0.read_log(protocol::ReadLog { boss: BossId(1), after: Version(0), wait_ms: 0 });
    let base = first.await.unwrap().base.unwrap().version;
    drop(open);
    let gone = format!("version 3 can't be shown any more; the oldest is {base}");
    let empty = dir.path().join("empty");
    drop(authority::Embedded::open(&empty).unwrap());
    for (args, at, code, needle) in [
        (&["replay", "--at", "9"][..], &alive, 1, "version 9 is not there yet; the newest is 8"),
        (&["replay", "--at", "0"], &alive, 2, "versions are numbers from 1"),
        (&["replay"], &alive, 2, "--at"),
        (&["replay", "--at", "3"], &old, 1, &gone),
        (&["verify", "--boss", "9"], &alive, 1, "has no boss 9; it has 1"),
        (&["settle", "--boss", "9"], &alive, 1, "has no boss 9; it has 1"),
        (&["settle"], &empty, 1, "has no boss; begin one with"),
        (&["verify"], &dir.path().join("none"), 1, "there is no authority in"),
    ] {
        let said = run(&mut tool(args, at));
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{args:?}: {said:?}");
        assert!(said.err.contains(needle), "{args:?}: {needle}: {}", said.err);
    }
    let text = out(&["verify"], &old);
    let note = format!("generation 1 began before version {}: what it was at {base}", base.next());
    assert!(text.contains(&note) && text.contains("everything adds up"), "{text}");
    assert_eq!(json(&["replay", "--at", &base.to_string()], &old)["version"], base.0);
}
