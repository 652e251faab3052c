//! One player's task: connects its bot, moves messages and time, comes back after a loss.

use super::socket::{Incoming, Socket};
use super::target::Target;
use crate::machine::{Bot, Recorder, Standing};
use protocol::{Micros, PlayerMessage, ShardMessage};
use score::Clock;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

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

/// The measurements, shared by all players. Locked for moments, never across an await.
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

/// Where and when a player connects.
#[derive(Debug, Clone)]
pub(super) struct Seat {
    pub(super) target: Arc<Target>,
    /// The target's position among the targets.
    pub(super) target_idx: usize,
    /// The player's position among those of its target.
    pub(super) index: u32,
    /// When it connects first.
    pub(super) from: Micros,
}

/// A bot and what it needs to live.
#[derive(Debug)]
pub(super) struct Player {
    bot: Bot,
    seat: Seat,
    clock: Clock,
    phase: watch::Receiver<Phase>,
    applied: Phase,
    /// None: nobody measures.
    recorder: Option<Shared>,
    standing: Standing,
}

impl Player {
    pub(super) fn new(
        bot: Bot,
        seat: Seat,
        clock: Clock,
        phase: watch::Receiver<Phase>,
        recorder: Option<Shared>,
    ) -> Self {
        let (applied, standing) = (Phase::Ramp, Standing::default());
        Self { bot, seat, clock, phase, applied, recorder, standing }
    }

    /// Plays until the phase says to close.
    pub(super) async fn play(mut self) {
        while self.apply_phase().is_continue() {
            self.tell();
            let Some(retry_at) = self.bot.retry_at() else {
                // It does not come back, and only the phase can change.
                if self.phase.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let at = retry_at.max(self.seat.from);
            tokio::select! {
                () = self.clock.sleep_until(at) => {}
                changed = self.phase.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                }
            }
            self.connect().await;
        }
    }

    async fn connect(&mut self) {
        let connecting = Socket::connect(&self.seat.target, self.seat.index);
        let connected = tokio::select! {
            connected = connecting => connected,
            _ = self.phase.wait_for(|phase| *phase >= Phase::Settle) => return,
        };
        match connected {
            Ok(socket) => self.stay(socket).await,
            Err(error) => {
                tracing::debug!(target: "worldboss::loadgen", error, "no connection");
                self.bot.handle_failed(self.clock.now(), error);
            }
        }
    }

    /// Plays on an open connection until it ends.
    async fn stay(&mut self, mut socket: Socket) {
        let hello = self.bot.handle_open(self.clock.now());
        if !socket.send(&PlayerMessage::Hello(hello)).await {
            return self.bot.handle_closed(self.clock.now(), None);
        }
        let mut wake = pin!(tokio::time::sleep_until(self.clock.instant(None)));
        let mut wake_at = None;
        loop {
            if self.apply_phase().is_break() {
                self.tell();
                return socket.close().await;
            }
            if !self.send_hits(&mut socket).await {
                return self.bot.handle_closed(self.clock.now(), None);
            }
            self.tell();
            if self.bot.is_silent(self.clock.now()) {
                return self.bot.handle_silent(self.clock.now());
            }
            let timeout = self.bot.poll_timeout();
            if timeout != wake_at {
                wake_at = timeout;
                wake.as_mut().reset(self.clock.instant(timeout));
            }
            let incoming = tokio::select! {
                incoming = socket.next() => incoming,
                () = &mut wake, if wake_at.is_some() => {
                    wake_at = None;
                    Incoming::Nothing
                }
                changed = self.phase.changed() => match changed {
                    Ok(()) => Incoming::Nothing,
                    Err(_) => return socket.close().await,
                },
            };
            match incoming {
                Incoming::Message(bytes) => self.take(&bytes),
                Incoming::Closed(code) => {
                    tracing::debug!(target: "worldboss::loadgen", code, "connection ended");
                    self.bot.handle_closed(self.clock.now(), code);
                    self.tell();
                    return socket.close().await;
                }
                Incoming::Nothing => {}
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        match ShardMessage::decode(bytes) {
            Ok(message) => self.bot.handle_message(self.clock.now(), message),
            Err(error) => self.bot.handle_malformed(&error.to_string()),
        }
    }

    /// Sends the hits whose time has come; false when the connection is gone.
    async fn send_hits(&mut self, socket: &mut Socket) -> bool {
        while let Some(hit) = self.bot.poll_hit(self.clock.now()) {
            if !socket.send(&PlayerMessage::Hit(hit)).await {
                return false;
            }
        }
        true
    }

    /// Follows the phase; breaks when it is time to close.
    fn apply_phase(&mut self) -> ControlFlow<()> {
        let phase = *self.phase.borrow_and_update();
        if phase != self.applied {
            self.applied = phase;
            match phase {
                Phase::Ramp => {}
                Phase::Load { start } => self.bot.start(start),
                Phase::Drain => self.bot.stop(),
                Phase::Settle | Phase::Close => self.bot.finish(),
            }
        }
        if phase == Phase::Close { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Hands over what happened.
    fn tell(&mut self) {
        let Some(recorder) = &self.recorder else {
            while self.bot.poll_event().is_some() {}
            return;
        };
        let standing = Standing {
            is_live: self.bot.is_live(),
            // Before that, a hit could still leave.
            is_drained: self.applied >= Phase::Drain && self.bot.is_drained(),
            is_over: self.bot.is_over(),
        };
        let first = self.bot.poll_event();
        if first.is_none() && standing == self.standing {
            return;
        }
        let mut recorder = recorder.lock();
        recorder.handle_standing(self.standing, standing);
        self.standing = standing;
        let mut next = first;
        while let Some(event) = next {
            recorder.handle_event(self.seat.target_idx, event);
            next = self.bot.poll_event();
        }
    }
}
