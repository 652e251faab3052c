//! The game of one process as a pure machine: messages and ticks in, records and answers out.
//!
//! One tick of the driver: `handle_*` for everything that arrived, [`Machine::handle_tick`], the
//! record to the disk, [`Machine::handle_synced`], [`Machine::state`] to everybody, and
//! [`Machine::poll_request`] for the authority. [`Machine::poll_output`] is drained after each.

mod conns;
mod sessions;
mod admission;
mod buffer;
mod journal;
mod opening;
mod uplink;
mod spoils;
mod fanout;
mod pace;
mod reckoning;
mod boards;

pub use conns::ConnId;
pub use journal::{
    Ancestor, Book, BookChange, BookLine, Journal, Record, ResendFrom, Session, SessionChange,
};
pub use opening::{Disk, Opened, Opening, OpeningError, Step};
pub use reckoning::{Dues, Own, Reckoning};
pub use uplink::{Answer, Request};

use admission::{Gate, admit};
use boards::Boards;
use buffer::Buffer;
use fanout::Fanout;
use pace::Pace;
use protocol::limits::REFUSALS_WAITING_MAX;
use protocol::mutants::{self, Mutant};
use protocol::{
    Ack, Board, BossCard, BossSpec, CloseCode, Gen, Hello, Hit, InputSeq, Micros, PlayerId,
    Refusal, RefusalReason, SessionId, Spoils, State, Status, Tallies, Tick, Token, Verdict,
    Welcome,
};
use sessions::{Changed, NoRoom, Sessions};
use spoils::Settled;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use uplink::Uplink;

/// What a new session is made of. The driver draws it from the system's entropy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fresh {
    /// The secret that resumes the session.
    pub token: Token,
    /// The guest's id, not zero.
    pub player: PlayerId,
}

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Sync this record, then call [`Machine::handle_synced`].
    Journal(Arc<Record>),
    /// Greet a connection; from now on it gets acknowledgements and state frames.
    Welcome(ConnId, Box<Welcome>, Arc<BossCard>),
    /// Describe a generation that brought another scenario.
    Card(ConnId, Arc<BossCard>),
    /// Tell a connection what became of its hits.
    Ack(ConnId, Ack),
    /// Tell a connection what its player gets of a fallen boss.
    Spoils(ConnId, Spoils),
    /// Close a connection.
    Close(ConnId, CloseCode, &'static str),
    /// Another process took over this journal: close everything and exit.
    Fenced,
    /// This journal can't go on, and says why: close everything and exit. The next process's can.
    Abandoned(&'static str),
}

/// The game of one process.
#[derive(Debug)]
pub struct Machine {
    spec: BossSpec,
    card: Arc<BossCard>,
    sessions: Sessions,
    buffer: Buffer,
    /// What is durable.
    journal: Journal,
    uplink: Uplink,
    settled: Settled,
    fanout: Fanout,
    boards: Boards,
    random: fastrand::Rng,
    /// A scenario that changes the tick takes effect at the next start.
    pace: Pace,
    tick: Tick,
    syncing: Option<Syncing>,
    /// Connections that are greeted as soon as their session is durable, and whether it is resumed.
    greet: BTreeMap<ConnId, bool>,
    /// Sessions that sent again what is answered, and get the answer again.
    remind: BTreeSet<SessionId>,
    forgotten: Vec<SessionId>,
    /// Late damage of the journals before this one.
    late_before: BTreeMap<(Gen, PlayerId), u64>,
    stopping: bool,
    /// Nothing more is said or admitted.
    ended: bool,
    counts: Counts,
    output: VecDeque<Output>,
}

/// A tick that is on its way to the disk.
#[derive(Debug)]
struct Syncing {
    record: Arc<Record>,
    refused: BTreeMap<SessionId, Vec<Refusal>>,
    greet: BTreeMap<ConnId, bool>,
}

/// What happened so far, for the metrics. Totals only grow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Hits accepted.
    pub accepted: u64,
    /// Damage of them.
    pub damage: u64,
    /// Hits refused, by reason.
    pub refused: BTreeMap<RefusalReason, u64>,
    /// Hits sent again that were answered before.
    pub repeated: u64,
    /// Pushes by what became of them.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Requests to the authority without an answer.
    pub unanswered: u64,
    /// Times that the authority had lost something that was seen.
    pub rollbacks: u64,
}

impl Counts {
    fn count_verdict(&mut self, verdict: Verdict) {
        let name = match verdict {
            Verdict::Counted => "counted",
            Verdict::Duplicate => "duplicate",
            Verdict::Gap => "gap",
            Verdict::Closed => "closed",
            Verdict::NotEntered => "not_entered",
            Verdict::Fenced => "fenced",
            Verdict::Unknown => "unknown",
            Verdict::Refused => "refused",
        };
        *self.verdicts.entry(name).or_default() += 1;
    }
}

impl Machine {
    /// The game after its journal was opened. `seed` feeds its dice.
    #[must_use]
    pub fn new(opened: Opened, now: Micros, seed: u64) -> Self {
        let generation = opened.truth.generation;
        let (since, tick_ms) = (opened.journal.tick.next(), opened.spec.timing.tick_ms);
        let card = Arc::new(BossCard { generation, spec: opened.spec.clone() });
        let mut machine = Self {
            spec: opened.spec,
            card,
            sessions: Sessions::restore(&opened.journal.sessions),
            buffer: Buffer::default(),
            tick: opened.journal.tick,
            journal: opened.journal,
            uplink: Uplink::new(since, &opened.truth, seed),
            settled: Settled::new(seed),
            fanout: Fanout::new(opened.truth, now),
            boards: Boards::default(),
            random: fastrand::Rng::with_seed(seed),
            pace: Pace::new(tick_ms),
            syncing: None,
            greet: BTreeMap::new(),
            remind: BTreeSet::new(),
            forgotten: Vec::new(),
            late_before: BTreeMap::new(),
            stopping: false,
            ended: false,
            counts: Counts::default(),
            output: VecDeque::new(),
        };
        machine.enter_late_before(&opened.late);
        machine
    }

    /// A player says hello on a connection.
    pub fn handle_hello(&mut self, conn: ConnId, hello: Hello, fresh: Fresh) {
        if self.stopping {
            return self.close(conn, CloseCode::Restart, "this server is stopping; retry_ms=1000");
        }
        let known = hello.session.and_then(|token| self.sessions.by_token(token));
        let id = match known {
            Some(id) => id,
            None => match self.open(hello.name, fresh) {
                Ok(id) => id,
                Err(NoRoom) => {
                    return self.close(
                        conn,
                        CloseCode::TryLater,
                        "this server is full; retry_ms=5000",
                    );
                }
            },
        };
        if let Some(old) = self.sessions.attach(id, conn) {
            self.close(old, CloseCode::Replaced, "the session goes on in another connection");
        }
        self.greet.insert(conn, known.is_some());
    }

    fn open(&mut self, name: String, fresh: Fresh) -> Result<SessionId, NoRoom> {
        let (token, player) = (fresh.token, fresh.player);
        let session = Session { token, player, name, seq: InputSeq(0), tallies: Tallies::new() };
        let (id, forgotten) = self.sessions.open(session)?;
        self.forgotten.extend(forgotten);
        Ok(id)
    }

    /// A player hits. `at` is when the hit arrived.
    pub fn handle_hit(&mut self, at: Micros, conn: ConnId, hit: Hit) {
        let gate = self.gate();
        let Some((seat, live)) = self.sessions.by_conn_mut(conn) else {
            return;
        };
        if hit.seq <= live.session.seq && !mutants::is(Mutant::InputTwice) {
            self.counts.repeated += 1;
            self.remind.insert(live.id);
            return;
        }
        live.session.seq = hit.seq;
        let decided = admit(at, gate, &self.spec, live, hit).and_then(|blow| {
            let damage = blow.damage(self.random.u8(0..100));
            let who = (live.session.player, live.id);
            self.buffer.add(gate.generation, who, &mut live.line, damage)?;
            live.credit(gate.generation, damage);
            Ok(damage)
        });
        match decided {
            Ok(damage) => {
                self.counts.accepted += 1;
                self.counts.damage += damage;
            }
            Err(reason) => {
                if mutants::is(Mutant::RefusedHitCounted) {
                    let who = (live.session.player, live.id);
                    self.buffer.add(gate.generation, who, &mut live.line, 1).ok();
                }
                live.refused.push(Refusal { seq: hit.seq, reason });
                let too_many = live.refused.len() > REFUSALS_WAITING_MAX;
                *self.counts.refused.entry(reason).or_default() += 1;
                if too_many {
                    // They could not be told for many ticks; the sequence says that they failed.
                    live.refused.clear();
                    self.close(conn, CloseCode::TryLater, "too many refused hits; retry_ms=5000");
                }
            }
        }
        self.sessions.touch(seat);
    }

    /// A connection is gone.
    pub fn handle_gone(&mut self, conn: ConnId) {
        self.greet.remove(&conn);
        self.sessions.detach(conn);
    }

    /// Admits nothing more. The next ticks answer what was admitted.
    pub fn handle_stop(&mut self) {
        self.stopping = true;
    }

    fn gate(&self) -> Gate {
        let truth = self.fanout.truth();
        let entered = self.uplink.has_entered(truth.generation);
        // What the authority would refuse must not be accepted.
        let refused = self.uplink.is_refused(truth.generation);
        let open = entered && !refused && !self.stopping && !self.ended;
        Gate { generation: truth.generation, status: truth.status, open }
    }

    /// Ends a tick: what it changed becomes one record. While the record of an earlier tick is
    /// still being synced, this one's changes wait for the next.
    pub fn handle_tick(&mut self) {
        self.tick = self.tick.next();
        if self.syncing.is_some() || self.ended {
            if mutants::is(Mutant::RecordDropped) {
                self.buffer.take_changes();
            }
            return;
        }
        let current = self.fanout.truth().generation;
        let mut record = Record { tick: self.tick, ..Record::default() };
        record.dropped = self.uplink.over(&self.journal, &self.buffer, current);
        record.books = self.buffer.take_changes();
        for change in &mut record.books {
            change.answered = self.uplink.answered(change.generation);
        }
        record.forgotten = std::mem::take(&mut self.forgotten);
        let mut refused = BTreeMap::new();
        for Changed { change, refused: refusals, opened } in self.sessions.take_changes() {
            if !refusals.is_empty() {
                refused.insert(change.session, refusals);
            }
            match opened {
                Some(session) => record.opened.push((change.session, session)),
                None => record.answered.push(change),
            }
        }
        let greet = std::mem::take(&mut self.greet);
        let syncing = Syncing { record: Arc::new(record), refused, greet };
        if syncing.record.is_empty() {
            self.answer(syncing);
        } else {
            self.output.push_back(Output::Journal(Arc::clone(&syncing.record)));
            self.syncing = Some(syncing);
        }
        if mutants::is(Mutant::AckBeforeSync) {
            self.handle_synced();
        }
    }

    /// The record of the last [`Output::Journal`] is durable: now its hits are accepted.
    pub fn handle_synced(&mut self) {
        let Some(syncing) = self.syncing.take() else {
            return;
        };
        let record = &syncing.record;
        let learned = self.journal.learn(record);
        assert_eq!(learned, Ok(()), "a record follows from the journal before it");
        for generation in &record.dropped {
            self.buffer.drop(*generation);
            self.uplink.forget(*generation);
        }
        for change in &record.books {
            self.uplink.note_synced(record.tick, change.generation, change.total);
        }
        self.answer(syncing);
    }

    /// Tells everybody concerned what a durable tick did.
    fn answer(&mut self, syncing: Syncing) {
        let Syncing { record, mut refused, greet } = syncing;
        for (conn, resumed) in greet {
            self.welcome(conn, resumed);
        }
        let mut reminders = std::mem::take(&mut self.remind);
        for SessionChange { session, seq, tallies } in &record.answered {
            reminders.remove(session);
            let refused = refused.remove(session).unwrap_or_default();
            self.ack(*session, (*seq, tallies), refused, false);
        }
        for (id, session) in &record.opened {
            // Its first hits may have come in the tick that opened it.
            if session.seq > InputSeq(0) {
                reminders.remove(id);
                let refused = refused.remove(id).unwrap_or_default();
                self.ack(*id, (session.seq, &session.tallies), refused, false);
            }
        }
        for id in reminders {
            if let Some(Session { seq, tallies, .. }) = self.journal.sessions.get(&id).cloned() {
                self.ack(id, (seq, &tallies), Vec::new(), true);
            }
        }
    }

    /// Tells only what is durable: a hit that is not yet synced is not yet answered.
    fn welcome(&mut self, conn: ConnId, resumed: bool) {
        let Some(id) = self.sessions.by_conn(conn).map(|live| live.id) else { return };
        let Some(session) = self.journal.sessions.get(&id) else { return };
        let welcome = Box::new(Welcome {
            session: session.token,
            player: session.player,
            resumed,
            shard: self.journal.shard,
            tick_ms: self.tick_ms(),
            tick: self.journal.tick,
            generation: self.fanout.truth().generation,
            seq: session.seq,
            tallies: session.tallies.clone(),
        });
        self.output.push_back(Output::Welcome(conn, welcome, Arc::clone(&self.card)));
        self.tell_spoils(conn, id);
    }

    fn ack(
        &mut self,
        id: SessionId,
        (seq, tallies): (InputSeq, &Tallies),
        refused: Vec<Refusal>,
        folded: bool,
    ) {
        let Some(conn) = self.sessions.get(id).and_then(|live| live.conn) else { return };
        if !self.greet.contains_key(&conn) {
            let tallies = tallies.clone();
            let ack = Ack { tick: self.journal.tick, seq, tallies, refused, folded };
            self.output.push_back(Output::Ack(conn, ack));
        }
    }

    fn close(&mut self, conn: ConnId, code: CloseCode, why: &'static str) {
        self.output.push_back(Output::Close(conn, code, why));
    }

    /// The state frame of this tick.
    #[must_use]
    pub fn state(&self, now: Micros) -> State {
        let generation = self.fanout.truth().generation;
        let admitted = self.buffer.total(generation);
        let uncounted = admitted.saturating_sub(self.uplink.answered(generation));
        let counted = self.uplink.counted(self.journal.tick);
        self.fanout.state(now, (self.tick, self.tick_ms()), counted, uncounted)
    }

    /// The leaderboard for everybody; the same one until players are to be shown another.
    pub fn board(&mut self, now: Micros) -> Option<Arc<Board>> {
        self.boards.show(now)
    }

    /// The newest generation whose rewards players may be told; 0 before the first.
    #[must_use]
    pub fn settled(&self) -> Gen {
        self.settled.generation()
    }

    /// How many journals the authority calls suspects.
    #[must_use]
    pub fn suspects(&self) -> usize {
        self.boards.suspects()
    }

    fn learn_spec(&mut self, generation: Gen, spec: BossSpec) {
        if spec == self.spec {
            return;
        }
        self.card = Arc::new(BossCard { generation, spec: spec.clone() });
        self.spec = spec;
        // Who waits for its greeting gets this card with it.
        let cards = self.greeted().map(|conn| Output::Card(conn, Arc::clone(&self.card)));
        let cards: Vec<_> = cards.collect();
        self.output.extend(cards);
    }

    /// Connections that have been greeted.
    fn greeted(&self) -> impl Iterator<Item = ConnId> {
        self.sessions.conns().filter(|conn| {
            let syncing = self.syncing.as_ref().is_some_and(|tick| tick.greet.contains_key(conn));
            !syncing && !self.greet.contains_key(conn)
        })
    }

    /// What the driver has to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.pop_front()
    }

    /// What is durable.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Whether hits are taken, or would be if the boss were alive.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let alive = self.fanout.truth().status == Status::Alive;
        !self.ended && !self.stopping && (!alive || self.gate().open)
    }

    /// Whether everything accepted is durable and known to the authority.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let waits = !self.greet.is_empty() || !self.remind.is_empty();
        let changed = self.buffer.is_changed() || self.sessions.is_changed();
        let synced = self.syncing.is_none() && !waits && !changed;
        synced && self.uplink.counted(self.journal.tick) == self.journal.tick
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The work of a tick took so long, from its beginning until everybody had been written to. If
    /// it does not fit, ticks get wider.
    pub fn handle_worked(&mut self, took: Micros) {
        self.pace.handle_worked(took);
    }

    /// Milliseconds until the next tick.
    #[must_use]
    pub fn tick_ms(&self) -> u16 {
        self.pace.tick_ms()
    }

    /// Players connected to this shard.
    #[must_use]
    pub fn online(&self) -> u32 {
        self.sessions.online()
    }
}
