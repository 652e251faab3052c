//! One player: moves messages and time between its bot and its socket, comes back after a loss.

use super::crowd::{Phase, Round};
use super::socket::{Incoming, Socket};
use crate::machine::{Bot, Seat, Standing};
use mio::Token;
use protocol::{Micros, PlayerMessage, ShardMessage};

/// How long a connection may take to come up.
const CONNECT_MAX: Micros = Micros::from_millis(10_000);
/// How long the other side of a closing connection has to answer.
const CLOSE_MAX: Micros = Micros::from_millis(2_000);

/// A bot and what it needs to live.
#[derive(Debug)]
pub(super) struct Player {
    bot: Bot,
    /// Where it is connected, or was: a position among the targets.
    target: usize,
    /// Its position among the players of a target.
    index: u32,
    token: Token,
    line: Line,
    /// Something has come that was not read yet.
    has_news: bool,
    /// Connections that were begun.
    attempts: usize,
    /// The earliest time at which it will be woken.
    wake_at: Option<Micros>,
    standing: Standing,
}

/// A player's connection.
#[derive(Debug)]
enum Line {
    /// None, or none yet.
    Down,
    /// It comes up, until then at the latest.
    Dialing { socket: Socket, until: Micros },
    /// Messages go both ways.
    Open(Socket),
    /// It ends in order, until then at the latest.
    Closing { socket: Socket, until: Micros },
    /// It will not come back.
    Over,
}

impl Player {
    pub(super) fn new(seat: Seat, index: u32, token: Token) -> Self {
        let (bot, target) = (Bot::new(seat.config, seat.seed), 0);
        let (line, standing) = (Line::Down, Standing::default());
        let (has_news, attempts, wake_at) = (false, 0, None);
        Self { bot, target, index, token, line, has_news, attempts, wake_at, standing }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.line, Line::Over)
    }

    /// The run goes on to another phase.
    pub(super) fn turn(&mut self, round: &mut Round<'_>, phase: Phase) {
        match phase {
            Phase::Ramp => {}
            Phase::Load { start } => self.bot.start(start),
            Phase::Drain => self.bot.stop(),
            Phase::Settle | Phase::Close => self.bot.finish(),
        }
        if phase >= Phase::Settle && matches!(self.line, Line::Dialing { .. }) {
            self.line = Line::Down;
        }
        if phase == Phase::Close {
            self.hang_up(round.now());
        }
        self.go_on(round);
    }

    /// Its time has come.
    pub(super) fn wake(&mut self, round: &mut Round<'_>, at: Micros) {
        if self.wake_at == Some(at) {
            self.wake_at = None;
            self.go_on(round);
        }
    }

    /// Its socket has news. `has_ended`: its end is among them.
    pub(super) fn ready(&mut self, round: &mut Round<'_>, has_ended: bool) {
        match std::mem::replace(&mut self.line, Line::Down) {
            Line::Dialing { mut socket, until } => {
                socket.wake(has_ended);
                self.advance(round, socket, until);
            }
            Line::Open(mut socket) => {
                socket.wake(has_ended);
                self.has_news = true;
                self.line = Line::Open(socket);
            }
            Line::Closing { mut socket, until } => {
                socket.wake(has_ended);
                if is_at_its_end(&mut socket) {
                    round.passed(socket.take_passed());
                } else {
                    self.line = Line::Closing { socket, until };
                }
            }
            // News of a connection that was given up.
            line @ (Line::Down | Line::Over) => self.line = line,
        }
        self.go_on(round);
    }

    fn advance(&mut self, round: &mut Round<'_>, mut socket: Socket, until: Micros) {
        match socket.advance(&round.targets[self.target]) {
            Ok(false) => self.line = Line::Dialing { socket, until },
            Ok(true) => {
                let hello = self.bot.handle_open(round.now());
                // What came with the answer to the upgrade has no news of its own.
                self.has_news = true;
                if socket.send(ucore::encode(&PlayerMessage::Hello(hello))) {
                    self.line = Line::Open(socket);
                } else {
                    self.lose(round, socket);
                }
            }
            Err(error) => self.fail(round, error),
        }
    }

    fn fail(&mut self, round: &Round<'_>, error: String) {
        tracing::debug!(target: "worldboss::loadgen", error, "no connection");
        self.bot.handle_failed(round.now(), error);
    }

    /// Reads all that has come; none if the connection has ended.
    fn read(&mut self, round: &mut Round<'_>, mut socket: Socket) -> Option<Socket> {
        let now = round.now();
        self.has_news = false;
        loop {
            match socket.read() {
                Incoming::Message(bytes) => match ShardMessage::decode(&bytes) {
                    Ok(message) => self.bot.handle_message(now, message),
                    Err(error) => self.bot.handle_malformed(&error.to_string()),
                },
                Incoming::Nothing => {}
                Incoming::Dry => return Some(socket),
                Incoming::Closed(code) => {
                    tracing::debug!(target: "worldboss::loadgen", code, "connection ended");
                    round.passed(socket.take_passed());
                    self.bot.handle_closed(now, code);
                    return None;
                }
            }
        }
    }

    /// Gives up a connection that takes nothing any more. The other side may have said why.
    fn lose(&mut self, round: &mut Round<'_>, socket: Socket) {
        if let Some(mut socket) = self.read(round, socket) {
            round.passed(socket.take_passed());
            self.bot.handle_closed(round.now(), None);
        }
    }

    /// Reads what has come, if it is a bot that reads now, and sends what is due.
    fn talk(&mut self, round: &mut Round<'_>, mut socket: Socket) {
        let now = round.now();
        // A connection on which nothing came may be one that this process did not look at.
        let reads = self.bot.read_at().is_none_or(|at| at <= now);
        if reads && (self.has_news || self.bot.is_silent(now)) {
            let Some(open) = self.read(round, socket) else { return };
            socket = open;
        }
        if self.bot.is_silent(now) {
            self.bot.handle_silent(now);
        } else if self.send(round, &mut socket) {
            self.line = Line::Open(socket);
        } else {
            self.lose(round, socket);
        }
    }

    /// Sends the messages whose time has come; false when the connection is gone.
    fn send(&mut self, round: &mut Round<'_>, socket: &mut Socket) -> bool {
        let mut is_up = true;
        while is_up && let Some(message) = self.bot.poll_message(round.now()) {
            is_up = socket.send(message.into_bytes());
        }
        round.passed(socket.take_passed());
        is_up
    }

    /// Does what is due, tells what happened, and says when to be woken.
    fn go_on(&mut self, round: &mut Round<'_>) {
        let now = round.now();
        match std::mem::replace(&mut self.line, Line::Down) {
            Line::Down => self.dial(round),
            Line::Dialing { until, .. } if until <= now => {
                self.fail(round, "a connection took longer than 10 s".to_owned());
            }
            Line::Open(socket) => self.talk(round, socket),
            Line::Closing { until, .. } if until <= now => {}
            line @ (Line::Dialing { .. } | Line::Closing { .. } | Line::Over) => self.line = line,
        }
        if self.bot.wants_to_leave(now) {
            self.hang_up(now);
            self.bot.handle_left(now);
        }
        if round.phase == Phase::Close && matches!(self.line, Line::Down) {
            self.line = Line::Over;
        }
        self.tell(round);
        self.wake_later(round);
    }

    /// Ends the connection, in order if it is open.
    fn hang_up(&mut self, now: Micros) {
        self.line = match std::mem::replace(&mut self.line, Line::Down) {
            Line::Open(mut socket) => {
                socket.close();
                Line::Closing { socket, until: now + CLOSE_MAX }
            }
            line @ (Line::Closing { .. } | Line::Over) => line,
            Line::Down | Line::Dialing { .. } => Line::Down,
        };
    }

    /// Begins to connect if it is time.
    fn dial(&mut self, round: &Round<'_>) {
        let now = round.now();
        if self.retry_at(round.phase).is_none_or(|at| now < at) {
            return;
        }
        let number = (self.index, self.attempts);
        self.attempts += 1;
        self.target = self.bot.target();
        let target = &round.targets[self.target];
        match Socket::dial(target, number, round.registry, self.token) {
            Ok(socket) => self.line = Line::Dialing { socket, until: now + CONNECT_MAX },
            Err(error) => self.fail(round, error),
        }
    }

    fn retry_at(&self, phase: Phase) -> Option<Micros> {
        // Nobody comes for the first time when it is all over.
        self.bot.retry_at().filter(|_| phase < Phase::Drain || self.attempts > 0)
    }

    fn wake_later(&mut self, round: &mut Round<'_>) {
        let next = match &self.line {
            Line::Down if self.retry_at(round.phase).is_none() => None,
            Line::Dialing { until, .. } | Line::Closing { until, .. } => Some(*until),
            Line::Down | Line::Open(_) => self.bot.poll_timeout(),
            Line::Over => None,
        };
        let read_at = self.bot.read_at().filter(|_| self.has_news);
        let next = [next, read_at].into_iter().flatten().min();
        // Who is woken too early just sleeps on; that is rarer than times that move further away.
        if let Some(next) = next.filter(|next| self.wake_at.is_none_or(|at| *next < at)) {
            self.wake_at = Some(next);
            round.wake(next, self.token);
        }
    }

    /// Hands over what happened.
    fn tell(&mut self, round: &mut Round<'_>) {
        let standing = Standing {
            is_live: self.bot.is_live(),
            // Before that, a hit could still leave.
            is_drained: round.phase >= Phase::Drain && self.bot.is_drained(),
            is_over: self.bot.is_over(),
        };
        let Some(recorder) = round.recorder.as_deref_mut() else {
            while self.bot.poll_event().is_some() {}
            return;
        };
        if standing != self.standing {
            recorder.handle_standing(self.target, self.standing, standing);
            self.standing = standing;
        }
        while let Some(event) = self.bot.poll_event() {
            recorder.handle_event(self.target, event);
        }
    }
}

/// Reads what comes behind a farewell, which nobody needs any more.
fn is_at_its_end(socket: &mut Socket) -> bool {
    loop {
        match socket.read() {
            Incoming::Message(_) | Incoming::Nothing => {}
            Incoming::Dry => return false,
            Incoming::Closed(_) => return true,
        }
    }
}
