//! The books over HTTP: what anybody may read of a boss, and what is said when there is nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use authority::sync::{self, Server};
use authority::{Answered, Authority, Embedded, Executor, Steps, port};
use protocol::limits::BOOKS_MAX;
use protocol::{
    BossId, Enter, Gen, Interval, Join, JournalId, PlayerId, Push, ReadLog, Scenario, ShardId,
    Spawn, SyncAnswer, SyncRequest, Verdict,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use ucore::{Bin, Max, Version};

const JOURNAL: JournalId = JournalId(Bin([7; 16]));

/// An authority that takes no step by itself, and its port.
struct Place {
    authority: Arc<dyn Authority>,
    server: Server,
    _dir: tempfile::TempDir,
}

impl Place {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Embedded::open_with(dir.path(), Steps::ByHand).unwrap();
        Self::of(Arc::new(authority), dir)
    }

    fn of(authority: Arc<dyn Authority>, dir: tempfile::TempDir) -> Self {
        let listener = port::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let server = sync::serve(listener, Arc::clone(&authority)).unwrap();
        Self { authority, server, _dir: dir }
    }

    async fn spawn(&self, boss: u32) {
        let mut spec = Scenario::parse(Scenario::default_text()).unwrap().spec;
        spec.hp_max = 1_000;
        spec.rewards.truncate(1);
        let spawn = Spawn { boss: BossId(boss), spec: Box::new(spec) };
        self.authority.spawn(spawn).await.unwrap();
    }

    /// What these players did, as one push.
    async fn push(&self, boss: u32, totals: &[(u64, &str, u64)]) {
        let (boss, journal, generation) = (BossId(boss), JOURNAL, Gen(1));
        let join = Join { boss, journal, shard: ShardId(1), lineage: Vec::new() };
        self.authority.join(join).await.unwrap();
        self.authority.enter(Enter { boss, journal, generation }).await.unwrap();
        let seen = self.authority.truth(boss).await.unwrap().seen();
        let players = totals.iter().map(|(id, _, total)| (PlayerId(*id), Max::of(*total)));
        let names = totals.iter().map(|(id, name, _)| (PlayerId(*id), (*name).to_owned()));
        let to = totals.iter().map(|(_, _, total)| total).sum();
        let (players, names) = (players.collect(), names.collect());
        let interval = Interval { generation, from: 0, to, players, names };
        let push = Push { boss, journal, interval, last: false, online: 1, seen, standings: 0 };
        assert_eq!(self.authority.push(push).await.unwrap().verdict, Verdict::Counted);
    }

    /// Status and body of a GET.
    async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.server.addr()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    /// A page of boss 1 that shows the newest version.
    async fn page(&self, path: &str) -> Value {
        let version = self.authority.truth(BossId(1)).await.unwrap().version;
        loop {
            let (status, body) = self.get(path).await;
            assert_eq!(status, 200, "{path}: {body}");
            let page: Value = serde_json::from_str(&body).unwrap();
            if page["version"] == json!(version) {
                return page;
            }
        }
    }
}

#[tokio::test]
async fn the_leaderboard_shows_the_current_generation() {
    let place = Place::open();
    place.spawn(1).await;
    let board = place.page("/api/leaderboard").await;
    assert_eq!((&board["players"], &board["top"]), (&json!(0), &json!([])));
    place.push(1, &[(7, "Ada", 300), (9, "Grace", 400)]).await;
    let board = place.page("/api/leaderboard").await;
    let top = json!([
        {"player": 9, "name": "Grace", "damage": 400},
        {"player": 7, "name": "Ada", "damage": 300},
    ]);
    assert_eq!((&board["boss"], &board["generation"]), (&json!(1), &json!(1)));
    assert_eq!((&board["status"], &board["players"]), (&json!(1), &json!(2)));
    assert_eq!((&board["top"], &board["marks"]), (&top, &json!([])));
}

#[tokio::test]
async fn who_fells_a_boss_has_a_profile_and_a_place_in_the_hall() {
    let place = Place::open();
    place.spawn(1).await;
    let (status, body) = place.get("/api/players/7").await;
    assert_eq!(status, 404);
    assert_eq!(body, "player 7 has no part in a fallen boss, or was forgotten\n");
    place.push(1, &[(7, "Ada", 300), (9, "Grace", 900)]).await;
    let mut executor = Executor::at_once(Arc::clone(&place.authority), BossId(1));
    let mut generation = Gen(1);
    for _ in 0..100 {
        generation = executor.second().await.unwrap().truth.generation;
    }
    assert_eq!(generation, Gen(2));
    let hall = place.page("/api/hall").await;
    assert_eq!(hall["generations"].as_array().unwrap().len(), 1);
    let line = &hall["generations"][0];
    assert_eq!((&line["generation"], &line["hp_max"]), (&json!(1), &json!(1_000)));
    assert_eq!((&line["players"], &line["top"][0]["name"]), (&json!(2), &json!("Grace")));
    let best = json!([
        {"player": 9, "name": "Grace", "damage": 900, "kills": 1, "best_rank": 1},
        {"player": 7, "name": "Ada", "damage": 300, "kills": 1, "best_rank": 2},
    ]);
    assert_eq!(hall["best"], best);
    let ada = place.page("/api/players/7").await;
    assert_eq!((&ada["name"], &ada["damage"]), (&json!("Ada"), &json!(300)));
    assert_eq!((&ada["credit"], &ada["kills"]), (&json!(250), &json!(1)));
    assert_eq!((&ada["best_rank"], &ada["last"]), (&json!(2), &json!(1)));
    let rewards = json!([{"id": 1, "name": "Cinder of Morvath", "count": 1}]);
    assert_eq!(ada["rewards"], rewards);
    // The ledger tells the same from the books, as long as they are kept.
    let ledger = place.page("/api/ledger").await;
    assert_eq!(ledger["generations"][0]["shares"][1]["credit"], json!(250));
}

#[tokio::test]
async fn a_boss_is_named_where_there_are_several() {
    let place = Place::open();
    let (status, body) = place.get("/api/hall").await;
    assert_eq!((status, &body[..]), (404, "this authority has no boss yet; spawn one\n"));
    place.spawn(4).await;
    assert_eq!(place.get("/api/hall").await.0, 200, "the only one need not be named");
    place.spawn(5).await;
    let (status, body) = place.get("/api/hall").await;
    let why = "this authority has several bosses; add ?boss=4 or another\n";
    assert_eq!((status, &body[..]), (400, why));
    let (status, body) = place.get("/api/leaderboard?boss=5").await;
    assert_eq!(status, 200);
    assert!(body.starts_with("{\"boss\":5,"), "{body}");
    let (status, body) = place.get("/api/leaderboard?boss=6").await;
    assert_eq!(status, 404, "{body}");
    assert!(body.contains("no boss 6; name one that it has"), "{body}");
}

/// An authority that remembers whose log was read from its beginning.
#[derive(Debug)]
struct Read {
    authority: Embedded,
    begun: Mutex<Vec<u32>>,
}

impl Authority for Read {
    fn ask(&self, request: SyncRequest) -> Answered<SyncAnswer> {
        if let SyncRequest::ReadLog(ReadLog { boss, after: Version(0), .. }) = request {
            self.begun.lock().unwrap().push(boss.0);
        }
        self.authority.ask(request)
    }
}

#[tokio::test]
async fn of_more_books_than_are_kept_the_one_that_was_not_asked_for_longest_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Embedded::open_with(dir.path(), Steps::ByHand).unwrap();
    let read = Arc::new(Read { authority, begun: Mutex::default() });
    let place = Place::of(Arc::clone(&read) as Arc<dyn Authority>, dir);
    let begun = || std::mem::take(&mut *read.begun.lock().unwrap());
    let most = u32::try_from(BOOKS_MAX).unwrap();
    for boss in 1..=most + 1 {
        place.spawn(boss).await;
    }
    let ask = async |boss: u32| {
        assert_eq!(place.get(&format!("/api/hall?boss={boss}")).await.0, 200, "boss {boss}");
    };
    for boss in (1..=most).chain(1..=most).chain([1]) {
        ask(boss).await;
    }
    assert_eq!(begun(), (1..=most).collect::<Vec<_>>(), "each is read once while it is kept");
    place.get("/api/hall?boss=99999").await;
    ask(most + 1).await;
    assert_eq!(begun(), [most + 1]);
    for boss in [1, 3, most, 2] {
        ask(boss).await;
    }
    assert_eq!(begun(), [2], "1 was asked for after it");
}

#[tokio::test]
async fn what_is_no_number_is_refused_with_a_sentence() {
    let place = Place::open();
    place.spawn(1).await;
    for (path, why) in [
        ("/api/players/ada", "`ada` is no player's number\n"),
        ("/api/players/9007199254740992", "`9007199254740992` is no player's number\n"),
        ("/api/players/-1", "`-1` is no player's number\n"),
        ("/api/hall?boss=one", "`one` is no boss's number\n"),
        ("/api/hall?boss=", "`` is no boss's number\n"),
    ] {
        assert_eq!(place.get(path).await, (400, why.to_owned()), "{path}");
    }
}
