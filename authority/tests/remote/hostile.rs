//! Bad input: it closes its own connection with a reason, and nobody else is disturbed.

use crate::place::{BOSS, Place, answer, closed, connect, connect_by, send};
use futures::SinkExt;
use protocol::limits::{SYNC_CONNECTIONS_MAX, SYNC_FRAME_BYTES_MAX};
use protocol::{BossId, Numbered, SYNC_SUBPROTOCOL, SyncAnswer, SyncRequest, encode_record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

fn request(body: SyncRequest) -> Vec<u8> {
    encode_record(&Numbered { number: 1, body })
}

fn frame(bytes: Vec<u8>, kind: Data, last: bool) -> Message {
    Message::Frame(Frame::message(bytes, OpCode::Data(kind), last))
}

#[tokio::test]
async fn a_bad_message_closes_its_own_connection_with_a_reason() {
    let place = Place::open().await;
    let mut neighbour = place.socket().await;
    let mut trailing = request(SyncRequest::Bosses);
    trailing.push(0);
    let mut deep = vec![0x91; 1_000];
    deep.insert(0, 0x92);
    let cases = [
        ("a frame that is too long", Message::binary(vec![0; SYNC_FRAME_BYTES_MAX + 1]), 1009),
        ("text", Message::text("hello"), 1003),
        ("no MessagePack", Message::binary(vec![0xc1]), 1007),
        ("nothing", Message::binary(Vec::new()), 1007),
        ("more behind its end", Message::binary(trailing), 1007),
        ("no number", Message::binary(encode_record(&SyncRequest::Bosses)), 1007),
        ("a number beyond 2^53", Message::binary(encode_record(&(1_u64 << 60, "Bosses"))), 1007),
        ("an unknown request", Message::binary(encode_record(&(1, "Dance"))), 1007),
        ("it nests too deep", Message::binary(deep), 1007),
        ("a continuation of nothing", frame(vec![1], Data::Continue, true), 1002),
        ("a reserved kind", frame(vec![1], Data::Reserved(5), true), 1002),
    ];
    for (round, (what, message, code)) in (1..).zip(cases) {
        let mut socket = place.socket().await;
        socket.send(message).await.unwrap();
        let (found, why) = closed(&mut socket).await;
        assert_eq!(found, code, "{what}: {why}");
        let expected = match what {
            "a frame that is too long" => "65537 bytes in one frame, send it in several of at most",
            "text" => "messages are binary frames, this was a text frame",
            "an unknown request" => "not a request of this protocol: unknown variant `Dance`",
            "more behind its end" => "1 bytes follow the end of the message",
            "a number beyond 2^53" => "an integer up to 2^53 - 1",
            _ => "",
        };
        assert!(why.contains(expected), "{what}: {why}");
        // The neighbour's own connection goes on.
        send(&mut neighbour, round, SyncRequest::Bosses).await;
        let answered = (round, Ok(SyncAnswer::Bosses(vec![BOSS])));
        assert_eq!(answer(&mut neighbour).await, answered, "{what}");
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_in_all_its_frames_is_refused_with_its_size() {
    let place = Place::open().await;
    let mut socket = place.socket().await;
    let piece = bytes::Bytes::from(vec![0; SYNC_FRAME_BYTES_MAX]);
    let pieces = protocol::limits::SYNC_MESSAGE_BYTES_MAX / SYNC_FRAME_BYTES_MAX;
    for idx in 0..=pieces {
        let kind = if idx == 0 { Data::Binary } else { Data::Continue };
        let frame = Frame::message(piece.clone(), OpCode::Data(kind), false);
        socket.feed(Message::Frame(frame)).await.unwrap();
    }
    socket.flush().await.unwrap();
    let (code, why) = closed(&mut socket).await;
    assert_eq!(code, 1009);
    assert_eq!(why, "268500992 bytes in one message, at most 268435456 are read");
}

#[tokio::test]
async fn a_frame_without_a_mask_is_refused() {
    let place = Place::open().await;
    let mut stream = place.socket().await.into_inner();
    stream.write_all(&[0x82, 1, 7]).await.unwrap();
    let mut farewell = Vec::new();
    stream.read_to_end(&mut farewell).await.unwrap();
    assert_eq!(farewell[..4], [0x88, farewell[1], 0x03, 0xea], "1002: {farewell:?}");
}

#[tokio::test]
async fn another_sub_protocol_a_page_and_a_plain_request_are_told_what_is_wrong() {
    let place = Place::open().await;
    let addr = place.server.addr();
    let why = connect(addr, "worldboss.v2").await.unwrap_err();
    assert!(why.starts_with("400 Bad Request"), "{why}");
    let why = connect_by(addr, |request| {
        request.with_sub_protocol(SYNC_SUBPROTOCOL).with_header("Origin", "http://localhost")
    });
    let why = why.await.unwrap_err();
    assert!(why.starts_with("403 Forbidden this service is for programs"), "{why}");
    let get = |path: &'static str| async move {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let refusal = get("/sync").await;
    assert!(refusal.starts_with("HTTP/1.1 400"), "{refusal}");
    assert!(refusal.contains("this address takes WebSocket connections alone"), "{refusal}");
    assert!(get("/livez").await.starts_with("HTTP/1.1 200"));
    assert!(get("/readyz").await.starts_with("HTTP/1.1 200"));
    assert!(get("/nothing").await.starts_with("HTTP/1.1 404"));
    let mut socket = place.socket().await;
    send(&mut socket, 1, SyncRequest::Truth(BossId(9))).await;
    assert_eq!(answer(&mut socket).await.0, 1);
    let page = get("/metrics").await;
    assert!(page.contains("worldboss_sync_connections 1\n"), "{page}");
    assert!(page.contains("worldboss_sync_requests_total{request=\"truth\"} 1\n"), "{page}");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_to_come_back() {
    let place = Place::open().await;
    let mut sockets = Vec::new();
    for _ in 0..SYNC_CONNECTIONS_MAX {
        sockets.push(place.socket().await);
    }
    let why = connect(place.server.addr(), SYNC_SUBPROTOCOL).await.unwrap_err();
    assert!(why.starts_with("503 Service Unavailable"), "{why}");
    let mut last = sockets.pop().unwrap();
    last.close(None).await.unwrap();
    while futures::StreamExt::next(&mut last).await.is_some() {}
    // Its place is free as soon as the service has noticed.
    while connect(place.server.addr(), SYNC_SUBPROTOCOL).await.is_err() {
        tokio::task::yield_now().await;
    }
}
