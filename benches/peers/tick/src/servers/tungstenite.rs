//! tokio-tungstenite as its example server has it: `accept_async`, `split`, one task for each
//! connection in which reading and sending race, and default settings everywhere.

use super::ServeError;
use crate::state::{HP_MAX, TICK_MS, encode};
use futures_util::{SinkExt, StreamExt, TryStreamExt, future, pin_mut};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Serves for ever.
#[tokio::main]
pub(super) async fn serve(port: u16) -> Result<(), ServeError> {
    let hp = Arc::new(AtomicU64::new(HP_MAX));
    let (state, states) = watch::channel(message(0, HP_MAX));
    let truth = Arc::clone(&hp);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(TICK_MS));
        for tick in 1.. {
            ticks.tick().await;
            state.send_replace(message(tick, truth.load(Ordering::Relaxed)));
        }
    });
    let hit = move || {
        hp.fetch_sub(1, Ordering::Relaxed);
        future::ok(())
    };
    accept(port, &states, hit).await
}

/// Accepts connections for ever. All get what `states` holds, and each of their messages is a hit.
pub(super) async fn accept<F>(
    port: u16,
    states: &watch::Receiver<Message>,
    hit: impl Fn() -> F + Clone + Send + Sync + 'static,
) -> Result<(), ServeError>
where
    F: Future<Output = Result<(), Error>> + Send,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let (states, hit) = (states.clone(), hit.clone());
        tokio::spawn(async move {
            if let Err(error) = play(stream, states, hit).await {
                eprintln!("a connection ends: {error}");
            }
        });
    }
}

/// One connection, to its end.
async fn play<F: Future<Output = Result<(), Error>>>(
    stream: TcpStream,
    mut states: watch::Receiver<Message>,
    hit: impl Fn() -> F,
) -> Result<(), Error> {
    let socket = tokio_tungstenite::accept_async(stream).await?;
    let (mut outgoing, incoming) = socket.split();
    let hits = incoming.try_for_each(|_| hit());
    let frames = async {
        while states.changed().await.is_ok() {
            let state = states.borrow_and_update().clone();
            outgoing.send(state).await?;
        }
        Ok(())
    };
    pin_mut!(hits, frames);
    future::select(hits, frames).await.factor_first().0
}

/// A state, ready to be sent to everybody.
pub(super) fn message(tick: u64, hp: u64) -> Message {
    Message::binary(encode(tick, hp).to_vec())
}
