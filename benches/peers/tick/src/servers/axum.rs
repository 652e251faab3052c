//! axum's `ws` as its chat example has it: a broadcast channel, and two tasks for each connection,
//! of which the end of one ends the other.

use super::ServeError;
use crate::state::{HP_MAX, TICK_MS, encode};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

/// The states that a slow connection may be behind, as in the example.
const CAPACITY: usize = 100;

#[derive(Debug)]
struct Boss {
    hp: AtomicU64,
    states: broadcast::Sender<Bytes>,
}

/// Serves for ever.
#[tokio::main]
pub(super) async fn serve(port: u16) -> Result<(), ServeError> {
    let (states, _) = broadcast::channel(CAPACITY);
    let boss = Arc::new(Boss { hp: AtomicU64::new(HP_MAX), states });
    let truth = Arc::clone(&boss);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(TICK_MS));
        for tick in 1.. {
            ticks.tick().await;
            let bytes = encode(tick, truth.hp.load(Ordering::Relaxed));
            // Without players nobody receives it, which is no mistake.
            drop(truth.states.send(Bytes::copy_from_slice(&bytes)));
        }
    });
    let app = Router::new().route("/ws", any(upgrade)).with_state(boss);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    axum::serve(listener, app).await?;
    Ok(())
}

async fn upgrade(upgrade: WebSocketUpgrade, State(boss): State<Arc<Boss>>) -> Response {
    upgrade.on_upgrade(|socket| play(socket, boss))
}

/// One connection, to its end.
async fn play(socket: WebSocket, boss: Arc<Boss>) {
    let (mut sender, mut receiver) = socket.split();
    let mut states = boss.states.subscribe();
    let mut send_task = tokio::spawn(async move {
        while let Ok(state) = states.recv().await {
            if sender.send(Message::Binary(state)).await.is_err() {
                break;
            }
        }
    });
    let mut recv_task = tokio::spawn(async move {
        while let Some(Ok(Message::Binary(_))) = receiver.next().await {
            boss.hp.fetch_sub(1, Ordering::Relaxed);
        }
    });
    tokio::select! {
        _ = &mut send_task => recv_task.abort(),
        _ = &mut recv_task => send_task.abort(),
    }
}
