//! The nemesis of a world: which faults strike, when, and whom.

use super::disk::Image;
use super::fault::Fault;
use super::wire::Caller;
use super::world::{Event, World};
use protocol::Micros;

/// How long things go wrong.
const FAULTS: std::ops::RangeInclusive<u64> = 12_000..=35_000;
/// How often a fault that is on strikes, at most.
const STRIKES_MAX: u32 = 4;

/// Faults that strike at a moment. The others hit messages, or follow from these.
const STRIKING: &[Fault] = &[
    Fault::Partitioned,
    Fault::OneWay,
    Fault::CutConnection,
    Fault::StalledConnection,
    Fault::KilledShard,
    Fault::KilledTruth,
    Fault::KilledExecutor,
    Fault::Paused,
    Fault::JumpedClock,
    Fault::SlowDisk,
    Fault::FailedDisk,
    Fault::LostDisk,
    Fault::RewoundDisk,
    Fault::CopiedDisk,
    Fault::StaleTruth,
];

/// What makes a process strange without ending it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disturbance {
    Pause,
    Jump,
    Slow,
}

impl World {
    /// Plans the strikes of this world, and their end.
    pub(super) fn plan_faults(&mut self) {
        let core = &mut self.env.core;
        let end = core.millis(FAULTS);
        core.at(end, Event::Calm);
        for fault in STRIKING {
            // What takes something away for good is rarer: the rest is the common case.
            let max = if is_destructive(*fault) { 1 } else { STRIKES_MAX };
            for _ in 0..core.random.u32(1..=max) {
                let at = core.millis(2_000..=*FAULTS.end());
                if core.is_on(*fault) && at < end {
                    core.at(at, Event::Strike(*fault));
                }
            }
        }
    }

    pub(super) fn strike(&mut self, fault: Fault) {
        if !self.env.core.is_on(fault) {
            return;
        }
        match fault {
            Fault::Partitioned | Fault::OneWay => {
                let caller = self.caller();
                let until = self.until(500..=15_000);
                self.env.wire.block(caller, until, fault == Fault::OneWay);
            }
            Fault::CutConnection | Fault::StalledConnection => self.strike_connections(fault),
            Fault::KilledShard | Fault::FailedDisk => self.kill_shard(fault),
            Fault::KilledTruth => self.kill_truth(),
            Fault::KilledExecutor => {
                if !self.executors.is_empty() {
                    let idx = self.env.core.random.usize(0..self.executors.len());
                    self.executors.remove(idx);
                    self.add_executor();
                    self.env.core.meet(fault);
                }
            }
            Fault::Paused => self.disturb(Disturbance::Pause),
            Fault::JumpedClock => self.disturb(Disturbance::Jump),
            Fault::SlowDisk => self.disturb(Disturbance::Slow),
            Fault::LostDisk | Fault::RewoundDisk => self.break_disk(fault),
            Fault::CopiedDisk => self.copy_disk(),
            Fault::StaleTruth => self.roll_back(),
            Fault::LostRequest
            | Fault::LostAnswer
            | Fault::Duplicated
            | Fault::Delayed
            | Fault::Reordered
            | Fault::TornWrite
            | Fault::LostWrite => {}
        }
    }

    fn until(&mut self, ms: std::ops::RangeInclusive<u64>) -> Micros {
        self.env.core.now + self.env.core.millis(ms)
    }

    fn slot(&mut self) -> usize {
        self.env.core.random.usize(0..self.slots.len())
    }

    /// The running process of any shard.
    fn victim(&mut self) -> Option<u32> {
        let slot = self.slot();
        self.slots[slot].current.filter(|id| self.processes.contains_key(id))
    }

    fn caller(&mut self) -> Caller {
        let idx = self.env.core.random.usize(0..self.slots.len() + self.executors.len());
        match self.executors.get(idx) {
            Some(executor) => Caller::Executor(executor.id),
            None => Caller::Shard(self.victim().unwrap_or(0)),
        }
    }

    fn strike_connections(&mut self, fault: Fault) {
        let until = self.until(500..=12_000);
        let percent = self.env.core.random.u8(20..=100);
        for idx in 0..self.players.len() {
            let Some(conn) = self.players[idx].conn else { continue };
            if self.env.core.random.u8(0..100) >= percent {
                continue;
            }
            if fault == Fault::CutConnection {
                self.env.conns.cut(&mut self.env.core, conn);
                self.env.core.meet(fault);
            } else {
                self.env.conns.stall(&mut self.env.core, conn, until);
            }
        }
    }

    /// Kills a process at once, or lets its disk fail while it writes.
    fn kill_shard(&mut self, fault: Fault) {
        let Some(id) = self.victim() else { return };
        if fault == Fault::KilledShard && self.env.core.random.bool() {
            self.env.core.meet(fault);
            return self.end(id, "it is killed");
        }
        let operations = self.env.core.random.u32(0..40);
        if let Some(process) = self.processes.get(&id) {
            process.disk.fail_after(operations);
        }
    }

    fn kill_truth(&mut self) {
        if !self.truth.is_running() {
            return;
        }
        if self.env.core.random.bool() {
            self.env.core.meet(Fault::KilledTruth);
            self.end_truth("it is killed");
        } else {
            let operations = self.env.core.random.u32(0..40);
            self.truth.fail_after(operations);
        }
    }

    /// Stops a process for a while, lets its clock jump, or makes its disk slow.
    fn disturb(&mut self, how: Disturbance) {
        let (pause, slow) = (self.until(200..=20_000), self.until(500..=8_000));
        let jump = self.env.core.millis(1_000..=120_000);
        let apply = |ahead: &mut Micros, paused: &mut Micros, slowed: &mut Micros| match how {
            Disturbance::Pause => *paused = pause,
            Disturbance::Jump => *ahead = *ahead + jump,
            Disturbance::Slow => *slowed = slow,
        };
        let whom = self.env.core.random.usize(0..4);
        if whom == 0 {
            let it = &mut self.truth;
            apply(&mut it.ahead, &mut it.paused_until, &mut it.slow_until);
        } else if whom == 1 && how != Disturbance::Slow && !self.executors.is_empty() {
            let idx = self.env.core.random.usize(0..self.executors.len());
            let it = &mut self.executors[idx];
            apply(&mut it.ahead, &mut it.paused_until, &mut Micros(0));
        } else if let Some(id) = self.victim()
            && let Some(it) = self.processes.get_mut(&id)
        {
            apply(&mut it.ahead, &mut it.paused_until, &mut it.slow_until);
        } else {
            return;
        }
        self.env.core.meet(match how {
            Disturbance::Pause => Fault::Paused,
            Disturbance::Jump => Fault::JumpedClock,
            Disturbance::Slow => Fault::SlowDisk,
        });
        if how == Disturbance::Pause {
            self.env.core.at(pause, Event::Resume);
        }
    }

    /// A shard's machine dies, and its disk comes back empty or older.
    fn break_disk(&mut self, fault: Fault) {
        let slot = self.slot();
        let Some(id) = self.slots[slot].current else { return };
        let image = if fault == Fault::LostDisk {
            Some(Image::default())
        } else {
            let images = self.slots[slot].images.len();
            let idx = self.env.core.random.usize(0..images.max(1));
            self.slots[slot].images.get(idx).cloned()
        };
        let (Some(image), true) = (image, self.processes.contains_key(&id)) else { return };
        self.end(id, "its machine dies");
        self.slots[slot].image = image;
        self.env.check.handle_broken(slot);
        self.env.core.meet(fault);
    }

    /// A copy of a shard's disk starts in the place of the original, which goes on with the players
    /// that it has, until it is fenced.
    fn copy_disk(&mut self) {
        let slot = self.slot();
        let Some(id) = self.slots[slot].current else { return };
        let Some(original) = self.processes.get(&id).filter(|it| it.is_open()) else { return };
        let image = original.disk.image();
        self.env.check.handle_broken(slot);
        self.env.check.copied.insert(slot);
        // It has the number that the next process gets.
        self.slots[slot].current = Some(self.started + 1);
        self.slots[slot].image = image.clone();
        self.start_on(slot, &image);
        self.env.core.meet(Fault::CopiedDisk);
    }

    /// The truth dies, and comes back as it was some time ago.
    fn roll_back(&mut self) {
        if !self.truth.is_running() {
            return;
        }
        self.end_truth("its machine dies");
        let (stable, newest) = (self.env.check.kept(), self.env.check.version());
        self.truth.rewind(&mut self.env, stable, newest);
    }
}

fn is_destructive(fault: Fault) -> bool {
    matches!(fault, Fault::LostDisk | Fault::RewoundDisk | Fault::CopiedDisk)
}
