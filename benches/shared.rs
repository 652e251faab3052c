//! Structures that many programs share: how many updates a second they take from 16 writers, and
//! what a late join costs.
//!
//! `cargo bench --bench shared` serves them over loopback, each writer with a connection, a copy
//! and a thread of its own, and counts an update when its writer has its acknowledgement and has
//! applied it. At the end all copies must be equal, byte for byte, and hold what was acknowledged.
#![allow(missing_docs, clippy::print_stdout, clippy::panic, reason = "a bench prints its table")]
#![expect(clippy::disallowed_methods, reason = "a bench measures time, and its writers block")]

use authority::{Authority, Embedded, sync};
use score::{SMap, Server, Shared};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use ucore::prelude::*;
use ucore::{Counter, DeltaBuffer, GMap, UMap, UVec, Updatable, encode, plan};

const WRITERS: u32 = 16;
/// Keys of the sums, and of the map that is joined late.
const KEYS: u32 = 1_000;
/// Acknowledged updates a second of the library that this one descends from, with 16 writers.
const ANCESTOR: f64 = 783.0;
/// Additions that a writer folds before it proposes them.
const FOLD: u32 = 100;

type Sums = GMap<u32, Counter>;

/// How much of everything.
struct Sizes {
    /// Ordered updates of each writer.
    ordered: u32,
    /// Additions of each writer.
    additions: u32,
    /// Updates before the late join.
    history: u32,
    /// How long the store's own commits are counted.
    commits: Duration,
}

fn main() {
    // Without `--bench` this only shows that it still runs.
    let is_measured = std::env::args().any(|arg| arg == "--bench");
    let sizes = if is_measured {
        let (ordered, additions, history) = (1_000, 100_000, 1_000_000);
        Sizes { ordered, additions, history, commits: Duration::from_secs(2) }
    } else {
        let (ordered, additions, history) = (5, 300, 3_000);
        Sizes { ordered, additions, history, commits: Duration::from_millis(20) }
    };
    let runtime = Runtime::new().expect("a runtime");
    let title = "updates of 16 writers, acknowledged and applied";
    println!("{title:<52} {:>10} {:>9} {:>10}", "per second", "entries", "conflicts");
    let memory = Place::new(&runtime, Embedded::in_memory().expect("a thread"));
    let single = ordered(&memory, &sizes, "ordered, one at a time, on a volatile store");
    transactions(&memory, &sizes, "transactions, one at a time, on a volatile store", 1);
    transactions(&memory, &sizes, "transactions, 64 under way, on a volatile store", 64);
    let multiple = format!("  ordered, as a multiple of the ancestor's {ANCESTOR}");
    println!("{multiple:<52} {:>10.1}", single / ANCESTOR);
    folded(&memory, &sizes);
    singly(&memory, &sizes);
    let dir = tempfile::tempdir().expect("a directory");
    let disk = Place::new(&runtime, Embedded::open(dir.path()).expect("an authority"));
    ordered(&disk, &sizes, "ordered, one at a time, on a disk");
    transactions(&disk, &sizes, "transactions, 64 under way, on a disk", 64);
    println!("{:<52} {:>10.0}", "  commits of the store alone, in the same run", commits(&sizes));
    late_join(&memory, &sizes);
}

/// A sync service on a port of its own.
struct Place {
    url: String,
    _server: sync::Server,
}

impl Place {
    fn new(runtime: &Runtime, authority: Embedded) -> Self {
        let _inside = runtime.enter();
        let listener = authority::port::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let authority: Arc<dyn Authority> = Arc::new(authority);
        let server = sync::serve(listener.expect("a port"), authority).expect("a service");
        Self { url: format!("ws://{}", server.addr()), _server: server }
    }

    fn open<T>(&self, group: &str) -> Shared<T>
    where
        T: Updatable + Default + Send + Sync + 'static,
        T::Update: Send + Sync,
    {
        let server = Server::at(&self.url).expect("a thread");
        server.group(group).patience(Duration::from_secs(60)).open().expect("the group")
    }
}

/// Lets every writer do its part, prints how fast that was, and compares the copies.
fn race<T, F>(place: &Place, name: &str, updates: u64, part: F) -> (f64, Shared<T>)
where
    T: Updatable + Default + Send + Sync + 'static,
    T::Update: Send + Sync,
    F: Fn(u32, &Shared<T>) + Sync,
{
    let group: String = name.chars().filter(char::is_ascii_lowercase).take(60).collect();
    let writers: Vec<Shared<T>> = (0..WRITERS).map(|_| place.open(&group)).collect();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for (id, writer) in (0..).zip(&writers) {
            let part = &part;
            scope.spawn(move || part(id, writer));
        }
    });
    let per_second = updates as f64 / began.elapsed().as_secs_f64();
    let newest = writers.iter().map(|it| it.read().version()).max().expect("writers");
    let values: Vec<Vec<u8>> =
        writers.iter().map(|it| encode(&*it.read_at(newest).expect("it comes"))).collect();
    assert!(values.iter().all(|value| *value == values[0]), "all copies are equal");
    let conflicts: u64 = writers.iter().map(|it| it.counts().conflicts).sum();
    println!("{name:<52} {per_second:>10.0} {:>9} {conflicts:>10}", newest.0);
    (per_second, writers.into_iter().next().expect("a writer"))
}

/// Each writer inserts keys of its own, one after the other.
fn ordered(place: &Place, sizes: &Sizes, name: &str) -> f64 {
    let all = WRITERS * sizes.ordered;
    let (per_second, map) = race(place, name, all.into(), |id, map: &SMap<u32, u32>| {
        for at in 0..sizes.ordered {
            map.insert(id * sizes.ordered + at, at).expect("it is acknowledged");
        }
    });
    assert_eq!(map.read().len(), all as usize, "what was acknowledged is there once");
    per_second
}

/// Each reads the list's length and pushes what it has read: none of them may be overtaken.
fn transactions(place: &Place, sizes: &Sizes, name: &str, under_way: u32) {
    let all = WRITERS * sizes.ordered;
    let (_, list) = race::<UVec<u32>, _>(place, name, all.into(), |_, list| {
        for first in (0..sizes.ordered).step_by(under_way as usize) {
            let count = under_way.min(sizes.ordered - first);
            let pending: Vec<_> = (0..count)
                .map(|_| {
                    list.begin(|list| {
                        let len = u32::try_from(list.len())?;
                        Ok(list.push(len)?)
                    })
                })
                .collect();
            pending.into_iter().for_each(|it| it.wait().expect("it is acknowledged"));
        }
    });
    let in_order = list.read().iter().copied().eq(0..all);
    assert!(in_order, "every transaction saw those before it");
}

/// Additions that are folded in a buffer before they are proposed.
fn folded(place: &Place, sizes: &Sizes) {
    let all = u64::from(WRITERS * sizes.additions);
    let name = format!("additions to {KEYS} keys, {FOLD} folded");
    let (_, sums) = race::<Sums, _>(place, &name, all, |id, sums| {
        let mut random = fastrand::Rng::with_seed(id.into());
        let mut buffer = DeltaBuffer::default();
        let mut under_way = Vec::new();
        for at in 1..=sizes.additions {
            let one = plan::<Sums>().at(random.u32(..KEYS)).add(1);
            buffer.add(one).expect("sums are far from their limit");
            if at % FOLD == 0 || at == sizes.additions {
                under_way.extend(buffer.take().map(|delta| sums.propose(delta)));
            }
            if under_way.len() == 4 {
                under_way.remove(0).wait().expect("it is acknowledged");
            }
        }
        under_way.into_iter().for_each(|it| it.wait().expect("it is acknowledged"));
    });
    assert_eq!(sum(&sums), all, "what was acknowledged is there once");
}

/// Additions that are proposed one by one, many under way: the library folds them.
fn singly(place: &Place, sizes: &Sizes) {
    let all = u64::from(WRITERS * sizes.additions);
    let name = format!("additions to {KEYS} keys, {FOLD} under way");
    let (_, sums) = race::<Sums, _>(place, &name, all, |id, sums| {
        let mut random = fastrand::Rng::with_seed(id.into());
        for first in (0..sizes.additions).step_by(FOLD as usize) {
            let count = FOLD.min(sizes.additions - first);
            let one = |_| sums.propose(plan::<Sums>().at(random.u32(..KEYS)).add(1));
            let pending: Vec<_> = (0..count).map(one).collect();
            pending.into_iter().for_each(|it| it.wait().expect("it is acknowledged"));
        }
    });
    assert_eq!(sum(&sums), all, "what was acknowledged is there once");
}

fn sum(sums: &Shared<Sums>) -> u64 {
    sums.read().iter().map(|(_, sum)| sum.get().unsigned_abs()).sum()
}

/// Synced commits a second of the store that the authority uses, each of one small record.
fn commits(sizes: &Sizes) -> f64 {
    const TABLE: redb::TableDefinition<'_, u64, &[u8]> = redb::TableDefinition::new("records");
    let dir = tempfile::tempdir().expect("a directory");
    let store = redb::Database::create(dir.path().join("store")).expect("a store");
    let (began, mut count) = (Instant::now(), 0_u64);
    while began.elapsed() < sizes.commits {
        let write = store.begin_write().expect("a transaction");
        write.open_table(TABLE).expect("a table").insert(count, &[7; 64][..]).expect("a record");
        write.commit().expect("a commit");
        count += 1;
    }
    count as f64 / began.elapsed().as_secs_f64()
}

/// What it costs to come late, beside what it costs to come to a group of the same state that has
/// no history.
fn late_join(place: &Place, sizes: &Sizes) {
    let map: Shared<UMap<u32, u32>> = place.open("history");
    for first in (0..sizes.history).step_by(1_000) {
        let set = |at| map.propose(plan::<UMap<u32, u32>>().insert(at % KEYS, at));
        let pending: Vec<_> = (first..first + 1_000).map(set).collect();
        pending.into_iter().for_each(|it| it.wait().expect("it is acknowledged"));
    }
    let fresh: Shared<UMap<u32, u32>> = place.open("no-history");
    let lines = (0..KEYS).map(|key| (key, key));
    fresh.propose(plan::<UMap<u32, u32>>().extend(lines)).wait().expect("it is acknowledged");
    let join = |group: &str| {
        let mut times: Vec<Duration> = (0..21)
            .map(|_| {
                let began = Instant::now();
                let joined: Shared<UMap<u32, u32>> = place.open(group);
                assert_eq!(joined.read().len(), KEYS as usize);
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1_000.0
    };
    let counts = map.counts();
    println!("\n{} updates of {KEYS} keys, {} values kept", sizes.history, counts.kept);
    println!("late join, median of 21, connection included: {:.2} ms", join("history"));
    println!("join of a group without a history:            {:.2} ms", join("no-history"));
}
