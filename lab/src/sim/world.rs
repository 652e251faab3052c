//! A world: a truth, shards, executors and players on one time line.

use super::check::{Check, Ended};
use super::conns::Conns;
use super::core::Core;
use super::disk::{Disk, Image};
use super::executor::Executor;
use super::fault::{Fault, Met};
use super::player::Player;
use super::process::{End, Env, Process};
use super::trace::{Note, Trace};
use super::truth::Truth;
use super::wire::{self, Answer, Bytes, Caller, Wire};
use protocol::{BossId, Micros, Missing, PlayerMessage, Scenario, ShardMessage, Unavailable};
use shard::machine::{ConnId, Disk as Found};
use std::collections::{BTreeMap, VecDeque};

/// Events of one world. More: it does not come to an end.
const EVENTS_MAX: u64 = 5_000_000;
/// Something that happens at its time.
#[derive(Debug)]
pub(super) enum Event {
    /// A shard's process starts.
    Start(usize),
    Tick(u32),
    /// A tick has waited for its record.
    Patience(u32),
    /// A process that could not join asks again.
    Retry(u32),
    /// A disk has had the time for a record.
    Synced(u32),
    Request(Caller, u64, Bytes),
    Answer(Caller, u64, Result<Bytes, Unavailable>),
    TimeOut(Caller, u64),
    TruthStart,
    TruthTurn(u32, Micros),
    TruthFailed(u32),
    TruthReplies(u32, Vec<(Caller, u64, Answer)>),
    Executor(u32),
    Player(usize, Micros),
    ToShard(ConnId, Bytes),
    ToPlayer(ConnId, Bytes),
    ClosedAtPlayer(ConnId, Option<u16>),
    GoneAtShard(u32, ConnId),
    /// A second passes, for those who look.
    Second,
    /// A process that stood still goes on.
    Resume,
    Strike(Fault),
    Calm,
}

/// A shard: a label, a disk, and whoever runs on it.
#[derive(Debug)]
pub(super) struct Slot {
    /// The process that players are led to.
    pub(super) current: Option<u32>,
    /// What the next process starts on.
    pub(super) image: Image,
    pub(super) images: VecDeque<Image>,
}

/// A world.
#[derive(Debug)]
pub(super) struct World {
    pub(super) env: Env,
    boss: BossId,
    pub(super) truth: Truth,
    pub(super) slots: Vec<Slot>,
    pub(super) processes: BTreeMap<u32, Process>,
    pub(super) started: u32,
    pub(super) executors: Vec<Executor>,
    executors_started: u32,
    pub(super) players: Vec<Player>,
    /// What happens to processes that stand still, once they go on.
    held: Vec<Event>,
    /// When the last fault was.
    pub(super) calm_since: Option<Micros>,
    /// When everything had converged.
    pub(super) converged: Option<Micros>,
    events: u64,
}

/// What a world has to say at its end.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// The hash of everything that happened. The same seed has the same one.
    pub hash: u64,
    /// The faults that it met.
    pub met: Met,
    /// The first broken promise, if any.
    pub finding: Option<String>,
    /// How its players ended, if it came to that.
    pub ended: Ended,
    /// How long it took, in its own time.
    pub took: Micros,
    /// Events of it.
    pub events: u64,
}

/// What a power cut leaves of a disk. Each one is of another kind: it takes everything, nothing,
/// or any part of what was not synced.
pub(super) fn cut_power(core: &mut Core, disk: &Disk) -> Image {
    let percent = [0, 10, 50, 90, 100][core.random.usize(0..5)];
    let (image, torn) = disk.cut_power(|| core.random.u8(0..100) < percent);
    match (torn.kept, torn.lost) {
        (_, 0) => {}
        (0, _) => core.meet(Fault::LostWrite),
        (_, _) => core.meet(Fault::TornWrite),
    }
    image
}

impl World {
    /// A world, all of it from its seed.
    pub(super) fn new(seed: u64, trace: Trace) -> Self {
        let mut core = Core::new(seed, trace);
        let scenario = scenario(&mut core);
        let boss = scenario.id;
        let slots = core.random.usize(2..=3);
        let players = slots * core.random.usize(1..=3);
        let settles = core.random.u8(0..4) > 0;
        let executors = if settles { core.random.usize(0..=1) } else { 2 };
        let truth = Truth::new(boss, scenario.spec, settles);
        let check = Check::new(boss);
        let env = Env { core, wire: Wire::default(), conns: Conns::default(), check };
        let slot = || Slot { current: None, image: Image::default(), images: VecDeque::new() };
        let mut world = Self {
            env,
            boss,
            truth,
            slots: std::iter::repeat_with(slot).take(slots).collect(),
            processes: BTreeMap::new(),
            started: 0,
            executors: Vec::new(),
            executors_started: 0,
            players: Vec::new(),
            held: Vec::new(),
            calm_since: None,
            converged: None,
            events: 0,
        };
        world.truth.run(&mut world.env);
        for slot in 0..slots {
            world.env.core.after_ms(0..=500, Event::Start(slot));
        }
        for _ in 0..executors {
            world.add_executor();
        }
        for id in 0..players {
            let mut player = Player::new(&mut world.env, id, id % slots);
            player.go_on(&mut world.env);
            world.players.push(player);
        }
        world.env.core.at(Micros::from_millis(1_000), Event::Second);
        world.plan_faults();
        world
    }

    pub(super) fn add_executor(&mut self) {
        self.executors_started += 1;
        let executor = Executor::new(&mut self.env, self.boss, self.executors_started);
        self.executors.push(executor);
    }

    /// Lets everything happen.
    pub(super) fn play(mut self, seed: u64) -> Outcome {
        while let Some(event) = self.env.core.next() {
            self.events += 1;
            if self.events > EVENTS_MAX {
                self.env.core.fail("it does not come to an end");
            }
            if self.env.core.finding.is_some() || self.is_over() {
                break;
            }
            self.happen(event);
        }
        let mut ended = Ended::default();
        if self.env.core.finding.is_none() {
            if let Some(truths) = self.truth.truths() {
                self.env.check.handle_ledger(truths);
            }
            for player in &mut self.players {
                let is_whole = !self.env.check.broken.contains(&player.slot);
                if let Some(books) = player.bot.books().filter(|_| is_whole) {
                    self.env.check.handle_told(&mut self.env.core, books);
                }
                player.bot.finish();
                player.go_on(&mut self.env);
            }
            ended = self.env.check.finish(&mut self.env.core);
        }
        let core = self.env.core;
        Outcome {
            seed,
            hash: core.trace.hash(),
            met: core.met,
            finding: core
                .finding
                .map(|what| format!("at {:.3} s: {what}", core.now.0 as f64 / 1e6)),
            ended,
            took: core.now,
            events: self.events,
        }
    }

    /// Whether the process that it happens to stands still, and gets to it later.
    fn is_paused(&self, event: &Event) -> bool {
        self.paused_until(event).is_some_and(|until| until > self.env.core.now)
    }

    fn paused_until(&self, event: &Event) -> Option<Micros> {
        Some(match event {
            Event::Tick(id)
            | Event::Patience(id)
            | Event::Retry(id)
            | Event::Synced(id)
            | Event::GoneAtShard(id, _)
            | Event::Answer(Caller::Shard(id), ..)
            | Event::TimeOut(Caller::Shard(id), _) => self.processes.get(id)?.paused_until,
            Event::ToShard(conn, _) => {
                self.processes.get(&self.env.conns.at_shard(*conn)?.process)?.paused_until
            }
            Event::Executor(id)
            | Event::Answer(Caller::Executor(id), ..)
            | Event::TimeOut(Caller::Executor(id), _) => {
                self.executors.iter().find(|it| it.id == *id)?.paused_until
            }
            Event::Request(..)
            | Event::TruthTurn(..)
            | Event::TruthFailed(_)
            | Event::TruthReplies(..) => self.truth.paused_until,
            Event::Start(_)
            | Event::TruthStart
            | Event::Player(..)
            | Event::ToPlayer(..)
            | Event::ClosedAtPlayer(..)
            | Event::Second
            | Event::Resume
            | Event::Strike(_)
            | Event::Calm => return None,
        })
    }

    /// Lets everything happen that waited for a process which stood still.
    pub(super) fn resume(&mut self) {
        for event in std::mem::take(&mut self.held) {
            self.env.core.at(self.env.core.now, event);
        }
    }

    fn happen(&mut self, event: Event) {
        if self.is_paused(&event) {
            return self.held.push(event);
        }
        match event {
            Event::Start(slot) => self.start(slot),
            Event::Tick(id) => self.on(id, Process::tick),
            Event::Patience(id) => self.on(id, Process::lose_patience),
            Event::Retry(id) => self.on(id, Process::open),
            Event::Synced(id) => self.on(id, Process::sync),
            Event::Request(caller, call, request) => {
                if let Some(request) = wire::read(&mut self.env.core, &request) {
                    self.truth.handle_request(&mut self.env, caller, call, request);
                }
            }
            Event::Answer(Caller::Shard(id), call, answer) => {
                let answer = self.read_answer(answer);
                self.on(id, |process, env| process.handle_answer(env, call, answer));
            }
            Event::TimeOut(Caller::Shard(id), call) => {
                self.on(id, |process, env| process.handle_time_out(env, call));
            }
            Event::Answer(Caller::Executor(id), call, answer) => {
                let answer = self.read_answer(answer);
                self.executor(id, |executor, env| executor.handle_answer(env, call, answer));
            }
            Event::TimeOut(Caller::Executor(id), call) => {
                self.executor(id, |executor, env| executor.handle_time_out(env, call));
            }
            Event::Executor(id) => self.executor(id, Executor::wake),
            Event::TruthStart => {
                if !self.truth.is_running() {
                    self.truth.run(&mut self.env);
                }
            }
            Event::TruthTurn(start, at) => self.truth.turn(&mut self.env, start, at),
            Event::TruthFailed(start) => {
                if start == self.truth.start {
                    self.env.core.meet(Fault::KilledTruth);
                    self.end_truth("its disk fails");
                }
            }
            Event::TruthReplies(start, answers) => self.truth.reply(&mut self.env, start, answers),
            Event::Player(id, at) => self.wake_player(id, at),
            Event::ToShard(conn, message) => self.at_shard(conn, &message),
            Event::ToPlayer(conn, message) => self.at_player(conn, &message),
            Event::ClosedAtPlayer(conn, code) => {
                for player in &mut self.players {
                    player.handle_closed(&mut self.env, conn, code);
                }
            }
            Event::GoneAtShard(process, conn) => {
                self.env.conns.forget(conn);
                if let Some(process) = self.processes.get_mut(&process) {
                    process.handle_gone(&mut self.env, conn);
                }
            }
            Event::Second => self.second(),
            Event::Resume => self.resume(),
            Event::Strike(fault) => self.strike(fault),
            Event::Calm => self.calm(),
        }
    }

    fn executor(&mut self, id: u32, act: impl FnOnce(&mut Executor, &mut Env)) {
        if let Some(executor) = self.executors.iter_mut().find(|executor| executor.id == id) {
            act(executor, &mut self.env);
        }
    }

    fn at_shard(&mut self, conn: ConnId, message: &[u8]) {
        if let Some(process) = self.env.conns.at_shard(conn).map(|conn| conn.process)
            && let Some(process) = self.processes.get_mut(&process)
        {
            match PlayerMessage::decode(message) {
                Ok(message) => process.handle_message(&mut self.env, conn, message),
                Err(error) => self.env.core.fail(format!("a bot's message: {error}")),
            }
        }
    }

    fn at_player(&mut self, conn: ConnId, message: &[u8]) {
        if let Some(player) = self.env.conns.at_player(conn).map(|conn| conn.player) {
            match ShardMessage::decode(message) {
                Ok(message) => self.players[player].handle_message(&mut self.env, conn, message),
                Err(error) => self.env.core.fail(format!("a shard's message: {error}")),
            }
        }
    }

    fn read_answer(&mut self, answer: Result<Bytes, Unavailable>) -> Answer {
        let unreadable = || Unavailable::Unknown("it can't be read".to_owned());
        answer.and_then(|bytes| wire::read(&mut self.env.core, &bytes).ok_or_else(unreadable))
    }

    fn start(&mut self, slot: usize) {
        if self.slots[slot].current.is_some() {
            return;
        }
        let image = self.slots[slot].image.clone();
        self.slots[slot].current = Some(self.started + 1);
        self.start_on(slot, &image);
    }

    /// Starts one more process of a shard, on a disk that holds this; its number.
    pub(super) fn start_on(&mut self, slot: usize, image: &Image) -> u32 {
        self.started += 1;
        let id = self.started;
        let disk = Disk::new(image);
        // Some die while they open what the one before has left. A new file has another name until
        // it is whole.
        let has_file = !image.is_empty();
        if has_file && self.env.core.is_on(Fault::FailedDisk) && self.env.core.random.u8(0..8) == 0
        {
            disk.fail_after(self.env.core.random.u32(0..60));
        }
        match Process::start(&mut self.env, self.boss, id, slot, disk.clone()) {
            Ok(process) => drop(self.processes.insert(id, process)),
            Err(end) => self.end_opening(id, slot, &disk, end),
        }
        id
    }

    /// A process ends while it opens its file.
    fn end_opening(&mut self, id: u32, slot: usize, disk: &Disk, end: End) {
        self.env.core.note(&Note::Ended { process: id, why: end.why() });
        self.env.core.meet(Fault::FailedDisk);
        let image = cut_power(&mut self.env.core, disk);
        let slot_of = &mut self.slots[slot];
        if slot_of.current == Some(id) {
            slot_of.current = None;
            slot_of.image = image;
            self.env.core.after_ms(200..=4_000, Event::Start(slot));
        }
    }

    fn on(&mut self, id: u32, act: impl FnOnce(&mut Process, &mut Env) -> Result<(), End>) {
        if let Some(process) = self.processes.get_mut(&id)
            && let Err(end) = act(process, &mut self.env)
        {
            let (slot, check) = (process.slot, &self.env.check);
            let is_expected = match end {
                End::Disk | End::Refused => true,
                // Nobody else has its disk.
                End::Fenced => check.copied.contains(&slot),
                // No more than a generation's beginning was rolled back.
                End::Abandoned(_) => check.broken.contains(&slot),
            };
            if end == End::Disk {
                self.env.core.meet(Fault::FailedDisk);
            }
            if !is_expected {
                self.env.core.fail(format!("the process of shard {slot} ends: {}", end.why()));
            }
            self.end(id, end.why());
        }
    }

    /// Ends a process. If players were led to it, another one starts on its disk.
    pub(super) fn end(&mut self, id: u32, why: &'static str) {
        let Some(process) = self.processes.remove(&id) else { return };
        self.env.core.note(&Note::Ended { process: id, why });
        let image = cut_power(&mut self.env.core, &process.disk);
        self.env.conns.cut_all_of(&mut self.env.core, id);
        let slot = &mut self.slots[process.slot];
        if slot.current == Some(id) {
            slot.current = None;
            slot.image = image;
            if process.is_open() {
                self.env.check.expect(process.slot, expected(&process));
            }
            self.env.core.after_ms(200..=4_000, Event::Start(process.slot));
        }
    }

    pub(super) fn end_truth(&mut self, why: &'static str) {
        self.truth.end(&mut self.env, why);
        self.env.core.after_ms(100..=6_000, Event::TruthStart);
    }

    /// The process of a shard where players get in.
    fn open(&self, slot: usize) -> Option<u32> {
        let id = self.slots[slot].current?;
        self.processes.get(&id).filter(|process| process.is_open()).map(|process| process.id)
    }

    fn wake_player(&mut self, id: usize, at: Micros) {
        let process = self.open(self.players[id].slot);
        self.players[id].wake(&mut self.env, at, process);
    }
}

/// What the disk of a process must hold: what was synced, and of the record under way all or
/// nothing.
fn expected(process: &Process) -> Vec<Found> {
    let Some(durable) = process.durable.clone() else { return Vec::new() };
    let mut expected = vec![Found { journal: Some(durable.clone()), intent: None }];
    if let Some(record) = &process.syncing {
        let mut journal = durable;
        if journal.learn(record).is_ok() {
            expected.push(Found { journal: Some(journal), intent: None });
        }
    }
    expected
}

/// A boss that comes to its end a few times, or never.
fn scenario(core: &mut Core) -> Scenario {
    let mut scenario =
        Scenario::parse(Scenario::default_text()).expect("the scenario that comes along is one");
    let spec = &mut scenario.spec;
    spec.hp_max = match core.random.u8(0..5) {
        0 => 1 << 40,
        _ => core.random.u64(2_000..30_000),
    };
    spec.timing.tick_ms = core.random.u16(50..=150);
    spec.timing.collect_s = core.random.u16(1..=6);
    spec.timing.respawn_s = core.random.u16(1..=3);
    spec.missing = if core.random.bool() { Missing::Apply } else { Missing::Discard };
    scenario
}
