//! One connection through the proxy: two pumps, and what ends them.

use super::{Faults, State, Way, count, reset};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until};

/// Bytes on their way in one direction of a connection. More: nothing is read until some arrive.
const BUFFER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What a chunk on its way takes beside its bytes.
const CHUNK_OVERHEAD: usize = 64;
/// Bytes of one read.
const CHUNK_BYTES_MAX: usize = 16 * 1024;

/// A connection's own part of the state.
#[derive(Debug)]
struct Link {
    state: Arc<State>,
    /// What had gone wrong before it began, and is no matter of its own.
    before: Faults,
    /// Whether something was swallowed that the rest would have to follow.
    has_lost: AtomicBool,
}

/// Carries a connection to its end.
pub(super) async fn carry(mut client: TcpStream, target: SocketAddr, state: Arc<State>) {
    let before = *state.faults.borrow();
    let link = Link { state, before, has_lost: AtomicBool::new(false) };
    let connected = tokio::select! {
        connected = TcpStream::connect(target) => connected,
        () = link.doomed() => Err(io::ErrorKind::ConnectionReset.into()),
    };
    let Ok(mut target) = connected else {
        return reset(&client);
    };
    // Small messages are not to wait for each other longer than the network makes them.
    drop((client.set_nodelay(true), target.set_nodelay(true)));
    let ended = tokio::select! {
        biased;
        () = link.doomed() => {
            count(&link.state.counts.reset, 1);
            Err(io::ErrorKind::ConnectionReset.into())
        }
        ended = link.pump_both(&mut client, &mut target) => ended,
    };
    if ended.is_err() {
        reset(&client);
        reset(&target);
    }
}

impl Link {
    /// Waits for a cut, or for the end of a black hole that has made a hole in this connection.
    async fn doomed(&self) {
        let mut faults = self.state.faults.subscribe();
        let is_doomed = |faults: &Faults| {
            let has_lost = self.has_lost.load(Ordering::Relaxed);
            faults.cuts != self.before.cuts || (has_lost && !faults.black_hole)
        };
        // The sender is a part of this link, so it is there.
        drop(faults.wait_for(is_doomed).await);
    }

    /// Ends in order when both sides have ended, and with an error when one has failed.
    async fn pump_both(&self, client: &mut TcpStream, target: &mut TcpStream) -> io::Result<()> {
        let (from_client, to_client) = client.split();
        let (from_target, to_target) = target.split();
        let requests = self.pump(Way::Requests, from_client, to_target);
        let replies = self.pump(Way::Replies, from_target, to_client);
        tokio::try_join!(requests, replies)?;
        Ok(())
    }

    async fn pump(
        &self,
        way: Way,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
    ) -> io::Result<()> {
        let mut waiting: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
        let mut waiting_bytes = 0;
        let mut chunk = vec![0; CHUNK_BYTES_MAX];
        let mut random = fastrand::Rng::new();
        let mut is_open = true;
        let mut closed = std::pin::pin!(self.closed(way));
        while is_open || !waiting.is_empty() {
            let due = waiting.front().map(|(due, _)| *due);
            tokio::select! {
                biased;
                () = &mut closed => return self.end_early(from, to).await,
                () = arrive(due) => {
                    let Some((_, bytes)) = waiting.pop_front() else { continue };
                    waiting_bytes -= bytes.len() + CHUNK_OVERHEAD;
                    self.pass(way, &bytes, &mut to).await?;
                }
                read = from.read(&mut chunk), if is_open && waiting_bytes < BUFFER_BYTES_MAX => {
                    let bytes = &chunk[..self.count(read)?];
                    is_open = !bytes.is_empty();
                    if is_open {
                        let delay = self.delay(way, &mut random, bytes.len());
                        waiting.push_back((Instant::now() + delay, bytes.to_vec()));
                        waiting_bytes += bytes.len() + CHUNK_OVERHEAD;
                    }
                }
            }
        }
        self.farewell(&mut to).await
    }

    /// Waits until this direction is to end.
    async fn closed(&self, way: Way) {
        let mut faults = self.state.faults.subscribe();
        let before = self.before.way(way).closes;
        drop(faults.wait_for(|faults| faults.way(way).closes != before).await);
    }

    /// Ends one direction while its sender still speaks.
    async fn end_early(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<()> {
        count(&self.state.counts.half_closed, 1);
        to.shutdown().await?;
        let mut chunk = vec![0; CHUNK_BYTES_MAX];
        loop {
            match from.read(&mut chunk).await? {
                0 => return Ok(()),
                bytes => count(&self.state.counts.swallowed, bytes as u64),
            }
        }
    }

    /// How much later than without a fault a chunk arrives.
    fn delay(&self, way: Way, random: &mut fastrand::Rng, bytes: usize) -> Duration {
        let faults = *self.state.faults.borrow().way(way);
        let delay = faults.delay + faults.jitter.mul_f64(random.f64());
        if !delay.is_zero() {
            count(&self.state.counts.slowed, bytes as u64);
        }
        delay
    }

    /// Waits until a throttled direction has room for a chunk.
    async fn room(&self, way: Way, bytes: usize) {
        let is_throttled = || self.state.faults.borrow().way(way).bytes_per_s;
        while let Some(rate) = is_throttled() {
            let room_at = self.state.take_room(way, bytes, rate);
            count(&self.state.counts.slowed, bytes as u64);
            let mut faults = self.state.faults.subscribe();
            tokio::select! {
                () = sleep_until(room_at) => return,
                _ = faults.wait_for(|faults| faults.way(way).bytes_per_s != Some(rate)) => {}
            }
        }
    }

    /// How many bytes were read; 0 is the end, as which a black hole shows a failure, too.
    fn count(&self, read: io::Result<usize>) -> io::Result<usize> {
        if read.is_err() && self.state.faults.borrow().black_hole { Ok(0) } else { read }
    }

    /// Passes a chunk on, or what may pass of it.
    async fn pass(&self, way: Way, bytes: &[u8], to: &mut WriteHalf<'_>) -> io::Result<()> {
        self.room(way, bytes.len()).await;
        match self.admit(way, bytes.len()) {
            Some(passing) => to.write_all(&bytes[..passing]).await,
            None => {
                self.lose(bytes.len());
                Ok(())
            }
        }
    }

    /// How many of these bytes may pass; none at all vanish in the black hole.
    fn admit(&self, way: Way, bytes: usize) -> Option<usize> {
        let mut admitted = Some(bytes);
        self.state.faults.send_if_modified(|faults| {
            if faults.cuts != self.before.cuts {
                admitted = Some(0);
            } else if faults.black_hole {
                admitted = None;
            } else if let (Way::Replies, Some(left)) = (way, &mut faults.replies_left) {
                let passing = bytes.min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= passing as u64;
                admitted = Some(passing);
                if passing < bytes {
                    faults.cut();
                    return true;
                }
            }
            false
        });
        admitted
    }

    /// Passes on that nothing more comes; a black hole swallows that, too.
    async fn farewell(&self, to: &mut WriteHalf<'_>) -> io::Result<()> {
        if !self.state.faults.borrow().black_hole {
            return to.shutdown().await;
        }
        self.lose(0);
        // The connection stays until the black hole goes off.
        std::future::pending().await
    }

    fn lose(&self, bytes: usize) {
        self.has_lost.store(true, Ordering::Relaxed);
        count(&self.state.counts.swallowed, bytes as u64);
    }
}

/// Never if nothing is due. A timer would round what is due already up to its next millisecond.
async fn arrive(due: Option<Instant>) {
    match due {
        None => std::future::pending().await,
        Some(due) if due <= Instant::now() => {}
        Some(due) => sleep_until(due).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_has_not_seen_its_cut_yet_carries_nothing() {
        let state = Arc::new(State::new(None));
        let before = Faults::default();
        let link = Link { state, before, has_lost: AtomicBool::new(false) };
        assert_eq!(link.admit(Way::Requests, 10), Some(10));
        link.state.faults.send_modify(Faults::cut);
        assert_eq!(link.admit(Way::Requests, 10), Some(0));
        let next = Link { before: Faults { cuts: 1, ..before }, ..link };
        assert_eq!(next.admit(Way::Requests, 10), Some(10));
    }
}
