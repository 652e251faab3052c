//! The servers of this package, each in a process of its own: `peers-tick serve NAME --port N`.

mod epoll;
mod tungstenite;
mod axum;
mod incrby;

use std::error::Error;
use std::net::{Ipv4Addr, TcpListener};

/// Why a server can't serve; for the log.
pub(crate) type ServeError = Box<dyn Error + Send + Sync>;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Served {
    /// The yardstick.
    Epoll,
    /// Plain tokio-tungstenite.
    Tungstenite,
    /// axum's `ws`.
    Axum,
    /// One INCRBY for each hit.
    Incrby,
}

/// Serves until it is killed. `redis` is the port of the server that `Served::Incrby` counts in.
pub(crate) fn serve(served: Served, port: u16, redis: Option<u16>) -> Result<(), ServeError> {
    match served {
        Served::Epoll => epoll::serve(port),
        Served::Tungstenite => tungstenite::serve(port),
        Served::Axum => axum::serve(port),
        Served::Incrby => incrby::serve(port, redis.ok_or("give the port of a Redis: --redis N")?),
    }
}

/// A listener that accepts without waiting, with room for a ramp.
fn bound(port: u16) -> Result<TcpListener, ServeError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
