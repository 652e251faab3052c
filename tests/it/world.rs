//! A small world of machines: shards over one authority, without sockets, disks or clocks.

use authority::machine::{Machine as Authority, Saga};
use protocol::{
    BossSpec, ExecutorId, Gen, Hello, Hit, InputSeq, Join, JournalId, Micros, PlayerId, Scenario,
    ShardId, SkillId, Tally, Token,
};
use shard::machine::{
    Answer, ConnId, Disk, Fresh, Machine as Shard, Opened, Opening, Output, Record, Request, Step,
};
use std::sync::Arc;
use ucore::Bin;

/// Steps until something is there. More: it never comes.
const STEPS_MAX: usize = 1_000;

/// The scenario that comes along, with other HP and a skill that never crits.
pub(crate) fn scenario(hp_max: u64, damage: u32) -> Scenario {
    let mut scenario = Scenario::parse(Scenario::default_text()).unwrap();
    scenario.spec.hp_max = hp_max;
    scenario.spec.skills[0].damage = damage;
    scenario.spec.skills[0].crit_percent = 0;
    scenario
}

/// An id made of one number.
pub(crate) fn journal(number: u8) -> JournalId {
    JournalId(Bin([number; 16]))
}

/// The authority, with what it has made durable.
#[derive(Debug)]
pub(crate) struct Truth {
    pub(crate) machine: Authority,
    pub(crate) log: Vec<protocol::Entry>,
    saga: Saga,
    now: Micros,
}

impl Truth {
    pub(crate) fn new(scenario: Scenario) -> Self {
        let machine = Authority::new(scenario.id, scenario.spec);
        Self::of(machine, Vec::new())
    }

    /// An authority that goes on from here.
    pub(crate) fn of(machine: Authority, log: Vec<protocol::Entry>) -> Self {
        let saga = Saga::new(machine.id(), ExecutorId(Bin([0xee; 16])), 0);
        let mut truth = Self { machine, log, saga, now: Micros(0) };
        truth.sync();
        truth
    }

    fn sync(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            if let authority::machine::Output::Entry(entry) = output {
                self.log.push(entry);
            }
        }
    }

    pub(crate) fn ask(&mut self, request: Request) -> Answer {
        let answer = match request {
            Request::Join(join) => Answer::Join(self.machine.handle_join(join)),
            Request::Enter(enter) => Answer::Enter(self.machine.handle_enter(&enter)),
            Request::Push(push) => Answer::Push(self.machine.handle_push(push)),
            Request::Shares(asked) => Answer::Shares(self.machine.handle_shares(&asked)),
        };
        self.sync();
        answer
    }

    pub(crate) fn join(&mut self, join: Join) -> protocol::JoinAnswer {
        let Answer::Join(answer) = self.ask(Request::Join(join)) else { unreachable!() };
        answer
    }

    /// The books as the outside world reads them.
    pub(crate) fn ledger(&self) -> protocol::Ledger {
        let value = self.machine.snapshot();
        protocol::Ledger::of(self.machine.id(), &value.boss, value.version, value.chain)
    }

    /// A second passes.
    pub(crate) fn poll(&mut self) {
        self.now = self.now + Micros::from_millis(1_000);
        self.saga.drive(self.now, &mut self.machine);
        self.sync();
    }

    /// Takes steps until it has come to that.
    pub(crate) fn until(
        &mut self,
        is_there: impl Fn(&protocol::Truth) -> bool,
        mut step: impl FnMut(&mut Self),
    ) {
        for _ in 0..STEPS_MAX {
            if is_there(&self.machine.truth()) {
                return;
            }
            step(self);
        }
        panic!("it does not come to that, but to {:?}", self.machine.truth());
    }

    /// The boss as anyone would fold it from the log.
    pub(crate) fn folded(&self) -> Authority {
        let spec: BossSpec = self.machine.spec().clone();
        let id = self.machine.id();
        Authority::restore(id, spec, protocol::Snapshot::default(), self.log.iter().cloned())
            .unwrap()
    }
}

/// Opens a journal on a disk, by at most so many steps; none if it needs more.
pub(crate) fn open(
    truth: &mut Truth,
    label: u16,
    disk: &mut Disk,
    id: JournalId,
    steps: usize,
) -> Option<Box<Opened>> {
    let mut opening = Opening::new(truth.machine.id(), ShardId(label), disk.clone(), id).unwrap();
    for _ in 0..steps {
        match opening.step() {
            Step::Intend(journal) => {
                disk.intent = Some(journal);
                opening.handle_written();
            }
            Step::Adopt(journal) => {
                *disk = Disk { journal: Some(*journal), intent: None };
                opening.handle_written();
            }
            Step::Join(join) => match truth.join(join) {
                // It asks again, and meanwhile the authority comes there again.
                protocol::JoinAnswer::Ahead => truth.poll(),
                answer => opening.handle_answer(answer).unwrap(),
            },
            Step::Done(opened) => return Some(opened),
        }
    }
    None
}

/// A shard with its disk, driven by hand.
#[derive(Debug)]
pub(crate) struct Driven {
    pub(crate) shard: Shard,
    pub(crate) disk: Disk,
    pub(crate) now: Micros,
    pub(crate) output: Vec<Output>,
    pub(crate) pushes: usize,
    /// While the disk stalls, its one record waits here.
    stalled: Option<Option<Arc<Record>>>,
}

impl Driven {
    /// Starts a process on a disk.
    pub(crate) fn start(truth: &mut Truth, label: u16, disk: Disk, id: JournalId) -> Self {
        let mut disk = disk;
        let opened = open(truth, label, &mut disk, id, STEPS_MAX).unwrap();
        let shard = Shard::new(*opened, Micros(0), u64::from(label));
        Self { shard, disk, now: Micros(0), output: Vec::new(), pushes: 0, stalled: None }
    }

    /// One tick in which the disk is fast and the authority answers.
    pub(crate) fn tick(&mut self, truth: &mut Truth) {
        self.tick_alone();
        self.push(truth);
    }

    /// One tick without the authority.
    pub(crate) fn tick_alone(&mut self) {
        self.now = self.now + Micros::from_millis(100);
        self.shard.handle_tick();
        self.drain();
    }

    /// The request that is due, and its answer.
    pub(crate) fn push(&mut self, truth: &mut Truth) {
        if let Some(request) = self.shard.poll_request(self.now) {
            if let Request::Push(push) = &request
                && push.interval.from < push.interval.to
            {
                self.pushes += 1;
            }
            let answer = truth.ask(request);
            self.shard.handle_answer(self.now, answer);
            self.drain();
        }
    }

    /// Syncs records as a fast disk does, and keeps everything else.
    fn drain(&mut self) {
        while let Some(output) = self.shard.poll_output() {
            if let Output::Journal(record) = &output {
                match &mut self.stalled {
                    Some(waiting) => *waiting = Some(Arc::clone(record)),
                    None => self.write(record),
                }
            }
            self.output.push(output);
        }
    }

    /// The disk takes no more until [`Driven::unstall`].
    pub(crate) fn stall(&mut self) {
        self.stalled.get_or_insert_default();
    }

    pub(crate) fn unstall(&mut self) {
        if let Some(record) = self.stalled.take().flatten() {
            self.write(&record);
        }
        self.drain();
    }

    fn write(&mut self, record: &Record) {
        let journal = self.disk.journal.as_mut().expect("the shard has joined");
        journal.learn(record).unwrap();
        self.shard.handle_synced();
    }

    pub(crate) fn hello(&mut self, conn: u64, token: Option<Token>) {
        let hello = Hello {
            protocol: protocol::PROTOCOL,
            name: format!("player {conn}"),
            session: token,
            every: 1,
        };
        self.shard.handle_hello(ConnId(conn), hello, fresh(self.shard.journal().id, conn));
    }

    pub(crate) fn hit(&mut self, conn: u64, seq: u32) {
        self.hit_in(conn, seq, self.shard.state(self.now).generation);
    }

    pub(crate) fn hit_in(&mut self, conn: u64, seq: u32, generation: Gen) {
        let hit = Hit { generation, seq: InputSeq(seq), skill: SkillId(1) };
        self.shard.handle_hit(self.now, ConnId(conn), hit);
    }

    /// Whether the process had to end.
    pub(crate) fn has_ended(&self) -> bool {
        self.output.iter().any(|it| matches!(it, Output::Fenced | Output::Abandoned(_)))
    }

    /// What its disk says that its first player did in the oldest generation.
    pub(crate) fn told(&self) -> Tally {
        self.shard.journal().sessions.values().next().unwrap().tallies[0]
    }

    /// The newest acknowledgement of a connection.
    pub(crate) fn ack(&self, conn: u64) -> Option<&protocol::Ack> {
        self.output.iter().rev().find_map(|output| match output {
            Output::Ack(to, ack) if *to == ConnId(conn) => Some(ack),
            _ => None,
        })
    }

    /// The newest greeting of a connection.
    pub(crate) fn welcome(&self, conn: u64) -> Option<&protocol::Welcome> {
        self.output.iter().rev().find_map(|output| match output {
            Output::Welcome(to, welcome, _) if *to == ConnId(conn) => Some(&**welcome),
            _ => None,
        })
    }
}

fn fresh(journal: JournalId, conn: u64) -> Fresh {
    let mut token = journal.0.0;
    token[..8].copy_from_slice(&conn.to_be_bytes());
    Fresh { token: Token(Bin(token)), player: PlayerId(conn + 1_000_000 * u64::from(token[15])) }
}

/// One shard with `players` on a boss that nobody kills.
pub(crate) fn alone(players: u64) -> (Truth, Driven) {
    let mut truth = Truth::new(scenario(1_000_000, 10));
    let mut shard = Driven::start(&mut truth, 1, Disk::default(), journal(1));
    ready(&mut shard, &mut truth, players);
    (truth, shard)
}

/// Shards with a player each, on a boss that ten hits kill.
pub(crate) fn together<const N: usize>() -> (Truth, [Driven; N]) {
    let mut truth = Truth::new(scenario(100, 10));
    let shards = std::array::from_fn(|idx| {
        let id = u8::try_from(idx).unwrap() + 1;
        let mut shard = Driven::start(&mut truth, id.into(), Disk::default(), journal(id));
        ready(&mut shard, &mut truth, 1);
        shard
    });
    (truth, shards)
}

/// Connects `players` and waits until hits are taken.
pub(crate) fn ready(shard: &mut Driven, truth: &mut Truth, players: u64) {
    (0..players).for_each(|conn| shard.hello(conn, None));
    shard.tick(truth);
    shard.tick(truth);
    assert!(shard.shard.is_ready());
}
