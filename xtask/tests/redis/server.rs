//! One server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use xtask::redis::{Reply, Server};

fn get(server: &Server, key: &str) -> String {
    server.command(&["GET", key]).unwrap().text()
}

#[test]
fn a_server_answers_on_its_port_and_its_socket_until_it_is_dropped() {
    let server = Server::start(&[]).unwrap();
    assert_eq!(server.url(), format!("redis://127.0.0.1:{}", server.port()));
    let mut socket = UnixStream::connect(server.socket()).unwrap();
    socket.write_all(b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");

    let (addr, dir, pid) = (server.addr(), server.dir().to_owned(), server.pid().unwrap());
    assert!(dir.join("appendonlydir").is_dir());
    drop(server);
    assert!(TcpStream::connect(addr).is_err());
    assert!(!dir.exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn the_defaults_keep_every_answered_write_and_the_caller_overrides_them() {
    let server = Server::start(&[("appendfsync", "everysec"), ("maxmemory", "64mb")]).unwrap();
    for (name, value) in [
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
        ("save", ""),
        ("maxmemory-policy", "noeviction"),
        ("maxmemory", "67108864"),
    ] {
        let answer = server.command(&["CONFIG", "GET", name]).unwrap();
        assert_eq!(answer.items()[1].text(), value, "{name}");
    }
}

#[test]
fn every_kind_of_reply_comes_from_a_real_server() {
    let server = Server::start(&[]).unwrap();
    let bytes: &[u8] = b"\0\r\n\xff";
    let ok = Reply::Simple("OK".to_owned());
    assert_eq!(server.command(&[b"SET".as_slice(), b"key", bytes]).unwrap(), ok);
    assert_eq!(server.command(&["GET", "key"]).unwrap(), Reply::Bulk(Some(bytes.to_vec())));
    assert_eq!(server.command(&["GET", "other"]).unwrap(), Reply::Bulk(None));
    assert_eq!(server.command(&["INCRBY", "number", "-7"]).unwrap().int(), Some(-7));
    let script = "return {1, {'a'}, redis.error_reply('NO way')}";
    let parts = [
        Reply::Int(1),
        Reply::Array(vec![Reply::Bulk(Some(b"a".to_vec()))]),
        Reply::Error("NO way".to_owned()),
    ];
    assert_eq!(server.command(&["EVAL", script, "0"]).unwrap().items(), parts);
    let refusal = server.command(&["INCR", "key"]).unwrap_err();
    assert!(refusal.contains("`INCR`: ERR value is not an integer"), "{refusal}");
    let nothing: [&str; 0] = [];
    assert!(server.command(&nothing).is_err());
}

#[test]
fn numbers_about_commands_and_processor_time_grow() {
    let server = Server::start(&[]).unwrap();
    let cpu = server.cpu_micros().unwrap();
    assert_eq!(server.calls("eval").unwrap(), 0);
    for _ in 0..3 {
        let loops = "for i = 1, 300000 do local x = i * i end return 1";
        server.command(&["EVAL", loops, "0"]).unwrap();
    }
    server.command(&["CONFIG", "GET", "save"]).unwrap();
    assert_eq!(server.calls("EVAL").unwrap(), 3);
    assert_eq!(server.calls("config|get").unwrap(), 1);
    assert!(server.cpu_micros().unwrap() > cpu);
    let pid = server.pid().unwrap().to_string();
    assert_eq!(server.info("server").unwrap()["process_id"], pid);
}

#[test]
fn a_killed_or_terminated_server_comes_back_with_its_data_on_its_port() {
    let mut server = Server::start(&[]).unwrap();
    let port = server.port();
    server.command(&["SET", "key", "1"]).unwrap();
    server.kill().unwrap();
    assert_eq!((server.pid(), server.is_running()), (None, false));
    assert!(server.command(&["PING"]).is_err());
    server.kill().unwrap();
    server.restart().unwrap();
    assert_eq!((server.port(), get(&server, "key").as_str()), (port, "1"));

    let before = server.pid();
    server.restart().unwrap();
    assert_ne!(server.pid(), before, "a server that runs is killed before");
    server.terminate().unwrap();
    server.restart().unwrap();
    assert_eq!(get(&server, "key"), "1");
}

#[test]
fn a_restart_waits_for_a_port_that_is_not_free_yet() {
    let mut server = Server::start(&[]).unwrap();
    server.kill().unwrap();
    let held = std::net::TcpListener::bind(server.addr()).unwrap();
    let restart = thread::spawn(move || server.restart().map(|()| server));
    // The attempt that fails asks the one that holds the port who it is, and so shows itself.
    drop(held.accept().unwrap());
    drop(held);
    assert_eq!(get(&restart.join().unwrap().unwrap(), "key"), "");
}

#[test]
fn a_paused_server_answers_nothing_until_it_is_resumed() {
    let mut server = Server::start(&[]).unwrap();
    let mut client = TcpStream::connect(server.addr()).unwrap();
    server.pause().unwrap();
    assert!(!server.is_running());
    client.write_all(b"INCR key\r\n").unwrap();
    client.set_nonblocking(true).unwrap();
    let error = client.read(&mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);

    server.resume().unwrap();
    client.set_nonblocking(false).unwrap();
    let mut answer = [0; 4];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b":1\r\n");
    server.pause().unwrap();
    server.kill().unwrap();
    assert!(server.pause().unwrap_err().contains("restart"));
}

#[test]
fn settings_that_redis_refuses_are_an_error_with_its_words() {
    let error = Server::start(&[("appendfsync", "sometimes")]).unwrap_err();
    assert!(error.contains("appendfsync sometimes"), "{error}");
}

#[test]
fn many_servers_start_at_once_on_ports_of_their_own() {
    let threads: Vec<_> = (0..8).map(|_| thread::spawn(|| Server::start(&[]).unwrap())).collect();
    let servers: Vec<Server> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    for server in &servers {
        server.command(&["SET", "port", &server.port().to_string()]).unwrap();
    }
    for server in &servers {
        assert_eq!(get(server, "port"), server.port().to_string());
    }
}
