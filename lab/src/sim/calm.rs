//! The seconds of a world, and its second half: nothing goes wrong any more, and everything must
//! converge.

use super::fault::Fault;
use super::trace::Note;
use super::world::{Event, World};
use protocol::Micros;

/// Values of a shard's disk that are kept, to come back as one of them.
const IMAGES_MAX: usize = 8;
/// After the last fault everything must have converged within this.
const CONVERGED_MAX: Micros = Micros::from_millis(180_000);
/// Once it has, players have this long to be told what they got.
const TOLD: Micros = Micros::from_millis(15_000);

impl World {
    pub(super) fn second(&mut self) {
        self.env.core.at(self.env.core.now + Micros::from_millis(1_000), Event::Second);
        if let Some(truths) = self.truth.truths() {
            self.env.check.handle_ledger(truths);
        }
        if !self.env.core.is_calm {
            self.remember();
        }
        let Some(since) = self.calm_since else { return };
        if self.converged.is_none() && self.has_converged() {
            self.converged = Some(self.env.core.now);
        }
        if self.converged.is_none() && self.env.core.now.since(since) > CONVERGED_MAX {
            let why = self.what_is_open();
            self.env.core.fail(format!("180 s after the last fault, {why}"));
        }
    }

    /// Keeps what the disks hold at the moment.
    fn remember(&mut self) {
        if !self.env.core.is_on(Fault::RewoundDisk) {
            return;
        }
        for slot in &mut self.slots {
            let Some(process) = slot.current.and_then(|id| self.processes.get(&id)) else {
                continue;
            };
            if slot.images.len() == IMAGES_MAX {
                slot.images.pop_front();
            }
            slot.images.push_back(process.disk.image());
        }
    }

    pub(super) fn calm(&mut self) {
        self.env.core.note(&Note::Calm);
        self.env.core.is_calm = true;
        self.calm_since = Some(self.env.core.now);
        self.env.wire.heal();
        self.env.conns.heal();
        let never = Micros(0);
        for process in self.processes.values_mut() {
            (process.paused_until, process.slow_until) = (never, never);
        }
        (self.truth.paused_until, self.truth.slow_until) = (never, never);
        for executor in &mut self.executors {
            executor.paused_until = never;
        }
        self.resume();
        for player in &mut self.players {
            player.bot.stop();
        }
    }

    fn has_converged(&self) -> bool {
        self.env.check.is_alive()
            && self.players.iter().all(|player| player.bot.is_live() && player.bot.is_drained())
            && self.slots.iter().all(|slot| slot.current.is_some())
            && self.processes.values().all(|process| {
                let is_current = self.slots[process.slot].current == Some(process.id);
                process.machine().is_some_and(|machine| {
                    let may_be = is_current || self.env.check.may_go_on(machine.journal().id);
                    may_be && machine.is_ready() && machine.is_drained()
                })
            })
    }

    fn what_is_open(&self) -> String {
        let mut open = Vec::new();
        if !self.env.check.is_alive() {
            open.push("the boss is not alive".to_owned());
        }
        for (id, player) in self.players.iter().enumerate() {
            if !player.bot.is_live() {
                open.push(format!("player {id} does not see the boss"));
            } else if !player.bot.is_drained() {
                open.push(format!("player {id} has hits that are not answered or counted"));
            }
        }
        for process in self.processes.values() {
            let (id, slot) = (process.id, process.slot);
            match process.machine() {
                None => open.push(format!("process {id} of shard {slot} is not open")),
                Some(machine) if !machine.is_ready() => {
                    open.push(format!("process {id} of shard {slot} takes no hits"));
                }
                Some(machine) if !machine.is_drained() => {
                    open.push(format!("process {id} of shard {slot} is not drained"));
                }
                Some(_) => {}
            }
        }
        if open.is_empty() {
            open.push("a process runs that should be fenced, or one does not run".to_owned());
        }
        open.join(", ")
    }

    pub(super) fn is_over(&self) -> bool {
        self.converged.is_some_and(|at| self.env.core.now.since(at) > TOLD)
    }
}
