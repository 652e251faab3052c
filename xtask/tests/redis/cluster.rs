//! A cluster of six.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use xtask::redis::{Cluster, Server};

const KEY: &str = "{boss:7}:hp";

/// A client of a cluster that goes where it is sent, counting how often.
#[derive(Default)]
struct Client {
    moved: AtomicU32,
    asked: AtomicU32,
}

impl Client {
    /// Sends a command of plain words and gives the line that answers it.
    fn send(&self, nodes: &[Server], command: &str) -> String {
        let mut addr = nodes[0].addr();
        let mut prefix = "";
        loop {
            let mut stream = TcpStream::connect(&addr).unwrap();
            stream.write_all(format!("{prefix}{command}\r\nQUIT\r\n").as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            // ASKING has an answer of its own, before that of the command.
            let line = answer.lines().nth(usize::from(!prefix.is_empty())).unwrap();
            let target = || line.rsplit(' ').next().unwrap().to_owned();
            if line.starts_with("-MOVED") {
                self.moved.fetch_add(1, Ordering::Relaxed);
                (addr, prefix) = (target(), "");
            } else if line.starts_with("-ASK") {
                self.asked.fetch_add(1, Ordering::Relaxed);
                (addr, prefix) = (target(), "ASKING\r\n");
            } else {
                return line.to_owned();
            }
        }
    }
}

fn role(node: &Server) -> String {
    node.command(&["ROLE"]).unwrap().items()[0].text()
}

#[test]
fn a_slot_moves_under_traffic_and_no_write_is_lost() {
    // No fail-over is wanted here, however busy the machine is.
    let cluster = Cluster::start(&[("cluster-node-timeout", "15000")]).unwrap();
    let nodes = cluster.nodes();
    let slot = cluster.slot_of(KEY).unwrap();
    assert_eq!(cluster.slot_of("boss:7").unwrap(), slot, "a tag is what counts");
    let from = cluster.master_of(slot).unwrap();
    let to = (from + 1) % 3;
    let client = Client::default();
    for number in 0..500 {
        assert_eq!(client.send(nodes, &format!("SET {{boss:7}}:{number} x")), "+OK");
    }

    let is_over = AtomicBool::new(false);
    let written = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !is_over.load(Ordering::Relaxed) {
                written += 1;
                assert_eq!(client.send(nodes, &format!("INCR {KEY}")), format!(":{written}"));
                assert_eq!(client.send(nodes, &format!("SET {{boss:7}}:new-{written} x")), "+OK");
            }
            written
        });
        cluster.open_slot(slot, to).unwrap();
        while client.asked.load(Ordering::Relaxed) < 10 && !writer.is_finished() {
            thread::yield_now();
        }
        cluster.move_slot(slot, to).unwrap();
        let moved = client.moved.load(Ordering::Relaxed);
        while client.moved.load(Ordering::Relaxed) < moved + 10 && !writer.is_finished() {
            thread::yield_now();
        }
        is_over.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });

    assert_eq!(cluster.master_of(slot), Ok(to));
    assert_eq!(nodes[to].command(&["GET", KEY]).unwrap().int(), Some(written));
    let keys = |index: usize| {
        nodes[index].command(&["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()]).unwrap().int()
    };
    assert_eq!((keys(from), keys(to)), (Some(0), Some(501 + written)));
    cluster.wait_until_whole().unwrap();
    cluster.move_slot(slot, to).unwrap();
    assert!(cluster.move_slot(slot, cluster.replica_of(to).unwrap()).is_err(), "no master");
}

#[test]
fn a_killed_master_is_replaced_by_its_replica_and_comes_back_as_one() {
    let mut cluster = Cluster::start(&[]).unwrap();
    let slot = cluster.slot_of(KEY).unwrap();
    let old = cluster.master_of(slot).unwrap();
    let new = cluster.replica_of(old).unwrap();
    assert_eq!((role(&cluster.nodes()[old]), new), ("master".to_owned(), old + 3));
    cluster.nodes()[old].command(&["SET", KEY, "100"]).unwrap();
    cluster.nodes()[new].wait_in_sync().unwrap();

    cluster.kill_master(old).unwrap();
    assert!(cluster.master_of(slot).is_err(), "nobody owns it in between");
    assert_eq!(cluster.wait_for_failover(slot), Ok(new));
    assert_eq!(cluster.nodes()[new].command(&["INCR", KEY]).unwrap().int(), Some(101));

    cluster.node_mut(old).unwrap().restart().unwrap();
    cluster.wait_until_whole().unwrap();
    assert_eq!(
        (role(&cluster.nodes()[old]), cluster.replica_of(new)),
        ("slave".to_owned(), Ok(old))
    );
    assert!(cluster.kill_master(6).unwrap_err().contains("0 to 5"));
}

#[test]
fn a_paused_master_is_replaced_and_gives_up_when_it_is_resumed() {
    let mut cluster = Cluster::start(&[]).unwrap();
    let slot = cluster.slot_of(KEY).unwrap();
    let old = cluster.master_of(slot).unwrap();
    cluster.node_mut(old).unwrap().pause().unwrap();
    let new = cluster.wait_for_failover(slot).unwrap();
    assert_ne!(new, old);
    cluster.node_mut(old).unwrap().resume().unwrap();
    cluster.wait_until_whole().unwrap();
    assert_eq!((role(&cluster.nodes()[old]).as_str(), cluster.master_of(slot)), ("slave", Ok(new)));
}

#[test]
fn a_cluster_takes_settings_and_tells_where_it_is() {
    let cluster = Cluster::start(&[("cluster-node-timeout", "3000")]).unwrap();
    let ports: Vec<String> = cluster.nodes().iter().map(Server::addr).collect();
    assert_eq!(cluster.url(), format!("redis-cluster://{}", ports[..3].join(",")));
    for node in cluster.nodes() {
        let answer = node.command(&["CONFIG", "GET", "cluster-node-timeout"]).unwrap();
        assert_eq!(answer.items()[1].text(), "3000");
    }
    let about = cluster.nodes()[0].command(&["CLUSTER", "INFO"]).unwrap().text();
    assert!(about.contains("cluster_state:ok") && about.contains("cluster_size:3"), "{about}");
}
