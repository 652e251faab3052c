//! One world: its programs, its links and its time line.

use super::doc::{Doc, DocOps, Order, Told, Wish};
use super::truth::Truth;
use authority::machine::group::Bounds;
use protocol::{
    Checkpoint, Edit, GroupAnswer, GroupName, GroupRequest, Micros, SchemaHash, StateHash,
    Unavailable,
};
use score::{Asked, Counts, Error, Part, Question, Replica};
use std::collections::BTreeMap;
use std::sync::Arc;
use ucore::prelude::*;
use ucore::{Bin, Blob, Snapshot, WriterId, encode};

/// What goes wrong beside the links.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) kills: bool,
    pub(crate) fail_overs: bool,
    pub(crate) lies: bool,
    /// The log is short, and few writers are remembered.
    pub(crate) narrow: bool,
}

const PROGRAMS: usize = 4;
/// Entries from mark to mark.
const MARKS: u64 = 16;
/// Wishes of a world.
const WISHES: u32 = 3_000;
/// Steps of a world, at most.
const STEPS_MAX: u32 = 400_000;
/// How long a program waits for an answer.
const PATIENCE: Micros = Micros::from_millis(50);

/// One program.
struct Program {
    replica: Replica<Doc>,
    head: Arc<Snapshot<Doc>>,
    /// Tells answers to this process from those to the one before.
    life: u32,
    /// When it looks at the time next.
    wake: Option<Micros>,
}

/// Something that happens.
enum Event {
    /// A request arrives.
    Request(Address, GroupRequest),
    /// An answer arrives, or the time for one is over.
    Answer(Address, Result<GroupAnswer, Unavailable>),
    /// A program wants something.
    Wish(usize),
    Kill(usize),
    Restart,
    BackUp,
    FailOver,
    Lie,
    /// A program has to look at the time.
    Wake(usize),
}

/// Who asked what.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Address {
    program: usize,
    life: u32,
    kind: Question,
    call: u64,
}

/// A wish that was made, and what became of it.
struct Made {
    wish: Wish,
    told: Told,
}

pub(crate) struct World {
    random: fastrand::Rng,
    faults: Faults,
    healed: bool,
    now: Micros,
    time_line: BTreeMap<(Micros, u64), Event>,
    events: u64,
    calls: u64,
    /// Calls that wait for an answer.
    open: Vec<Address>,
    truth: Truth,
    /// Requests that wait for the next entry.
    waiting: Vec<(Address, GroupRequest)>,
    programs: Vec<Program>,
    made: Vec<Made>,
    lost: bool,
}

fn schema() -> SchemaHash {
    SchemaHash::of::<Doc>()
}

fn name() -> GroupName {
    GroupName("world/doc".to_owned())
}

impl World {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let mut bounds = Bounds { page_entries: 50, mark_entries: MARKS, ..Bounds::default() };
        if faults.narrow {
            (bounds.log_entries, bounds.writers) = (3 * MARKS, PROGRAMS + 1);
        }
        let mut world = Self {
            random: fastrand::Rng::with_seed(seed),
            faults,
            healed: false,
            now: Micros(1),
            time_line: BTreeMap::new(),
            events: 0,
            calls: 0,
            open: Vec::new(),
            truth: Truth::new(bounds),
            waiting: Vec::new(),
            programs: Vec::new(),
            made: Vec::new(),
            lost: false,
        };
        for _ in 0..PROGRAMS {
            let program = world.begin(0);
            world.programs.push(program);
        }
        for program in 0..PROGRAMS {
            world.drain(program);
        }
        world
    }

    fn begin(&mut self, life: u32) -> Program {
        let seed = std::array::from_fn(|_| self.random.u8(..));
        let part = Part { group: name(), create: true, keeps: true, mark_entries: MARKS, seed };
        let head = Arc::new(Replica::first(Doc::default()));
        Program { replica: Replica::new(part), head, life, wake: None }
    }

    fn at(&mut self, delay: Micros, event: Event) {
        self.events += 1;
        self.time_line.insert((self.now + delay, self.events), event);
    }

    /// Plays until everybody has everything.
    pub(crate) fn play(mut self) {
        self.plan();
        for _ in 0..STEPS_MAX {
            if !self.step() {
                break;
            }
        }
        let programs: Vec<_> = self
            .programs
            .iter()
            .map(|it| (&it.replica, it.replica.ended(), it.replica.why(), it.head.version))
            .collect();
        assert!(self.is_quiet(), "it comes to rest: {programs:#?} {:?}", self.truth.head(schema()));
        self.check();
    }

    /// When what happens.
    fn plan(&mut self) {
        let span = 4_000_000;
        let any = |world: &mut Self| Micros(world.random.u64(..span));
        for _ in 0..WISHES {
            let (at, program) = (any(self), self.random.usize(..PROGRAMS));
            self.at(at, Event::Wish(program));
        }
        for _ in 0..3 {
            if self.faults.kills {
                let (at, program) = (any(self), self.random.usize(..PROGRAMS));
                self.at(at, Event::Kill(program));
                let at = any(self);
                self.at(at, Event::Restart);
            }
            if self.faults.fail_overs {
                let at = any(self);
                self.at(at, Event::BackUp);
                let behind = Micros(self.random.u64(..200_000));
                self.at(at + behind, Event::FailOver);
            }
            if self.faults.lies {
                let at = any(self);
                self.at(at, Event::Lie);
            }
        }
    }

    /// The next event. False: nothing is left to happen but waiting.
    fn step(&mut self) -> bool {
        let Some(((at, _), event)) = self.time_line.pop_first() else { return false };
        self.now = at;
        if at > Micros(4_500_000) && !self.healed {
            self.healed = true;
        }
        match event {
            Event::Request(from, request) => self.arrive(from, request),
            Event::Answer(to, answer) => self.answer(to, answer),
            Event::Wish(program) => self.wish(program),
            Event::Kill(program) => {
                let life = self.programs[program].life + 1;
                self.programs[program] = self.begin(life);
                self.drain(program);
            }
            Event::Restart => {
                self.truth.restart();
                self.waiting.clear();
            }
            Event::BackUp => self.truth.back_up(),
            Event::FailOver => {
                self.truth.fail_over();
                self.waiting.clear();
                self.lost = true;
            }
            Event::Lie => self.lie(),
            Event::Wake(program) => {
                self.programs[program].wake.take_if(|wake| *wake <= at);
                self.programs[program].replica.handle_time(self.now);
                self.drain(program);
            }
        }
        !(self.healed && self.is_quiet())
    }

    fn is_quiet(&self) -> bool {
        let head = self.truth.head(schema());
        self.programs.iter().all(|it| {
            it.replica.waiting() == 0
                && (it.head.version, it.head.chain) == (head.version, head.chain)
        })
    }

    fn wish(&mut self, program: usize) {
        let number = u32::try_from(self.made.len()).unwrap();
        let wish = match self.random.u32(..100) {
            0..40 => Wish::Add(self.random.u32(..20)),
            40..65 => Wish::Push,
            65..70 => Wish::Unfit,
            70..88 => Wish::Place(self.random.u32(..10)),
            88..95 => Wish::Move(self.random.u32(..10), self.random.u32(..10)),
            _ => Wish::Abort,
        };
        let told = Told::default();
        let order = Order::new(number, wish, Arc::clone(&told));
        self.made.push(Made { wish, told });
        let patience = Micros(self.random.u64(100_000..2_000_000));
        self.programs[program].replica.handle_intent(Box::new(order), self.now + patience);
        self.drain(program);
    }

    /// Sends what a program asks.
    fn drain(&mut self, program: usize) {
        loop {
            let it = &mut self.programs[program];
            let Some(Asked { kind, request }) = it.replica.poll_request(self.now, &it.head) else {
                break;
            };
            let life = it.life;
            self.calls += 1;
            let from = Address { program, life, kind, call: self.calls };
            self.open.push(from);
            // A connection delivers once. Where nothing is taken back or refused for a while, even
            // twice does no harm.
            let may_repeat = !self.faults.fail_overs && !self.faults.narrow;
            let copies = if may_repeat && self.is_bad(5) { 2 } else { 1 };
            for _ in 0..copies {
                if !self.is_bad(4) {
                    let delay = self.delay();
                    self.at(delay, Event::Request(from, request.clone()));
                }
            }
            let patience = match &request {
                GroupRequest::Follow(follow) => {
                    PATIENCE + Micros::from_millis(follow.wait_ms.into())
                }
                GroupRequest::Found(_)
                | GroupRequest::Propose(_)
                | GroupRequest::Checkpoint(_)
                | GroupRequest::Dispute(_)
                | GroupRequest::Leave(_) => PATIENCE,
            };
            let late = Unavailable::Unknown("no answer came".to_owned());
            self.at(patience, Event::Answer(from, Err(late)));
        }
        if let Some(at) = self.programs[program].replica.poll_timeout() {
            let (at, wake) = (at.max(self.now) + Micros(1), self.programs[program].wake);
            if wake.is_none_or(|wake| at < wake) {
                self.programs[program].wake = Some(at);
                self.at(at.since(self.now), Event::Wake(program));
            }
        }
    }

    fn is_bad(&mut self, percent: u32) -> bool {
        !self.healed && self.random.u32(..100) < percent
    }

    fn delay(&mut self) -> Micros {
        let long = self.is_bad(3);
        Micros(if long { self.random.u64(..200_000) } else { self.random.u64(100..3_000) })
    }

    fn arrive(&mut self, from: Address, request: GroupRequest) {
        match self.truth.ask(&request) {
            Some(answer) => self.reply(from, answer),
            None => self.waiting.push((from, request)),
        }
        for (from, request) in std::mem::take(&mut self.waiting) {
            match self.truth.ask(&request) {
                Some(answer) => self.reply(from, answer),
                None => self.waiting.push((from, request)),
            }
        }
    }

    fn reply(&mut self, to: Address, answer: GroupAnswer) {
        if !self.is_bad(4) {
            let delay = self.delay();
            self.at(delay, Event::Answer(to, Ok(answer)));
        }
    }

    fn answer(&mut self, to: Address, answer: Result<GroupAnswer, Unavailable>) {
        // A carrier gives one answer, or says that there is none.
        let Some(at) = self.open.iter().position(|open| *open == to) else { return };
        self.open.swap_remove(at);
        let now = self.now;
        let it = &mut self.programs[to.program];
        if it.life == to.life {
            it.replica.handle_answer(now, &mut it.head, to.kind, answer);
            self.drain(to.program);
        }
    }

    /// Somebody brings a value that the log does not make.
    fn lie(&mut self) {
        let marks = self.truth.all.iter().rev();
        let Some(at) = marks.map(|it| it.seen()).find(|at| at.version.0.is_multiple_of(MARKS))
        else {
            return;
        };
        let mut wrong = self.truth_at(at.version.0).value;
        wrong.sums().at(7).add(1_000_000).unwrap();
        let unreadable = self.random.bool();
        let value = if unreadable { Blob::from(vec![0xc1]) } else { Blob::of(&wrong) };
        let (group, keeper) = (name(), WriterId(Bin([9; 16])));
        let hash = StateHash::of_bytes(&value);
        let lie = Checkpoint { group, schema: schema(), keeper, at, hash, value };
        // It may come too late to be heard.
        self.truth.ask(&GroupRequest::Checkpoint(lie));
    }

    /// The value that the log makes.
    fn truth_at(&self, version: u64) -> Snapshot<Doc> {
        let mut value = Replica::first(Doc::default());
        for entry in self.truth.all.iter().take_while(|entry| entry.version.0 <= version) {
            let seen = protocol::Seen { version: value.version, chain: value.chain };
            let edit: Edit = entry.follow(seen).unwrap();
            for update in edit.updates.open::<Vec<_>>().unwrap() {
                // What does not fit changes nothing.
                let _ = value.value.apply(update);
            }
            (value.version, value.chain) = (entry.version, entry.chain);
        }
        value
    }

    fn check(&self) {
        let truth = self.truth_at(u64::MAX);
        for program in &self.programs {
            assert_eq!(encode(&program.head.value), encode(&truth.value), "all copies are equal");
        }
        let mut times = BTreeMap::<u32, u32>::new();
        let lines = truth.value.board.values().flat_map(|line| line.iter());
        for number in lines.chain(truth.value.names.iter()) {
            *times.entry(*number).or_default() += 1;
        }
        assert!(times.values().all(|times| *times == 1), "nothing is there twice");
        let (mut least, mut most) = (0, 0);
        for (number, made) in (0..).zip(&self.made) {
            let told = made.told.lock().unwrap();
            let is_there = times.contains_key(&number);
            let unknown = matches!(&*told, None | Some(Err(Error::Unknown { .. })));
            let is_done = matches!(&*told, Some(Ok(_)));
            match made.wish {
                Wish::Add(_) => {
                    least += i64::from(is_done);
                    most += i64::from(is_done || unknown);
                }
                Wish::Push | Wish::Place(_) => {
                    assert!(
                        is_there || !is_done || self.lost,
                        "{number} was acknowledged: {told:?}"
                    );
                    assert!(!is_there || is_done || unknown, "{number} was not: {told:?}");
                }
                Wish::Unfit | Wish::Abort => assert!(!is_done, "{number} can't be done"),
                Wish::Move(..) => {}
            }
        }
        let sum: i64 = truth.value.sums.iter().map(|(_, sum)| sum.get()).sum();
        assert!(sum <= most, "additions count once: {sum} of at most {most}");
        assert!(sum >= least || self.lost, "none is lost: {sum} of at least {least}");
        self.check_counts(least);
    }

    /// A world in which nothing happened proves nothing.
    fn check_counts(&self, done: i64) {
        assert!(done > 300, "{done} additions were done");
        let counts = self.programs.iter().map(|it| it.replica.counts());
        let sum = counts.fold(Counts::default(), |sum, it| Counts {
            conflicts: sum.conflicts + it.conflicts,
            resyncs: sum.resyncs + it.resyncs,
            jumps: sum.jumps + it.jumps,
            unreadable: sum.unreadable + it.unreadable,
            disputes: sum.disputes + it.disputes,
            kept: sum.kept + it.kept,
        });
        println!("{} entries, {sum:?}", self.truth.all.len());
        assert!(sum.conflicts > 0, "closures ran again");
        assert_eq!(sum.unreadable, 0);
        if !self.faults.lies && !self.faults.fail_overs {
            assert_eq!((sum.disputes, sum.resyncs), (0, 0), "nobody was in doubt");
        }
    }
}
