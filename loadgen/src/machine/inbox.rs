//! What a bot makes of its connection: it opens, brings messages, and ends.

use super::event::Event;
use super::link::{Link, is_taken_back};
use super::session::Session;
use super::{Bot, Span};
use protocol::{CloseCode, Hello, Micros, PROTOCOL, ShardMessage, State, Status, Welcome};
use ucore::Updatable;

impl Bot {
    /// A connection is open: the first message to send.
    pub fn handle_open(&mut self, now: Micros) -> Hello {
        if let Some(back) = self.presence.pass_missed(now) {
            self.wanted = self.wanted.max(Some(back));
        }
        self.link = Link::Opening { since: now };
        self.read_at = None;
        Hello {
            protocol: PROTOCOL,
            name: self.config.name.clone(),
            session: self.session.as_ref().map(|session| session.token),
            every: self.config.every,
        }
    }

    /// A message came.
    pub fn handle_message(&mut self, now: Micros, message: ShardMessage) {
        self.read_at = self.pause().map(|pause| now + pause);
        match (&mut self.link, message) {
            (Link::Over, _) => return,
            (Link::Opening { .. }, ShardMessage::Welcome(welcome)) => self.enter(now, &welcome),
            (Link::Open { .. }, ShardMessage::Ack(ack)) => {
                if let Some(session) = &mut self.session {
                    let growth = session.handle_ack(now, &ack, &mut self.events);
                    if let Some(cheater) = &mut self.cheater {
                        cheater.handle_ack(&ack, &mut self.events);
                        cheater.handle_growth(now, growth, &mut self.events);
                    }
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
                self.note_fault("a boss has no skills");
            }
            (Link::Open { .. }, ShardMessage::Boss(card)) => self.card = Some(Box::new(card)),
            (Link::Open { .. }, ShardMessage::Board(board)) => {
                if !board.top.is_sorted_by(|a, b| a.damage >= b.damage) {
                    self.note_fault("a leaderboard is out of order");
                }
            }
            (Link::Open { .. }, ShardMessage::Spoils(spoils)) => {
                if let Some(session) = &mut self.session {
                    session.handle_spoils(spoils, &mut self.events);
                }
            }
            (Link::Away { .. } | Link::Opening { .. } | Link::Open { .. }, _) => self.note_fault(
                "a message came before Welcome, a second Welcome, or a Change before a State",
            ),
        }
        if let Link::Open { heard, .. } = &mut self.link {
            *heard = now;
        }
    }

    /// How long it reads nothing now.
    fn pause(&self) -> Option<Micros> {
        self.config.reads_every.filter(|_| self.presence.has_begun())
    }

    fn note_fault(&mut self, what: &str) {
        self.events.push_back(Event::Fault(what.to_owned()));
    }

    /// Bytes came that are no message.
    pub fn handle_malformed(&mut self, error: &str) {
        // What changed of the state may be lost with it.
        if let Link::Open { frame, .. } = &mut self.link {
            *frame = None;
        }
        self.note_fault(&format!("a shard sent what is no message: {error}"));
    }

    fn enter(&mut self, now: Micros, welcome: &Welcome) {
        self.events.push_back(Event::Connected { first: !self.welcomed });
        self.welcomed = true;
        self.link = Link::Open { heard: now, resumed: welcome.resumed, frame: None };
        if let Some(cheater) = &mut self.cheater {
            cheater.handle_welcome(now, welcome.resumed);
        }
        match &mut self.session {
            Some(session) if welcome.resumed => {
                let growth = session.handle_welcome(now, welcome, &mut self.events);
                if let Some(cheater) = &mut self.cheater {
                    cheater.handle_growth(now, growth, &mut self.events);
                }
            }
            _ => {
                if welcome.resumed {
                    self.note_fault("a session was resumed that nobody asked for");
                }
                self.close_session();
                self.session = Some(Session::new(welcome));
            }
        }
    }

    fn follow(&mut self, now: Micros, state: State) {
        if let Link::Open { frame, resumed, .. } = &mut self.link {
            let resumed = *resumed;
            let before = frame.replace((now, state));
            if before.is_some_and(|(_, before)| is_taken_back(&before, &state)) {
                self.note_fault("what was announced of a fallen boss was taken back");
            }
            if before.is_none() {
                self.backoff.reset();
                if let Some(planned) = self.wanted.take() {
                    self.events.push_back(Event::Joined { planned, at: now, resumed });
                }
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
        if self.link.is_over() {
            return;
        }
        if self.lose(code) {
            return self.back_off(now);
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
            // A connection that it left may be heard of later than the one after it.
            Some(CloseCode::Replaced) if self.config.churn.is_some() => {
                self.note_lost("its session went on in another one");
            }
            Some(_) => self.note_fault_close(code),
        }
        self.back_off(now);
    }

    /// Nothing came for so long that the connection was given up.
    pub fn handle_silent(&mut self, now: Micros) {
        self.lose(None);
        self.note_lost("nothing came for 10 s");
        self.back_off(now);
    }

    /// The connection is gone. Whether a bot that cheats was shut out as it had to be.
    fn lose(&mut self, code: Option<u16>) -> bool {
        let cheater = self.cheater.as_mut();
        cheater.is_some_and(|cheater| cheater.handle_lost(code, &mut self.events))
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
        self.note_fault(&format!("a shard closed a connection for a fault of the bot: {code}"));
    }

    /// A connection did not come up.
    pub fn handle_failed(&mut self, now: Micros, error: String) {
        if !self.link.is_over() {
            self.events.push_back(Event::ConnectFailed(error));
            self.back_off(now);
        }
    }

    fn back_off(&mut self, now: Micros) {
        let retry_at = now + self.backoff.next_delay();
        self.wanted.get_or_insert(retry_at);
        self.link = Link::Away { retry_at, on_purpose: false };
    }
}
