//! Random histories of one boss: three shards, their processes, and the settlement's executor.

use authority::machine::{Machine, Output, Saga};
use proptest::prelude::*;
use protocol::{
    BossId, Claim, Enter, Entry, ExecutorId, Gen, Interval, Join, JournalId, Micros, PlayerId,
    Push, Scenario, ShardId, Snapshot, Status,
};
use std::collections::BTreeMap;
use ucore::{Bin, Delta, GMapDelta, Max};

const SCENARIO: &str = r#"
boss = { id = 1, name = "Morvath", hp_max = 300 }
phase = [{ name = "Calm", percent = 100 }, { name = "Fury", percent = 50 }]
skill = [{ id = 1, name = "Strike", damage = 1 }]
timing = { collect_s = 2, respawn_s = 1 }
reward = [{ id = 1, name = "Scale", top_percent = 100, chance_percent = 60 }]
"#;

/// Players' totals by generation.
type Books = BTreeMap<Gen, BTreeMap<u64, u64>>;

const BOSS: BossId = BossId(1);

/// Journals and their books, an authority, and the executor of its settlements.
pub(crate) struct World {
    pub(crate) machine: Machine,
    saga: Saga,
    now: Micros,
    pub(crate) log: Vec<Entry>,
    pub(crate) bases: BTreeMap<Gen, Snapshot>,
    /// By shard: the number of its journal, and its totals by generation.
    disks: Vec<(u8, Books)>,
    next: u8,
}

pub(crate) fn journal(number: u8) -> JournalId {
    JournalId(Bin([number; 16]))
}

impl World {
    pub(crate) fn new() -> Self {
        let spec = Scenario::parse(SCENARIO).unwrap().spec;
        let saga = Saga::new(BOSS, ExecutorId(Bin([9; 16])), 3).at_once();
        let (log, bases, disks) = (Vec::new(), BTreeMap::new(), Vec::new());
        let (machine, now) = (Machine::new(BOSS, spec), Micros(0));
        let mut world = Self { machine, saga, now, log, bases, disks, next: 1 };
        for shard in 0..3 {
            world.disks.push((0, BTreeMap::new()));
            world.join(shard, false);
        }
        world
    }

    fn drain(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Entry(entry) => self.log.push(entry),
                Output::Base(generation, base) => drop(self.bases.insert(generation, *base)),
                Output::Next(_) => {}
            }
        }
    }

    fn generation(&self) -> Gen {
        self.machine.truth().generation
    }

    /// A new process of a shard, which brings what its parent has kept back.
    fn join(&mut self, shard: usize, takes_over: bool) {
        let number = self.next;
        self.next += 1;
        let (parent, books) = std::mem::replace(&mut self.disks[shard], (number, BTreeMap::new()));
        let rests = books.keys().map(|it| interval(*it, 0, &books[it])).collect();
        let claim = Claim { journal: journal(parent), rests };
        let lineage = if takes_over { vec![claim] } else { Vec::new() };
        let shard = ShardId(u16::try_from(shard).unwrap());
        self.machine.handle_join(Join { boss: BOSS, journal: journal(number), shard, lineage });
        self.drain();
    }

    pub(crate) fn hit(&mut self, shard: usize, player: u64, damage: u64) {
        let (generation, status) = (self.generation(), self.machine.truth().status);
        let number = self.disks[shard].0;
        if status == Status::Alive {
            let enter = Enter { boss: BOSS, journal: journal(number), generation };
            self.machine.handle_enter(&enter);
            *self.disks[shard].1.entry(generation).or_default().entry(player).or_default() +=
                damage;
        }
        self.drain();
    }

    pub(crate) fn push(&mut self, shard: usize, back: u32, last: bool) {
        let generation = Gen(self.generation().0.saturating_sub(back).max(1));
        let (number, books) = &self.disks[shard];
        let interval =
            interval(generation, 0, &books.get(&generation).cloned().unwrap_or_default());
        let truth = self.machine.truth();
        let last = last && (generation < truth.generation || truth.status >= Status::Collecting);
        let (journal, seen) = (journal(*number), truth.seen());
        let (online, standings) = (0, 0);
        self.machine.handle_push(Push {
            boss: BOSS,
            journal,
            interval,
            last,
            online,
            seen,
            standings,
        });
        self.drain();
    }

    pub(crate) fn second(&mut self) {
        self.now = self.now + Micros::from_millis(1_000);
        self.saga.drive(self.now, &mut self.machine);
        self.drain();
    }
}

pub(crate) fn interval(generation: Gen, from: u64, totals: &BTreeMap<u64, u64>) -> Interval {
    let mut players = GMapDelta::default();
    for (player, total) in totals {
        players.merge(GMapDelta::line(PlayerId(*player), Max::of(*total)));
    }
    let to = totals.values().sum();
    Interval { generation, from, to, players, names: BTreeMap::new() }
}

/// A random history. Each step is drawn from three numbers.
pub(crate) fn history(steps: &[(u8, u8, u64)]) -> World {
    let mut world = World::new();
    for (kind, which, damage) in steps {
        let shard = usize::from(which % 3);
        match kind % 16 {
            0..=5 => world.hit(shard, u64::from(which / 3 % 5), damage % 90 + 1),
            6..=8 => world.push(shard, 0, false),
            9 => world.push(shard, u32::from(which / 3 % 3), true),
            10 if damage % 4 == 0 => world.join(shard, which % 2 == 0),
            _ => world.second(),
        }
    }
    world
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<(u8, u8, u64)>> {
    prop::collection::vec(any::<(u8, u8, u64)>(), 1..400)
}
