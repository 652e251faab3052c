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
fn a_promoted_replica_that_was_paused_lacks_the_tail() {
    let master = Server::start(&[]).unwrap();
    let mut replica = Server::replica_of(&master, &[]).unwrap();
    master.command(&["SET", "key", "replicated"]).unwrap();
    replica.wait_in_sync().unwrap();
    replica.pause().unwrap();
    master.command(&["SET", "key", "lost"]).unwrap();
    drop(master);
    replica.resume().unwrap();
    replica.promote().unwrap();
    assert_eq!(role(&replica), "master");
}
