//! Hop 14, worker: one write per socket per tick, acknowledgement and state together.
//!
//! A worker is a thread with its own runtime. It owns its sockets: nothing wakes a task to send,
//! and a slow reader costs the others nothing.
#![expect(clippy::disallowed_methods, reason = "the driver owns the threads and the clock")]

use super::budget::Took;
use super::metrics::Metrics;
use super::outbox::{BoardFrame, Levels, Link, StateFrame, frame};
use super::session::{self, Inbox, Input, Reader, close_frame};
use crate::machine::ConnId;
use protocol::limits::{CLOSE_MS_MAX, WORKER_COMMANDS_MAX};
use protocol::{Ack, BossCard, CloseCode, ShardMessage, Spoils, Welcome};
use score::Clock;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{JoinHandle, Thread};
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

/// How a worker is reached.
#[derive(Debug, Clone)]
pub(super) struct Line {
    commands: mpsc::Sender<Command>,
    thread: Thread,
    /// Its last fan-out to everybody.
    pub(super) took: Took,
}

impl Line {
    /// Tells the worker, which does it at once. One that has ended does not hear it.
    pub(super) async fn tell(&self, command: Command) {
        drop(self.commands.send(command).await);
        self.thread.unpark();
    }
}

/// A running worker.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) line: Line,
    pub(super) thread: JoinHandle<()>,
}

/// How long a worker without work lets messages gather before it looks for more. Nobody waits for
/// a hit before the tick, and to wake up for each one costs more than to read it. A cooldown may
/// seem shorter by so much.
const GATHERED: Duration = Duration::from_millis(10);

/// Starts the worker number `idx`.
pub(super) fn start(idx: u16, clock: Clock, metrics: Metrics) -> std::io::Result<Handle> {
    let (commands, inbox) = mpsc::channel(WORKER_COMMANDS_MAX);
    let took = Took::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_park(|| std::thread::park_timeout(GATHERED))
        .build()?;
    let spent = took.clone();
    let thread = std::thread::Builder::new().name(format!("worker-{idx}")).spawn(move || {
        let (inputs, ended, round) = (RefCell::default(), RefCell::default(), Cell::new(0));
        let shared = Rc::new(Inbox { clock, metrics, inputs, ended, round });
        let worker = Worker {
            idx,
            inbox: shared,
            places: Vec::new(),
            free: Vec::new(),
            head: Vec::new(),
            took: spent,
        };
        LocalSet::new().block_on(&runtime, worker.run(inbox));
    })?;
    let line = Line { commands, thread: thread.thread().clone(), took };
    Ok(Handle { line, thread })
}

struct Worker {
    idx: u16,
    inbox: Rc<Inbox>,
    places: Vec<Place>,
    /// Places without a connection.
    free: Vec<usize>,
    /// Frames for one connection, reused.
    head: Vec<u8>,
    took: Took,
}

/// Where a connection is kept, and which one.
struct Place {
    id: ConnId,
    conn: Option<Conn>,
    /// How many connections were here.
    turn: u32,
}

struct Conn {
    link: Rc<Link>,
    reader: AbortHandle,
    /// It gets state frames from Welcome on.
    greeted: bool,
    _slot: Slot,
}

/// Sockets written before the readers get a turn.
const WRITES_PER_TURN: usize = 256;
/// Readers whom the runtime lets go on before it is the worker's turn again.
const READERS_PER_TURN: usize = 61;

/// The answers of a tick to one worker's connections, by place.
type Answers = std::iter::Peekable<std::vec::IntoIter<(ConnId, Personal)>>;
/// Why a connection is closed.
type Goodbye = (CloseCode, &'static str);

impl Worker {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Socket(socket, read, slot) => self.adopt(socket, read, slot),
                Command::Collect(reply) => {
                    self.read().await;
                    drop(reply.send(self.collect()));
                }
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
        let link = Rc::new(Link { socket, outbox: RefCell::default() });
        let (shared, inbox) = (Rc::clone(&link), Rc::clone(&self.inbox));
        let (conn, place) = self.free_place();
        let reader = session::run(Reader { conn, inbox }, shared, read);
        let reader = tokio::task::spawn_local(reader);
        place.conn = Some(Conn::new(link, reader.abort_handle(), slot));
    }

    fn free_place(&mut self) -> (ConnId, &mut Place) {
        let number = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { id: ConnId(0), conn: None, turn: 0 });
            self.places.len() - 1
        });
        let place = &mut self.places[number];
        let number = u32::try_from(number).expect("connections are bounded");
        place.id = ConnId::new(self.idx, place.turn, number);
        place.turn = place.turn.wrapping_add(1);
        (place.id, place)
    }

    /// Lets the readers take what has come, each once: who sends on and on holds up no tick.
    async fn read(&self) {
        let mut idle = 0;
        for _ in 0..self.places.len() / READERS_PER_TURN + 2 {
            let before = self.inbox.inputs.borrow().len();
            tokio::task::yield_now().await;
            let has_news = self.inbox.inputs.borrow().len() > before;
            idle = if has_news { 0 } else { idle + 1 };
            // The first turn may have begun before the runtime looked at the sockets.
            if idle == 2 {
                break;
            }
        }
    }

    /// Takes the batch, and lets go of connections that have ended.
    fn collect(&mut self) -> Vec<Input> {
        for conn in self.inbox.ended.take() {
            self.places[conn.place()].conn = None;
            self.free.push(conn.place());
        }
        self.inbox.round.set(self.inbox.round.get() + 1);
        self.inbox.inputs.take()
    }

    /// Writes to every connection in the fixed order of their places, and the answers to each in
    /// the order in which they came.
    async fn deliver(&mut self, mut delivery: Delivery) {
        delivery.personal.sort_by_key(|(conn, _)| conn.place());
        let mut answers = delivery.personal.into_iter().peekable();
        let (metrics, mut took) = (&self.inbox.metrics, Duration::ZERO);
        for turn in self.places.chunks_mut(WRITES_PER_TURN) {
            let began = Instant::now();
            for Place { id, conn, .. } in turn {
                let Some(conn) = conn else { continue };
                let (ack, close) = conn.answer(*id, &mut answers, &mut self.head);
                let levels = conn.levels(delivery.board.as_ref(), delivery.state.as_ref());
                conn.write(&mut self.head, ack, levels, metrics);
                if let Some((code, why)) = close {
                    conn.close(code, why, metrics);
                }
            }
            took += began.elapsed();
            tokio::task::yield_now().await;
        }
        if delivery.state.is_some() {
            self.took.set(took);
        }
    }

    /// Tells every connection when to come back, and waits a little for the goodbyes.
    async fn stop(self, code: CloseCode, why: &'static str) {
        let mut conns: Vec<_> = self.places.into_iter().filter_map(|place| place.conn).collect();
        for (idx, conn) in conns.iter().enumerate() {
            // Spread over two seconds, so that they do not come back as one.
            let retry_ms = 250 + (idx * 97) % 2_000;
            conn.close(code, &format!("{why}; retry_ms={retry_ms}"), &self.inbox.metrics);
        }
        let deadline = Instant::now() + Duration::from_millis(CLOSE_MS_MAX);
        while !conns.is_empty() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
            conns.retain(|conn| {
                let flushed = conn.link.outbox.borrow_mut().flush(&conn.link.socket);
                flushed.is_ok() && !conn.reader.is_finished()
            });
        }
    }
}

impl Conn {
    fn new(link: Rc<Link>, reader: AbortHandle, slot: Slot) -> Self {
        Self { link, reader, greeted: false, _slot: slot }
    }

    /// Takes the answers to this connection: what must arrive goes to `head`, what folds and what
    /// ends it is returned.
    fn answer(
        &mut self,
        id: ConnId,
        answers: &mut Answers,
        head: &mut Vec<u8>,
    ) -> (Option<Ack>, Option<Goodbye>) {
        let (mut ack, mut close) = (None::<Ack>, None);
        while let Some((to, answer)) = answers.next_if(|(to, _)| to.place() <= id.place()) {
            if to != id {
                // A connection that has ended gets no answer, and nobody else gets it.
                continue;
            }
            match answer {
                Personal::Welcome(welcome, card) => {
                    self.greeted = true;
                    self.link.outbox.borrow_mut().own.begin(&welcome.tallies);
                    frame(head, &ShardMessage::Welcome(*welcome));
                    frame(head, &ShardMessage::Boss((*card).clone()));
                }
                Personal::Card(card) => frame(head, &ShardMessage::Boss((*card).clone())),
                Personal::Spoils(spoils) => frame(head, &ShardMessage::Spoils(spoils)),
                Personal::Ack(newer) => match &mut ack {
                    Some(ack) => ack.merge(newer),
                    None => ack = Some(newer),
                },
                Personal::Close(code, why) => close = Some((code, why)),
            }
        }
        (ack, close)
    }

    /// The levels, once it has been greeted.
    fn levels<'a>(
        &self,
        board: Option<&'a BoardFrame>,
        state: Option<&'a StateFrame>,
    ) -> Levels<'a> {
        if self.greeted { Levels { board, state } } else { Levels::default() }
    }

    fn write(&self, head: &mut Vec<u8>, ack: Option<Ack>, levels: Levels<'_>, metrics: &Metrics) {
        let mut outbox = self.link.outbox.borrow_mut();
        let (sent, skipped) = (outbox.sent, outbox.skipped);
        let delivered = outbox.deliver(&self.link.socket, head, ack, levels);
        metrics.delivered(outbox.sent - sent, outbox.skipped - skipped);
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
        let mut outbox = self.link.outbox.borrow_mut();
        if outbox.is_closing() {
            return;
        }
        metrics.closed(code);
        if outbox.close(&self.link.socket, close_frame(code, why)).is_err() {
            self.reader.abort();
        }
        // A client that has not closed its side by then is cut off.
        let reader = self.reader.clone();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_millis(CLOSE_MS_MAX)).await;
            reader.abort();
        });
    }
}
