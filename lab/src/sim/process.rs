//! A shard's process: the real machines and the real journal file, on simulated time and a disk
//! that forgets. It does what the driver does, in the same order.

use super::check::Check;
use super::conns::Conns;
use super::core::Core;
use super::disk::Disk;
use super::trace::Note;
use super::wire::{Answer, Caller, Wire};
use super::world::Event;
use protocol::{
    BossId, EnterAnswer, Hello, Hit, JoinAnswer, JournalId, Micros, PlayerId, ShardId,
    ShardMessage, SyncAnswer, SyncRequest, Token, Truth,
};
use score::Backoff;
use shard::machine::{
    Answer as ToMachine, ConnId, Fresh, Journal, Machine, Opening, Output, Record, Request, Step,
};
use shard::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use ucore::Bin;

/// How long an answer is waited for, as in the driver.
const ANSWER_MAX: Micros = Micros::from_millis(5_000);
const SHARES_MAX: Micros = Micros::from_millis(1_000);
/// How long a tick waits for its record, as in the driver.
const SYNC_PATIENCE: Micros = Micros::from_millis(20);

/// What every part of a world may use.
#[derive(Debug)]
pub(super) struct Env {
    pub(super) core: Core,
    pub(super) wire: Wire,
    pub(super) conns: Conns,
    pub(super) check: Check,
}

/// Why a process ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Fenced,
    Abandoned(&'static str),
    Disk,
    /// The authority does not let it in, or its file is not as it should be.
    Refused,
}

impl End {
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Fenced => "it is fenced",
            Self::Abandoned(why) => why,
            Self::Disk => "its disk fails",
            Self::Refused => "it is not let in",
        }
    }
}

/// Something that arrived, and waits for the tick.
#[derive(Debug)]
enum What {
    Hello(Hello),
    Hit(Hit),
    Gone,
}

/// A shard's process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) id: u32,
    /// Which shard it is.
    pub(super) slot: usize,
    pub(super) disk: Disk,
    /// How far its clock is ahead.
    pub(super) ahead: Micros,
    /// It stands still until then.
    pub(super) paused_until: Micros,
    /// Its disk is slow until then.
    pub(super) slow_until: Micros,
    store: Store,
    stage: Stage,
    /// What its disk holds, as this world knows it.
    pub(super) durable: Option<Journal>,
    inbox: Vec<(Micros, ConnId, What)>,
    /// The request that has no answer yet.
    call: Option<u64>,
    calls: u64,
    /// The record that is being synced.
    pub(super) syncing: Option<Arc<Record>>,
    /// The record is waited for before this tick's state and request leave.
    is_waiting: bool,
    greeted: BTreeMap<ConnId, Token>,
    /// The truth of the newest answer.
    heard: Option<Truth>,
    shown: Option<Arc<protocol::Board>>,
    records: u32,
    /// Records from one checkpoint to the next.
    records_max: u32,
}

#[derive(Debug)]
enum Stage {
    Opening(Box<Opening>, Backoff),
    Running(Box<Machine>),
}

impl Process {
    /// Starts on a disk: opens the file, and begins to join.
    pub(super) fn start(
        env: &mut Env,
        boss: BossId,
        id: u32,
        slot: usize,
        disk: Disk,
    ) -> Result<Self, End> {
        env.core.note(&Note::Started { process: id, slot });
        let (store, found) = match Store::open_on(disk.clone()) {
            Ok(opened) => opened,
            Err(_) if disk.has_failed() => return Err(End::Disk),
            Err(error) => {
                env.core.fail(format!("a shard's file does not open: {error}"));
                return Err(End::Refused);
            }
        };
        env.check.handle_journal(&mut env.core, slot, &found);
        let journal = JournalId(Bin(bytes(&mut env.core)));
        let durable = found.journal.clone();
        let label = ShardId(u16::try_from(slot + 1).unwrap_or(u16::MAX));
        let opening = Opening::new(boss, label, found, journal);
        let Ok(opening) = opening else {
            env.core.fail("a shard's file is about another boss");
            return Err(End::Refused);
        };
        let backoff = Backoff::new(
            env.core.random.u64(..),
            Micros::from_millis(100),
            Micros::from_millis(5_000),
        );
        let mut process = Self {
            id,
            slot,
            disk,
            ahead: Micros(0),
            paused_until: Micros(0),
            slow_until: Micros(0),
            store,
            stage: Stage::Opening(Box::new(opening), backoff),
            durable,
            inbox: Vec::new(),
            call: None,
            calls: 0,
            syncing: None,
            is_waiting: false,
            greeted: BTreeMap::new(),
            heard: None,
            shown: None,
            records: 0,
            records_max: env.core.random.u32(2..40),
        };
        process.open(env)?;
        Ok(process)
    }

    /// Whether players get in.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Running(_))
    }

    pub(super) fn machine(&self) -> Option<&Machine> {
        match &self.stage {
            Stage::Running(machine) => Some(machine),
            Stage::Opening(..) => None,
        }
    }

    fn local(&self, now: Micros) -> Micros {
        now + self.ahead
    }

    /// Goes on with opening, as far as it gets without an answer.
    pub(super) fn open(&mut self, env: &mut Env) -> Result<(), End> {
        let disk = |_: redb::Error| End::Disk;
        loop {
            let Stage::Opening(opening, _) = &mut self.stage else { return Ok(()) };
            match opening.step() {
                Step::Intend(journal) => {
                    self.store.intend(journal).map_err(disk)?;
                    opening.handle_written();
                }
                Step::Adopt(journal) => {
                    self.store.adopt(&journal).map_err(disk)?;
                    let before = self.durable.as_ref();
                    env.check.handle_adopted(&mut env.core, self.slot, before, &journal);
                    self.durable = Some(*journal);
                    opening.handle_written();
                }
                Step::Join(join) => {
                    if self.call.is_none() {
                        self.ask(env, &SyncRequest::Join(join), ANSWER_MAX);
                    }
                    return Ok(());
                }
                Step::Done(opened) => {
                    let journal = opened.journal.id;
                    self.heard = Some(opened.truth);
                    env.core.note(&Note::Joined { process: self.id, journal });
                    let seed = env.core.random.u64(..);
                    let machine = Machine::new(*opened, self.local(env.core.now), seed);
                    self.stage = Stage::Running(Box::new(machine));
                    env.core.after_ms(0..=100, Event::Tick(self.id));
                    return Ok(());
                }
            }
        }
    }

    fn ask(&mut self, env: &mut Env, request: &SyncRequest, patience: Micros) {
        self.calls += 1;
        self.call = Some(self.calls);
        env.core.note_asked(self.id, self.calls, request);
        let caller = (Caller::Shard(self.id), self.calls);
        env.wire.ask(&mut env.core, caller, request, patience);
    }

    /// Something arrived on a connection.
    pub(super) fn handle_message(
        &mut self,
        env: &mut Env,
        conn: ConnId,
        message: protocol::PlayerMessage,
    ) {
        let what = match message {
            protocol::PlayerMessage::Hello(hello) => What::Hello(hello),
            protocol::PlayerMessage::Hit(hit) => What::Hit(hit),
        };
        self.inbox.push((self.local(env.core.now), conn, what));
    }

    pub(super) fn handle_gone(&mut self, env: &mut Env, conn: ConnId) {
        self.greeted.remove(&conn);
        self.inbox.push((self.local(env.core.now), conn, What::Gone));
    }

    /// One tick of the driver.
    pub(super) fn tick(&mut self, env: &mut Env) -> Result<(), End> {
        let Stage::Running(machine) = &mut self.stage else { return Ok(()) };
        let period = u64::from(machine.tick_ms());
        env.core.at(env.core.now + Micros::from_millis(period), Event::Tick(self.id));
        for (at, conn, what) in std::mem::take(&mut self.inbox) {
            match what {
                What::Hello(hello) => {
                    let fresh = Fresh {
                        token: Token(Bin(bytes(&mut env.core))),
                        player: PlayerId(env.core.random.u64(1..1 << 53)),
                    };
                    machine.handle_hello(conn, hello, fresh);
                }
                What::Hit(hit) => machine.handle_hit(at, conn, hit),
                What::Gone => machine.handle_gone(conn),
            }
        }
        let was_syncing = self.syncing.is_some();
        machine.handle_tick();
        self.drain(env)?;
        if self.syncing.is_some() {
            self.is_waiting = true;
            let patience = if was_syncing { Micros(0) } else { SYNC_PATIENCE };
            env.core.at(env.core.now + patience, Event::Patience(self.id));
            return Ok(());
        }
        self.end_tick(env);
        Ok(())
    }

    /// The record of this tick was waited for long enough.
    pub(super) fn lose_patience(&mut self, env: &mut Env) -> Result<(), End> {
        if std::mem::take(&mut self.is_waiting) {
            self.end_tick(env);
        }
        Ok(())
    }

    /// What a tick does last: everybody sees the state, and the authority is asked.
    fn end_tick(&mut self, env: &mut Env) {
        let now = self.local(env.core.now);
        self.show(env, now);
        let Stage::Running(machine) = &mut self.stage else { return };
        // With a slow disk goes a slow machine, so ticks get wider.
        let is_slow = env.core.now < self.slow_until;
        machine.handle_worked(Micros::from_millis(if is_slow { 1_000 } else { 1 }));
        if let Some(request) = machine.poll_request(now) {
            let (request, patience) = match request {
                Request::Join(join) => (SyncRequest::Join(join), ANSWER_MAX),
                Request::Enter(enter) => (SyncRequest::Enter(enter), ANSWER_MAX),
                Request::Push(push) => (SyncRequest::Push(push), ANSWER_MAX),
                Request::Shares(shares) => (SyncRequest::Shares(shares), SHARES_MAX),
            };
            self.ask(env, &request, patience);
        }
    }

    /// The state frame of this tick, and the leaderboard when there is another one.
    fn show(&mut self, env: &mut Env, now: Micros) {
        let Stage::Running(machine) = &mut self.stage else { return };
        let state = machine.state(now);
        let board = machine.board(now);
        let is_new = board != self.shown;
        env.check.handle_shown(&mut env.core, machine.journal().id, state.counted);
        if let Some(heard) = &self.heard {
            env.check.handle_frame(&mut env.core, heard, &state);
        }
        for conn in self.greeted.keys() {
            env.conns.send_to_player(&mut env.core, *conn, &ShardMessage::State(state));
            if let Some(board) = board.as_deref().filter(|_| is_new) {
                env.conns.send_to_player(&mut env.core, *conn, &ShardMessage::Board(board.clone()));
            }
        }
        self.shown = board;
    }

    /// Does what the machine wants to have done.
    fn drain(&mut self, env: &mut Env) -> Result<(), End> {
        let Stage::Running(machine) = &mut self.stage else { return Ok(()) };
        while let Some(output) = machine.poll_output() {
            match output {
                Output::Journal(record) => {
                    let is_slow = env.core.now < self.slow_until;
                    let took = if is_slow { 50..=3_000 } else { 0..=8 };
                    self.syncing = Some(record);
                    env.core.after_ms(took, Event::Synced(self.id));
                }
                Output::Welcome(conn, welcome, card) => {
                    env.check.handle_welcome(&mut env.core, self.durable.as_ref(), &welcome);
                    self.greeted.insert(conn, welcome.session);
                    let messages =
                        [ShardMessage::Welcome(*welcome), ShardMessage::Boss((*card).clone())];
                    for message in messages {
                        env.conns.send_to_player(&mut env.core, conn, &message);
                    }
                    if let Some(board) = self.shown.as_deref() {
                        let board = ShardMessage::Board(board.clone());
                        env.conns.send_to_player(&mut env.core, conn, &board);
                    }
                }
                Output::Card(conn, card) => {
                    let card = ShardMessage::Boss((*card).clone());
                    env.conns.send_to_player(&mut env.core, conn, &card);
                }
                Output::Ack(conn, ack) => {
                    // Who is gone hears nothing.
                    if let Some(token) = self.greeted.get(&conn) {
                        env.check.handle_ack(&mut env.core, self.durable.as_ref(), *token, &ack);
                    }
                    env.conns.send_to_player(&mut env.core, conn, &ShardMessage::Ack(ack));
                }
                Output::Spoils(conn, spoils) => {
                    env.conns.send_to_player(&mut env.core, conn, &ShardMessage::Spoils(spoils));
                }
                Output::Close(conn, code, _) => {
                    self.greeted.remove(&conn);
                    env.conns.close(&mut env.core, conn, code.code());
                }
                Output::Fenced => return Err(End::Fenced),
                Output::Abandoned(why) => return Err(End::Abandoned(why)),
            }
        }
        Ok(())
    }

    /// The disk has had the time for the record under way.
    pub(super) fn sync(&mut self, env: &mut Env) -> Result<(), End> {
        let Stage::Running(machine) = &mut self.stage else { return Ok(()) };
        let Some(record) = self.syncing.take() else { return Ok(()) };
        self.records += 1;
        let checkpoint = (self.records > self.records_max).then(|| {
            self.records = 0;
            machine.journal().clone()
        });
        if self.store.append(&record, checkpoint.as_ref()).is_err() {
            self.syncing = Some(record);
            return Err(End::Disk);
        }
        let tick = record.tick.0;
        let Some(journal) = &mut self.durable else { return Ok(()) };
        if let Err(reject) = journal.learn(&record) {
            env.core.fail(format!("a record does not follow from its journal: {reject}"));
        }
        env.check.handle_durable(journal);
        let accepted = machine.counts().accepted;
        env.core.note(&Note::Synced { process: self.id, tick, accepted });
        machine.handle_synced();
        self.drain(env)?;
        self.lose_patience(env)
    }

    /// An answer arrived. Only the one that is waited for is heard.
    pub(super) fn handle_answer(
        &mut self,
        env: &mut Env,
        call: u64,
        answer: Answer,
    ) -> Result<(), End> {
        if self.call != Some(call) {
            return Ok(());
        }
        self.call = None;
        let now = self.local(env.core.now);
        let Ok(answer) = answer else { return self.handle_no_answer(env, call) };
        env.core.note_answered(self.id, call, &answer);
        match &mut self.stage {
            Stage::Opening(opening, backoff) => {
                let SyncAnswer::Join(answer) = answer else { return Ok(()) };
                if answer == JoinAnswer::Ahead {
                    let delay = backoff.next_delay();
                    env.core.at(env.core.now + delay, Event::Retry(self.id));
                    return Ok(());
                }
                if let Err(error) = opening.handle_answer(answer) {
                    env.core.fail(format!("a shard is not let in: {error}"));
                    return Err(End::Refused);
                }
                self.open(env)
            }
            Stage::Running(machine) => {
                let answer = match answer {
                    SyncAnswer::Join(answer) => ToMachine::Join(answer),
                    SyncAnswer::Enter(answer) => ToMachine::Enter(answer),
                    SyncAnswer::Push(answer) => ToMachine::Push(answer),
                    SyncAnswer::Shares(answer) => ToMachine::Shares(answer),
                    SyncAnswer::Spawn(_)
                    | SyncAnswer::Truth(_)
                    | SyncAnswer::ReadLog(_)
                    | SyncAnswer::Bosses(_)
                    | SyncAnswer::Reign(_)
                    | SyncAnswer::Settle(_)
                    | SyncAnswer::Group(_) => return Ok(()),
                };
                self.heard = truth_of(&answer).copied().or(self.heard);
                machine.handle_answer(now, answer);
                self.drain(env)
            }
        }
    }

    /// Nothing came in time.
    pub(super) fn handle_time_out(&mut self, env: &mut Env, call: u64) -> Result<(), End> {
        if self.call != Some(call) {
            return Ok(());
        }
        self.call = None;
        self.handle_no_answer(env, call)
    }

    fn handle_no_answer(&mut self, env: &mut Env, call: u64) -> Result<(), End> {
        env.core.note(&Note::Unanswered { process: self.id, call });
        let now = self.local(env.core.now);
        match &mut self.stage {
            Stage::Opening(_, backoff) => {
                let delay = backoff.next_delay();
                env.core.at(env.core.now + delay, Event::Retry(self.id));
                Ok(())
            }
            Stage::Running(machine) => {
                machine.handle_no_answer(now);
                self.drain(env)
            }
        }
    }
}

/// The truth that comes with an answer.
fn truth_of(answer: &ToMachine) -> Option<&Truth> {
    match answer {
        ToMachine::Join(JoinAnswer::Joined { truth, .. })
        | ToMachine::Enter(EnterAnswer::Entered { truth, .. } | EnterAnswer::TooLate { truth }) => {
            Some(truth)
        }
        ToMachine::Push(answer) => Some(&answer.truth),
        ToMachine::Join(
            JoinAnswer::Gap { .. }
            | JoinAnswer::Fenced
            | JoinAnswer::Refused
            | JoinAnswer::Full
            | JoinAnswer::Ahead,
        )
        | ToMachine::Enter(EnterAnswer::Unknown | EnterAnswer::Fenced)
        | ToMachine::Shares(_) => None,
    }
}

fn bytes(core: &mut Core) -> [u8; 16] {
    core.random.u128(1..).to_be_bytes()
}
