//! One simulated player, without a socket: plans hits, sends them, resumes after a lost connection.

use super::event::Event;
use super::session::{Events, Session};
use super::skills::{Skills, damage_max};
use super::{Arrivals, Books, Span};
use protocol::{
    BossCard, CloseCode, Hello, Hit, InputSeq, Micros, PROTOCOL, ShardMessage, State, Status,
    Welcome,
};
use score::Backoff;
use std::collections::VecDeque;
use ucore::Updatable;

/// Hits of a bot that wait, to leave or to be answered. More are skipped.
const WAITING_MAX: usize = 64;
/// Without a frame for this long a connection counts as dead.
const SILENCE: Micros = Micros::from_millis(10_000);
/// The back-off between two connections.
const BACKOFF_FIRST: Micros = Micros::from_millis(100);
const BACKOFF_MAX: Micros = Micros::from_millis(5_000);

/// What a bot is like.
#[derive(Debug, Clone, PartialEq)]
pub struct BotConfig {
    /// Its name, within the limits of [`Hello::check`].
    pub name: String,
    /// Hits a second on average.
    pub rate_per_s: f64,
    /// Ticks from one state frame to the next; 0 for what can be seen, and then it tells what its
    /// bar showed.
    pub every: u8,
    /// Whether it uses skills with a cooldown, too.
    pub mix: bool,
}

/// A simulated player.
///
/// The driver opens a connection when [`Self::retry_at`] has come, and calls [`Self::handle_open`]
/// or [`Self::handle_failed`]. On the open connection it passes every message to
/// [`Self::handle_message`], sends what [`Self::poll_hit`] gives until there is none, drains
/// [`Self::poll_event`], and comes back at [`Self::poll_timeout`] at the latest.
#[derive(Debug)]
pub struct Bot {
    config: BotConfig,
    random: fastrand::Rng,
    arrivals: Arrivals,
    skills: Skills,
    backoff: Backoff,
    link: Link,
    session: Option<Session>,
    card: Option<Box<BossCard>>,
    /// Planned times of hits that have not left yet.
    backlog: VecDeque<Micros>,
    /// Hits planned from then on had nothing to wait for.
    free_since: Micros,
    welcomed: bool,
    events: Events,
}

/// Where a bot stands with its shard.
#[derive(Debug)]
enum Link {
    /// Waits for its next attempt.
    Away { retry_at: Micros },
    /// Said hello.
    Opening { since: Micros },
    /// Was welcomed. `heard` is when something came last.
    Open { heard: Micros, frame: Option<(Micros, State)> },
    /// Plays no more, and does not come back.
    Over,
}

/// Whether a player was told something that is not so any more. A generation's beginning alone is
/// told before it is stable.
fn is_taken_back(before: &State, now: &State) -> bool {
    let told = |state: &State| (state.generation, state.status);
    let is_begun_again = before.status == Status::Alive
        && now.generation.next() == before.generation
        && now.status == Status::Rewarded;
    told(now) < told(before) && !is_begun_again
}

impl Bot {
    /// A bot that may connect at once. Everything random about it comes from `seed`.
    #[must_use]
    pub fn new(config: BotConfig, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        Self {
            arrivals: Arrivals::new(config.rate_per_s, random.u64(..)),
            backoff: Backoff::new(random.u64(..), BACKOFF_FIRST, BACKOFF_MAX),
            config,
            random,
            skills: Skills::default(),
            link: Link::Away { retry_at: Micros(0) },
            session: None,
            card: None,
            backlog: VecDeque::new(),
            free_since: Micros(0),
            welcomed: false,
            events: Events::new(),
        }
    }

    /// A connection is open: the first message to send.
    pub fn handle_open(&mut self, now: Micros) -> Hello {
        self.link = Link::Opening { since: now };
        Hello {
            protocol: PROTOCOL,
            name: self.config.name.clone(),
            session: self.session.as_ref().map(|session| session.token),
            every: self.config.every,
        }
    }

    /// A message came.
    pub fn handle_message(&mut self, now: Micros, message: ShardMessage) {
        match (&mut self.link, message) {
            (Link::Over, _) => return,
            (Link::Opening { .. }, ShardMessage::Welcome(welcome)) => self.enter(now, &welcome),
            (Link::Open { .. }, ShardMessage::Ack(ack)) => {
                if let Some(session) = &mut self.session {
                    session.handle_ack(now, &ack, &mut self.events);
                }
            }
            (Link::Open { .. }, ShardMessage::State(state)) => self.follow(now, state),
            (Link::Open { frame: Some((_, state)), .. }, ShardMessage::Change(update)) => {
                let mut state = *state;
                match state.apply(update) {
                    Ok(()) => self.follow(now, state),
                    Err(reject) => self.handle_malformed(&reject.to_string()),
                }
            }
            (Link::Open { .. }, ShardMessage::Boss(card)) if card.spec.skills.is_empty() => {
                self.events.push_back(Event::Fault("a boss has no skills".to_owned()));
            }
            (Link::Open { .. }, ShardMessage::Boss(card)) => self.card = Some(Box::new(card)),
            (Link::Open { .. }, ShardMessage::Board(board)) => {
                if !board.top.is_sorted_by(|a, b| a.damage >= b.damage) {
                    self.events.push_back(Event::Fault("a leaderboard is out of order".to_owned()));
                }
            }
            (Link::Open { .. }, ShardMessage::Spoils(spoils)) => {
                if let Some(session) = &mut self.session {
                    session.handle_spoils(spoils, &mut self.events);
                }
            }
            (Link::Away { .. } | Link::Opening { .. } | Link::Open { .. }, _) => {
                let text =
                    "a message came before Welcome, a second Welcome, or a Change before a State";
                self.events.push_back(Event::Fault(text.to_owned()));
            }
        }
        if let Link::Open { heard, .. } = &mut self.link {
            *heard = now;
        }
    }

    /// Bytes came that are no message.
    pub fn handle_malformed(&mut self, error: &str) {
        // What changed of the state may be lost with it.
        if let Link::Open { frame, .. } = &mut self.link {
            *frame = None;
        }
        let text = format!("a shard sent what is no message: {error}");
        self.events.push_back(Event::Fault(text));
    }

    fn enter(&mut self, now: Micros, welcome: &Welcome) {
        self.events.push_back(Event::Connected { first: !self.welcomed });
        self.welcomed = true;
        self.link = Link::Open { heard: now, frame: None };
        match &mut self.session {
            Some(session) if welcome.resumed => {
                session.handle_welcome(now, welcome, &mut self.events);
            }
            _ => {
                if welcome.resumed {
                    let text = "a session was resumed that nobody asked for";
                    self.events.push_back(Event::Fault(text.to_owned()));
                }
                self.close_session();
                self.session = Some(Session::new(welcome));
            }
        }
    }

    fn follow(&mut self, now: Micros, state: State) {
        if let Link::Open { frame, .. } = &mut self.link {
            let before = frame.replace((now, state));
            if before.is_some_and(|(_, before)| is_taken_back(&before, &state)) {
                let text = "what was announced of a fallen boss was taken back";
                self.events.push_back(Event::Fault(text.to_owned()));
            }
            if before.is_none() {
                self.backoff.reset();
            }
            if before.is_none_or(|(_, before)| before.status != Status::Alive) {
                self.free_since = now;
            }
            let interval = before.map(|(at, _)| now.since(at));
            self.events.push_back(Event::Frame { at: now, state, interval });
            if let (0, Some((_, base)), Some(session)) = (self.config.every, before, &self.session)
            {
                let (until, own) = (state.tick, session.own_lacking(&base));
                self.events.push_back(Event::Shown(Box::new(Span { base, until, own })));
            }
        }
        if let Some(session) = &mut self.session {
            session.handle_state(now, &state, &mut self.events);
        }
        if state.status != Status::Alive {
            self.skip_backlog();
        }
    }

    /// The connection is gone; `code` is the shard's close code, if it gave one.
    pub fn handle_closed(&mut self, now: Micros, code: Option<u16>) {
        if matches!(self.link, Link::Over) {
            return;
        }
        let known = CloseCode::ALL.iter().find(|known| Some(known.code()) == code);
        match known {
            Some(CloseCode::Protocol | CloseCode::Field) => {
                self.note_fault_close(code);
                return self.finish();
            }
            Some(CloseCode::Restart | CloseCode::TryLater) | None => {
                let code = code.map_or_else(|| "no close code".to_owned(), |code| code.to_string());
                self.note_lost(&code);
            }
            Some(_) => self.note_fault_close(code),
        }
        self.back_off(now);
    }

    /// Nothing came for so long that the connection was given up.
    pub fn handle_silent(&mut self, now: Micros) {
        self.note_lost("nothing came for 10 s");
        self.back_off(now);
    }

    fn note_lost(&mut self, why: &str) {
        self.events.push_back(match self.link {
            Link::Opening { .. } => {
                Event::ConnectFailed(format!("a connection ended before Welcome: {why}"))
            }
            Link::Away { .. } | Link::Open { .. } | Link::Over => {
                Event::Trouble(format!("a connection ended: {why}"))
            }
        });
    }

    fn note_fault_close(&mut self, code: Option<u16>) {
        let code = code.unwrap_or_default();
        let text = format!("a shard closed a connection for a fault of the bot: {code}");
        self.events.push_back(Event::Fault(text));
    }

    /// A connection did not come up.
    pub fn handle_failed(&mut self, now: Micros, error: String) {
        if !matches!(self.link, Link::Over) {
            self.events.push_back(Event::ConnectFailed(error));
            self.back_off(now);
        }
    }

    fn back_off(&mut self, now: Micros) {
        self.link = Link::Away { retry_at: now + self.backoff.next_delay() };
    }

    /// Plans hits from `start` on.
    pub fn start(&mut self, start: Micros) {
        self.arrivals.start(start);
    }

    /// Plans no more hits; what is planned and has not left is skipped.
    pub fn stop(&mut self) {
        self.arrivals.stop();
        self.skip_backlog();
    }

    /// Ends the game: the books are closed and nothing that comes later counts.
    pub fn finish(&mut self) {
        self.stop();
        self.close_session();
        self.link = Link::Over;
    }

    fn close_session(&mut self) {
        if let Some(session) = self.session.take() {
            self.events.push_back(Event::Books(Box::new(session.close())));
        }
    }

    fn skip_backlog(&mut self) {
        let hits = self.backlog.len() as u64;
        self.backlog.clear();
        self.skip(hits);
    }

    fn skip(&mut self, hits: u64) {
        if hits > 0 {
            self.events.push_back(Event::Skipped { hits });
        }
    }

    /// The next hit to send now.
    pub fn poll_hit(&mut self, now: Micros) -> Option<Hit> {
        self.plan(now);
        let Link::Open { frame: Some((_, state)), .. } = self.link else {
            return None;
        };
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
        let planned = *self.backlog.front()?;
        let mix = self.config.mix.then_some(&mut self.random);
        let Some(skill) = self.skills.choose(now, &card.spec, mix) else {
            self.free_since = now;
            return None;
        };
        self.backlog.pop_front();
        self.skills.spend(now, &card.spec, skill.id);
        let lag = (planned >= self.free_since).then(|| now.since(planned));
        self.events.push_back(Event::Sent { lag });
        let hit = Hit { generation: state.generation, seq: InputSeq(0), skill: skill.id };
        Some(session.send(planned, damage_max(skill), hit))
    }

    /// Puts the hits whose time has come into the backlog, or skips them.
    fn plan(&mut self, now: Micros) {
        let asleep = match &self.link {
            Link::Open { frame: Some((_, state)), .. } => state.status != Status::Alive,
            Link::Away { .. } | Link::Opening { .. } | Link::Open { .. } => false,
            Link::Over => true,
        };
        let pending = self.session.as_ref().map_or(0, Session::pending_len);
        let mut skipped = 0;
        while let Some(planned) = self.arrivals.take(now) {
            if asleep || pending + self.backlog.len() >= WAITING_MAX {
                skipped += 1;
            } else {
                self.backlog.push_back(planned);
            }
        }
        self.skip(skipped);
    }

    /// What happened, the oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`Self::poll_hit`] and [`Self::is_silent`] again on an open connection.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Micros> {
        let resend = self.session.as_ref().and_then(Session::resend);
        let waits = resend.is_some() || !self.backlog.is_empty();
        let can_hit = self.is_live() && self.card.is_some();
        let basic_at = (waits && can_hit).then(|| self.skills.basic_at());
        let silent_at = self.silent_at();
        [self.arrivals.next(), basic_at, silent_at].into_iter().flatten().min()
    }

    /// When to connect next; none for a bot that is connected or does not come back.
    #[must_use]
    pub fn retry_at(&self) -> Option<Micros> {
        match self.link {
            Link::Away { retry_at } => Some(retry_at),
            Link::Opening { .. } | Link::Open { .. } | Link::Over => None,
        }
    }

    fn silent_at(&self) -> Option<Micros> {
        match self.link {
            Link::Opening { since: heard } | Link::Open { heard, .. } => Some(heard + SILENCE),
            Link::Away { .. } | Link::Over => None,
        }
    }

    /// Whether nothing came for so long that the connection counts as dead.
    #[must_use]
    pub fn is_silent(&self, now: Micros) -> bool {
        self.silent_at().is_some_and(|at| at <= now)
    }

    /// Whether the bot is welcomed and sees the boss.
    #[must_use]
    pub fn is_live(&self) -> bool {
        matches!(self.link, Link::Open { frame: Some(_), .. })
    }

    /// Whether it does not come back.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.link, Link::Over)
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
