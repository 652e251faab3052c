//! `cargo xtask redis`: real Redis servers in the background, for whoever wants to play on them.

#![expect(clippy::print_stdout, reason = "says where the servers are and what comes next")]

use std::path::{Path, PathBuf};

use xtask::redis::{Cluster, Server};

/// Below the workspace's directory, out of git's sight.
const DIR: &str = "target/redis";
/// Redis's own port. A server of the system may have it; then the next free one is taken.
const PORT: u16 = 6379;
const CLUSTER_PORT: u16 = 7001;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Up(Kind),
    Down,
}

/// What to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Single,
    Cluster,
}

impl Order {
    pub(crate) fn parse<'a>(mut words: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let order = match (words.next(), words.next()) {
            (Some("up"), None) => Self::Up(Kind::Single),
            (Some("up"), Some("--cluster")) => Self::Up(Kind::Cluster),
            (Some("down"), None) => Self::Down,
            (Some("up" | "down"), Some(extra)) => {
                return Err(format!("`redis` does not know `{extra}`"));
            }
            _ => {
                return Err("say what is to become of Redis: `redis up` or `redis down`".to_owned());
            }
        };
        match words.next() {
            None => Ok(order),
            Some(extra) => Err(format!("`{extra}` is one word too many")),
        }
    }
}

pub(crate) fn run(root: &Path, order: Order) -> Result<(), String> {
    let dir = root.join(DIR);
    match order {
        Order::Up(Kind::Single) => up(&single(&dir)),
        Order::Up(Kind::Cluster) => up_cluster(&cluster(&dir)),
        Order::Down => down(&dir),
    }
}

fn single(dir: &Path) -> PathBuf {
    dir.join("single")
}

fn cluster(dir: &Path) -> PathBuf {
    dir.join("cluster")
}

fn up(dir: &Path) -> Result<(), String> {
    let found = Server::find_in(dir)?;
    let is_new = found.is_none();
    let server = match found {
        Some(server) => server,
        None => Server::start_from(dir, PORT, &[])?,
    };
    tell("redis-server", is_new, &[&server]);
    println!("{}", next(&server.url()));
    server.leave();
    Ok(())
}

/// Nodes that a person has killed to see a fail-over come back, and those that run stay.
fn up_cluster(dir: &Path) -> Result<(), String> {
    let mut is_new = false;
    for node in Cluster::dirs_in(dir) {
        is_new |= Server::find_in(&node)?.is_none();
    }
    let cluster = Cluster::start_in(dir, CLUSTER_PORT, &[])?;
    let nodes: Vec<&Server> = cluster.nodes().iter().collect();
    tell("a Redis cluster", is_new, &nodes);
    println!("{}", next(&cluster.url()));
    cluster.leave();
    Ok(())
}

fn tell(what: &str, is_new: bool, servers: &[&Server]) {
    let how = if is_new { "runs now" } else { "is already running" };
    println!("{what} {how}; every write that it answers is on the disk");
    for server in servers {
        let pid = server.pid().unwrap_or_default();
        println!("  {}, process {pid}, data in {}", server.addr(), server.dir().display());
    }
}

/// The address, and the commands that come next.
fn next(url: &str) -> String {
    let shard = |id: u32| {
        let port = 7776 + id;
        format!(
            "cargo run --release -- shard --shard-id {id} --listen 127.0.0.1:{port} \
             --authority {url} --data /tmp/shard-{id} --guests"
        )
    };
    let lines = ["", url, "", "two shards on it, and the end:", &shard(1), &shard(2), DOWN];
    lines.join("\n")
}

const DOWN: &str = "cargo xtask redis down";

/// Ends what an earlier command has started, and nothing else that listens on these ports.
fn down(dir: &Path) -> Result<(), String> {
    let mut dirs = Cluster::dirs_in(&cluster(dir));
    dirs.push(single(dir));
    let (mut ended, mut failures) = (0, Vec::new());
    for dir in &dirs {
        match end(dir) {
            Ok(count) => ended += count,
            Err(sentence) => failures.push(sentence),
        }
    }
    if ended == 0 && failures.is_empty() {
        println!("no redis-server of {DIR} is running");
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// How many servers it has ended in a directory.
fn end(dir: &Path) -> Result<u32, String> {
    let Some(mut server) = Server::find_in(dir)? else { return Ok(0) };
    let pid = server.pid().unwrap_or_default();
    server.terminate()?;
    println!("{} has ended, process {pid}; its data stays in {}", server.addr(), dir.display());
    Ok(1)
}
