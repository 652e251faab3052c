//! A TCP proxy that fails on demand: slow, deaf, cut off in the middle of an answer.
//!
//! Between a program and what it talks to, it does what networks do, at the moment a test wants it.

mod link;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

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

/// What a proxy has done so far, so that whoever asked for a fault can see that it met something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProxyCounts {
    /// Bytes that have vanished, in a black hole or after the end of their direction.
    pub swallowed: u64,
    /// Bytes that were delayed or throttled.
    pub slowed: u64,
    /// Connections that were reset.
    pub reset: u64,
    /// Connections of which one direction was ended.
    pub half_closed: u64,
    /// Connections that were refused while that was asked for; not those without a target.
    pub refused: u64,
}

/// What all connections look at.
#[derive(Debug)]
struct State {
    /// None: every connection is refused.
    target: Mutex<Option<SocketAddr>>,
    faults: watch::Sender<Faults>,
    counts: Counts,
    /// When the throttle of a direction has room again.
    requests_room_at: Mutex<Instant>,
    replies_room_at: Mutex<Instant>,
}

/// The fields of [`ProxyCounts`].
#[derive(Debug, Default)]
struct Counts {
    swallowed: AtomicU64,
    slowed: AtomicU64,
    reset: AtomicU64,
    half_closed: AtomicU64,
    refused: AtomicU64,
}

/// What goes wrong at the moment.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    requests: OneWay,
    replies: OneWay,
    black_hole: bool,
    refuse: bool,
    /// Connections that began under a lower number end.
    cuts: u64,
    /// Bytes of replies that may still pass before the next cut; none if no cut is planned.
    replies_left: Option<u64>,
}

/// What goes wrong in one direction.
#[derive(Debug, Clone, Copy, Default)]
struct OneWay {
    delay: Duration,
    /// The longest further delay of a chunk.
    jitter: Duration,
    /// Of all connections together; none if nothing holds them back.
    bytes_per_s: Option<u64>,
    /// The direction of connections that began under a lower number ends.
    closes: u64,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and carries every connection to the target.
    ///
    /// # Errors
    /// If no port can be opened.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        Self::listen(Some(target)).await
    }

    /// The same without a target: until it is [given one](Self::retarget), connections are reset.
    ///
    /// # Errors
    /// If no port can be opened.
    pub async fn start_closed() -> io::Result<Self> {
        Self::listen(None).await
    }

    async fn listen(target: Option<SocketAddr>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let state = Arc::new(State::new(target));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self { addr, state, accepting })
    }

    /// Where to connect instead of to the target.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Carries new connections there from now on; none: they are reset at once. The others go on.
    pub fn retarget(&self, target: Option<SocketAddr>) {
        *lock(&self.state.target) = target;
    }

    /// From now on, every byte of one direction arrives later by this. The order stays, also when
    /// the delay shrinks. Throughput stays as long as no more than 4 MiB of a connection are on
    /// their way; then the sender has to wait.
    pub fn delay(&self, way: Way, delay: Duration) {
        self.state.faults.send_modify(|faults| faults.way_mut(way).delay = delay);
    }

    /// From now on, every chunk of one direction arrives later by a random time up to this, beside
    /// the delay. The order stays.
    pub fn jitter(&self, way: Way, jitter: Duration) {
        self.state.faults.send_modify(|faults| faults.way_mut(way).jitter = jitter);
    }

    /// From now on, so many bytes a second pass in one direction, of all connections together; none
    /// is as many as there are. A sender that is faster has to wait.
    pub fn throttle(&self, way: Way, bytes_per_s: Option<u64>) {
        let bytes_per_s = bytes_per_s.map(|rate| rate.max(1));
        self.state.faults.send_modify(|faults| faults.way_mut(way).bytes_per_s = bytes_per_s);
    }

    /// Ends one direction of all connections in order, as if its sender had nothing more to say.
    /// What it says all the same is swallowed. The other direction goes on.
    pub fn half_close(&self, way: Way) {
        self.state.faults.send_modify(|faults| faults.way_mut(way).closes += 1);
    }

    /// While it is on, connections stay and new ones come up, but nothing gets through, neither
    /// bytes nor an end. When it goes off, the connections that have lost something are cut, since
    /// nothing could follow on it; the others go on.
    pub fn black_hole(&self, is_on: bool) {
        self.state.faults.send_modify(|faults| faults.black_hole = is_on);
    }

    /// What it has done since it was started.
    #[must_use]
    pub fn counts(&self) -> ProxyCounts {
        let Counts { swallowed, slowed, reset, half_closed, refused } = &self.state.counts;
        let [swallowed, slowed, reset, half_closed, refused] =
            [swallowed, slowed, reset, half_closed, refused].map(|it| it.load(Ordering::Relaxed));
        ProxyCounts { swallowed, slowed, reset, half_closed, refused }
    }

    /// Resets all connections on both sides. Nothing that has not been carried yet will be.
    pub fn cut(&self) {
        self.state.faults.send_modify(Faults::cut);
    }

    /// Lets so many more bytes of replies through, of all connections together, and cuts all of
    /// them at the next byte: its request was carried out, and the answer is lost. None takes a cut
    /// back that has not come.
    pub fn cut_after(&self, reply_bytes: Option<u64>) {
        self.state.faults.send_modify(|faults| faults.replies_left = reply_bytes);
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

    fn way(&self, way: Way) -> &OneWay {
        match way {
            Way::Requests => &self.requests,
            Way::Replies => &self.replies,
        }
    }

    fn way_mut(&mut self, way: Way) -> &mut OneWay {
        match way {
            Way::Requests => &mut self.requests,
            Way::Replies => &mut self.replies,
        }
    }
}

impl State {
    fn new(target: Option<SocketAddr>) -> Self {
        let now = Instant::now();
        Self {
            target: Mutex::new(target),
            faults: watch::Sender::new(Faults::default()),
            counts: Counts::default(),
            requests_room_at: Mutex::new(now),
            replies_room_at: Mutex::new(now),
        }
    }

    /// Takes room for so many bytes in a throttled direction; from when on it is there.
    fn take_room(&self, way: Way, bytes: usize, bytes_per_s: u64) -> Instant {
        let mut room_at = lock(match way {
            Way::Requests => &self.requests_room_at,
            Way::Replies => &self.replies_room_at,
        });
        let took = Duration::from_secs_f64(bytes as f64 / bytes_per_s as f64);
        *room_at = (*room_at).max(Instant::now()) + took;
        *room_at
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
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
        let (target, is_refusing) = (*lock(&state.target), state.faults.borrow().refuse);
        match target {
            Some(target) if !is_refusing && links.len() < LINKS_MAX => {
                links.spawn(link::carry(client, target, Arc::clone(&state)));
            }
            Some(_) | None => {
                count(&state.counts.refused, u64::from(is_refusing));
                reset(&client);
            }
        }
    }
}

/// Lets the end of a socket be a reset instead of a farewell.
fn reset(stream: &TcpStream) {
    // A socket that is gone already needs no reset.
    drop(stream.set_zero_linger());
}
