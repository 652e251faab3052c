//! All players of a run on one thread: one poll, one heap of timers, nobody waits for another.
#![expect(clippy::disallowed_methods, reason = "the driver owns the thread")]

use super::player::Player;
use super::socket::Passed;
use super::target::Target;
use crate::machine::{Recorder, Seat};
use mio::{Events, Poll, Registry, Token, Waker};
use protocol::Micros;
use score::Clock;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Where a run is. Phases only advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Players connect.
    Ramp,
    /// Players hit, from this moment on.
    Load { start: Micros },
    /// No new hits; what left is answered and counted.
    Drain,
    /// The books are closed, the connections still open.
    Settle,
    /// Connections close.
    Close,
}

impl Phase {
    /// Its name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Load { .. } => "load",
            Self::Drain => "drain",
            Self::Settle | Self::Close => "settle",
        }
    }
}

/// The measurements. Locked for a round of the crowd, or for a look.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Mutex<Recorder>>);

impl Shared {
    pub(super) fn new(recorder: Recorder) -> Self {
        Self(Arc::new(Mutex::new(recorder)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Recorder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sockets with news that are looked at before it is the timers' turn.
const EVENTS_MAX: usize = 256;
/// The token of the waker. Players have their position.
const WAKER: Token = Token(usize::MAX);

/// Players on their thread. Dropping it cuts their connections.
#[derive(Debug)]
pub(super) struct Crowd {
    phases: Option<Sender<Phase>>,
    waker: Waker,
    over: oneshot::Receiver<()>,
}

impl Crowd {
    /// Seats all players; each connects when its turn comes. Without a recorder nobody measures.
    ///
    /// # Errors
    /// If the system gives no thread, or nothing to poll with.
    pub(super) fn start(
        seats: impl IntoIterator<Item = Seat>,
        targets: Arc<[Target]>,
        clock: Clock,
        recorder: Option<Shared>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let (phases, inbox) = channel();
        let (done, over) = oneshot::channel();
        let mut indexes = vec![0..; targets.len()];
        let players = seats.into_iter().enumerate().map(|(number, seat)| {
            let index = indexes[seat.config.target].next().unwrap_or(u32::MAX);
            Player::new(seat, index, Token(number))
        });
        let mut hall = Hall {
            players: players.collect(),
            targets,
            clock,
            recorder,
            phase: Phase::Ramp,
            timers: BinaryHeap::new(),
        };
        std::thread::Builder::new().name("players".to_owned()).spawn(move || {
            if let Err(error) = hall.run(poll, &inbox) {
                tracing::error!(target: "worldboss::loadgen", %error, "players can't be polled");
            }
            done.send(()).ok();
        })?;
        Ok(Self { phases: Some(phases), waker, over })
    }

    /// Tells all players that the run goes on to this phase.
    pub(super) fn turn(&self, phase: Phase) {
        if let Some(phases) = &self.phases {
            phases.send(phase).ok();
        }
        self.wake();
    }

    /// Waits until the last player has closed its connection. Cancel safe.
    pub(super) async fn over(&mut self) {
        drop((&mut self.over).await);
    }

    fn wake(&self) {
        // A poll that has ended needs no waking.
        drop(self.waker.wake());
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.phases = None;
        self.wake();
    }
}

/// When to wake whom, the earliest first.
type Timers = BinaryHeap<Reverse<(Micros, usize)>>;

/// What a round lends to a player.
pub(super) struct Round<'a> {
    clock: Clock,
    pub(super) phase: Phase,
    pub(super) registry: &'a Registry,
    pub(super) targets: &'a [Target],
    pub(super) recorder: Option<&'a mut Recorder>,
    timers: &'a mut Timers,
    now: Micros,
}

impl Round<'_> {
    /// The time of what happens now.
    pub(super) fn now(&self) -> Micros {
        self.now
    }

    /// Bytes went through a socket.
    pub(super) fn passed(&mut self, Passed { received, sent }: Passed) {
        if let Some(recorder) = self.recorder.as_deref_mut() {
            recorder.handle_bytes(received, sent);
        }
    }

    /// Wakes the player then.
    pub(super) fn wake(&mut self, at: Micros, player: Token) {
        self.timers.push(Reverse((at, player.0)));
    }
}

/// The players, and what their thread needs.
struct Hall {
    players: Vec<Player>,
    targets: Arc<[Target]>,
    clock: Clock,
    recorder: Option<Shared>,
    phase: Phase,
    timers: Timers,
}

impl Hall {
    fn run(&mut self, mut poll: Poll, inbox: &Receiver<Phase>) -> io::Result<()> {
        let registry = poll.registry().try_clone()?;
        let mut events = Events::with_capacity(EVENTS_MAX);
        self.turn(&registry, Phase::Ramp);
        while !self.is_over() {
            match poll.poll(&mut events, self.wait()) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                Ok(()) | Err(_) => {}
            }
            if events.iter().any(|event| event.token() == WAKER) {
                loop {
                    match inbox.try_recv() {
                        Ok(phase) => self.turn(&registry, phase),
                        Err(TryRecvError::Empty) => break,
                        Err(TryRecvError::Disconnected) => return Ok(()),
                    }
                }
            }
            self.round(&registry, &events);
        }
        Ok(())
    }

    /// All sockets with news, then all timers that are due.
    fn round(&mut self, registry: &Registry, events: &Events) {
        self.act(registry, |players, round| {
            for event in events {
                if let Some(player) = players.get_mut(event.token().0) {
                    round.now = round.clock.now();
                    // A part that has ended has no other news.
                    let has_ended = event.is_read_closed() || event.is_error();
                    player.ready(round, has_ended);
                }
            }
            // Those that become due meanwhile wait for the sockets' turn.
            let due = round.clock.now();
            while let Some((at, player)) = next_due(round.timers, due) {
                round.now = round.clock.now();
                players[player].wake(round, at);
            }
        });
    }

    fn turn(&mut self, registry: &Registry, phase: Phase) {
        self.phase = self.phase.max(phase);
        self.act(registry, |players, round| {
            for player in players {
                round.now = round.clock.now();
                player.turn(round, phase);
            }
        });
    }

    fn act(&mut self, registry: &Registry, act: impl FnOnce(&mut [Player], &mut Round<'_>)) {
        let mut recorder = self.recorder.as_ref().map(Shared::lock);
        let mut round = Round {
            clock: self.clock,
            phase: self.phase,
            registry,
            targets: &self.targets,
            recorder: recorder.as_deref_mut(),
            timers: &mut self.timers,
            now: self.clock.now(),
        };
        act(&mut self.players, &mut round);
    }

    fn is_over(&self) -> bool {
        self.phase == Phase::Close && self.players.iter().all(Player::is_over)
    }

    fn wait(&self) -> Option<Duration> {
        let Reverse((at, _)) = self.timers.peek()?;
        Some(Duration::from_micros(at.since(self.clock.now()).0))
    }
}

fn next_due(timers: &mut Timers, now: Micros) -> Option<(Micros, usize)> {
    let Reverse((at, _)) = timers.peek()?;
    if *at > now {
        return None;
    }
    timers.pop().map(|Reverse(due)| due)
}
