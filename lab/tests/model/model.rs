//! The small cluster as a model: what may happen in a state, and which state comes of it.
//!
//! A request and its arrival are one step: it depends on nothing but its own process, whose hits
//! change nothing for others. What the network does to it, it does by keeping a copy of it, or its
//! answer, for later; a copy that it keeps instead of delivering is a delay, and with the next
//! attempt a duplicate. What is lost altogether leaves the state as it was.
//!
//! Executors have no memory here: whoever reigns takes the step that belongs where the settlement
//! is, and before each one all steps are tried that a slower executor could ask for.

use crate::executor;
use crate::met::{Met, Tally};
use crate::process::{Process, Stage};
use crate::properties::{self, Broken};
use crate::shared::Shared;
use crate::state::{CRASHES, Left, State};
use crate::truth::{self, Log, journal};
use crate::turn::{self, Taken, Turn, Turns};
use protocol::{SettleStep, ShardId, Status};
use shard::machine::Disk;
use stateright::{Model, Property};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How large the cluster is, and what may happen in it.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) hp_max: u64,
    pub(crate) left: Left,
    /// Whether a fail-over may take back the newest step of closed books, too.
    pub(crate) unstable: bool,
    /// Of so many states, one is led to its end without further faults.
    pub(crate) heal_every: u64,
    /// Terms that may begin in one log.
    pub(crate) terms: u64,
    /// What cannot happen in a cluster of this size.
    pub(crate) without: &'static [Met],
    pub(crate) met: Arc<Tally>,
    pub(crate) turns: Arc<Turns>,
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    Lost,
    Late,
}

/// What may happen. Processes are named by their index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// A player hits; the hit is durable, then accepted.
    Hit(usize),
    /// A process asks what is due.
    Ask(usize, Fate),
    /// The late answer arrives.
    Answer(usize),
    /// The network keeps what a process asks.
    Delay(usize),
    /// It delivers that, and nobody waits for the answer.
    Deliver,
    /// Another process takes over.
    Crash(usize),
    /// A replica falls behind.
    Lag,
    /// It becomes the authority.
    FailOver,
    /// An executor begins the next term.
    Reign(u8),
    /// Whoever reigns takes a step.
    Step(SettleStep),
}

/// Where the turns of executors stand among those of processes, which have digests.
const REIGN: u64 = 0;
const STEP: u64 = 8;

impl Cluster {
    fn note(&self, state: &State, met: &[Met]) {
        met.iter().for_each(|met| self.met.note(*met, state.depth));
    }

    /// The same, for what is not a part of the search.
    fn quietly(&self) -> Self {
        Self { met: Arc::default(), ..self.clone() }
    }

    /// Two processes start, on empty disks.
    pub(crate) fn start(&self) -> State {
        let start = |number: u8| {
            let (shard, id) = (ShardId(number.into()), journal(number));
            Shared::new(Process::start(shard, id, Disk::default()))
        };
        State {
            log: Log::begin(self.hp_max),
            stale: None,
            ahead: false,
            processes: vec![start(1), start(2)],
            heard: false,
            copy: None,
            left: self.left,
            accepted: BTreeMap::new(),
            wounded: false,
            broken: None,
            depth: 0,
        }
    }

    /// They have joined and entered, and a replica may lack any part of that.
    fn beginnings(&self) -> Vec<State> {
        const PROCESSES: [usize; 4] = [0, 1, 0, 1];
        let quiet = self.quietly();
        let lags = if self.left.roll_backs > 0 { 0..=PROCESSES.len() } else { 4..=4 };
        let states = lags.map(|lag| {
            let mut state = self.start();
            for (idx, process) in PROCESSES.into_iter().enumerate() {
                if idx == lag {
                    state.stale = Some(state.log.clone());
                }
                quiet.ask(&mut state, process, Fate::Arrives);
            }
            state
        });
        states.collect()
    }

    pub(crate) fn turn_of(&self, state: &State, process: usize) -> Option<Arc<Turn>> {
        let process = &state.processes[process];
        if matches!(process.stage, Stage::Ended) || process.late.is_some() {
            return None;
        }
        let lags = state.stale.is_some();
        let ahead = [lags && state.ahead, lags];
        let which = u64::from(ahead[0]) * 2 + u64::from(ahead[1]);
        let who = process.digest().rotate_left(2) ^ which;
        let make = || turn::ask(process, &state.log, ahead).expect("a process always asks");
        Some(self.turns.of(who, state.log.digest(), make))
    }

    /// A process asks what is due.
    fn ask(&self, state: &mut State, process: usize, fate: Fate) {
        let Some(turn) = self.turn_of(state, process) else { return };
        self.go_on(state, &turn);
        match (fate, &turn.after) {
            (Fate::Arrives, Some(after)) => self.take(state, process, after),
            (Fate::Late, _) => {
                state.left.late -= 1;
                let late = turn.reply.clone();
                let at = &mut state.processes[process];
                *at = at.after(|process| process.late = late);
            }
            (Fate::Lost, _) | (Fate::Arrives, None) => {}
        }
    }

    fn go_on(&self, state: &mut State, turn: &Turn) {
        state.broken = state.broken.or(turn.broken);
        state.advance(&turn.log);
        self.note(state, &turn.met);
    }

    fn take(&self, state: &mut State, process: usize, taken: &Taken) {
        state.broken = state.broken.or(taken.broken);
        self.note(state, &taken.met);
        if let Stage::Running(_, uplink) = &taken.process.stage {
            let kept = [Some(&state.log), state.stale.as_ref()];
            let mut kept = kept.into_iter().flatten();
            if !kept.all(|log| properties::may_be_told(log, uplink.view)) {
                state.broken = state.broken.or(Some(Broken::TakenBack));
            }
        }
        state.processes[process] = taken.process.clone();
    }

    /// The late answer arrives, if there is one.
    fn arrive(&self, state: &mut State, process: usize) {
        if let Some(reply) = state.processes[process].late.clone() {
            let taken = turn::take(&state.processes[process], reply);
            self.take(state, process, &taken);
        }
    }

    /// Whether asking changes nothing for any process whose word still counts.
    pub(crate) fn is_quiet(&self, state: &State) -> bool {
        // While a fail-over may still open the books, nobody is told what is late.
        let is_stable = state.log.stage().status != Status::Closed;
        is_stable
            && (0..state.processes.len()).all(|idx| {
                let process = &state.processes[idx];
                if !matches!(process.stage, Stage::Opening(..) | Stage::Running(..)) {
                    return true;
                }
                let turn = self.turn_of(state, idx);
                turn.is_some_and(|turn| {
                    let same = turn.after.as_ref().is_some_and(|it| it.process == *process);
                    process.is_running() && same && turn.log == state.log
                })
            })
    }

    /// A second without faults: everybody is answered, and what is closed goes on.
    pub(crate) fn second(&self, state: &mut State) {
        let quiet = self.quietly();
        for process in 0..state.processes.len() {
            quiet.arrive(state, process);
            quiet.ask(state, process, Fate::Arrives);
        }
        if !state.stage().status.is_closed() {
            return;
        }
        if state.boss().term().number == 0 {
            quiet.reign(state, 1);
        }
        if let Some(step) = executor::steps(state.stage()).first() {
            quiet.step(state, *step);
            (state.stale, state.ahead) = (None, false);
        }
    }

    fn reign(&self, state: &mut State, executor: u8) {
        let make = || turn::reign(&state.log, executor);
        let turn = self.turns.of(REIGN + u64::from(executor), state.log.digest(), make);
        self.go_on(state, &turn);
        state.heard = false;
    }

    fn step(&self, state: &mut State, step: SettleStep) {
        let make = || turn::step(&state.log, step);
        let turn = self.turns.of(STEP + step as u64, state.log.digest(), make);
        self.go_on(state, &turn);
        state.heard = false;
    }

    /// A zombie that would be fenced whenever it asks is fenced at once.
    fn end_zombies(&self, state: &mut State) {
        for process in 0..state.processes.len() {
            let at = &state.processes[process];
            let is_sealed = state.boss().journal(at.id).is_some_and(|it| it.sealed);
            if is_sealed && at.late.is_none() && at.is_zombie() {
                self.ask(state, process, Fate::Arrives);
            }
        }
    }

    /// What follows when a boss has been divided is all the same to shards. Where none of it can be
    /// taken back, the next step that makes a difference is the beginning of a generation.
    fn finish(&self, state: &mut State) {
        let can_be_taken_back = self.unstable && state.left.roll_backs > 0;
        let goes_on = state.stale.is_none() && !can_be_taken_back;
        while goes_on && state.stage().status >= Status::Credited {
            match executor::steps(state.stage()) {
                [step @ (SettleStep::Reward | SettleStep::Wait)] => self.step(state, *step),
                _ => return,
            }
        }
    }

    /// Another process takes over. What the old one still says before that one has joined, it might
    /// as well have said before and not heard the answer; and when it has joined, it is fenced. So
    /// it matters when a roll-back takes the join back.
    fn crash(state: &mut State, process: usize) -> Option<()> {
        let number = u8::try_from(state.processes.len() + 1).ok()?;
        let mut next = None;
        let speaks = state.left.roll_backs > 0;
        let after = state.processes[process].after(|at| {
            next = at.succeed(journal(number));
            at.late = None;
            if !speaks {
                at.stage = Stage::Ended;
            }
        });
        state.processes[process] = after;
        state.processes.push(Shared::new(next?));
        state.left.crashes -= 1;
        Some(())
    }

    /// The replica that has fallen behind becomes the authority.
    fn fail_over(&self, state: &mut State) -> Option<()> {
        let stale = state.stale.take()?;
        let before = std::mem::replace(&mut state.log, stale);
        state.left.roll_backs -= 1;
        state.ahead = false;
        for process in &mut state.processes {
            if process.is_ahead() {
                *process = process.after(|process| {
                    process.for_views(|view| {
                        view.lost |= std::mem::take(&mut view.ahead);
                    });
                });
            }
        }
        let counted = |log: &Log| log.boss().lives().map(|(_, life)| life.damage()).sum::<u64>();
        state.wounded = counted(&before) > counted(&state.log);
        let (was, is) = (before.stage(), state.stage());
        let died = was.status >= Status::Defeated;
        let lives = is.status == Status::Alive;
        let begins = was.generation > is.generation;
        self.note(
            state,
            &turn::only([
                (state.wounded, Met::RolledBack),
                (died && lives && !begins, Met::DeathTakenBack),
                (begins, Met::BeginningTakenBack),
                (died && !lives && was != is, Met::StepTakenBack),
            ]),
        );
        Some(())
    }

    fn deliver(&self, state: &mut State) -> Option<()> {
        let copy = state.copy.take()?;
        let make = || turn::deliver(&state.log, &copy, false);
        let turn = self.turns.of(copy.digest().rotate_left(1), state.log.digest(), make);
        if turn.log != state.log {
            self.note(state, &[Met::Copy]);
        }
        self.go_on(state, &turn);
        Some(())
    }

    fn of_processes(&self, state: &State, actions: &mut Vec<Action>) {
        let left = state.left;
        for (process, at) in state.processes.iter().enumerate() {
            if left.hits > 0 && at.admits() {
                actions.push(Action::Hit(process));
            }
            let succeeds = matches!(at.stage, Stage::Opening(..) | Stage::Running(..));
            if left.crashes > 0 && succeeds && at.shard == CRASHES {
                actions.push(Action::Crash(process));
            }
            if at.late.is_some() {
                actions.push(Action::Answer(process));
            }
            if at.is_zombie() && !self.was_rolled_back(state) {
                continue;
            }
            let Some(turn) = self.turn_of(state, process) else { continue };
            let changes = turn.log != state.log;
            let news = turn.after.as_ref().is_some_and(|after| after.process != *at);
            if changes || news {
                actions.push(Action::Ask(process, Fate::Arrives));
            } else {
                // No step, but met all the same.
                self.note(state, &turn.met);
            }
            // What a zombie knows matters to nobody.
            if changes && !at.is_zombie() {
                actions.push(Action::Ask(process, Fate::Lost));
            }
            if left.late > 0 && at.is_running() {
                actions.push(Action::Ask(process, Fate::Late));
            }
            if left.copies > 0 && state.copy.is_none() {
                actions.push(Action::Delay(process));
            }
        }
        if state.copy.is_some() {
            actions.push(Action::Deliver);
        }
    }

    fn was_rolled_back(&self, state: &State) -> bool {
        state.left.roll_backs < self.left.roll_backs
    }

    fn of_executors(&self, state: &State, actions: &mut Vec<Action>) {
        let (term, at) = (state.boss().term(), state.stage());
        if at.status == Status::Alive {
            return;
        }
        // The first one is the one who reigned first, unless that was taken back.
        let was_taken_back = self.was_rolled_back(state);
        for executor in [1, 2] {
            let first = term.number == 0 && (executor == 1 || was_taken_back);
            let heir = !term.is_of(truth::executor(executor));
            let more = 0 < term.number && term.number < self.terms;
            let next = more && heir && at.status == Status::Collecting;
            if first || next {
                actions.push(Action::Reign(executor));
            }
        }
        if term.number > 0 && state.heard {
            actions.extend(executor::steps(at).iter().map(|step| Action::Step(*step)));
        }
    }
}

impl Model for Cluster {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.beginnings()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.is_over() {
            return;
        }
        self.of_processes(state, actions);
        self.of_executors(state, actions);
        if state.left.roll_backs == 0 {
            return;
        }
        if state.stale.is_none() {
            actions.push(Action::Lag);
        } else if state.ahead && (self.unstable || !state.stage().status.is_closed()) {
            actions.push(Action::FailOver);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        state.depth += 1;
        match action {
            Action::Hit(process) => state.hit(process),
            Action::Ask(process, fate) => self.ask(&mut state, process, fate),
            Action::Answer(process) => self.arrive(&mut state, process),
            Action::Delay(process) => {
                state.copy = Some(Shared::new(state.processes[process].request()?.1));
                state.left.copies -= 1;
            }
            Action::Deliver => self.deliver(&mut state)?,
            Action::Crash(process) => Self::crash(&mut state, process)?,
            Action::Lag => state.stale = Some(state.log.clone()),
            Action::FailOver => self.fail_over(&mut state)?,
            Action::Reign(executor) => self.reign(&mut state, executor),
            Action::Step(step) => {
                self.step(&mut state, step);
                self.finish(&mut state);
            }
        }
        // What an executor is told of a fallen boss, every replica has: one that has fallen behind
        // keeps back every answer, but not the step that was decided before.
        state.heard |= state.stale.is_none();
        state.heard &= state.stage().status != Status::Alive;
        if state.wounded && self.is_quiet(&state) {
            state.wounded = false;
            self.note(&state, &[Met::Healed]);
        }
        if state.left.roll_backs == 0 {
            self.end_zombies(&mut state);
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}
