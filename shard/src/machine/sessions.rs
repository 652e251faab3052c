//! Sessions and the connections that they are on at the moment.

use super::ConnId;
use super::admission::Limits;
use super::journal::Session;
use protocol::limits::SESSIONS_MAX;
use protocol::{Gen, InputSeq, PlayerId, Refusal, SessionId, Tally, Token};
use std::collections::{BTreeMap, BTreeSet};

/// A session as the running process knows it: ahead of the disk by at most what a tick changed.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) session: Session,
    pub(super) conn: Option<ConnId>,
    pub(super) limits: Limits,
    /// Refusals of the current tick.
    pub(super) refused: Vec<Refusal>,
    /// Generations whose tally changed in the current tick.
    changed: BTreeSet<Gen>,
}

/// All sessions of a shard.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    all: BTreeMap<SessionId, Live>,
    tokens: BTreeMap<Token, SessionId>,
    players: BTreeMap<PlayerId, SessionId>,
    conns: BTreeMap<ConnId, SessionId>,
    /// Sessions without a connection, the one away for longest first.
    away: BTreeMap<u64, SessionId>,
    away_since: BTreeMap<SessionId, u64>,
    /// Orders departures; a clock would not be monotonic over restarts.
    departures: u64,
    next: u32,
    /// Sessions that the current tick changed.
    dirty: BTreeSet<SessionId>,
}

/// There is no room for another session, and nobody is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Sessions {
    /// The sessions found on the disk, all of them away.
    pub(super) fn restore(sessions: &BTreeMap<SessionId, Session>) -> Self {
        let mut restored = Self::default();
        for (id, session) in sessions {
            restored.insert(*id, session.clone());
            restored.depart(*id);
            // They are in order, so the last one is the newest that was not forgotten.
            restored.next = id.0.wrapping_add(1);
        }
        restored
    }

    fn insert(&mut self, id: SessionId, session: Session) {
        self.tokens.insert(session.token, id);
        self.players.insert(session.player, id);
        let live = Live {
            session,
            conn: None,
            limits: Limits::default(),
            refused: Vec::new(),
            changed: BTreeSet::new(),
        };
        self.all.insert(id, live);
    }

    fn depart(&mut self, id: SessionId) {
        self.departures += 1;
        self.away.insert(self.departures, id);
        self.away_since.insert(id, self.departures);
    }

    pub(super) fn by_token(&self, token: Token) -> Option<SessionId> {
        self.tokens.get(&token).copied()
    }

    pub(super) fn by_conn(&self, conn: ConnId) -> Option<SessionId> {
        self.conns.get(&conn).copied()
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&Live> {
        self.all.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: SessionId) -> Option<&mut Live> {
        self.all.get_mut(&id)
    }

    /// Connections that belong to a session.
    pub(super) fn conns(&self) -> impl Iterator<Item = ConnId> {
        self.conns.keys().copied()
    }

    /// The number of connected players.
    pub(super) fn online(&self) -> u32 {
        u32::try_from(self.conns.len()).unwrap_or(u32::MAX)
    }

    /// Opens a session, and forgets the one away for longest if there are too many.
    pub(super) fn open(
        &mut self,
        session: Session,
    ) -> Result<(SessionId, Option<SessionId>), NoRoom> {
        let mut forgotten = None;
        if self.all.len() >= SESSIONS_MAX {
            let (_, oldest) = self.away.pop_first().ok_or(NoRoom)?;
            self.away_since.remove(&oldest);
            if let Some(live) = self.all.remove(&oldest) {
                self.tokens.remove(&live.session.token);
                self.players.remove(&live.session.player);
            }
            self.dirty.remove(&oldest);
            forgotten = Some(oldest);
        }
        let id = self.unused();
        self.insert(id, session);
        Ok((id, forgotten))
    }

    /// A number that no session has. After the last one they begin again: a shard outlives them.
    fn unused(&mut self) -> SessionId {
        loop {
            let id = SessionId(self.next);
            self.next = self.next.wrapping_add(1);
            if !self.all.contains_key(&id) {
                return id;
            }
        }
    }

    /// Puts a session on a connection; gives back the connection that it was on.
    pub(super) fn attach(&mut self, id: SessionId, conn: ConnId) -> Option<ConnId> {
        if let Some(since) = self.away_since.remove(&id) {
            self.away.remove(&since);
        }
        self.conns.insert(conn, id);
        let old = self.all.get_mut(&id)?.conn.replace(conn)?;
        self.conns.remove(&old);
        Some(old)
    }

    /// Takes the session off a connection that is gone.
    pub(super) fn detach(&mut self, conn: ConnId) {
        let Some(id) = self.conns.remove(&conn) else {
            return;
        };
        if let Some(live) = self.all.get_mut(&id) {
            live.conn = None;
            self.depart(id);
        }
    }

    /// Marks a session as changed by the current tick.
    pub(super) fn touch(&mut self, id: SessionId) {
        self.dirty.insert(id);
    }

    /// Whether the current tick changed something.
    pub(super) fn is_changed(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// What the current tick changed: (session, its sequence, changed tallies, refusals).
    pub(super) fn take_changes(&mut self) -> Vec<(SessionId, InputSeq, Vec<Tally>, Vec<Refusal>)> {
        let mut changes = Vec::with_capacity(self.dirty.len());
        for id in std::mem::take(&mut self.dirty) {
            if let Some(live) = self.all.get_mut(&id) {
                let changed = std::mem::take(&mut live.changed);
                let tallies = changed.iter().map(|generation| live.session.tally(*generation));
                let tallies = tallies.collect();
                changes.push((id, live.session.seq, tallies, std::mem::take(&mut live.refused)));
            }
        }
        changes
    }

    /// Players with damage in a generation that was not late.
    pub(super) fn players_of(&self, generation: Gen) -> Vec<PlayerId> {
        let with_damage = self.all.values().filter(|live| {
            let tally = live.session.tally(generation);
            tally.late < tally.damage
        });
        with_damage.map(|live| live.session.player).collect()
    }

    /// The session that plays for a player.
    pub(super) fn of_player(&self, player: PlayerId) -> Option<SessionId> {
        self.players.get(&player).copied()
    }
}

impl Live {
    /// Enters an accepted hit.
    pub(super) fn credit(&mut self, generation: Gen, damage: u64) {
        let mut tally = self.session.tally(generation);
        tally.hits += 1;
        tally.damage += damage;
        self.session.learn(tally);
        self.changed.insert(generation);
    }

    /// Enters damage that came late. Totals only grow, so repetitions change nothing.
    pub(super) fn report_late(&mut self, generation: Gen, late: u64) -> bool {
        let mut tally = self.session.tally(generation);
        if tally.late >= late {
            return false;
        }
        tally.late = late;
        self.session.learn(tally);
        self.changed.insert(generation);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Journal, Record};
    use protocol::{BossId, JournalId, ShardId, Tick};
    use ucore::{Bin, Updatable};

    fn session(number: u8) -> Session {
        let (token, player) = (Token(Bin([number; 16])), PlayerId(number.into()));
        Session { token, player, name: "Ada".to_owned(), seq: InputSeq(0), tallies: Vec::new() }
    }

    #[test]
    fn numbers_begin_again_after_the_last_one_and_those_in_use_are_passed_over() {
        let disk = [(SessionId(0), session(1)), (SessionId(u32::MAX), session(2))].into();
        let mut sessions = Sessions::restore(&disk);
        assert_eq!(sessions.open(session(3)), Ok((SessionId(1), None)));
        assert_eq!(sessions.open(session(4)), Ok((SessionId(2), None)));
    }

    #[test]
    fn one_tick_may_forget_a_session_and_open_another_one_of_its_number() {
        let id = SessionId(7);
        let mut journal =
            Journal::begin(JournalId(Bin([1; 16])), BossId(1), ShardId(1), None, false);
        let opened = |tick, number| Record {
            tick: Tick(tick),
            opened: vec![(id, session(number))],
            ..Record::default()
        };
        assert_eq!(journal.apply(opened(1, 1)), Ok(()));
        let record = Record { forgotten: vec![id], ..opened(2, 2) };
        assert_eq!(journal.apply(record), Ok(()));
        assert_eq!(journal.sessions.get(&id), Some(&session(2)));
    }
}
