//! What is held to the model: each keeps its groups somewhere else.

use crate::history::small;
use authority::sync::{self, Server};
use authority::{Authority, Embedded, Redis, Remote, Steps, port};
use protocol::GroupName;
use std::sync::Arc;
use tempfile::TempDir;
use xtask::redis::{Cluster, Reply, Server as OneRedis};

/// An authority, and what can be done to it from outside. Its bounds are the small ones.
pub(crate) trait Subject {
    fn authority(&mut self) -> &dyn Authority;
    /// Its process ends, and the next one begins.
    fn restart(&mut self);

    /// Remembers all that it holds of these groups. Whether it can go back to that.
    fn save(&mut self, _: &[GroupName]) -> bool {
        false
    }

    /// Goes back to what it remembers, as a fail-over to a replica that lags does.
    fn roll_back(&mut self) {}

    /// Looks whether it holds so many entries and so many values of a group, and no more.
    fn check_held(&self, _: &GroupName, _entries: u64, _values: u64) {}
}

/// One that keeps nothing. It has no restarts.
pub(crate) struct InMemory(Embedded);

impl InMemory {
    pub(crate) fn new() -> Self {
        Self(Embedded::in_memory_within(Steps::ByHand, small()).unwrap())
    }
}

impl Subject for InMemory {
    fn authority(&mut self) -> &dyn Authority {
        &self.0
    }

    fn restart(&mut self) {}
}

/// The embedded store, on a real disk.
pub(crate) struct OnDisk {
    /// None while its process is away.
    authority: Option<Embedded>,
    dir: TempDir,
}

impl OnDisk {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut subject = Self { authority: None, dir };
        subject.restart();
        subject
    }
}

impl Subject for OnDisk {
    fn authority(&mut self) -> &dyn Authority {
        self.authority.as_ref().unwrap()
    }

    fn restart(&mut self) {
        self.authority = None;
        let opened = Embedded::open_within(self.dir.path(), Steps::ByHand, small());
        self.authority = Some(opened.unwrap());
    }
}

/// One behind a sync service, asked by a remote authority. Over a restart, the connection is lost.
pub(crate) struct Served {
    remote: Remote,
    server: Server,
}

impl Served {
    pub(crate) fn new() -> Self {
        let embedded = Embedded::in_memory_within(Steps::ByHand, small()).unwrap();
        let listener = port::listen(([127, 0, 0, 1], 0).into()).unwrap();
        let server = sync::serve(listener, Arc::new(embedded)).unwrap();
        let remote = Remote::new(&format!("ws://{}", server.addr())).unwrap();
        Self { remote, server }
    }
}

impl Subject for Served {
    fn authority(&mut self) -> &dyn Authority {
        &self.remote
    }

    fn restart(&mut self) {
        let url = format!("ws://{}", self.server.addr());
        self.remote = Remote::new(&url).unwrap();
    }
}

/// Where groups are in Redis.
#[derive(Clone)]
pub(crate) enum Place {
    One(Arc<OneRedis>),
    Many(Arc<Cluster>),
}

impl Place {
    /// A server.
    pub(crate) fn one() -> Self {
        Self::One(Arc::new(OneRedis::start(&[("appendfsync", "no")]).unwrap()))
    }

    /// A cluster.
    pub(crate) fn many() -> Self {
        Self::Many(Arc::new(Cluster::start(&[("appendfsync", "no")]).unwrap()))
    }

    /// Asks whoever has the key.
    fn command(&self, key: &str, words: &[&[u8]]) -> Reply {
        match self {
            Self::One(server) => server.command(words).unwrap(),
            Self::Many(cluster) => {
                let owner = cluster.master_of(cluster.slot_of(key).unwrap()).unwrap();
                cluster.nodes()[owner].command(words).unwrap()
            }
        }
    }

    /// Two processes' authorities.
    fn open(&self) -> [Redis; 2] {
        let url = match self {
            Self::One(server) => server.url(),
            Self::Many(cluster) => cluster.url(),
        };
        [(); 2].map(|()| Redis::new_within(&url, small()).unwrap())
    }
}

/// Functions in a Redis that many histories share, one after the other. Two processes ask it by
/// turns.
pub(crate) struct InRedis {
    place: Place,
    handles: [Redis; 2],
    turn: usize,
    /// Keys that the saved groups may have, and what was in them.
    saved: Vec<(String, Option<Vec<u8>>)>,
}

/// The set of all groups.
const REGISTRY: &str = "worldboss:groups";

impl InRedis {
    /// With no group in it that counts.
    pub(crate) fn new(place: &Place) -> Self {
        place.command(REGISTRY, &[b"DEL", REGISTRY.as_bytes()]);
        Self { place: place.clone(), handles: place.open(), turn: 0, saved: Vec::new() }
    }
}

fn keys(group: &GroupName) -> [String; 3] {
    ["state", "log", "kept"].map(|kind| format!("{{group:{group}}}:{kind}"))
}

impl Subject for InRedis {
    fn authority(&mut self) -> &dyn Authority {
        self.turn = (self.turn + 1) % self.handles.len();
        &self.handles[self.turn]
    }

    fn restart(&mut self) {
        self.handles = self.place.open();
    }

    fn save(&mut self, groups: &[GroupName]) -> bool {
        let keys = groups.iter().flat_map(keys).chain([REGISTRY.to_owned()]);
        let dumped = keys.map(|key| match self.place.command(&key, &[b"DUMP", key.as_bytes()]) {
            Reply::Bulk(dump) => (key, dump),
            reply => panic!("{reply:?}"),
        });
        self.saved = dumped.collect();
        true
    }

    fn roll_back(&mut self) {
        for (key, dump) in &self.saved {
            self.place.command(key, &[b"DEL", key.as_bytes()]);
            if let Some(dump) = dump {
                let reply = self.place.command(key, &[b"RESTORE", key.as_bytes(), b"0", dump]);
                assert!(matches!(reply, Reply::Simple(_)), "{reply:?}");
            }
        }
    }

    fn check_held(&self, group: &GroupName, entries: u64, values: u64) {
        let [_, log, kept] = keys(group);
        let len = |command: &[u8], key: &str| {
            let reply = self.place.command(key, &[command, key.as_bytes()]);
            reply.int().and_then(|len| u64::try_from(len).ok())
        };
        assert_eq!((len(b"XLEN", &log), len(b"HLEN", &kept)), (Some(entries), Some(values)));
    }
}
