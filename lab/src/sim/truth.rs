//! The truth's process: the real authority with its real file, on simulated time and a disk that
//! forgets. It does what its thread does, in the same order.

use super::disk::{Disk, Image};
use super::fault::Fault;
use super::process::Env;
use super::trace::Note;
use super::wire::{Answer, Caller};
use super::world::Event;
use authority::store::Truths;
use protocol::limits::{AUTHORITY_REQUESTS_MAX, COMMIT_REQUESTS_MAX};
use protocol::{BossId, BossSpec, ExecutorId, Micros, Spawn, SyncRequest, Unavailable};
use std::collections::VecDeque;
use ucore::{Bin, Version};

/// Values of the disk that are kept, to come back as one of them.
const IMAGES_MAX: usize = 12;

/// The truth's process and its disk.
#[derive(Debug)]
pub(super) struct Truth {
    boss: BossId,
    spec: BossSpec,
    disk: Disk,
    /// None while nobody runs on the disk.
    truths: Option<Truths>,
    /// How often it was started.
    pub(super) start: u32,
    inbox: VecDeque<(Caller, u64, SyncRequest)>,
    busy_until: Micros,
    /// The turn that is planned.
    turn_at: Option<Micros>,
    pub(super) ahead: Micros,
    pub(super) paused_until: Micros,
    pub(super) slow_until: Micros,
    /// Whether it takes the steps of settlements by itself.
    settles: bool,
    /// Whether its disk is an older one than its last process had.
    is_rewound: bool,
    images: VecDeque<(Version, Image)>,
}

impl Truth {
    /// A truth that is about to start on an empty disk.
    pub(super) fn new(boss: BossId, spec: BossSpec, settles: bool) -> Self {
        let empty = Image::default();
        Self {
            boss,
            spec,
            disk: Disk::new(&empty),
            truths: None,
            start: 0,
            inbox: VecDeque::new(),
            busy_until: Micros(0),
            turn_at: None,
            ahead: Micros(0),
            paused_until: Micros(0),
            slow_until: Micros(0),
            settles,
            is_rewound: false,
            images: VecDeque::from([(Version(0), empty)]),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.truths.is_some()
    }

    pub(super) fn truths(&mut self) -> Option<&mut Truths> {
        self.truths.as_mut()
    }

    /// Starts on its disk.
    pub(super) fn run(&mut self, env: &mut Env) {
        self.start += 1;
        // Some die while they open what the one before has left. A new file has another name until
        // it is whole.
        let has_file = !self.disk.image().is_empty();
        if has_file && env.core.is_on(Fault::KilledTruth) && env.core.random.u8(0..8) == 0 {
            self.disk.fail_after(env.core.random.u32(0..60));
        }
        let executor = ExecutorId(Bin(env.core.random.u128(1..).to_be_bytes()));
        let opened = Truths::open_on(self.disk.clone(), self.settles.then_some(executor));
        let mut truths = match opened {
            Ok(truths) => truths,
            Err(_) if self.disk.has_failed() => {
                self.disk = Disk::new(&super::world::cut_power(&mut env.core, &self.disk));
                env.core.meet(Fault::KilledTruth);
                return env.core.after_ms(100..=6_000, Event::TruthStart);
            }
            Err(error) => return env.core.fail(format!("the truth's file does not open: {error}")),
        };
        (self.ahead, self.busy_until) = (Micros(0), env.core.now);
        (self.paused_until, self.slow_until) = (Micros(0), Micros(0));
        env.check.handle_opened(&mut env.core, &mut truths, self.is_rewound);
        self.is_rewound = false;
        if truths.get(self.boss).is_none() {
            let spawn = Spawn { boss: self.boss, spec: Box::new(self.spec.clone()) };
            if let Err(why) = truths.answer(SyncRequest::Spawn(spawn)) {
                return env.core.fail(format!("the boss does not spawn: {why}"));
            }
        }
        self.truths = Some(truths);
        self.plan(env, env.core.now);
    }

    fn plan(&mut self, env: &mut Env, at: Micros) {
        let at = at.max(self.busy_until).max(env.core.now);
        if self.turn_at.is_none_or(|planned| at < planned) {
            self.turn_at = Some(at);
            env.core.at(at, Event::TruthTurn(self.start, at));
        }
    }

    /// A request arrived. A process that is not there, or has too many, hears nothing of it.
    pub(super) fn handle_request(
        &mut self,
        env: &mut Env,
        caller: Caller,
        call: u64,
        request: SyncRequest,
    ) {
        if self.is_running() && self.inbox.len() < AUTHORITY_REQUESTS_MAX {
            self.inbox.push_back((caller, call, request));
            self.plan(env, env.core.now);
        }
    }

    /// Takes the steps that are due and answers what waits, with a commit behind each.
    pub(super) fn turn(&mut self, env: &mut Env, start: u32, at: Micros) {
        if start != self.start || self.turn_at != Some(at) {
            return;
        }
        self.turn_at = None;
        let Some(truths) = &mut self.truths else { return };
        truths.settle(env.core.now + self.ahead);
        let mut is_durable = truths.commit().is_ok();
        if is_durable {
            env.check.handle_commit(&mut env.core, truths);
        }
        let count = self.inbox.len().min(COMMIT_REQUESTS_MAX);
        let asked: Vec<_> = self.inbox.drain(..count).collect();
        let answers: Vec<(Caller, u64, Answer)> = asked
            .into_iter()
            .map(|(caller, call, request)| (caller, call, truths.answer(request)))
            .collect();
        is_durable = is_durable && truths.commit().is_ok();
        if !is_durable {
            return env.core.at(env.core.now, Event::TruthFailed(self.start));
        }
        env.check.handle_commit(&mut env.core, truths);
        let is_worth_it = env.check.is_at_step() || env.core.random.u8(0..16) == 0;
        if is_worth_it && env.core.is_on(Fault::StaleTruth) {
            self.remember();
        }
        let Some(truths) = &mut self.truths else { return };
        let next = truths.poll_timeout();
        let is_slow = env.core.now < self.slow_until;
        let took = env.core.millis(if is_slow { 50..=3_000 } else { 0..=4 });
        self.busy_until = env.core.now + took;
        env.core.at(self.busy_until, Event::TruthReplies(self.start, answers));
        if let Some(next) = next {
            self.plan(env, Micros(next.0.saturating_sub(self.ahead.0)));
        }
        if !self.inbox.is_empty() {
            self.plan(env, env.core.now);
        }
    }

    /// The commit has returned: its answers leave.
    pub(super) fn reply(&self, env: &mut Env, start: u32, answers: Vec<(Caller, u64, Answer)>) {
        if start != self.start || !self.is_running() {
            return;
        }
        for (caller, call, answer) in answers {
            if let Err(Unavailable::Refused(why)) = &answer {
                env.core.fail(format!("the truth refuses a request: {why}"));
            }
            env.wire.reply(&mut env.core, (caller, call), answer);
        }
    }

    /// Keeps what the disk holds at the moment.
    pub(super) fn remember(&mut self) {
        let Some(truths) = &self.truths else { return };
        let Some(boss) = truths.get(self.boss) else { return };
        if self.images.len() == IMAGES_MAX {
            self.images.remove(1);
        }
        self.images.push_back((boss.truth().version, self.disk.image()));
    }

    /// Lets its disk fail some operations later: it dies while it writes.
    pub(super) fn fail_after(&self, operations: u32) {
        self.disk.fail_after(operations);
    }

    /// Ends the process. Its disk stays, but for what was not synced.
    pub(super) fn end(&mut self, env: &mut Env, why: &'static str) {
        if !self.is_running() {
            return;
        }
        env.core.note(&Note::TruthEnded { why });
        let image = super::world::cut_power(&mut env.core, &self.disk);
        self.truths = None;
        self.disk = Disk::new(&image);
        self.inbox.clear();
        self.turn_at = None;
        // Whatever was planned for this process comes to nobody.
        self.start += 1;
    }

    /// Lets the disk be one of the values that it had, none older than `stable` and all older than
    /// `newest`, if there is one.
    pub(super) fn rewind(&mut self, env: &mut Env, stable: Version, newest: Version) {
        let fits = |version: &Version| *version >= stable && *version < newest;
        let fitting = self.images.iter().filter(|(version, _)| fits(version));
        let fitting: Vec<_> = fitting.cloned().collect();
        if fitting.is_empty() {
            return;
        }
        let (version, image) = fitting[env.core.random.usize(0..fitting.len())].clone();
        self.disk = Disk::new(&image);
        self.images.retain(|(kept, _)| *kept <= version);
        self.is_rewound = true;
        env.core.meet(Fault::StaleTruth);
    }
}
