//! Hop 14, worker: one write per socket per tick, acknowledgement and state together.
//!
//! A worker is a thread with its own runtime. It owns its sockets: nothing wakes a task to send,
//! and a slow reader costs the others nothing.
#![expect(clippy::disallowed_methods, reason = "the driver owns the threads and the clock")]

use super::metrics::Metrics;
use super::outbox::{BoardFrame, Levels, Outbox, StateFrame, frame};
use super::session::{self, Inbox, Input, What, close_frame};
use crate::machine::ConnId;
use protocol::limits::{CLOSE_MS_MAX, WORKER_COMMANDS_MAX};
use protocol::{Ack, BossCard, CloseCode, Micros, ShardMessage, Spoils, Welcome};
use score::Clock;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, LocalSet};

/// What a worker is told.
#[derive(Debug)]
pub(super) enum Command {
    /// A player's socket, upgraded, with what was already read from it.
    Socket(std::net::TcpStream, Vec<u8>, Slot),
    /// The batch of the tick that ends.
    Collect(oneshot::Sender<Vec<Input>>),
    /// What the tick has for this worker's connections.
    Deliver(Delivery),
    /// Close every connection, then end.
    Stop(CloseCode, &'static str),
}

/// One tick's answers.
#[derive(Debug, Default)]
pub(super) struct Delivery {
    /// In the order in which they were put out.
    pub(super) personal: Vec<(ConnId, Personal)>,
    /// The state frame, framed once for everybody; absent when only answers follow.
    pub(super) state: Option<StateFrame>,
    /// The leaderboard, for those who have another one.
    pub(super) board: Option<BoardFrame>,
}

/// An answer for one connection.
#[derive(Debug)]
pub(super) enum Personal {
    Welcome(Box<Welcome>, Arc<BossCard>),
    Card(Arc<BossCard>),
    Ack(Ack),
    Spoils(Spoils),
    Close(CloseCode, &'static str),
}

/// Counts a connection for as long as it lives.
#[derive(Debug)]
pub(super) struct Slot(Arc<AtomicUsize>);

impl Slot {
    /// Counts one more connection, unless there are `max`.
    pub(super) fn take(count: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let more = |now: usize| (now < max).then_some(now + 1);
        count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self(Arc::clone(count)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A running worker.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) thread: std::thread::JoinHandle<()>,
}

/// Which worker a connection lives on.
pub(super) fn worker_of(conn: ConnId) -> usize {
    usize::try_from(conn.0 >> 48).unwrap_or(usize::MAX)
}

/// Starts the worker number `idx`.
pub(super) fn start(idx: usize, clock: Clock, metrics: Metrics) -> std::io::Result<Handle> {
    let (commands, inbox) = mpsc::channel(WORKER_COMMANDS_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new().name(format!("worker-{idx}")).spawn(move || {
        let (inputs, round) = (RefCell::default(), Cell::new(0));
        let shared = Rc::new(Inbox { clock, metrics, inputs, round });
        let next = (idx as u64) << 48;
        let worker = Worker { inbox: shared, conns: BTreeMap::new(), next, head: Vec::new() };
        LocalSet::new().block_on(&runtime, worker.run(inbox));
    })?;
    Ok(Handle { commands, thread })
}

struct Worker {
    inbox: Rc<Inbox>,
    conns: BTreeMap<ConnId, Conn>,
    next: u64,
    /// Frames for one connection, reused.
    head: Vec<u8>,
}

struct Conn {
    socket: Rc<TcpStream>,
    outbox: Rc<RefCell<Outbox>>,
    reader: AbortHandle,
    /// It gets state frames from Welcome on.
    greeted: bool,
    closing_since: Option<Micros>,
    _slot: Slot,
}

/// Sockets written before the readers get a turn.
const WRITES_PER_TURN: usize = 256;

impl Worker {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Socket(socket, read, slot) => self.adopt(socket, read, slot),
                Command::Collect(reply) => drop(reply.send(self.collect())),
                Command::Deliver(delivery) => self.deliver(delivery).await,
                Command::Stop(code, why) => return self.stop(code, why).await,
            }
        }
    }

    fn adopt(&mut self, socket: std::net::TcpStream, read: Vec<u8>, slot: Slot) {
        // A socket that died on the way needs nothing but to be dropped.
        let Ok(socket) = TcpStream::from_std(socket) else {
            return;
        };
        let (socket, outbox) = (Rc::new(socket), Rc::<RefCell<Outbox>>::default());
        let conn = ConnId(self.next);
        self.next += 1;
        let (reads, writes) = (Rc::clone(&socket), Rc::clone(&outbox));
        let inbox = Rc::clone(&self.inbox);
        let reader = tokio::task::spawn_local(session::run(conn, reads, writes, read, inbox));
        let reader = reader.abort_handle();
        self.conns.insert(conn, Conn::new(socket, outbox, reader, slot));
    }

    /// Takes the batch, and lets go of connections that have ended.
    fn collect(&mut self) -> Vec<Input> {
        let inbox = &self.inbox;
        let now = inbox.clock.now();
        self.conns.retain(|id, conn| {
            if conn.reader.is_finished() {
                inbox.put(*id, What::Gone);
                return false;
            }
            if conn.outbox.borrow().is_closing() {
                let since = *conn.closing_since.get_or_insert(now);
                if now.since(since) > Micros::from_millis(CLOSE_MS_MAX) {
                    conn.reader.abort();
                }
            }
            true
        });
        inbox.round.set(inbox.round.get() + 1);
        inbox.inputs.take()
    }

    /// Writes to every connection in a fixed order. Answers come sorted by connection.
    async fn deliver(&mut self, mut delivery: Delivery) {
        delivery.personal.sort_by_key(|(conn, _)| *conn);
        let mut personal = delivery.personal.into_iter().peekable();
        let metrics = &self.inbox.metrics;
        for (turn, (id, conn)) in self.conns.iter_mut().enumerate() {
            let mut ack: Option<Ack> = None;
            let mut close = None;
            while let Some((to, answer)) = personal.next_if(|(to, _)| to <= id) {
                if to != *id {
                    // A connection that has ended gets no answer, and nobody else gets it.
                    continue;
                }
                match answer {
                    Personal::Welcome(welcome, card) => {
                        conn.greeted = true;
                        frame(&mut self.head, &ShardMessage::Welcome(*welcome));
                        frame(&mut self.head, &ShardMessage::Boss((*card).clone()));
                    }
                    Personal::Card(card) => {
                        frame(&mut self.head, &ShardMessage::Boss((*card).clone()));
                    }
                    Personal::Spoils(spoils) => {
                        frame(&mut self.head, &ShardMessage::Spoils(spoils));
                    }
                    Personal::Ack(newer) => match &mut ack {
                        Some(ack) => ack.merge(newer),
                        None => ack = Some(newer),
                    },
                    Personal::Close(code, why) => close = Some((code, why)),
                }
            }
            let levels = conn.levels(delivery.board.as_ref(), delivery.state.as_ref());
            conn.write(&mut self.head, ack, levels, metrics);
            if let Some((code, why)) = close {
                conn.close(code, why, metrics);
            }
            if turn % WRITES_PER_TURN == WRITES_PER_TURN - 1 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Tells every connection when to come back, and waits a little for the goodbyes.
    async fn stop(mut self, code: CloseCode, why: &'static str) {
        for (idx, conn) in self.conns.values().enumerate() {
            // Spread over two seconds, so that they do not come back as one.
            let retry_ms = 250 + (idx * 97) % 2_000;
            conn.close(code, &format!("{why}; retry_ms={retry_ms}"), &self.inbox.metrics);
        }
        let deadline = Instant::now() + Duration::from_millis(CLOSE_MS_MAX);
        while !self.conns.is_empty() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
            self.conns.retain(|_, conn| {
                let flushed = conn.outbox.borrow_mut().flush(&conn.socket);
                flushed.is_ok() && !conn.reader.is_finished()
            });
        }
    }
}

impl Conn {
    fn new(
        socket: Rc<TcpStream>,
        outbox: Rc<RefCell<Outbox>>,
        reader: AbortHandle,
        slot: Slot,
    ) -> Self {
        Self { socket, outbox, reader, greeted: false, closing_since: None, _slot: slot }
    }

    /// The board, and the state if this connection wants one in this tick.
    fn levels<'a>(
        &self,
        board: Option<&'a BoardFrame>,
        state: Option<&'a StateFrame>,
    ) -> Levels<'a> {
        if !self.greeted {
            return Levels::default();
        }
        let every = u64::from(self.outbox.borrow().every.max(1));
        Levels { board, state: state.filter(|state| state.tick.0 % every == 0) }
    }

    fn write(&self, head: &mut Vec<u8>, ack: Option<Ack>, levels: Levels<'_>, metrics: &Metrics) {
        let mut outbox = self.outbox.borrow_mut();
        let skipped = outbox.skipped;
        let delivered = outbox.deliver(&self.socket, head, ack, levels);
        metrics.skipped(outbox.skipped - skipped);
        drop(outbox);
        head.clear();
        match delivered {
            Ok(Ok(())) => {}
            Ok(Err(_too_slow)) => {
                self.close(
                    CloseCode::TryLater,
                    "this connection reads too slowly; retry_ms=5000",
                    metrics,
                );
            }
            Err(_) => self.reader.abort(),
        }
    }

    fn close(&self, code: CloseCode, why: &str, metrics: &Metrics) {
        let mut outbox = self.outbox.borrow_mut();
        if outbox.is_closing() {
            return;
        }
        metrics.closed(code);
        if outbox.close(&self.socket, close_frame(code, why)).is_err() {
            self.reader.abort();
        }
    }
}
