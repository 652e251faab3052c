//! One simulated player, without a socket: plans hits, sends them, resumes after a lost connection,
//! comes and goes.

use super::cheat::Cheater;
use super::event::Event;
use super::link::Link;
use super::presence::Presence;
use super::session::{Events, Session};
use super::skills::{Skills, damage_max};
use super::{Books, BotConfig, Cheat, Planned, Returns, Schedule};
use protocol::{BossCard, Hit, InputSeq, Micros, PlayerMessage, Status};
use score::Backoff;
use std::collections::VecDeque;

/// Hits of a bot that wait, to leave or to be answered. More are skipped.
const WAITING_MAX: usize = 64;
/// The back-off between two connections.
const BACKOFF_FIRST: Micros = Micros::from_millis(100);
const BACKOFF_MAX: Micros = Micros::from_millis(5_000);

/// What a bot sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Outgoing {
    /// A hit.
    Hit(Hit),
    /// The bytes of a frame that is no message, from a bot that cheats.
    Bytes(Vec<u8>),
}

impl Outgoing {
    /// The bytes of its frame.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Hit(hit) => ucore::encode(&PlayerMessage::Hit(hit)),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// A simulated player.
///
/// The driver opens a connection to [`Self::target`] when [`Self::retry_at`] has come, and calls
/// [`Self::handle_open`] or [`Self::handle_failed`]. On the open connection it passes every message
/// to [`Self::handle_message`], reading nothing before [`Self::read_at`], and sends what
/// [`Self::poll_message`] gives until there is none. Connected or not, it then asks
/// [`Self::wants_to_leave`], and if so closes the connection if there is one and calls
/// [`Self::handle_left`]; drains [`Self::poll_event`]; and comes back at [`Self::poll_timeout`] at
/// the latest.
#[derive(Debug)]
pub struct Bot {
    pub(super) config: BotConfig,
    schedule: Schedule,
    pub(super) presence: Presence,
    pub(super) cheater: Option<Cheater>,
    skills: Skills,
    pub(super) backoff: Backoff,
    pub(super) link: Link,
    pub(super) session: Option<Session>,
    pub(super) card: Option<Box<BossCard>>,
    /// Where to connect.
    target: usize,
    /// When it wanted to be connected, until it sees the boss.
    pub(super) wanted: Option<Micros>,
    /// Before that, one that reads slowly reads nothing.
    pub(super) read_at: Option<Micros>,
    /// Planned hits that have not left yet.
    backlog: VecDeque<Planned>,
    /// Hits planned from then on had nothing to wait for.
    pub(super) free_since: Micros,
    pub(super) welcomed: bool,
    pub(super) events: Events,
}

impl Bot {
    /// A bot that connects when its configuration says so. Everything random about it comes from
    /// `seed`; its planned hits are those of [`Schedule::new`].
    #[must_use]
    pub fn new(config: BotConfig, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let (backoff, cheater) = (random.u64(..), random.u64(..));
        Self {
            schedule: Schedule::new(&config, seed),
            presence: Presence::new(&config, seed),
            cheater: config.cheat.map(|cheat| Cheater::new(cheat, cheater)),
            skills: Skills::new(config.cheat == Some(Cheat::Rate)),
            backoff: Backoff::new(backoff, BACKOFF_FIRST, BACKOFF_MAX),
            link: Link::Away { retry_at: config.connects, on_purpose: true },
            session: None,
            card: None,
            target: config.target,
            wanted: Some(config.connects),
            read_at: None,
            backlog: VecDeque::new(),
            free_since: Micros(0),
            welcomed: false,
            events: Events::new(),
            config,
        }
    }

    /// The load begins, or began: hits are planned and departures come from then on.
    pub fn start(&mut self, start: Micros) {
        self.schedule.start(start);
        self.presence.start(start);
    }

    /// Plans no more hits and departures; what is planned and has not left is skipped. A bot that
    /// is away with something unanswered comes back at once, and one that reads slowly reads what
    /// comes.
    pub fn stop(&mut self) {
        self.schedule.stop();
        self.presence.stop();
        self.read_at = None;
        self.skip_backlog();
        if let Link::Away { retry_at, on_purpose: true } = &mut self.link
            && self.session.as_ref().is_some_and(|session| !session.is_drained())
        {
            *retry_at = Micros(0);
        }
    }

    /// Ends the game: the books are closed and nothing that comes later counts.
    pub fn finish(&mut self) {
        self.stop();
        self.close_session();
        self.link = Link::Over;
    }

    pub(super) fn close_session(&mut self) {
        if let Some(session) = self.session.take() {
            self.events.push_back(Event::Books(Box::new(session.close())));
        }
    }

    pub(super) fn skip_backlog(&mut self) {
        let hits = self.backlog.len() as u64;
        self.backlog.clear();
        self.skip(hits);
    }

    fn skip(&mut self, hits: u64) {
        if hits > 0 {
            self.events.push_back(Event::Skipped { hits });
        }
    }

    /// The next message to send now.
    pub fn poll_message(&mut self, now: Micros) -> Option<Outgoing> {
        self.plan(now);
        self.link.state()?;
        if let Some(message) = self.poll_cheat(now) {
            return Some(message);
        }
        if self.cheater.as_ref().is_some_and(Cheater::holds_back) {
            return None;
        }
        self.poll_hit(now).map(Outgoing::Hit)
    }

    fn poll_cheat(&mut self, now: Micros) -> Option<Outgoing> {
        let cheater = self.cheater.as_mut().filter(|_| !self.presence.is_leaving())?;
        let (session, card) = (self.session.as_ref()?, self.card.as_ref()?);
        let heard = self.link.heard()?;
        cheater.poll((now, heard), (&self.config, &card.spec), session, &mut self.events)
    }

    fn poll_hit(&mut self, now: Micros) -> Option<Hit> {
        let generation = self.link.state()?.generation;
        let (session, card) = (self.session.as_mut()?, self.card.as_ref()?);
        if let Some(hit) = session.resend() {
            if self.skills.basic_at() > now {
                self.free_since = now;
                return None;
            }
            self.skills.spend(now, &card.spec, hit.skill);
            session.note_resent();
            return Some(hit);
        }
        if self.presence.is_leaving() {
            return None;
        }
        let Planned { at: planned, wish } = *self.backlog.front()?;
        let Some(skill) = self.skills.choose(now, &card.spec, wish) else {
            self.free_since = now;
            return None;
        };
        self.backlog.pop_front();
        self.skills.spend(now, &card.spec, skill.id);
        let lag = (planned >= self.free_since).then(|| now.since(planned));
        self.events.push_back(Event::Sent { lag });
        if let Some(cheater) = &self.cheater {
            cheater.handle_sent(&mut self.events);
        }
        let hit = Hit { generation, seq: InputSeq(0), skill: skill.id };
        Some(session.send(planned, damage_max(skill), hit))
    }

    /// Puts the hits whose time has come into the backlog, or skips them.
    fn plan(&mut self, now: Micros) {
        let is_down = self.link.state().is_some_and(|state| state.status != Status::Alive);
        let asleep = is_down || self.link.is_over();
        let pending = self.session.as_ref().map_or(0, Session::pending_len);
        let mut skipped = 0;
        loop {
            if pending + self.backlog.len() == 0 {
                self.schedule.go_on(now);
            }
            let Some(planned) = self.schedule.take(now) else { break };
            if asleep || pending + self.backlog.len() >= WAITING_MAX {
                skipped += 1;
            } else {
                self.backlog.push_back(planned);
            }
        }
        self.skip(skipped);
        self.look_away(now);
    }

    /// Who leaves does not make the hits any more that it had planned before.
    fn look_away(&mut self, now: Micros) {
        if let Some((departure, true)) = self.presence.leaving(now) {
            let kept = self.backlog.partition_point(|planned| planned.at < departure.at);
            self.backlog.drain(..kept);
            self.skip(kept as u64);
        }
    }

    /// Whether the driver has to close the connection, if there is one, and to call
    /// [`Self::handle_left`].
    pub fn wants_to_leave(&mut self, now: Micros) -> bool {
        self.plan(now);
        let Some(departure) = self.presence.departure().filter(|it| it.at <= now) else {
            return false;
        };
        if self.link.is_over() {
            return false;
        }
        if departure.drains() {
            return self.is_drained() || Presence::is_late(&departure, now);
        }
        !self.link.is_away()
    }

    /// The bot has left, as it wanted to. It comes back at [`Self::retry_at`], or never.
    pub fn handle_left(&mut self, now: Micros) {
        let Some(departure) = self.presence.leave() else { return };
        let Some((back, returns)) = departure.back else { return self.finish() };
        if let Some(cheater) = &mut self.cheater {
            cheater.handle_lost(None, &mut self.events);
        }
        if returns == Returns::Move {
            self.close_session();
            self.target = (self.target + 1) % self.config.targets.max(1);
        }
        self.backoff.reset();
        let retry_at = back.max(now);
        self.wanted = Some(retry_at);
        self.link = Link::Away { retry_at, on_purpose: true };
    }

    /// What happened, the oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            let event = self.events.pop_front()?;
            let event = match self.config.reads_every {
                Some(_) => event.of_slow_reader(),
                None => Some(event),
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// When to call [`Self::poll_message`], [`Self::wants_to_leave`] and [`Self::is_silent`] again,
    /// and when to connect. After that it is later than now.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Micros> {
        let leave_at = self.leave_at();
        if self.link.is_away() {
            return [self.retry_at(), leave_at].into_iter().flatten().min();
        }
        let times = [self.schedule.next(), self.send_at(), leave_at, self.silent_at()];
        times.into_iter().flatten().min()
    }

    fn leave_at(&self) -> Option<Micros> {
        // Without a connection, who would not wait for its answers has nothing to leave.
        let is_idle = self.link.is_over()
            || self.link.is_away() && self.presence.departure().is_some_and(|it| !it.drains());
        self.presence.wake_at().filter(|_| !is_idle)
    }

    /// When something can leave that waits, or cheats.
    fn send_at(&self) -> Option<Micros> {
        self.link.state().and(self.card.as_ref())?;
        let (session, cheater) = (self.session.as_ref()?, self.cheater.as_ref());
        let is_leaving = self.presence.is_leaving();
        let waits = session.resend().is_some() || (!self.backlog.is_empty() && !is_leaving);
        let holds_back = cheater.is_some_and(Cheater::holds_back);
        let basic_at = (waits && !holds_back).then(|| self.skills.basic_at());
        let cheat_at = cheater.filter(|_| !is_leaving).and_then(|cheater| cheater.wake_at(session));
        basic_at.into_iter().chain(cheat_at).min()
    }

    /// Where to connect: the position among the targets.
    #[must_use]
    pub fn target(&self) -> usize {
        self.target
    }

    /// When to connect next; none for a bot that is connected or does not come back.
    #[must_use]
    pub fn retry_at(&self) -> Option<Micros> {
        let Link::Away { retry_at, .. } = self.link else { return None };
        let absence = self.presence.departure().filter(|it| it.at <= retry_at && !it.drains());
        let back = absence.and_then(|departure| departure.back);
        Some(back.map_or(retry_at, |(back, _)| retry_at.max(back)))
    }

    /// Before that, nothing is to be read; none for a bot that reads what comes, as all do before
    /// they leave and at the end. What has come by then is read at once.
    #[must_use]
    pub fn read_at(&self) -> Option<Micros> {
        self.read_at.filter(|_| !self.presence.is_leaving())
    }

    fn silent_at(&self) -> Option<Micros> {
        Some(self.link.silent_at()? + self.config.reads_every.unwrap_or(Micros(0)))
    }

    /// Whether nothing came for so long that the connection counts as dead.
    #[must_use]
    pub fn is_silent(&self, now: Micros) -> bool {
        self.silent_at().is_some_and(|at| at <= now)
    }

    /// Whether the bot is welcomed and sees the boss.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.link.state().is_some()
    }

    /// Whether it does not come back.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.link.is_over()
    }

    /// Whether every hit that left is answered, and every accepted one counted by the truth.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.session.as_ref().is_none_or(Session::is_drained)
    }

    /// The books of the current session.
    #[must_use]
    pub fn books(&self) -> Option<&Books> {
        self.session.as_ref().map(Session::books)
    }
}
