//! An outbox between a real server's socket and a client's that reads as it likes.

use super::*;
use crate::machine::Reckoning;
use protocol::limits::REFUSALS_WAITING_MAX;
use protocol::{Gen, InputSeq, Micros, Refusal, RefusalReason, Status, Tallies, Tally};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket};
use ucore::Updatable;

/// A server's socket and its client's, with buffers so small that they fill at once.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpSocket::new_v4().unwrap();
    client.set_recv_buffer_size(4_096).unwrap();
    let client = client.connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    socket2::SockRef::from(&server).set_send_buffer_size(4_096).unwrap();
    (server, client)
}

fn ack(seq: u32, refused: usize) -> Ack {
    let refusal = Refusal { seq: InputSeq(seq), reason: RefusalReason::Rate };
    let refused = vec![refusal; refused];
    let (tick, seq) = (Tick(seq.into()), InputSeq(seq));
    Ack { tick, seq, tallies: Tallies::new(), refused, folded: false }
}

/// Delivers one tick, as soon as the runtime knows that the socket may be written.
async fn deliver(
    outbox: &mut Outbox,
    socket: &TcpStream,
    ack: Option<Ack>,
    state: &[u8],
) -> std::result::Result<(), TooSlow> {
    let whole = Bytes::copy_from_slice(state);
    let dues = Reckoning::default().learn(Micros(0), self::state(1));
    let frame = StateFrame { tick: Tick(1), whole, change: None, dues };
    let state = (!state.is_empty()).then_some(&frame);
    outbox.deliver(socket, &mut Vec::new(), ack, Levels { board: None, state }).unwrap()
}

#[tokio::test]
async fn what_a_slow_reader_gets_are_whole_frames_and_the_newest_acknowledgement() {
    let (server, mut client) = pair().await;
    server.writable().await.unwrap();
    let mut outbox = every_state();
    // State frames larger than the buffers, so that each is written in parts.
    let state = |tick: u8| {
        let mut frame = vec![0x82, 126, 0x27, 0x10];
        frame.extend(std::iter::repeat_n(tick, 10_000));
        frame
    };
    let mut sent: u32 = 0;
    while outbox.skipped < 5 {
        sent += 1;
        let tick = u8::try_from(sent % 200).unwrap();
        deliver(&mut outbox, &server, Some(ack(sent, 1)), &state(tick)).await.unwrap();
        assert!(sent < 10_000, "the buffers fill");
    }
    // Now the client reads everything, while the server goes on.
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 65_536]);
    while outbox.ack.is_some() || !outbox.waiting.is_empty() {
        let len = client.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..len]);
        server.writable().await.unwrap();
        deliver(&mut outbox, &server, None, &[]).await.unwrap();
    }
    drop(server);
    client.read_to_end(&mut bytes).await.unwrap();
    let (mut rest, mut refused, mut newest, mut states) = (&bytes[..], 0, 0, 0);
    while !rest.is_empty() {
        assert_eq!(rest[0], 0x82, "every frame begins where the one before ended");
        let (len, head) = match rest[1] {
            126 => (usize::from(u16::from_be_bytes([rest[2], rest[3]])), 4),
            len => (usize::from(len), 2),
        };
        let payload = &rest[head..head + len];
        if let Ok(ShardMessage::Ack(ack)) = ShardMessage::decode(payload) {
            newest = ack.seq.0;
            refused += u32::try_from(ack.refused.len()).unwrap();
        } else {
            assert!(payload.iter().all(|byte| *byte == payload[0]), "a whole state frame");
            states += 1;
        }
        rest = &rest[head + len..];
    }
    assert_eq!((newest, refused), (sent, sent), "no refusal is lost");
    assert!(states < sent, "{states} of {sent} states came: some were skipped");
}

/// A state of which every field differs in every tick, so that a wrong base shows.
fn state(tick: u64) -> State {
    let number = u32::try_from(tick).unwrap();
    let (hp, hp_max) = (1_000_000 - tick * 7, 1_000_000 + tick);
    State {
        tick: Tick(tick),
        version: ucore::Version(tick * 3),
        hp,
        predicted: hp - tick % 5,
        rate: tick * 1_000,
        age_ms: tick % 90,
        counted: Tick(tick / 2),
        generation: Gen(number % 3),
        status: Status::Alive,
        phase: u8::try_from(tick % 4).unwrap(),
        hp_max,
        players: number,
        tick_ms: 100,
    }
}

/// An outbox that wants every state.
fn every_state() -> Outbox {
    Outbox { every: 1, ..Outbox::default() }
}

/// The frame of a state, for who has this one before it.
fn state_frame(state: &State, before: Option<&State>) -> StateFrame {
    StateFrame::new(state, before, Reckoning::default().learn(Micros(0), *state))
}

/// The messages in what a socket has brought, which is whole frames.
fn messages(mut bytes: &[u8]) -> Vec<ShardMessage> {
    let mut messages = Vec::new();
    while let [0x82, len @ 0..=125, rest @ ..] = bytes {
        let (payload, rest) = rest.split_at(usize::from(*len));
        messages.push(ShardMessage::decode(payload).unwrap());
        bytes = rest;
    }
    assert!(bytes.is_empty(), "every frame is whole");
    messages
}

#[tokio::test]
async fn whatever_was_skipped_a_reader_that_applies_changes_has_the_state_of_each_tick() {
    let (server, mut client) = pair().await;
    server.writable().await.unwrap();
    let mut outbox = every_state();
    let (mut before, mut tick, mut skipped, mut bytes) = (None, 0, 0, Vec::new());
    let mut board = None;
    // In turns the buffers fill, and are emptied. Acknowledgements of changing length move the
    // places where the gaps begin.
    while outbox.skipped < 500 {
        for _ in 0..100 {
            tick += 1;
            let state = state(tick);
            let frame = state_frame(&state, before.replace(state).as_ref());
            let refused = usize::try_from(tick % 3).unwrap();
            let ack = (tick % 2 == 0).then(|| ack(1, refused));
            if tick % 3 == 0 {
                // The number that a frame has tells which of them came.
                let players = u32::try_from(tick / 3).unwrap();
                let newer = Arc::new(Board { players, ..Board::default() });
                board = Some(BoardFrame::new(newer, board));
            }
            let levels = Levels { board: board.as_ref(), state: Some(&frame) };
            let _slow = outbox.deliver(&server, &mut Vec::new(), ack, levels).unwrap();
            outbox.ack = None;
        }
        // Once the buffers are full, all of it is read, and the server may write again.
        if outbox.skipped > skipped {
            skipped = outbox.skipped;
            let mut chunk = vec![0; 65_536];
            client.readable().await.unwrap();
            while let Ok(len) = client.try_read(&mut chunk) {
                bytes.extend_from_slice(&chunk[..len]);
            }
            server.writable().await.unwrap();
        }
        assert!(tick < 1_000_000, "the buffers fill");
    }
    while !outbox.flush(&server).unwrap() {
        let mut chunk = vec![0; 65_536];
        let len = client.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..len]);
        server.writable().await.unwrap();
    }
    drop(server);
    client.read_to_end(&mut bytes).await.unwrap();
    let (mut shown, mut seen) = (None::<State>, [0, 0]);
    let (mut newest, mut boards) = (0, 0);
    for message in messages(&bytes) {
        match message {
            ShardMessage::State(whole) => {
                shown = Some(whole);
                seen[0] += 1;
            }
            ShardMessage::Change(update) => {
                shown.as_mut().unwrap().apply(update).unwrap();
                seen[1] += 1;
            }
            ShardMessage::Board(board) => {
                assert!(newest < board.players, "no board comes twice, and none after a newer one");
                (newest, boards) = (board.players, boards + 1);
                continue;
            }
            ShardMessage::Welcome(_)
            | ShardMessage::Boss(_)
            | ShardMessage::Ack(_)
            | ShardMessage::Spoils(_) => continue,
        }
        assert_eq!(shown, shown.map(|shown| state(shown.tick.0)));
    }
    assert!(seen[0] > 1 && seen[1] > 1, "{seen:?} frames of each kind came");
    assert!(1 < boards && boards < tick / 3, "{boards} boards came, and some were skipped");
    assert_eq!(u64::from(newest), outbox.board, "the outbox knows which one came last");
}

#[tokio::test]
async fn a_state_of_which_nothing_left_is_not_the_base_of_the_next_one() {
    let (server, _client) = pair().await;
    server.writable().await.unwrap();
    let mut outbox = every_state();
    let frames: Vec<_> = (2..5).map(|tick| (state(tick), state(tick - 1))).collect();
    let mut deliver = |idx: usize| {
        let (state, before) = &frames[idx];
        let frame = state_frame(state, Some(before));
        let levels = Levels { board: None, state: Some(&frame) };
        outbox.deliver(&server, &mut Vec::new(), None, levels).unwrap().unwrap();
        (outbox.shown, outbox.skipped)
    };
    assert_eq!(deliver(0), (Some(Tick(2)), 0));
    // Byte by byte, so that not even a part of a frame fits any more.
    while server.try_write(&[0]).is_ok() {}
    assert_eq!(deliver(1), (Some(Tick(2)), 1));
    assert_eq!(deliver(2), (Some(Tick(2)), 2));
}

#[tokio::test]
async fn a_board_comes_with_a_state_and_again_if_nothing_of_it_left() {
    let (server, mut client) = pair().await;
    let mut outbox = every_state();
    let (board, frame) = (BoardFrame::new(Arc::default(), None), state_frame(&state(1), None));
    let bytes = [&board.bytes[..], &frame.whole, &frame.whole].concat();
    let mut deliver = |state| {
        let levels = Levels { board: Some(&board), state };
        outbox.deliver(&server, &mut Vec::new(), None, levels).unwrap().unwrap();
        outbox.board
    };
    let mut filled = 0;
    server.writable().await.unwrap();
    while let Ok(len) = server.try_write(&[0]) {
        filled += len;
    }
    assert_eq!([deliver(Some(&frame)), deliver(Some(&frame))], [0, 0]);
    client.read_exact(&mut vec![0; filled]).await.unwrap();
    server.writable().await.unwrap();
    assert_eq!(deliver(None), 0, "it waits for a state");
    assert_eq!([deliver(Some(&frame)), deliver(Some(&frame))], [1, 1]);
    drop(server);
    let mut received = Vec::new();
    client.read_to_end(&mut received).await.unwrap();
    assert_eq!(received, bytes, "it comes once");
}

#[tokio::test]
async fn who_never_reads_is_too_slow_before_the_refusals_outgrow_their_bound() {
    let (server, _client) = pair().await;
    server.writable().await.unwrap();
    let mut outbox = every_state();
    let mut sent = 0;
    while deliver(&mut outbox, &server, Some(ack(sent, 16)), &[0; 500]).await.is_ok() {
        sent += 1;
        let waiting = outbox.ack.as_ref().map_or(0, |ack| ack.refused.len());
        assert!(waiting <= REFUSALS_WAITING_MAX);
        assert!(sent < 100_000, "the buffers fill");
    }
}

#[tokio::test]
async fn an_acknowledgement_that_waits_leaves_before_the_close_frame() {
    let (server, mut client) = pair().await;
    server.writable().await.unwrap();
    let mut outbox = Outbox { ack: Some(Box::new(ack(3, 0))), ..Outbox::default() };
    let close = CloseFrame { code: 1013.into(), reason: "later".into() };
    assert!(outbox.close(&server, close).unwrap());
    drop(server);
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    let mut expected = Vec::new();
    frame(&mut expected, &ShardMessage::Ack(ack(3, 0)));
    expected.extend_from_slice(b"\x88\x07\x03\xf5later");
    assert_eq!(bytes, expected);
}

#[tokio::test]
async fn nothing_follows_a_close_frame() {
    let (server, mut client) = pair().await;
    server.writable().await.unwrap();
    let mut outbox = every_state();
    let close = CloseFrame { code: 1013.into(), reason: "later".into() };
    assert!(outbox.close(&server, close.clone()).unwrap());
    assert!(outbox.close(&server, close).unwrap());
    deliver(&mut outbox, &server, Some(ack(1, 0)), &[0; 10]).await.unwrap();
    drop(server);
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"\x88\x07\x03\xf5later");
}

#[tokio::test]
async fn who_asks_for_what_can_be_seen_gets_no_more_but_a_state_with_every_answer() {
    let (server, mut client) = pair().await;
    server.writable().await.unwrap();
    let mut outbox = Outbox::default();
    let (mut reckoning, mut before) = (Reckoning::default(), None);
    // Nobody hits, but for 700 HP of a million in tick 8: half a pixel is 500.
    let mut deliver = |tick: u64, ack: Option<Ack>| {
        let hp = if tick < 8 { 1_000_000 } else { 999_300 };
        let (generation, phase, players) = (Gen(1), 0, 1);
        let (hp_max, rate, counted) = (1_000_000, 0, Tick(tick - 1));
        let state = State { hp, generation, phase, players, hp_max, rate, counted, ..state(tick) };
        let dues = reckoning.learn(Micros(tick * 100_000), state);
        let frame = StateFrame::new(&state, before.replace(state).as_ref(), dues);
        let levels = Levels { board: None, state: Some(&frame) };
        outbox.deliver(&server, &mut Vec::new(), ack, levels).unwrap().unwrap();
    };
    for tick in 1..=30 {
        let tally = Tally { generation: Gen(1), hits: 1, damage: 600, late: 0 };
        let tallies = [tally].into_iter().collect();
        let hit = (tick == 15).then(|| Ack { tallies, ..ack(15, 0) });
        deliver(tick, if tick == 4 { Some(ack(4, 0)) } else { hit });
    }
    drop(server);
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.unwrap();
    let came = messages(&bytes).into_iter().map(|message| match message {
        ShardMessage::State(state) => ("state", state.tick.0),
        ShardMessage::Change(update) => ("change", update.tick.unwrap().0.0),
        ShardMessage::Ack(ack) => ("ack", ack.tick.0),
        other @ (ShardMessage::Welcome(_)
        | ShardMessage::Boss(_)
        | ShardMessage::Board(_)
        | ShardMessage::Spoils(_)) => panic!("{other:?}"),
    });
    // The first one, with an answer, to be seen; with an answer, as soon as the truth has what the
    // bar has subtracted by itself, and a second later.
    let first = [("state", 1), ("ack", 4), ("state", 4), ("state", 8)];
    let second = [("ack", 15), ("state", 15), ("change", 16), ("state", 25)];
    assert_eq!(came.collect::<Vec<_>>(), [first, second].concat());
}
