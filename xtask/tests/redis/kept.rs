//! Servers whose directory stays.

use std::fs;
use std::path::PathBuf;
use xtask::redis::{Cluster, Server};

/// A directory below that of a server of its own, so that it goes when the test ends, with
/// whatever was left running there.
struct Kept {
    around: Server,
    dir: PathBuf,
}

impl Kept {
    fn new() -> Self {
        let around = Server::start(&[]).unwrap();
        let dir = around.dir().join("kept");
        Self { around, dir }
    }

    /// A random one, which other tests seldom choose, too.
    fn free_port() -> u16 {
        Server::start(&[]).unwrap().port()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for dir in Cluster::dirs_in(&self.dir).iter().chain([&self.dir]) {
            if let Ok(Some(mut server)) = Server::find_in(dir) {
                drop(server.kill());
            }
        }
    }
}

#[test]
fn a_server_that_is_left_runs_on_and_is_found_in_its_directory() {
    let kept = Kept::new();
    let dir = kept.dir.clone();
    assert!(Server::find_in(&dir).unwrap().is_none());
    let server = Server::start_in(&dir, Kept::free_port(), &[]).unwrap();
    let (port, pid) = (server.port(), server.pid());
    server.command(&["SET", "key", "1"]).unwrap();
    server.leave();

    drop(Server::find_in(&dir).unwrap());
    let mut found = Server::find_in(&dir).unwrap().expect("dropping it has ended nothing");
    assert_eq!((found.port(), found.pid()), (port, pid));
    assert_eq!(found.command(&["GET", "key"]).unwrap().text(), "1");
    found.terminate().unwrap();
    assert!(Server::find_in(&dir).unwrap().is_none());
    let again = Server::start_in(&dir, port, &[]).unwrap();
    assert_eq!(again.command(&["GET", "key"]).unwrap().text(), "1");
    drop(again);
    assert!(dir.exists());
}

#[test]
fn a_server_that_is_not_the_noted_one_is_not_found() {
    let kept = Kept::new();
    let (around, dir) = (&kept.around, kept.dir.clone());
    let mut server = Server::start_in(&dir, Kept::free_port(), &[]).unwrap();
    let note = dir.join("redis.pid");
    let pid = fs::read_to_string(&note).unwrap();
    // A living process that is no Redis.
    fs::write(&note, std::process::id().to_string()).unwrap();
    assert!(Server::find_in(&dir).unwrap().is_none());
    fs::write(&note, &pid).unwrap();
    assert!(Server::find_in(&dir).unwrap().is_some());

    // A Redis, and the process that is noted, but not of this directory.
    server.kill().unwrap();
    fs::write(&note, around.pid().unwrap().to_string()).unwrap();
    fs::write(dir.join("redis.conf"), format!("port {}\n", around.port())).unwrap();
    assert!(Server::find_in(&dir).unwrap().is_none());
    // A process that has ended.
    fs::write(&note, pid).unwrap();
    assert!(Server::find_in(&dir).unwrap().is_none());
}

#[test]
fn a_port_that_is_taken_is_an_error_that_names_it() {
    let kept = Kept::new();
    let (around, dir) = (&kept.around, kept.dir.clone());
    let error = Server::start_in(&dir, around.port(), &[]).unwrap_err();
    assert!(error.contains(&format!("port {} is taken", around.port())), "{error}");
    let next = Server::start_from(&dir, around.port(), &[]).unwrap();
    assert!(next.port() > around.port());
}

#[test]
fn a_cluster_that_was_ended_goes_on_with_its_data_and_its_ports() {
    let kept = Kept::new();
    let dir = kept.dir.clone();
    let cluster = Cluster::start_in(&dir, Kept::free_port(), &[]).unwrap();
    let master = cluster.master_of(cluster.slot_of("key").unwrap()).unwrap();
    cluster.nodes()[master].command(&["SET", "key", "1"]).unwrap();
    let url = cluster.url();
    cluster.leave();
    for dir in Cluster::dirs_in(&dir) {
        Server::find_in(&dir).unwrap().expect("it was left running").terminate().unwrap();
    }

    let cluster = Cluster::start_in(&dir, Kept::free_port(), &[]).unwrap();
    assert_eq!(cluster.url(), url);
    let master = cluster.master_of(cluster.slot_of("key").unwrap()).unwrap();
    assert_eq!(cluster.nodes()[master].command(&["GET", "key"]).unwrap().text(), "1");
}
