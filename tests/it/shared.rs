//! Shared structures among real processes: a server that is killed, links that are cut, and a
//! writer that is killed and comes back after a while.

use crate::server::{Server as Process, wait};
use loadgen::driver::Proxy;
use score::{Error, Retry, Server, Shared};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use ucore::prelude::*;
use ucore::{Counter, GMap, UVec, encode};

/// What all of them share.
#[derive(Debug, Clone, Default, PartialEq, ucore::Updatable)]
struct Book {
    #[update(tag = 0, delta)]
    sums: GMap<u32, Counter>,
    #[update(tag = 1, ordered)]
    lines: UVec<u64>,
}

const GROUP: &str = "book";

/// The variable by which a test starts itself as a writer: the address of the server.
const WRITER: &str = "TEST_SHARED_WRITER";

fn open(url: &str) -> Shared<Book> {
    let server = Server::at(url).unwrap();
    let patience = Duration::from_secs(60);
    server.group(GROUP).patience(patience).open().unwrap()
}

/// What became of the lines that a writer wanted to write.
#[derive(Debug, Default)]
struct Told {
    /// Acknowledged.
    done: Vec<u64>,
    /// Nobody knows.
    unknown: Vec<u64>,
}

/// Writes lines, each with a number of its own, until it is told to stop: one half by single
/// updates, the other by transactions that look at what is there.
fn write(book: &Shared<Book>, first: u64, stop: &AtomicBool) -> Told {
    let mut told = Told::default();
    for number in first.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let written = if number % 2 == 0 {
            book.lines().push(number)
        } else {
            book.transact(move |book| {
                if book.lines.last().is_some_and(|last| *last == number) {
                    return Err("it is there already".into());
                }
                book.lines().push(number)?;
                Ok(())
            })
        };
        match written {
            Ok(()) => told.done.push(number),
            Err(error) if error.retry() == Retry::Look => told.unknown.push(number),
            Err(Error::TimedOut { .. }) => {}
            Err(error) => panic!("line {number}: {error}"),
        }
    }
    told
}

/// Each acknowledged line is there once, each other one at most once.
fn check(book: &Book, told: &[Told]) {
    let mut times = BTreeMap::<u64, u32>::new();
    book.lines.iter().for_each(|line| *times.entry(*line).or_default() += 1);
    assert!(times.values().all(|times| *times == 1), "no line is there twice");
    for line in told.iter().flat_map(|told| &told.done) {
        assert!(times.contains_key(line), "line {line} was acknowledged");
    }
    let unknown = told.iter().map(|told| told.unknown.len()).sum::<usize>();
    let done = told.iter().map(|told| told.done.len()).sum::<usize>();
    eprintln!("{done} lines acknowledged, {unknown} unknown, {} there", times.len());
    assert!(done > 100, "something was written");
}

fn assert_equal(copies: &[Shared<Book>]) {
    let newest = copies.iter().map(|it| it.read().version()).max().unwrap();
    let all: Vec<_> = copies.iter().map(|it| it.read_at(newest).unwrap()).collect();
    assert!(all.iter().all(|it| encode(&**it) == encode(&*all[0])), "all copies are equal");
}

/// How long the faults go on. A minute is worth a try by hand: `TEST_SHARED_SECONDS=60`.
fn span() -> Duration {
    let seconds = std::env::var("TEST_SHARED_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(4))
}

#[test]
fn a_server_that_is_killed_and_links_that_are_cut_lose_nothing_that_was_acknowledged() {
    const WRITERS: u64 = 4;
    let dir = tempfile::tempdir().unwrap();
    let mut server = Process::authority(dir.path());
    let addr: SocketAddr = server.addr.parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let proxy = runtime.block_on(Proxy::start(addr)).unwrap();
    let urls = [format!("ws://{addr}"), format!("ws://{}", proxy.addr())];
    let copies: Vec<_> = (0..WRITERS).map(|at| open(&urls[usize::from(at % 2 == 1)])).collect();
    let stop = AtomicBool::new(false);
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (id, book) in (1..).zip(&copies) {
            let (stop, told) = (&stop, &told);
            scope.spawn(move || {
                let mine = write(book, id * 1_000_000, stop);
                told.lock().unwrap().push(mine);
            });
        }
        let end = Instant::now() + span();
        for round in 0.. {
            let before = copies[0].read().version();
            wait("something is written", || copies[0].read().version().0 > before.0 + 20);
            if round % 2 == 0 {
                proxy.cut();
            } else {
                server.kill_and_restart();
            }
            if round >= 3 && Instant::now() > end {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_equal(&copies);
    check(&open(&urls[0]).read(), &told.into_inner().unwrap());
    for book in &copies {
        let counts = book.counts();
        assert_eq!((counts.resyncs, counts.disputes), (0, 0), "nothing was taken back");
    }
}

/// Not a test of its own: what the next one starts as a process, to kill it.
#[test]
fn a_writer_that_another_test_starts() {
    let Ok(url) = std::env::var(WRITER) else { return };
    let book = open(&url);
    for number in 9_000_000.. {
        book.lines().push(number).unwrap();
        eprintln!("done {number}");
    }
}

fn writer(url: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["shared::a_writer_that_another_test_starts", "--exact", "--nocapture"]);
    command.env(WRITER, url).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until it has written so many lines, kills it, and says which it was told of.
fn kill_after(mut child: Child, lines: usize) -> Vec<u64> {
    let said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut numbers = said.filter_map(|line| line.strip_prefix("done ")?.parse().ok());
    let mut told: Vec<u64> = numbers.by_ref().take(lines).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    told.extend(numbers);
    told
}

#[test]
fn a_writer_that_is_killed_under_load_has_what_it_was_told_and_comes_back_to_the_same_state() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::authority(dir.path());
    let url = format!("ws://{}", server.addr);
    let others: Vec<_> = (0..2).map(|_| open(&url)).collect();
    let stop = AtomicBool::new(false);
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (id, book) in (1..).zip(&others) {
            let (stop, told) = (&stop, &told);
            scope.spawn(move || {
                let mine = write(book, id * 1_000_000, stop);
                told.lock().unwrap().push(mine);
            });
        }
        let done = kill_after(writer(&url), 40);
        told.lock().unwrap().push(Told { done, unknown: Vec::new() });
        let (away, from) = (Instant::now(), others[0].read().version());
        let moved = || others[0].read().version().0 > from.0 + 1_500 && away.elapsed() > span() / 4;
        wait("the others go on for a while", moved);
        stop.store(true, Ordering::Relaxed);
    });
    let back = open(&url);
    check(&back.read(), &told.into_inner().unwrap());
    assert_equal(&[others[0].clone(), others[1].clone(), back]);
}

#[test]
fn the_groups_of_a_server_outlive_it_and_those_of_a_server_without_a_disk_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Process::authority(dir.path());
    let book = open(&format!("ws://{}", server.addr));
    book.sums().at(7).add(5).unwrap();
    server.kill_and_restart();
    assert_eq!(open(&format!("ws://{}", server.addr)).read().sums.get(&7).unwrap().get(), 5);
    book.sums().at(7).add(1).unwrap();
    assert_eq!(book.counts().resyncs, 0);
    let mut volatile = Process::serve("memory", None);
    let book = open(&format!("ws://{}", volatile.addr));
    book.sums().at(7).add(5).unwrap();
    volatile.kill_and_restart();
    let empty = open(&format!("ws://{}", volatile.addr));
    assert!(empty.read().sums.get(&7).is_none());
    // Who has seen what is gone takes what is there.
    book.sums().at(8).add(1).unwrap();
    assert!(book.read().sums.get(&7).is_none());
    assert_eq!(book.counts().resyncs, 1);
    assert_equal(&[book, empty]);
}

#[test]
fn a_group_is_refused_to_another_type_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Process::authority(dir.path());
    let url = format!("ws://{}", server.addr);
    drop(open(&url));
    server.kill_and_restart();
    let other = Server::at(&url).unwrap().vec::<u32>(GROUP).unwrap_err();
    assert!(other.to_string().contains("another type"), "{other}");
}
