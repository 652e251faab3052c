//! Players, ticks, a slow disk and an authority that is right, wrong or silent, for one shard.

use super::STEPS_MAX;
use super::authority::World;
use super::opening::{join_answer, journal};
use crate::anything::{self, BOSS, usual};
use crate::check::{answered, received};
use crate::draw::Draw;
use protocol::{
    Ack, BossCard, EnterAnswer, Hello, Hit, InputSeq, JournalId, Micros, PROTOCOL, PlayerId,
    PushAnswer, ShardId, ShardMessage, SharesAnswer, SkillId, SyncAnswer, SyncRequest, Tally,
    Token, Verdict,
};
use shard::machine::{Answer, ConnId, Fresh, Journal, Machine, Opened, Output, Record, Request};
use std::sync::Arc;
use ucore::Bin;

/// Most things that one input may ask the driver to do: a few for each connection.
const OUTPUTS_MAX: usize = 64;

/// The shard, its disk, and an authority.
#[derive(Debug)]
struct Driven {
    shard: Machine,
    truth: World,
    /// What the disk has.
    disk: Journal,
    /// A record on its way there.
    syncing: Option<Arc<Record>>,
    asked: Option<Request>,
    now: Micros,
    fresh: u8,
}

pub(crate) fn shard(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let mut driven = Driven::start(&mut draw);
    for _ in 0..STEPS_MAX {
        if draw.is_over() {
            break;
        }
        driven.step(&mut draw);
        driven.drain();
    }
}

impl Driven {
    /// A process that has joined: on an empty disk, or after any journal.
    fn start(draw: &mut Draw<'_>) -> Self {
        let mut truth = World::new(usual(draw.number()));
        let parent = draw.one_of(4).then(|| journal(draw));
        let id = JournalId(Bin([0xff; 16]));
        let disk = Journal::begin(id, BOSS, ShardId(1), parent.as_ref(), draw.flag());
        let join =
            protocol::Join { boss: BOSS, journal: id, shard: ShardId(1), lineage: Vec::new() };
        truth.ask(&SyncRequest::Join(join));
        let is_wild = draw.one_of(8);
        let opened = Opened {
            journal: disk.clone(),
            spec: if is_wild { anything::spec(draw, false) } else { truth.machine.spec().clone() },
            truth: if is_wild { anything::truth(draw) } else { truth.machine.truth() },
            late: draw.some(2, anything::late_line),
        };
        let shard = Machine::new(opened, Micros(0), draw.byte().into());
        Self { shard, truth, disk, syncing: None, asked: None, now: Micros(0), fresh: 0 }
    }

    fn step(&mut self, draw: &mut Draw<'_>) {
        let conn = ConnId(draw.below(6).into());
        match draw.below(16) {
            0 | 1 => self.hello(draw, conn),
            2..=5 => self.hit(draw, conn),
            6 => self.shard.handle_gone(conn),
            7 | 8 => {
                self.shard.handle_tick();
                self.drain();
                if !draw.one_of(4) {
                    self.synced();
                }
            }
            9 => self.synced(),
            10 => self.ask(),
            11 | 12 => self.answer(draw),
            13 => {
                let moments = [100_000, 1, 999, 10_000_000, 1 << 40];
                let passed = Micros(draw.pick(&moments));
                self.now = self.now + passed;
                self.shard.handle_worked(passed);
            }
            14 => self.truth.second(),
            _ if draw.one_of(16) => self.shard.handle_stop(),
            _ => self.show(),
        }
    }

    fn hello(&mut self, draw: &mut Draw<'_>, conn: ConnId) {
        let session = draw.option(|draw| Token(Bin([draw.below(6); 16])));
        let hello = Hello { protocol: PROTOCOL, name: "Ada".to_owned(), session, every: 1 };
        self.fresh = self.fresh.wrapping_add(1);
        let token = Token(Bin([self.fresh; 16]));
        let fresh = Fresh { token, player: PlayerId(u64::from(self.fresh) + 1) };
        self.shard.handle_hello(conn, hello, fresh);
    }

    fn hit(&mut self, draw: &mut Draw<'_>, conn: ConnId) {
        let generation = if draw.one_of(8) {
            anything::generation(draw)
        } else {
            self.truth.machine.truth().generation
        };
        let (seq, skill) = (InputSeq(draw.word()), SkillId(draw.below(4)));
        self.shard.handle_hit(self.now, conn, Hit { generation, seq, skill });
    }

    /// The disk has the record that it was given.
    fn synced(&mut self) {
        if let Some(record) = self.syncing.take() {
            let read = ucore::decode(&ucore::encode(&*record));
            assert_eq!(read.as_ref(), Ok(&*record), "a record can be read again");
            assert_eq!(self.disk.learn(&record), Ok(()), "the disk can replay it");
        }
        self.shard.handle_synced();
        assert_eq!(self.shard.journal(), &self.disk, "it knows of itself what its disk has");
        for book in self.disk.books.values() {
            let sum: u64 = book.lines.values().map(|line| line.total).sum();
            assert_eq!(book.total, sum, "its players' damage is its own");
        }
    }

    fn ask(&mut self) {
        let request = self.shard.poll_request(self.now);
        assert!(request.is_none() || self.asked.is_none(), "one request at a time");
        if let Some(request) = request {
            let sent = sync(request.clone());
            assert_eq!(received(&sent).as_ref(), Ok(&sent), "an authority can read it");
            self.asked = Some(request);
        }
    }

    /// What the authority says to it: right, of any content, or nothing.
    fn answer(&mut self, draw: &mut Draw<'_>) {
        self.ask();
        let Some(request) = self.asked.take() else { return };
        match draw.below(8) {
            0 => self.shard.handle_no_answer(self.now),
            1 | 2 => {
                let answer = any_answer(draw, &request);
                self.shard.handle_answer(self.now, answer);
            }
            _ => {
                let answer = self.truth.answer(sync(request)).expect("it is about this boss");
                self.truth.sync();
                self.shard.handle_answer(self.now, typed(answer));
            }
        }
    }

    /// What everybody sees can be read.
    fn show(&mut self) {
        let state = self.shard.state(self.now);
        readable(&ShardMessage::State(state));
        if let Some(board) = self.shard.board(self.now) {
            readable(&ShardMessage::Board((*board).clone()));
        }
        answered((self.shard.is_drained(), self.shard.is_ready()));
    }

    fn drain(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.shard.poll_output() {
            outputs += 1;
            assert!(outputs <= OUTPUTS_MAX, "one input makes much work");
            match output {
                Output::Journal(record) => {
                    assert_eq!(self.syncing, None, "one record at a time");
                    self.syncing = Some(record);
                }
                Output::Ack(_, ack) => self.acknowledged(ack),
                Output::Welcome(_, welcome, card) => {
                    self.knows(welcome.seq, &welcome.tallies);
                    readable(&ShardMessage::Welcome(*welcome));
                    card_of(&card);
                }
                Output::Card(_, card) => card_of(&card),
                Output::Spoils(_, spoils) => readable(&ShardMessage::Spoils(spoils)),
                Output::Close(..) | Output::Fenced | Output::Abandoned(_) => {}
            }
        }
    }

    fn acknowledged(&self, ack: Ack) {
        assert!(ack.tick <= self.disk.tick, "it acknowledges a tick that is durable");
        self.knows(ack.seq, &ack.tallies);
        readable(&ShardMessage::Ack(ack));
    }

    /// Nobody is told of a hit before it is on the disk.
    fn knows(&self, seq: InputSeq, tallies: &[Tally]) {
        let durable = |session: &shard::machine::Session| {
            session.seq >= seq && tallies.iter().all(|told| session.tally(told.generation) == *told)
        };
        assert!(self.disk.sessions.values().any(durable), "{seq} and {tallies:?} are not durable");
    }
}

fn card_of(card: &Arc<BossCard>) {
    readable(&ShardMessage::Boss((**card).clone()));
}

fn readable(message: &ShardMessage) {
    let bytes = ucore::encode(message);
    assert_eq!(ShardMessage::decode(&bytes).as_ref(), Ok(message), "a player can read it");
}

fn sync(request: Request) -> SyncRequest {
    match request {
        Request::Join(join) => SyncRequest::Join(join),
        Request::Enter(enter) => SyncRequest::Enter(enter),
        Request::Push(push) => SyncRequest::Push(push),
        Request::Shares(shares) => SyncRequest::Shares(shares),
    }
}

fn typed(answer: SyncAnswer) -> Answer {
    match answer {
        SyncAnswer::Join(answer) => Answer::Join(answer),
        SyncAnswer::Enter(answer) => Answer::Enter(answer),
        SyncAnswer::Push(answer) => Answer::Push(answer),
        SyncAnswer::Shares(answer) => Answer::Shares(answer),
        SyncAnswer::Spawn(_)
        | SyncAnswer::Truth(_)
        | SyncAnswer::ReadLog(_)
        | SyncAnswer::Bosses(_)
        | SyncAnswer::Reign(_)
        | SyncAnswer::Settle(_)
        | SyncAnswer::Group(_) => unreachable!("no shard asks for it"),
    }
}

const VERDICTS: [Verdict; 8] = [
    Verdict::Counted,
    Verdict::Duplicate,
    Verdict::Gap,
    Verdict::Closed,
    Verdict::NotEntered,
    Verdict::Fenced,
    Verdict::Unknown,
    Verdict::Refused,
];

/// An answer of any content, of the kind that was asked for.
fn any_answer(draw: &mut Draw<'_>, request: &Request) -> Answer {
    match request {
        Request::Join(_) => Answer::Join(join_answer(draw)),
        Request::Enter(_) => Answer::Enter(match draw.below(4) {
            0 => EnterAnswer::TooLate { truth: anything::truth(draw) },
            1 => EnterAnswer::Fenced,
            2 => EnterAnswer::Unknown,
            _ => {
                let spec = Box::new(anything::spec(draw, false));
                EnterAnswer::Entered { spec, truth: anything::truth(draw) }
            }
        }),
        Request::Push(_) => Answer::Push(PushAnswer {
            verdict: draw.pick(&VERDICTS),
            applied: draw.number(),
            late: draw.some(3, anything::line),
            rolled_back: draw.flag(),
            standings: draw.option(|draw| Box::new(anything::standings(draw))),
            truth: anything::truth(draw),
        }),
        Request::Shares(_) => Answer::Shares(if draw.flag() {
            let (shares, players) = (draw.some(3, anything::share), draw.word());
            SharesAnswer::Shared { shares, players }
        } else {
            SharesAnswer::Unknown
        }),
    }
}
