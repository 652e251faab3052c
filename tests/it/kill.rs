//! Pulls the plug: real processes, a real disk, thousands of hits.

use crate::server::{Server, signal, worldboss};
use std::ops::{Deref, DerefMut};
use std::process::{Child, Stdio};

const KILLS: u32 = 12;

/// A running `worldboss loadgen`. It is killed when it is dropped, so that a test that fails leaves
/// nobody behind.
#[derive(Debug)]
pub(crate) struct Load(Child);

impl Load {
    /// Interrupts the players, who let everything settle first; what they found. Their books
    /// balance, or the exit code would say so.
    pub(crate) fn interrupted(&mut self, json: &std::path::Path) -> serde_json::Value {
        signal(&self.0, "INT");
        assert_eq!(self.0.wait().unwrap().code(), Some(130), "{:#}", report(json));
        report(json)
    }
}

impl Deref for Load {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Load {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Players on every server, who hit until they are interrupted.
pub(crate) fn load(servers: &[&Server], players: u32, rate: u32, json: &std::path::Path) -> Load {
    let targets = servers.iter().flat_map(|it| ["--target".into(), format!("ws://{}/ws", it.addr)]);
    let load = worldboss()
        .arg("loadgen")
        .args(targets)
        .args(["--players", &players.to_string(), "--rate", &rate.to_string()])
        .args(["--duration", "600s", "--json"])
        .arg(json)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn();
    Load(load.unwrap())
}

/// What a load has written.
pub(crate) fn report(json: &std::path::Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap()
}

#[test]
fn no_accepted_hit_is_lost_or_doubled_when_the_server_is_killed_again_and_again() {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("out.json");
    let mut server = Server::start(&dir.path().join("data"));
    let mut load = load(&[&server], 200, 5, &json);
    let accepted = "worldboss_hits_total{result=\"accepted\"}";
    for kill in 1..=KILLS {
        // Every process is killed at another point of its load, and of its tick.
        let enough = u64::from(100 + kill * 37);
        server.wait("the players hit", || server.metric(accepted) > enough);
        server.kill_and_restart();
    }
    server.wait("the players are back", || server.metric(accepted) > 500);
    signal(&load, "INT");
    let status = load.wait().unwrap();
    let report = report(&json);
    eprintln!("{report:#}");
    assert_eq!(status.code(), Some(130), "the load was interrupted, and its books balance");
    for zero in ["damage_lost", "damage_doubled", "hits_unresolved", "faults"] {
        assert_eq!(report[zero], 0, "{zero}");
    }
    assert!(report["reconnects"].as_u64().unwrap() >= 200 * u64::from(KILLS) / 2);
    assert!(report["hits_acked"].as_u64().unwrap() > 1_000);
    let (sent, acked) = (&report["hits_sent"], &report["hits_acked"]);
    let rejected = report["hits_rejected"].as_u64().unwrap();
    assert_eq!(acked.as_u64().unwrap(), sent.as_u64().unwrap() - rejected);
    assert_eq!(report["damage_truth"], report["damage_acked"]);
}

#[test]
fn a_server_that_is_asked_to_stop_answers_everything_first() {
    let dir = tempfile::tempdir().unwrap();
    let (data, json) = (dir.path().join("data"), dir.path().join("out.json"));
    let server = Server::start(&data);
    let mut load = load(&[&server], 100, 5, &json);
    let accepted = "worldboss_hits_total{result=\"accepted\"}";
    server.wait("the players hit", || server.metric(accepted) > 300);
    let addr = server.addr.clone();
    assert_eq!(server.terminate(), Some(0));
    let server = Server::start_at(&data, &addr);
    server.wait("the players are back", || server.metric(accepted) > 300);
    signal(&load, "INT");
    load.wait().unwrap();
    let report = report(&json);
    for zero in ["damage_lost", "damage_doubled", "hits_unresolved", "faults"] {
        assert_eq!(report[zero], 0, "{zero} in {report:#}");
    }
}
