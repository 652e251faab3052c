//! Bad input: each mistake is named with its cure, and nobody else is disturbed.

use crate::server::{Server, output, worldboss};
use futures::{SinkExt, StreamExt};
use protocol::{
    Ack, CloseCode, Gen, Hello, Hit, InputSeq, PlayerMessage, ShardMessage, SkillId, Tick,
};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[test]
fn an_unknown_flag_is_a_usage_error_that_names_it() {
    let (code, stderr) = output(worldboss().args(["play", "--bosses", "3"]));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--bosses") && stderr.contains("Usage"), "{stderr}");
}

#[test]
fn a_busy_explicit_port_fails_and_names_the_cure() {
    let dir = tempfile::tempdir().unwrap();
    let busy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = busy.local_addr().unwrap().to_string();
    let (code, stderr) =
        output(worldboss().args(["play", "--listen", &addr, "--data"]).arg(dir.path()));
    assert_eq!(code, Some(1));
    assert!(stderr.contains(&addr) && stderr.contains("choose another --listen"), "{stderr}");
}

#[test]
fn a_locked_data_directory_names_the_game_that_runs_there() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let (code, stderr) = output(worldboss().args(["play", "--data"]).arg(dir.path()));
    assert_eq!(code, Some(1));
    let url = format!("open http://{}/ or choose another --data", server.addr);
    assert!(stderr.contains(&url), "{stderr}");
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"), "the first game goes on");
}

#[test]
fn a_data_directory_that_is_a_file_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (code, stderr) = output(worldboss().args(["play", "--data"]).arg(file.path()));
    assert_eq!(code, Some(1));
    let name = file.path().to_str().unwrap();
    assert!(stderr.contains(name) && stderr.contains("check that it can be"), "{stderr}");
}

#[test]
fn a_mistake_in_a_scenario_is_named_by_file_line_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("boss.toml");
    let text = protocol::Scenario::default_text().replace("hp_max = 50000000", "hp_max = 0");
    std::fs::write(&file, text).unwrap();
    let mut play = worldboss();
    play.args(["play", "--scenario"]).arg(&file).arg("--data").arg(dir.path());
    let (code, stderr) = output(&mut play);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("boss.toml"), "{stderr}");
    assert!(stderr.contains("line 6: `boss.hp_max` is 0, expected 1 to"), "{stderr}");
}

#[test]
fn a_damaged_journal_is_refused_by_name_with_the_cure() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Server::start(dir.path()).terminate(), Some(0));
    let journal = dir.path().join("boss-1").join("shard-1").join("journal.redb");
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes[4_096..].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::write(&journal, bytes).unwrap();
    let (code, stderr) = output(worldboss().args(["play", "--data"]).arg(dir.path()));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("journal.redb is damaged"), "{stderr}");
    assert!(stderr.contains("put a backup of the file in its place"), "{stderr}");
}

#[test]
fn a_shard_says_which_authorities_it_has_and_who_may_come_in() {
    let dir = tempfile::tempdir().unwrap();
    let mut shard = worldboss();
    shard.args(["shard", "--shard-id", "1", "--listen", "127.0.0.1:0", "--data"]).arg(dir.path());
    shard.args(["--authority", "floppy:A"]);
    let (code, stderr) = output(&mut shard);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--guests"), "{stderr}");
    let (code, stderr) = output(shard.arg("--guests"));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("floppy:A") && stderr.contains("embedded:DIR"), "{stderr}");
}

async fn connect(server: &Server) -> Socket {
    let mut request = format!("ws://{}/ws", server.addr).into_client_request().unwrap();
    let name = protocol::SUBPROTOCOL.parse().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", name);
    connect_async(request).await.unwrap().0
}

async fn send(socket: &mut Socket, message: &PlayerMessage) {
    socket.send(Message::binary(ucore::encode(message))).await.unwrap();
}

fn hello() -> PlayerMessage {
    let name = "neighbour".to_owned();
    PlayerMessage::Hello(Hello { protocol: protocol::PROTOCOL, name, session: None, every: 1 })
}

/// The next message that is no state frame.
async fn answer(socket: &mut Socket) -> ShardMessage {
    loop {
        if let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() {
            match ShardMessage::decode(&bytes).unwrap() {
                ShardMessage::State(_)
                | ShardMessage::Change(_)
                | ShardMessage::Board(_)
                | ShardMessage::Spoils(_) => {}
                message => return message,
            }
        }
    }
}

/// The next acknowledgement. No state frame of a tick may be missing on the way to it.
async fn ack_without_a_gap(socket: &mut Socket, last: &mut Option<Tick>) -> Ack {
    loop {
        if let Message::Binary(bytes) = socket.next().await.unwrap().unwrap() {
            let tick = match ShardMessage::decode(&bytes).unwrap() {
                ShardMessage::State(state) => state.tick,
                ShardMessage::Change(update) => update.tick.unwrap().0,
                ShardMessage::Ack(ack) => return ack,
                ShardMessage::Welcome(_)
                | ShardMessage::Boss(_)
                | ShardMessage::Board(_)
                | ShardMessage::Spoils(_) => continue,
            };
            assert!(last.is_none_or(|last| tick == last.next()), "a neighbour's frame is missing");
            *last = Some(tick);
        }
    }
}

/// The code and the reason with which a connection is closed.
async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => {
                return (frame.code.into(), frame.reason.to_string());
            }
            Some(Ok(_)) => {}
            end => panic!("closed without a reason: {end:?}"),
        }
    }
}

fn hit(seq: u32) -> PlayerMessage {
    PlayerMessage::Hit(Hit { generation: Gen(1), seq: InputSeq(seq), skill: SkillId(1) })
}

/// What it is, what is sent, and the close code and a part of the reason that it brings.
struct Mistake(&'static str, Vec<Message>, CloseCode, &'static str);

fn mistakes() -> [Mistake; 9] {
    let first_hello = ucore::encode(&hello());
    [
        Mistake(
            "too large",
            vec![Message::binary(vec![0; 5_000])],
            CloseCode::TooLarge,
            "a message of 5000 bytes, at most 4096 are read",
        ),
        Mistake("no MessagePack", vec![Message::binary(vec![0xc1])], CloseCode::Malformed, ""),
        Mistake(
            "an unknown type",
            vec![Message::binary(vec![0x92, 77, 0x90])],
            CloseCode::UnknownType,
            "message type 77 is unknown",
        ),
        Mistake(
            "a hit before Hello",
            vec![Message::binary(ucore::encode(&hit(1)))],
            CloseCode::HelloExpected,
            "the first message must be Hello",
        ),
        Mistake(
            "text",
            vec![Message::text("hello")],
            CloseCode::Text,
            "messages are binary frames, this was a text frame",
        ),
        Mistake(
            "another protocol",
            vec![Message::binary(vec![0x92, 1, 0x94, 99, 0xa1, b'a', 0xc0, 1])],
            CloseCode::Protocol,
            "this server speaks protocol 4: load the client anew",
        ),
        Mistake(
            "Hello twice",
            vec![Message::binary(first_hello.clone()), Message::binary(first_hello.clone())],
            CloseCode::HelloExpected,
            "Hello was said already in this connection",
        ),
        Mistake(
            "a flood of pings",
            (0..200).map(|_| Message::Ping(vec![7].into())).collect(),
            CloseCode::Flood,
            "more than 64 messages in one tick",
        ),
        Mistake(
            "a flood",
            std::iter::once(Message::binary(first_hello))
                .chain((1..200).map(|seq| Message::binary(ucore::encode(&hit(seq)))))
                .collect(),
            CloseCode::Flood,
            "more than 64 messages in one tick",
        ),
    ]
}

#[tokio::test]
async fn a_bad_frame_closes_its_own_connection_with_a_reason_and_a_metric() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut neighbour = connect(&server).await;
    send(&mut neighbour, &hello()).await;
    assert!(matches!(answer(&mut neighbour).await, ShardMessage::Welcome(_)));
    let mut last = None;
    for (round, Mistake(what, messages, code, reason)) in (1..).zip(mistakes()) {
        let metric = format!("worldboss_closes_total{{code=\"{}\"}}", code.code());
        let before = server.metric(&metric);
        let mut socket = connect(&server).await;
        for message in messages {
            // The server may have closed before the last one left.
            drop(socket.send(message).await);
        }
        let (found, why) = closed(&mut socket).await;
        assert_eq!(found, code.code(), "{what}: {why}");
        assert!(why.contains(reason), "{what}: {why}");
        assert_eq!(server.metric(&metric), before + 1, "{what}");
        // The neighbour plays on.
        send(&mut neighbour, &hit(round)).await;
        let ack = ack_without_a_gap(&mut neighbour, &mut last).await;
        assert_eq!((ack.seq, ack.refused.len()), (InputSeq(round), 0), "{what}");
    }
}

#[tokio::test]
async fn a_close_is_answered_with_a_close() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    for greeted in [false, true] {
        let mut socket = connect(&server).await;
        if greeted {
            send(&mut socket, &hello()).await;
            assert!(matches!(answer(&mut socket).await, ShardMessage::Welcome(_)));
        }
        let close = CloseFrame { code: 1000.into(), reason: "bye".into() };
        socket.send(Message::Close(Some(close))).await.unwrap();
        let (code, why) = closed(&mut socket).await;
        assert_eq!((code, why.as_str()), (1000, "bye"), "greeted: {greeted}");
        assert!(socket.next().await.is_none(), "and the connection ends cleanly");
    }
}

#[tokio::test]
async fn a_connection_that_never_says_hello_is_closed_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut socket = connect(&server).await;
    let (code, why) = closed(&mut socket).await;
    assert_eq!(code, CloseCode::HelloTimeout.code());
    assert!(why.contains("no Hello within 5000 ms"), "{why}");
}

#[test]
fn a_plain_request_to_the_socket_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let answer = server.get("/ws");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("this address takes WebSocket connections alone"), "{answer}");
    assert!(server.get("/nothing").starts_with("HTTP/1.1 404"));
    assert!(server.get("/").contains("<title>worldboss</title>"));
    assert!(server.get("/livez").starts_with("HTTP/1.1 200"));
    let ledger = server.get("/api/ledger");
    assert!(ledger.contains("\"generation\":1") && ledger.contains("\"hp\":50000000"), "{ledger}");
}

#[test]
fn an_authority_that_keeps_nothing_says_so_and_is_none_for_a_shard() {
    let mut serve = worldboss();
    serve.args(["authority", "serve", "--listen", "127.0.0.1:0", "--store", "memory"]);
    let mut serve = serve.stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(serve.stderr.take().unwrap()).lines().map(Result::unwrap);
    let said: Vec<_> = said.take_while(|line| !line.contains("listens on ws://")).collect();
    serve.kill().unwrap();
    serve.wait().unwrap();
    let warned = said.iter().any(|line| line.contains("nothing of this authority outlives"));
    assert!(warned, "{said:?}");
    let dir = tempfile::tempdir().unwrap();
    let mut shard = worldboss();
    shard.args(["shard", "--shard-id", "1", "--listen", "127.0.0.1:0", "--guests"]);
    let (code, stderr) = output(shard.args(["--authority", "memory", "--data"]).arg(dir.path()));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("`memory` names no authority; write embedded:DIR"), "{stderr}");
}
