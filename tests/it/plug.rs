//! A hundred plugs are pulled while a thousand players fight through several generations.

use crate::cluster::ready;
use crate::kill::{load, report};
use crate::place::{Kind, Place};
use crate::server::{Server, signal, wait, worldboss};
use crate::settle::{scenario, verify};
use protocol::{FeedEvent, Gen, Happened};
use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Child, Stdio};

const KILLS: u32 = 100;
const PLAYERS: u32 = 1_000;
const VERSION: &str = "worldboss_truth_version";

/// Writes down everything that the feed tells, whoever dies meanwhile.
struct Tail(Child);

impl Tail {
    fn start(place: &Place) -> Self {
        let (url, file) = (place.url(), File::create(place.data("feed.jsonl")).unwrap());
        let mut tail = worldboss();
        tail.args(["authority", "tail", "--authority", &url, "--from", "1", "--follow", "--json"]);
        Self(tail.stdout(file).stderr(Stdio::null()).spawn().unwrap())
    }

    fn told(place: &Place) -> Vec<FeedEvent> {
        let text = std::fs::read_to_string(place.data("feed.jsonl")).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// How often each part of a generation's end was told.
#[derive(Debug, Default, PartialEq, Eq)]
struct End {
    deaths: u32,
    closed: u32,
    credited: u32,
    rewarded: u32,
}

fn ends(told: &[FeedEvent]) -> BTreeMap<Gen, End> {
    let mut ends = BTreeMap::<_, End>::new();
    for event in told {
        match &event.happened {
            Happened::Push { hurt, death: true, .. } => {
                ends.entry(hurt.generation).or_default().deaths += 1;
            }
            Happened::Close { generation, .. } => ends.entry(*generation).or_default().closed += 1,
            Happened::Credit { generation, .. } => {
                ends.entry(*generation).or_default().credited += 1;
            }
            Happened::Reward { generation, .. } => {
                ends.entry(*generation).or_default().rewarded += 1;
            }
            Happened::RolledBack { .. } | Happened::Gone { .. } => panic!("{event:?}"),
            _ => {}
        }
    }
    ends
}

/// Shards, one of them behind a served authority, on one Redis; or shards on a served disk.
struct Cluster {
    place: Place,
    /// Serves the Redis to the last shard.
    server: Option<Server>,
    shards: Vec<Server>,
}

impl Cluster {
    fn start(kind: Kind, hp_max: u64) -> Self {
        let place = Place::with(kind, Some(&scenario(hp_max, 100, "apply", 30)));
        let server = (kind == Kind::Redis).then(|| place.serve());
        let mut shards = vec![place.shard(1), place.shard(2)];
        let url = server.as_ref().map_or_else(|| place.url(), |it| format!("ws://{}", it.addr));
        shards.push(place.shard_in(3, &url, &place.data("shard-3")));
        Self { place, server, shards }
    }

    /// Kills somebody and starts the next process in the same place.
    fn pull(&mut self, random: &mut fastrand::Rng) -> &'static str {
        let victims = self.shards.len() + 2;
        match random.usize(0..victims) {
            0 => {
                self.place.kill();
                self.place.restart();
                "the truth"
            }
            1 if self.server.is_some() => {
                self.server.iter_mut().for_each(Server::kill_and_restart);
                "the server"
            }
            victim => {
                let shard = victim % self.shards.len();
                self.shards[shard].kill_and_restart();
                "a shard"
            }
        }
    }
}

fn pull_plugs(kind: Kind, hp_max: u64, kills: u32) {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cluster = Cluster::start(kind, hp_max);
    let tail = Tail::start(&cluster.place);
    let json = cluster.place.data("out.json");
    let mut load = load(&cluster.shards.iter().collect::<Vec<_>>(), PLAYERS, 3, &json);
    let mut pulled = BTreeMap::<_, u32>::new();
    let mut kill = 0;
    while kill < kills || cluster.place.status()["generation"].as_u64() <= Some(3) {
        kill += 1;
        // The next plug is pulled at another point of the work of a random shard: some pushes
        // later, or steps of a settlement, which is given the time to go on.
        let shard = &cluster.shards[random.usize(0..cluster.shards.len())];
        let enough = shard.metric(VERSION) + random.u64(1..8);
        wait("the log goes on", || shard.metric(VERSION) >= enough);
        let who = cluster.pull(&mut random);
        *pulled.entry(who).or_default() += 1;
        eprintln!("kill {kill} of {kills}: {who}");
    }
    let Cluster { place, shards, .. } = &cluster;
    shards.iter().for_each(|shard| wait("it is ready", || ready(shard)));
    signal(&load, "INT");
    let code = load.wait().unwrap().code();
    let report = report(&json);
    eprintln!("pulled {pulled:?}\n{report:#}");
    assert_eq!(code, Some(130), "the load was interrupted, and its books balance");
    for zero in ["damage_lost", "damage_doubled", "hits_unresolved", "damage_late_untold"] {
        assert_eq!(report[zero], 0, "{zero}");
    }
    for zero in ["shares_wrong", "damage_unseen", "faults"] {
        assert_eq!(report[zero], 0, "{zero}");
    }
    assert!(report["generations_settled"].as_u64() >= Some(3), "{report:#}");
    eprintln!("{}", verify(place));
    let newest = place.status()["version"].as_u64().unwrap();
    wait("the feed is at its end", || {
        Tail::told(place).last().is_some_and(|event| event.version.0 >= newest)
    });
    let told = ends(&Tail::told(place));
    drop(tail);
    let once = End { deaths: 1, closed: 1, credited: 1, rewarded: 1 };
    let settled = told.values().filter(|end| **end == once).count();
    assert!(settled >= 3, "{told:?}");
    for (generation, end) in told.iter().take(told.len() - 1) {
        assert_eq!(*end, once, "generation {generation}");
    }
}

#[test]
fn a_hundred_killed_processes_lose_and_double_nothing_on_redis() {
    pull_plugs(Kind::Redis, 2_000_000, KILLS);
}

#[test]
fn twenty_killed_processes_lose_and_double_nothing_on_a_served_disk() {
    pull_plugs(Kind::Embedded, 1_000_000, 20);
}
