//! The client against a server that does what each test needs: answers, keeps silent, cuts, lies.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use futures::{SinkExt, StreamExt};
use protocol::Numbered;
use protocol::limits::{SYNC_MESSAGE_BYTES_MAX, SYNC_REQUESTS_MAX};
use score::{Address, CallError, Client, LinkError, Timing};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

type Socket = WebSocketStream<TcpStream>;

const SUBPROTOCOL: &str = "test.v1";
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);
/// Pings at this distance keep a connection alive, however loaded the machine is.
const STEADY: Duration = Duration::from_millis(100);

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/test", listener.local_addr().unwrap());
    (listener, url)
}

fn client(url: &str) -> Client {
    impatient(url, Timing::default().ping_every)
}

/// A client that comes back soon, so that tests are fast.
fn impatient(url: &str, ping_every: Duration) -> Client {
    let timing = Timing { ping_every, backoff_max: SHORT, ..Timing::default() };
    Client::new(Address::parse(url, "/").unwrap(), SUBPROTOCOL, timing)
}

async fn accept(listener: &TcpListener) -> Socket {
    accept_as(listener, SUBPROTOCOL).await
}

async fn accept_as(listener: &TcpListener, subprotocol: &'static str) -> Socket {
    let (stream, _) = listener.accept().await.unwrap();
    #[expect(clippy::result_large_err, reason = "the callback's type is the library's")]
    let choose = |_: &Request, mut response: Response| {
        let name = subprotocol.parse().unwrap();
        response.headers_mut().insert("Sec-WebSocket-Protocol", name);
        Ok(response)
    };
    tokio_tungstenite::accept_hdr_async(stream, choose).await.unwrap()
}

/// The next call: its number and its body.
async fn asked(socket: &mut Socket) -> (u64, Vec<u8>) {
    loop {
        if let Message::Binary(message) = socket.next().await.unwrap().unwrap() {
            let (number, body) = Numbered::unwrap(&message).unwrap();
            return (number, body.to_vec());
        }
    }
}

async fn answer(socket: &mut Socket, number: u64, body: &[u8]) {
    socket.send(Message::binary(Numbered::wrap(number, body))).await.unwrap();
}

fn not_sent(result: Result<impl std::fmt::Debug, CallError>) -> String {
    match result {
        Err(CallError::NotSent(why)) => why.to_string(),
        other => panic!("not sent, but: {other:?}"),
    }
}

fn unknown(result: Result<impl std::fmt::Debug, CallError>) -> String {
    match result {
        Err(CallError::Unknown(why)) => why.to_string(),
        other => panic!("unknown, but: {other:?}"),
    }
}

#[tokio::test]
async fn answers_find_their_calls_in_whatever_order_they_come() {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move {
        let mut socket = accept(&listener).await;
        let mut calls = Vec::new();
        for _ in 0..100 {
            calls.push(asked(&mut socket).await);
        }
        for (number, body) in calls.into_iter().rev() {
            answer(&mut socket, number, &body).await;
        }
        socket
    });
    let client = client(&url);
    let calls = (0..100_u8).map(|body| {
        let client = client.clone();
        async move { (vec![body], client.call(vec![body], LONG).await.unwrap().to_vec()) }
    });
    for (body, answer) in futures::future::join_all(calls).await {
        assert_eq!(body, answer);
    }
    drop(server.await.unwrap());
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_named_with_the_cure() {
    // The port is taken, so that nobody else comes to listen on it.
    let silent = TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("ws://{}/test", silent.local_addr().unwrap());
    let why = not_sent(client(&url).call(vec![1], LONG).await);
    assert!(why.contains(&format!("nothing takes connections at {url}: ")), "{why}");
    assert!(why.contains("start it there, or correct the address"), "{why}");
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_named() {
    let client = client("ws://no.such.host.invalid:1/test");
    let why = not_sent(client.call(vec![1], LONG).await);
    assert!(why.contains("no.such.host.invalid:1") && why.contains("correct the address"), "{why}");
}

/// What a client says of a server that answers its upgrade with these bytes.
async fn told_of(bytes: &'static str) -> String {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4_096];
        let _ = stream.read(&mut head).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
    });
    let why = not_sent(client(&url).call(vec![1], LONG).await);
    server.await.unwrap();
    why.replace(&url, "URL")
}

#[tokio::test]
async fn an_http_answer_is_told_with_its_status_and_its_words() {
    let why = told_of("HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\ntry /x\r\n").await;
    let expected = "URL answers 404 Not Found, \"try /x\"; correct the address, or try again later";
    assert_eq!(why, expected);
}

#[tokio::test]
async fn a_server_that_speaks_no_websocket_is_named() {
    let why = told_of("SSH-2.0-OpenSSH_9.2\r\n").await;
    assert!(why.starts_with("URL does not open a WebSocket connection: "), "{why}");
}

#[tokio::test]
async fn a_server_of_another_sub_protocol_is_named() {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move { accept_as(&listener, "other.v1").await });
    let why = not_sent(client(&url).call(vec![1], LONG).await);
    assert!(why.starts_with(&format!("{url} does not speak {SUBPROTOCOL}")), "{why}");
    drop(server.await);
}

#[tokio::test]
async fn what_left_on_a_lost_connection_is_unknown_and_the_next_call_finds_another_one() {
    let (listener, url) = listen().await;
    let client = client(&url);
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call(vec![1], LONG).await }
    });
    let mut socket = accept(&listener).await;
    asked(&mut socket).await;
    drop(socket);
    let why = unknown(call.await.unwrap());
    assert!(why.starts_with(&format!("the connection to {url} ended: ")), "{why}");
    let server = tokio::spawn(async move {
        let mut socket = accept(&listener).await;
        let (number, body) = asked(&mut socket).await;
        answer(&mut socket, number, &body).await;
    });
    assert_eq!(client.call(vec![2], LONG).await.unwrap(), vec![2]);
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_is_rebuilt_without_being_asked() {
    let (listener, url) = listen().await;
    let client = client(&url);
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call(vec![1], LONG).await }
    });
    for _ in 0..3 {
        drop(accept(&listener).await);
    }
    drop(accept(&listener).await);
    drop(call.await.unwrap());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_and_replaced() {
    let (listener, url) = listen().await;
    let client = impatient(&url, SHORT);
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call(vec![1], LONG).await }
    });
    // It is connected, and neither reads nor writes.
    let silent = accept(&listener).await;
    let why = unknown(call.await.unwrap());
    assert!(why.contains("nothing came for 100ms"), "{why}");
    accept(&listener).await;
    drop(silent);
}

#[tokio::test]
async fn a_quiet_connection_that_answers_pings_is_kept() {
    let (listener, url) = listen().await;
    let client = impatient(&url, STEADY);
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call(vec![1], LONG).await }
    });
    let mut socket = accept(&listener).await;
    let (number, body) = asked(&mut socket).await;
    let mut pings = 0;
    while pings < 6 {
        let message = socket.next().await.unwrap().unwrap();
        assert!(message.is_ping(), "{message:?}");
        pings += 1;
    }
    answer(&mut socket, number, &body).await;
    assert_eq!(call.await.unwrap().unwrap(), vec![1]);
}

#[tokio::test]
async fn a_message_that_arrives_slowly_is_a_sign_of_life() {
    let (listener, url) = listen().await;
    let client = impatient(&url, STEADY);
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call(vec![1], LONG).await }
    });
    let mut socket = accept(&listener).await;
    let (number, _) = asked(&mut socket).await;
    // One byte of the answer for each ping of the client, and never a pong.
    let mut stream = socket.into_inner();
    let message = Numbered::wrap(number, &[7; 6]);
    for (idx, byte) in message.iter().enumerate() {
        let mut ping = [0; 6];
        stream.read_exact(&mut ping).await.unwrap();
        assert_eq!(ping[..2], [0x89, 0x80], "a masked ping without payload");
        let kind = if idx == 0 { 0x02 } else { 0x00 };
        let last = if idx + 1 == message.len() { 0x80 } else { 0x00 };
        stream.write_all(&[kind | last, 1, *byte]).await.unwrap();
    }
    assert_eq!(call.await.unwrap().unwrap(), vec![7; 6]);
}

/// The next frame of a client: its first byte, and its payload unmasked.
async fn frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let kind = stream.read_u8().await.unwrap();
    let len = match stream.read_u8().await.unwrap() & 0x7f {
        126 => u64::from(stream.read_u16().await.unwrap()),
        127 => stream.read_u64().await.unwrap(),
        len => u64::from(len),
    };
    let mut mask = [0; 4];
    stream.read_exact(&mut mask).await.unwrap();
    let mut payload = vec![0; usize::try_from(len).unwrap()];
    stream.read_exact(&mut payload).await.unwrap();
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    (kind, payload)
}

#[tokio::test]
async fn a_long_message_leaves_in_small_frames_with_pings_between_them() {
    let (listener, url) = listen().await;
    let client = impatient(&url, STEADY);
    let body = vec![7; 32 * 1024 * 1024];
    let call = tokio::spawn({
        let (client, body) = (client.clone(), body.clone());
        async move { client.call(body, LONG).await }
    });
    let mut stream = accept(&listener).await.into_inner();
    let (mut message, mut frames, mut pings) = (Vec::new(), 0, 0);
    // A slow reader, that shows after each frame that it lives.
    let mut pace = tokio::time::interval(STEADY);
    loop {
        let (kind, payload) = frame(&mut stream).await;
        if kind == 0x89 {
            pings += 1;
            continue;
        }
        assert_eq!(kind & 0x7f, if frames == 0 { 0x02 } else { 0x00 });
        assert!(payload.len() <= 64 * 1024, "{} bytes", payload.len());
        message.extend(payload);
        if kind & 0x80 != 0 {
            break;
        }
        frames += 1;
        if frames % 64 == 0 {
            pace.tick().await;
        }
        stream.write_all(&[0x8a, 0]).await.unwrap();
    }
    assert!(pings > 2, "{pings} pings");
    let (number, received) = Numbered::unwrap(&message).unwrap();
    assert!(received == body);
    stream.write_all(&[0x82, 3]).await.unwrap();
    stream.write_all(&Numbered::wrap(number, &[1])).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap(), vec![1]);
}

#[tokio::test]
async fn a_call_without_an_answer_in_time_is_unknown() {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move {
        let mut socket = accept(&listener).await;
        asked(&mut socket).await;
        socket
    });
    let why = unknown(client(&url).call(vec![1], Duration::from_millis(300)).await);
    assert_eq!(why, format!("no answer from {url} within 300ms"));
    drop(server.await.unwrap());
}

#[tokio::test]
async fn a_call_that_finds_no_connection_in_time_was_not_sent() {
    // It takes connections, and does not answer the upgrade yet.
    let (listener, url) = listen().await;
    let client = client(&url);
    let why = not_sent(client.call(vec![1], SHORT).await);
    assert!(why.starts_with(&format!("no connection to {url} within 50ms")), "{why}");
    let second = tokio::spawn({
        let client = client.clone();
        async move { client.call(vec![2], LONG).await }
    });
    let mut socket = accept(&listener).await;
    let (number, body) = asked(&mut socket).await;
    assert_eq!(body, [2], "the call that was given up never leaves");
    answer(&mut socket, number, &body).await;
    assert_eq!(second.await.unwrap().unwrap(), vec![2]);
}

#[tokio::test]
async fn calls_beyond_the_limit_fail_at_once_and_have_room_after_an_answer() {
    let (listener, url) = listen().await;
    let client = client(&url);
    let calls: Vec<_> = (0..SYNC_REQUESTS_MAX)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call(vec![1], LONG).await })
        })
        .collect();
    let mut socket = accept(&listener).await;
    let mut numbers = Vec::new();
    for _ in 0..SYNC_REQUESTS_MAX {
        numbers.push(asked(&mut socket).await.0);
    }
    let why = not_sent(client.call(vec![2], LONG).await);
    assert_eq!(why, LinkError::TooMany.to_string());
    for number in numbers {
        answer(&mut socket, number, &[3]).await;
    }
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), vec![3]);
    }
    let server = tokio::spawn(async move {
        let (number, body) = asked(&mut socket).await;
        answer(&mut socket, number, &body).await;
    });
    assert_eq!(client.call(vec![4], LONG).await.unwrap(), vec![4]);
    server.await.unwrap();
}

#[tokio::test]
async fn a_body_that_is_too_long_is_not_sent() {
    let client = client("ws://127.0.0.1:1");
    let why = not_sent(client.call(vec![0; SYNC_MESSAGE_BYTES_MAX], LONG).await);
    assert!(why.contains("a message of 268435456 bytes can't be sent"), "{why}");
}

#[tokio::test]
async fn a_server_that_answers_what_was_not_asked_is_given_up() {
    let (listener, url) = listen().await;
    for (wrong, expected) in [
        (Message::binary(Numbered::wrap(99, &[1])), "it answers 99, which was not asked"),
        (Message::binary(vec![1]), "it is no array of a number and a body"),
        (Message::text("no"), "it sent a text"),
    ] {
        let client = client(&url);
        let call = tokio::spawn(async move { client.call(vec![1], LONG).await });
        let mut socket = accept(&listener).await;
        asked(&mut socket).await;
        socket.send(wrong).await.unwrap();
        let why = unknown(call.await.unwrap());
        assert_eq!(why, format!("the connection to {url} ended: {expected}"));
    }
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_connection() {
    let (listener, url) = listen().await;
    let client = client(&url);
    let other = client.clone();
    let call = tokio::spawn(async move { client.call(vec![1], LONG).await });
    let mut socket = accept(&listener).await;
    let (number, body) = asked(&mut socket).await;
    answer(&mut socket, number, &body).await;
    assert_eq!(call.await.unwrap().unwrap(), vec![1]);
    drop(other);
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("closed") };
    assert_eq!(u16::from(frame.code), 1000);
}
