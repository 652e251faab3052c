//! What is held to the same answers: each keeps the truth somewhere else.

use authority::machine::{Machine, Output};
use authority::sync::{self, Server};
use authority::{Answered, Authority, Embedded, Redis, Remote, Steps, port};
use futures::future::{BoxFuture, FutureExt, ready};
use protocol::limits::KEEP_GENERATIONS;
use protocol::{
    BossId, BossSpec, Entry, LogPage, ReadLog, Snapshot, SpawnAnswer, SyncAnswer, SyncRequest,
    Unavailable,
};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use tempfile::TempDir;
use ucore::Version;
use xtask::redis::{Cluster, Reply, Server as RedisServer};

pub(crate) type Answer = Result<SyncAnswer, Unavailable>;

/// An authority with one boss, and what can be done to it from outside.
pub(crate) trait Subject: Send {
    fn name(&self) -> &'static str;
    fn ask(&mut self, request: SyncRequest) -> BoxFuture<'_, Answer>;
    /// Its process ends, and the next one begins.
    fn restart(&mut self) -> BoxFuture<'_, ()>;
    /// Remembers how things are now, as a backup or a replica would.
    fn save(&mut self) -> BoxFuture<'_, ()>;
    /// Comes back as it was when it was saved last.
    fn roll_back(&mut self) -> BoxFuture<'_, ()>;
}

/// The log, as far back as it is kept: the value before it, and its entries.
pub(crate) async fn log(subject: &mut dyn Subject, boss: BossId) -> (Snapshot, Vec<Entry>) {
    let (mut base, mut entries, mut after) = (Snapshot::default(), Vec::new(), Version(0));
    loop {
        let page = SyncRequest::ReadLog(ReadLog { boss, after, wait_ms: 0 });
        let Ok(SyncAnswer::ReadLog(page)) = subject.ask(page).await else { panic!("a page") };
        if let Some(oldest) = page.base {
            base = *oldest;
        }
        let Some(last) = page.entries.last() else { return (base, entries) };
        after = last.version;
        entries.extend(page.entries);
    }
}

/// The machine alone: what the others are compared with.
#[derive(Debug)]
pub(crate) struct Memory {
    id: BossId,
    boss: Option<Machine>,
    kept: Kept,
    saved: Option<Kept>,
}

/// What a machine has put out.
#[derive(Debug, Clone, Default)]
struct Kept {
    next: Option<BossSpec>,
    entries: Vec<Entry>,
    bases: Vec<Snapshot>,
}

impl Memory {
    pub(crate) fn new(id: BossId) -> Self {
        Self { id, boss: None, kept: Kept::default(), saved: None }
    }

    /// The boss, once it was spawned.
    pub(crate) fn boss(&self) -> Option<&protocol::Boss> {
        self.boss.as_ref().map(Machine::boss)
    }

    /// The version before the current generation's first entry: up to there, some authorities can't
    /// tell another past from theirs after a restart.
    pub(crate) fn kept_from(&self) -> Version {
        self.kept.bases.last().map_or(Version(0), |base| base.version)
    }

    fn keep(&mut self) {
        while let Some(output) = self.boss.as_mut().and_then(Machine::poll_output) {
            match output {
                Output::Entry(entry) => self.kept.entries.push(entry),
                Output::Base(_, base) => self.kept.bases.push(*base),
                Output::Next(spec) => self.kept.next = Some(*spec),
            }
        }
    }

    fn restore(&mut self) {
        let Kept { next, entries, .. } = self.kept.clone();
        let restored =
            next.map(|next| Machine::restore(self.id, next, Snapshot::default(), entries).unwrap());
        self.boss = restored;
    }

    fn serve(&mut self, request: SyncRequest) -> Answer {
        let answer = self.answer(request);
        self.keep();
        answer
    }

    fn keep_copy(&mut self) {
        self.saved = Some(self.kept.clone());
    }

    fn go_back(&mut self) {
        if let Some(saved) = &self.saved {
            self.kept = saved.clone();
            self.restore();
        }
    }

    fn answer(&mut self, request: SyncRequest) -> Answer {
        if let (SyncRequest::Spawn(spawn), None) = (&request, &self.boss) {
            let boss = self.boss.insert(Machine::new(self.id, (*spawn.spec).clone()));
            return Ok(SyncAnswer::Spawn(SpawnAnswer::Begun(boss.truth())));
        }
        let boss = self.boss.as_mut().ok_or(Unavailable::NoBoss(self.id))?;
        Ok(match request {
            SyncRequest::Spawn(spawn) => SyncAnswer::Spawn(boss.handle_spawn(*spawn.spec)),
            SyncRequest::Join(join) => SyncAnswer::Join(boss.handle_join(join)),
            SyncRequest::Enter(enter) => SyncAnswer::Enter(boss.handle_enter(&enter)),
            SyncRequest::Push(push) => SyncAnswer::Push(boss.handle_push(push)),
            SyncRequest::Truth(_) => SyncAnswer::Truth(boss.truth()),
            SyncRequest::ReadLog(page) => SyncAnswer::ReadLog(self.kept.page(page)),
            SyncRequest::Bosses => SyncAnswer::Bosses(vec![self.id]),
            SyncRequest::Reign(reign) => SyncAnswer::Reign(boss.handle_reign(reign)),
            SyncRequest::Settle(settle) => SyncAnswer::Settle(boss.handle_settle(settle)),
            SyncRequest::Shares(shares) => SyncAnswer::Shares(boss.handle_shares(&shares)),
            SyncRequest::Group(_) => unreachable!("a history of a boss has no groups"),
        })
    }
}

impl Kept {
    /// The whole log in one page, from the oldest kept generation on.
    fn page(&self, page: ReadLog) -> LogPage {
        let oldest = self.bases.len().saturating_sub(1 + KEEP_GENERATIONS as usize);
        let base = self.bases.get(oldest).filter(|base| page.after < base.version).cloned();
        let after = base.as_ref().map_or(page.after, |base| base.version);
        let entries = self.entries.iter().filter(|entry| after < entry.version).cloned().collect();
        LogPage { base: base.map(Box::new), entries }
    }
}

impl Subject for Memory {
    fn name(&self) -> &'static str {
        "the machine in memory"
    }

    fn ask(&mut self, request: SyncRequest) -> BoxFuture<'_, Answer> {
        ready(self.serve(request)).boxed()
    }

    fn restart(&mut self) -> BoxFuture<'_, ()> {
        self.restore();
        ready(()).boxed()
    }

    fn save(&mut self) -> BoxFuture<'_, ()> {
        self.keep_copy();
        ready(()).boxed()
    }

    fn roll_back(&mut self) -> BoxFuture<'_, ()> {
        self.go_back();
        ready(()).boxed()
    }
}

/// A machine behind a sync service, asked by a remote authority.
#[derive(Debug)]
pub(crate) struct Served {
    memory: Arc<Mutex<Memory>>,
    remote: Remote,
    _server: Server,
}

/// The machine as the service sees it.
#[derive(Debug)]
struct Behind(Arc<Mutex<Memory>>);

impl Authority for Behind {
    fn ask(&self, request: SyncRequest) -> Answered<SyncAnswer> {
        ready(self.0.lock().unwrap().serve(request)).boxed()
    }
}

impl Served {
    pub(crate) fn new(id: BossId) -> Self {
        let memory = Arc::new(Mutex::new(Memory::new(id)));
        let listener = port::listen(([127, 0, 0, 1], 0).into()).unwrap();
        let server = sync::serve(listener, Arc::new(Behind(Arc::clone(&memory)))).unwrap();
        let remote = Remote::new(&format!("ws://{}", server.addr())).unwrap();
        Self { memory, remote, _server: server }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }
}

impl Subject for Served {
    fn name(&self) -> &'static str {
        "a remote authority"
    }

    fn ask(&mut self, request: SyncRequest) -> BoxFuture<'_, Answer> {
        self.remote.ask(request)
    }

    fn restart(&mut self) -> BoxFuture<'_, ()> {
        self.memory().restore();
        ready(()).boxed()
    }

    fn save(&mut self) -> BoxFuture<'_, ()> {
        self.memory().keep_copy();
        ready(()).boxed()
    }

    fn roll_back(&mut self) -> BoxFuture<'_, ()> {
        self.memory().go_back();
        ready(()).boxed()
    }
}

/// The embedded store, on a real disk.
#[derive(Debug)]
pub(crate) struct OnDisk {
    dir: TempDir,
    /// None while its process is away.
    authority: Option<Embedded>,
    saved: Option<TempDir>,
}

impl OnDisk {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Some(open(dir.path()));
        Self { dir, authority, saved: None }
    }

    fn authority(&self) -> &Embedded {
        self.authority.as_ref().unwrap()
    }

    /// Does something to the files while no process has them open.
    fn closed(&mut self, change: impl FnOnce(&mut Self)) -> BoxFuture<'_, ()> {
        self.authority = None;
        change(self);
        self.authority = Some(open(self.dir.path()));
        ready(()).boxed()
    }
}

fn open(dir: &Path) -> Embedded {
    Embedded::open_with(dir, Steps::ByHand).unwrap()
}

fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

impl Subject for OnDisk {
    fn name(&self) -> &'static str {
        "the embedded store"
    }

    fn ask(&mut self, request: SyncRequest) -> BoxFuture<'_, Answer> {
        self.authority().ask(request)
    }

    fn restart(&mut self) -> BoxFuture<'_, ()> {
        self.closed(|_| {})
    }

    fn save(&mut self) -> BoxFuture<'_, ()> {
        self.closed(|it| {
            let saved = tempfile::tempdir().unwrap();
            copy(it.dir.path(), saved.path());
            it.saved = Some(saved);
        })
    }

    fn roll_back(&mut self) -> BoxFuture<'_, ()> {
        self.closed(|it| {
            if let Some(saved) = &it.saved {
                copy(saved.path(), it.dir.path());
            }
        })
    }
}

/// Functions in a Redis, or in a Redis Cluster.
#[derive(Debug)]
pub(crate) struct InRedis {
    boss: BossId,
    place: Place,
    authority: Redis,
    /// The boss's keys as they were: name and dump.
    saved: Option<Vec<(String, Vec<u8>)>>,
}

/// Servers that many histories share, each with a boss of its own.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    One(Arc<RedisServer>),
    Many(Arc<Cluster>),
}

impl Place {
    fn url(&self) -> String {
        match self {
            Self::One(server) => server.url(),
            Self::Many(cluster) => cluster.url(),
        }
    }

    /// The server that has a key.
    fn server(&self, key: &str) -> &RedisServer {
        match self {
            Self::One(server) => server,
            Self::Many(cluster) => {
                let slot = cluster.slot_of(key).unwrap();
                &cluster.nodes()[cluster.master_of(slot).unwrap()]
            }
        }
    }
}

impl InRedis {
    pub(crate) fn new(boss: BossId, place: Place) -> Self {
        let authority = Redis::new(&place.url()).unwrap();
        Self { boss, place, authority, saved: None }
    }

    fn keys(&self) -> [String; 3] {
        ["state", "log", "bases"].map(|kind| format!("{{boss:{}}}:{kind}", self.boss))
    }

    fn command(&self, key: &str, words: &[&[u8]]) -> Reply {
        self.place.server(key).command(words).unwrap()
    }
}

impl Subject for InRedis {
    fn name(&self) -> &'static str {
        match self.place {
            Place::One(_) => "Redis",
            Place::Many(_) => "Redis Cluster",
        }
    }

    fn ask(&mut self, request: SyncRequest) -> BoxFuture<'_, Answer> {
        async {
            let is_look = matches!(request, SyncRequest::Reign(_));
            let answer = self.authority.ask(request).await;
            if is_look {
                self.authority.ranked(self.boss).await;
            }
            answer
        }
        .boxed()
    }

    fn restart(&mut self) -> BoxFuture<'_, ()> {
        self.authority = Redis::new(&self.place.url()).unwrap();
        ready(()).boxed()
    }

    fn save(&mut self) -> BoxFuture<'_, ()> {
        let keys = self.keys().into_iter().filter_map(|key| {
            match self.command(&key, &[b"DUMP", key.as_bytes()]) {
                Reply::Bulk(Some(dump)) => Some((key, dump)),
                _ => None,
            }
        });
        self.saved = Some(keys.collect());
        ready(()).boxed()
    }

    fn roll_back(&mut self) -> BoxFuture<'_, ()> {
        if let Some(saved) = &self.saved {
            for key in self.keys() {
                self.command(&key, &[b"DEL", key.as_bytes()]);
            }
            for (key, dump) in saved {
                let reply = self.command(key, &[b"RESTORE", key.as_bytes(), b"0", dump]);
                assert!(matches!(reply, Reply::Simple(_)), "{reply:?}");
            }
        }
        ready(()).boxed()
    }
}
