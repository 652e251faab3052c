//! A TCP proxy that fails on demand: slow, deaf, cut off in the middle of an answer.
//!
//! Between a program and what it talks to, it does what networks do, at the moment a test wants it.

mod link;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Connections at a time. More: new ones are closed at once.
const LINKS_MAX: usize = 16_384;
/// How long to wait when the system has no more sockets.
const ACCEPT_AGAIN: Duration = Duration::from_millis(10);

/// Carries connections to one target until it is dropped; then it closes them.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// The two directions of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From whoever connects to the target.
    Requests,
    /// From the target back.
    Replies,
}

/// What all connections look at.
#[derive(Debug)]
struct State {
    target: SocketAddr,
    faults: watch::Sender<Faults>,
    swallowed: AtomicU64,
}

/// What goes wrong at the moment.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    requests_delay: Duration,
    replies_delay: Duration,
    black_hole: bool,
    refuse: bool,
    /// Connections that began under a lower number end.
    cuts: u64,
    /// Bytes of replies that may still pass before the next cut; none if no cut is planned.
    replies_left: Option<u64>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and carries every connection to the target.
    ///
    /// # Errors
    /// If no port can be opened.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let faults = watch::Sender::new(Faults::default());
        let state = Arc::new(State { target, faults, swallowed: AtomicU64::new(0) });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { addr, state, accepting })
    }

    /// Where to connect instead of to the target.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on, every byte of one direction arrives later by this. The order stays, also when
    /// the delay shrinks. Throughput stays as long as no more than 4 MiB of a connection are on
    /// their way; then the sender has to wait.
    pub fn delay(&self, way: Way, delay: Duration) {
        self.state.faults.send_modify(|faults| match way {
            Way::Requests => faults.requests_delay = delay,
            Way::Replies => faults.replies_delay = delay,
        });
    }

    /// While it is on, connections stay and new ones come up, but nothing gets through, neither
    /// bytes nor an end. When it goes off, the connections that have lost something are cut, since
    /// nothing could follow on it; the others go on.
    pub fn black_hole(&self, is_on: bool) {
        self.state.faults.send_modify(|faults| faults.black_hole = is_on);
    }

    /// Bytes that have vanished in the black hole, so that a test can wait for the first.
    #[must_use]
    pub fn swallowed(&self) -> u64 {
        self.state.swallowed.load(Ordering::Relaxed)
    }

    /// Resets all connections on both sides. Nothing that has not been carried yet will be.
    pub fn cut(&self) {
        self.state.faults.send_modify(Faults::cut);
    }

    /// Lets so many more bytes of replies through, of all connections together, and cuts all of
    /// them at the next byte: its request was carried out, and the answer is lost.
    pub fn cut_after(&self, reply_bytes: u64) {
        self.state.faults.send_modify(|faults| faults.replies_left = Some(reply_bytes));
    }

    /// While it is on, new connections are reset at once; the others go on.
    pub fn refuse(&self, is_on: bool) {
        self.state.faults.send_modify(|faults| faults.refuse = is_on);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Faults {
    fn cut(&mut self) {
        self.cuts += 1;
        self.replies_left = None;
    }

    fn delay(&self, way: Way) -> Duration {
        match way {
            Way::Requests => self.requests_delay,
            Way::Replies => self.replies_delay,
        }
    }
}

/// Ends with the proxy, and the connections, which it owns, end with it.
async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut links = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = links.join_next() => continue,
        };
        let Ok((client, _)) = accepted else {
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        if state.faults.borrow().refuse || links.len() >= LINKS_MAX {
            reset(&client);
        } else {
            links.spawn(link::carry(client, Arc::clone(&state)));
        }
    }
}

/// Lets the end of a socket be a reset instead of a farewell.
fn reset(stream: &TcpStream) {
    // A socket that is gone already needs no reset.
    drop(stream.set_zero_linger());
}
