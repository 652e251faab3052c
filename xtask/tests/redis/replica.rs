//! A server and its replica.

use xtask::redis::{Reply, Server};

fn get(server: &Server, key: &str) -> String {
    server.command(&["GET", key]).unwrap().text()
}

fn role(server: &Server) -> String {
    server.command(&["ROLE"]).unwrap().items()[0].text()
}

#[test]
fn a_replica_in_sync_has_everything_and_takes_over() {
    let mut master = Server::start(&[]).unwrap();
    master.command(&["SET", "before", "1"]).unwrap();
    let mut replica = Server::replica_of(&master, &[]).unwrap();
    assert_eq!((role(&replica).as_str(), get(&replica, "before").as_str()), ("slave", "1"));
    for number in 0..100 {
        master.command(&["SET", "key", &number.to_string()]).unwrap();
    }
    replica.wait_in_sync().unwrap();
    assert_eq!(get(&replica, "key"), "99");
    assert!(replica.command(&["SET", "key", "0"]).unwrap_err().contains("READONLY"));

    // It is still a replica after a restart, and a master after its promotion and another one.
    replica.restart().unwrap();
    replica.wait_in_sync().unwrap();
    master.kill().unwrap();
    replica.promote().unwrap();
    replica.restart().unwrap();
    assert_eq!(role(&replica), "master");
    assert_eq!(replica.command(&["INCR", "key"]).unwrap(), Reply::Int(100));
    assert!(replica.wait_in_sync().unwrap_err().contains("is a master"));

    master.restart().unwrap();
    master.follow(&replica).unwrap();
    master.wait_in_sync().unwrap();
    assert_eq!((role(&master).as_str(), get(&master, "key").as_str()), ("slave", "100"));
}

#[test]
fn a_replica_in_sync_has_everything_on_its_own_disk_however_long_that_takes() {
    let master = Server::start(&[]).unwrap();
    for number in 0..200 {
        master.command(&["SET", &format!("key-{number}"), "1"]).unwrap();
    }
    // Microseconds to write a key of the append-only file anew: 0.4 s for all.
    let mut replica = Server::replica_of(&master, &[("rdb-key-save-delay", "2000")]).unwrap();
    replica.kill().unwrap();
    drop(master);
    replica.restart().unwrap();
    assert_eq!(replica.command(&["DBSIZE"]).unwrap(), Reply::Int(200));
}

#[test]
fn a_replica_that_was_down_lacks_the_tail_when_it_is_promoted() {
    let master = Server::start(&[]).unwrap();
    let mut replica = Server::replica_of(&master, &[]).unwrap();
    master.command(&["SET", "key", "replicated"]).unwrap();
    replica.wait_in_sync().unwrap();
    replica.kill().unwrap();
    master.command(&["SET", "key", "lost"]).unwrap();
    drop(master);
    replica.restart().unwrap();
    replica.promote().unwrap();
    assert_eq!((role(&replica).as_str(), get(&replica, "key").as_str()), ("master", "replicated"));
}
