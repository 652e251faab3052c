//! Time-outs, on a clock that jumps to the next one whenever nothing else is left to do.

use crate::place::{ANY_PORT, answer, closed, connect, export, send};
use authority::{Answered, Authority};
use futures::StreamExt;
use protocol::limits::{SYNC_SILENCE_MS_MAX, SYNC_WRITE_MS_MAX};
use protocol::{BossId, SYNC_SUBPROTOCOL, SyncAnswer, SyncRequest};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

/// An authority that has so many bosses that a reader must be fast.
#[derive(Debug)]
struct Crowded;

impl Authority for Crowded {
    fn ask(&self, _: SyncRequest) -> Answered<SyncAnswer> {
        Box::pin(async { Ok(SyncAnswer::Bosses(vec![BossId(u32::MAX); 4_000_000])) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_on_which_nothing_comes_is_closed_in_time() {
    let server = export(Arc::new(Crowded), ANY_PORT);
    let mut socket = connect(server.addr(), SYNC_SUBPROTOCOL).await.unwrap();
    let began = Instant::now();
    let (code, why) = closed(&mut socket).await;
    assert_eq!(code, 1008);
    assert_eq!(why, format!("nothing came for {SYNC_SILENCE_MS_MAX} ms; send pings"));
    let elapsed = began.elapsed();
    assert!(elapsed >= Duration::from_millis(SYNC_SILENCE_MS_MAX), "{elapsed:?}");
    assert!(elapsed < 2 * Duration::from_millis(SYNC_SILENCE_MS_MAX), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_pings_is_kept() {
    let server = export(Arc::new(Crowded), ANY_PORT);
    let mut socket = connect(server.addr(), SYNC_SUBPROTOCOL).await.unwrap();
    for _ in 0..20 {
        tokio::time::advance(Duration::from_millis(SYNC_SILENCE_MS_MAX / 3)).await;
        futures::SinkExt::send(&mut socket, Message::Ping(vec![7].into())).await.unwrap();
        assert!(matches!(socket.next().await, Some(Ok(Message::Pong(_)))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_read_its_answers_is_cut_in_time() {
    let server = export(Arc::new(Crowded), ANY_PORT);
    let mut lazy = connect(server.addr(), SYNC_SUBPROTOCOL).await.unwrap();
    let mut other = connect(server.addr(), SYNC_SUBPROTOCOL).await.unwrap();
    let began = Instant::now();
    send(&mut lazy, 1, SyncRequest::Bosses).await;
    tokio::time::sleep(Duration::from_millis(2 * SYNC_WRITE_MS_MAX)).await;
    send(&mut other, 1, SyncRequest::Bosses).await;
    assert!(answer(&mut other).await.1.is_ok(), "a reader gets it");
    let end = loop {
        match lazy.next().await {
            Some(Ok(Message::Binary(_))) => panic!("the answer came as a whole"),
            Some(Ok(_)) => {}
            end => break end,
        }
    };
    assert!(matches!(end, None | Some(Err(_))), "{end:?}");
    assert!(began.elapsed() < Duration::from_millis(SYNC_SILENCE_MS_MAX));
}
