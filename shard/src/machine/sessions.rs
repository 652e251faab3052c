//! Sessions and the connections that they are on at the moment.

use super::admission::Limits;
use super::buffer::LinePlace;
use super::conns::{ConnId, Conns};
use super::journal::{Session, SessionChange};
use arrayvec::ArrayVec;
use protocol::limits::{SESSIONS_MAX, TALLIES_MAX};
use protocol::{Gen, PlayerId, Refusal, SessionId, Tally, Token};
use std::collections::BTreeMap;

/// A session as the running process knows it: ahead of the disk by at most what a tick changed.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: SessionId,
    pub(super) session: Session,
    pub(super) conn: Option<ConnId>,
    pub(super) limits: Limits,
    /// Where the player's line is.
    pub(super) line: LinePlace,
    /// Refusals of the current tick.
    pub(super) refused: Vec<Refusal>,
    /// Generations whose tally changed in the current tick.
    changed: ArrayVec<Gen, TALLIES_MAX>,
    /// The current tick changed something.
    is_dirty: bool,
    /// No record has it yet.
    is_new: bool,
}

/// Where a session is kept, so that a hit finds it at once. Used again by another session when this
/// one is forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat(usize);

/// All sessions of a shard.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    seats: Vec<Option<Live>>,
    free: Vec<Seat>,
    ids: BTreeMap<SessionId, Seat>,
    tokens: BTreeMap<Token, SessionId>,
    players: BTreeMap<PlayerId, SessionId>,
    conns: Conns,
    /// Sessions without a connection, the one away for longest first.
    away: BTreeMap<u64, SessionId>,
    away_since: BTreeMap<SessionId, u64>,
    /// Orders departures; a clock would not be monotonic over restarts.
    departures: u64,
    next: u32,
    /// Seats of sessions that the current tick changed, in the order in which it did.
    dirty: Vec<Seat>,
}

/// What a tick changed in a session.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) change: SessionChange,
    pub(super) refused: Vec<Refusal>,
    /// The session itself, if no record has it yet.
    pub(super) opened: Option<Session>,
}

/// There is no room for another session, and nobody is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Sessions {
    /// The sessions found on the disk, all of them away.
    pub(super) fn restore(sessions: &BTreeMap<SessionId, Session>) -> Self {
        let mut restored = Self::default();
        for (id, session) in sessions {
            restored.insert(*id, session.clone(), false);
            restored.depart(*id);
            // They are in order, so the last one is the newest that was not forgotten.
            restored.next = id.0.wrapping_add(1);
        }
        restored
    }

    fn insert(&mut self, id: SessionId, session: Session, is_new: bool) {
        self.tokens.insert(session.token, id);
        self.players.insert(session.player, id);
        let seat = self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            Seat(self.seats.len() - 1)
        });
        self.ids.insert(id, seat);
        self.seats[seat.0] = Some(Live {
            id,
            session,
            conn: None,
            limits: Limits::default(),
            line: LinePlace::default(),
            refused: Vec::new(),
            changed: ArrayVec::new(),
            is_dirty: false,
            is_new,
        });
    }

    fn remove(&mut self, id: SessionId) {
        let Some(seat) = self.ids.remove(&id) else { return };
        self.free.push(seat);
        if let Some(live) = self.seats[seat.0].take() {
            self.tokens.remove(&live.session.token);
            self.players.remove(&live.session.player);
        }
    }

    fn depart(&mut self, id: SessionId) {
        self.departures += 1;
        self.away.insert(self.departures, id);
        self.away_since.insert(id, self.departures);
    }

    pub(super) fn by_token(&self, token: Token) -> Option<SessionId> {
        self.tokens.get(&token).copied()
    }

    /// The session on a connection.
    pub(super) fn by_conn(&self, conn: ConnId) -> Option<&Live> {
        self.seats.get(self.conns.get(conn)?.0)?.as_ref()
    }

    /// The session on a connection, and where it is kept.
    pub(super) fn by_conn_mut(&mut self, conn: ConnId) -> Option<(Seat, &mut Live)> {
        let seat = self.conns.get(conn)?;
        Some((seat, self.seats.get_mut(seat.0)?.as_mut()?))
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&Live> {
        self.seats.get(self.ids.get(&id)?.0)?.as_ref()
    }

    fn get_mut(&mut self, id: SessionId) -> Option<(Seat, &mut Live)> {
        let seat = *self.ids.get(&id)?;
        Some((seat, self.seats.get_mut(seat.0)?.as_mut()?))
    }

    /// Connections that belong to a session.
    pub(super) fn conns(&self) -> impl Iterator<Item = ConnId> {
        self.conns.iter()
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
        if self.ids.len() >= SESSIONS_MAX {
            let (_, oldest) = self.away.pop_first().ok_or(NoRoom)?;
            self.away_since.remove(&oldest);
            self.remove(oldest);
            forgotten = Some(oldest);
        }
        let id = self.unused();
        self.insert(id, session, true);
        self.touch_id(id);
        Ok((id, forgotten))
    }

    /// A number that no session has. After the last one they begin again: a shard outlives them.
    fn unused(&mut self) -> SessionId {
        loop {
            let id = SessionId(self.next);
            self.next = self.next.wrapping_add(1);
            if !self.ids.contains_key(&id) {
                return id;
            }
        }
    }

    /// Puts a session on a connection; gives back the connection that it was on.
    pub(super) fn attach(&mut self, id: SessionId, conn: ConnId) -> Option<ConnId> {
        if let Some(since) = self.away_since.remove(&id) {
            self.away.remove(&since);
        }
        let (seat, live) = self.get_mut(id)?;
        let old = live.conn.replace(conn);
        self.conns.insert(conn, seat);
        let old = old?;
        self.conns.remove(old);
        Some(old)
    }

    /// Takes the session off a connection that is gone.
    pub(super) fn detach(&mut self, conn: ConnId) {
        let Some(seat) = self.conns.remove(conn) else { return };
        let Some(live) = self.seats.get_mut(seat.0).and_then(Option::as_mut) else { return };
        live.conn = None;
        let id = live.id;
        self.depart(id);
    }

    /// Marks the session at a seat as changed by the current tick.
    pub(super) fn touch(&mut self, seat: Seat) {
        if let Some(live) = self.seats.get_mut(seat.0).and_then(Option::as_mut)
            && !live.is_dirty
        {
            live.is_dirty = true;
            self.dirty.push(seat);
        }
    }

    fn touch_id(&mut self, id: SessionId) {
        if let Some(seat) = self.ids.get(&id).copied() {
            self.touch(seat);
        }
    }

    /// Whether the current tick changed something.
    pub(super) fn is_changed(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// What the current tick changed, by session.
    pub(super) fn take_changes(&mut self) -> impl Iterator<Item = Changed> {
        let dirty = std::mem::take(&mut self.dirty).into_iter();
        let mut changed: Vec<_> =
            dirty.filter_map(|seat| Some((self.seats.get(seat.0)?.as_ref()?.id, seat))).collect();
        // The journal is in this order, too.
        changed.sort_unstable();
        changed.into_iter().filter_map(|(_, seat)| self.seats[seat.0].as_mut()?.take_changes())
    }

    /// Players with damage in a generation that was not late.
    pub(super) fn players_of(&self, generation: Gen) -> Vec<PlayerId> {
        let with_damage = self.seats.iter().flatten().filter(|live| {
            let tally = live.session.tally(generation);
            tally.late < tally.damage
        });
        with_damage.map(|live| live.session.player).collect()
    }

    /// Enters a player's damage that came late. Totals only grow, so repetitions change nothing.
    pub(super) fn report_late(&mut self, player: PlayerId, generation: Gen, late: u64) {
        let id = self.players.get(&player).copied();
        if let Some((seat, live)) = id.and_then(|id| self.get_mut(id))
            && live.report_late(generation, late)
        {
            self.touch(seat);
        }
    }
}

impl Live {
    /// Enters an accepted hit.
    pub(super) fn credit(&mut self, generation: Gen, damage: u64) {
        let mut tally = self.session.tally(generation);
        tally.hits += 1;
        tally.damage += damage;
        self.learn(tally);
    }

    /// Enters damage that came late. Totals only grow, so repetitions change nothing.
    fn report_late(&mut self, generation: Gen, late: u64) -> bool {
        let mut tally = self.session.tally(generation);
        if tally.late >= late {
            return false;
        }
        tally.late = late;
        self.learn(tally);
        true
    }

    fn learn(&mut self, tally: Tally) {
        self.session.learn(tally);
        // The session may have no room for one that is so old.
        let is_kept = self.session.tallies.contains(&tally);
        if !is_kept || self.changed.contains(&tally.generation) {
            return;
        }
        if self.changed.is_full() {
            // A session has as many tallies, so the oldest one has gone.
            let oldest = self.changed.iter().copied().min();
            self.changed.retain(|generation| Some(*generation) != oldest);
        }
        self.changed.push(tally.generation);
    }

    /// What the current tick changed; nothing if it was taken already.
    fn take_changes(&mut self) -> Option<Changed> {
        if !std::mem::take(&mut self.is_dirty) {
            return None;
        }
        let changed = std::mem::take(&mut self.changed);
        let tallies = changed.iter().map(|generation| self.session.tally(*generation)).collect();
        let change = SessionChange { session: self.id, seq: self.session.seq, tallies };
        let opened = std::mem::take(&mut self.is_new).then(|| self.session.clone());
        Some(Changed { change, refused: std::mem::take(&mut self.refused), opened })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Journal, Record};
    use protocol::{BossId, InputSeq, JournalId, ShardId, Tallies, Tick};
    use ucore::{Bin, Updatable};

    fn session(number: u8) -> Session {
        let (token, player) = (Token(Bin([number; 16])), PlayerId(number.into()));
        Session { token, player, name: "Ada".to_owned(), seq: InputSeq(0), tallies: Tallies::new() }
    }

    #[test]
    fn numbers_begin_again_after_the_last_one_and_those_in_use_are_passed_over() {
        let disk = [(SessionId(0), session(1)), (SessionId(u32::MAX), session(2))].into();
        let mut sessions = Sessions::restore(&disk);
        assert_eq!(sessions.open(session(3)), Ok((SessionId(1), None)));
        assert_eq!(sessions.open(session(4)), Ok((SessionId(2), None)));
    }

    #[test]
    fn damage_of_a_generation_that_a_session_no_longer_keeps_puts_no_other_one_out_of_the_record() {
        let mut sessions = Sessions::default();
        let (id, _) = sessions.open(session(1)).unwrap();
        let (seat, live) = sessions.get_mut(id).unwrap();
        (5..=8).for_each(|generation| live.credit(Gen(generation), 10));
        sessions.touch(seat);
        sessions.report_late(PlayerId(1), Gen(3), 7);
        let changed = sessions.take_changes().next().unwrap();
        let told: Vec<_> =
            changed.change.tallies.iter().map(|it| (it.generation.0, it.damage)).collect();
        assert_eq!(told, [(5, 10), (6, 10), (7, 10), (8, 10)]);
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
