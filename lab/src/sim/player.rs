//! A player: the load generator's bot, on a connection that may break at any moment.

use super::process::Env;
use super::trace::Note;
use super::world::Event;
use loadgen::machine::{Bot, BotConfig, Outgoing};
use protocol::{Micros, PlayerMessage, ShardMessage};
use shard::machine::ConnId;

/// A bot and its connection.
#[derive(Debug)]
pub(super) struct Player {
    id: usize,
    /// The shard on which it plays.
    pub(super) slot: usize,
    pub(super) bot: Bot,
    pub(super) conn: Option<ConnId>,
    /// The wake that is planned.
    wake_at: Option<Micros>,
    /// What it has seen last: notes are made of changes alone.
    seen: Option<(protocol::Gen, protocol::Status)>,
}

impl Player {
    pub(super) fn new(env: &mut Env, id: usize, slot: usize) -> Self {
        let rate = env.core.random.f64() * 4.0 + 0.5;
        let mix = env.core.random.bool();
        let config = BotConfig { mix, ..BotConfig::new(format!("player {id}"), rate) };
        let mut bot = Bot::new(config, env.core.random.u64(..));
        bot.start(Micros(0));
        Self { id, slot, bot, conn: None, wake_at: None, seen: None }
    }

    /// Its time has come: it connects, hits, or notices that nothing comes any more. `process` is
    /// where its shard is open.
    pub(super) fn wake(&mut self, env: &mut Env, at: Micros, process: Option<u32>) {
        if self.wake_at != Some(at) {
            return;
        }
        self.wake_at = None;
        let now = env.core.now;
        if self.bot.is_silent(now) {
            self.bot.handle_silent(now);
            self.drop_connection(env);
        }
        if self.bot.retry_at().is_some_and(|at| at <= now) {
            self.connect(env, process);
        }
        self.go_on(env);
    }

    fn connect(&mut self, env: &mut Env, process: Option<u32>) {
        let now = env.core.now;
        let Some(process) = process else {
            return self.bot.handle_failed(now, "nobody listens".to_owned());
        };
        let conn = env.conns.open(self.id, process);
        self.conn = Some(conn);
        let hello = PlayerMessage::Hello(self.bot.handle_open(now));
        env.conns.send_to_shard(&mut env.core, conn, &hello);
    }

    fn drop_connection(&mut self, env: &mut Env) {
        if let Some(conn) = self.conn.take() {
            env.core.note(&Note::Disconnected { player: self.id });
            env.conns.leave(&mut env.core, conn);
        }
    }

    /// A message arrived.
    pub(super) fn handle_message(&mut self, env: &mut Env, conn: ConnId, message: ShardMessage) {
        if self.conn != Some(conn) {
            return;
        }
        match &message {
            ShardMessage::Welcome(welcome) => {
                let process = env.conns.at_player(conn).map_or(0, |conn| conn.process);
                let resumed = welcome.resumed;
                env.core.note(&Note::Connected { player: self.id, process, resumed });
            }
            ShardMessage::State(state) => {
                env.check.handle_state(&mut env.core, state);
                let seen = (state.generation, state.status);
                if self.seen.replace(seen) != Some(seen) {
                    let (generation, status, hp) = (state.generation, state.status, state.hp);
                    env.core.note(&Note::Told { player: self.id, generation, status, hp });
                }
            }
            ShardMessage::Ack(ack) => {
                let damage = ack.tallies.iter().map(|tally| tally.damage).sum();
                env.core.note(&Note::Acked { player: self.id, seq: ack.seq.0, damage });
            }
            ShardMessage::Boss(_)
            | ShardMessage::Change(_)
            | ShardMessage::Board(_)
            | ShardMessage::Spoils(_) => {}
        }
        self.bot.handle_message(env.core.now, message);
        self.go_on(env);
    }

    /// Its connection is over.
    pub(super) fn handle_closed(&mut self, env: &mut Env, conn: ConnId, code: Option<u16>) {
        if self.conn == Some(conn) {
            self.bot.handle_closed(env.core.now, code);
            self.drop_connection(env);
            self.go_on(env);
        }
    }

    /// Sends what is due, hands over what happened, and plans its next wake.
    pub(super) fn go_on(&mut self, env: &mut Env) {
        let now = env.core.now;
        if let Some(conn) = self.conn {
            // None of these bots cheats, so hits are all that it sends.
            while let Some(Outgoing::Hit(hit)) = self.bot.poll_message(now) {
                env.conns.send_to_shard(&mut env.core, conn, &PlayerMessage::Hit(hit));
            }
        }
        while let Some(event) = self.bot.poll_event() {
            env.check.handle_player(&mut env.core, self.slot, event);
        }
        let next = self.bot.retry_at().or_else(|| self.bot.poll_timeout());
        let Some(next) = next.map(|next| next.max(now + Micros::from_millis(1))) else { return };
        if self.wake_at.is_none_or(|planned| next < planned) {
            self.wake_at = Some(next);
            env.core.at(next, Event::Player(self.id, next));
        }
    }
}
