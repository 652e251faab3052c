//! Requests of any content, from any number of shards and executors, to one authority. Its log is
//! read beside it by a follower and by the audit, which may find nothing.

use super::STEPS_MAX;
use crate::anything::{self, BOSS, usual};
use crate::check::received;
use crate::draw::Draw;
use authority::machine::{Audit, Machine, Output, Saga};
use protocol::{
    BossSpec, Enter, Entry, Gen, Interval, Join, JournalId, Life, Micros, PlayerId, Push, Reign,
    Settle, SettleStep, ShardId, Shares, Snapshot, Spawn, SyncAnswer, SyncRequest,
};
use ucore::{GMapDelta, Max};

/// The authority, and what it has made durable.
#[derive(Debug)]
pub(super) struct World {
    pub(super) machine: Machine,
    next: BossSpec,
    log: Vec<Entry>,
    follower: Snapshot,
    audit: Audit,
    saga: Saga,
    now: Micros,
}

pub(crate) fn authority(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let hp_max = draw.number();
    let spec = if draw.one_of(4) { anything::spec(&mut draw, true) } else { usual(hp_max) };
    let mut world = World::new(spec);
    for _ in 0..STEPS_MAX {
        if draw.is_over() {
            break;
        }
        world.step(&mut draw);
        world.check();
    }
    world.restart();
}

impl World {
    pub(super) fn new(spec: BossSpec) -> Self {
        let mut world = Self {
            machine: Machine::new(BOSS, spec.clone()),
            next: spec,
            log: Vec::new(),
            follower: Snapshot::default(),
            audit: Audit::new(Snapshot::default()).expect("nothing is balanced"),
            saga: Saga::new(BOSS, protocol::ExecutorId(ucore::Bin([0xee; 16])), 2),
            now: Micros(0),
        };
        world.sync();
        world
    }

    /// A request, the time of an executor, or the end of the process.
    fn step(&mut self, draw: &mut Draw<'_>) {
        match draw.below(16) {
            0..=7 => {
                let push = self.push_that_fits(draw);
                self.ask(&SyncRequest::Push(push));
            }
            8 | 9 => self.second(),
            10 => {
                let settle = self.step_that_fits(draw);
                self.ask(&SyncRequest::Settle(settle));
            }
            11 => {
                let (boss, journal, lineage) = (BOSS, anything::journal(draw), Vec::new());
                let generation = self.machine.truth().generation;
                self.ask(&SyncRequest::Join(Join { boss, journal, shard: ShardId(1), lineage }));
                self.ask(&SyncRequest::Enter(Enter { boss, journal, generation }));
            }
            12 => {
                let claimed = anything::journal(draw);
                let rests = draw.some(2, |draw| self.interval_that_fits(draw, claimed));
                let claim = protocol::Claim { journal: claimed, rests };
                let (boss, journal, shard) = (BOSS, anything::journal(draw), ShardId(2));
                self.ask(&SyncRequest::Join(Join { boss, journal, shard, lineage: vec![claim] }));
            }
            13 if draw.one_of(8) => self.restart(),
            _ => self.ask(&anything_asked(draw)),
        }
    }

    /// Asks what can have come from another process. Everything else never gets here.
    pub(super) fn ask(&mut self, request: &SyncRequest) {
        if let Ok(request) = received(request) {
            let answer = self.answer(request);
            self.sync();
            if let Some(answer) = answer {
                assert_eq!(received(&answer).as_ref(), Ok(&answer), "the answer can be read");
            }
        }
    }

    /// What the driver does with a request that is about this boss.
    pub(super) fn answer(&mut self, request: SyncRequest) -> Option<SyncAnswer> {
        let machine = &mut self.machine;
        Some(match request {
            SyncRequest::Spawn(spawn) => {
                spawn.spec.check().ok()?;
                self.next = (*spawn.spec).clone();
                SyncAnswer::Spawn(machine.handle_spawn(*spawn.spec))
            }
            SyncRequest::Join(join) => SyncAnswer::Join(machine.handle_join(join)),
            SyncRequest::Enter(enter) => SyncAnswer::Enter(machine.handle_enter(&enter)),
            SyncRequest::Push(push) => SyncAnswer::Push(machine.handle_push(push)),
            SyncRequest::Truth(_) => SyncAnswer::Truth(machine.truth()),
            SyncRequest::Reign(reign) => SyncAnswer::Reign(machine.handle_reign(reign)),
            SyncRequest::Settle(settle) => SyncAnswer::Settle(machine.handle_settle(settle)),
            SyncRequest::Shares(asked) => SyncAnswer::Shares(machine.handle_shares(&asked)),
            SyncRequest::ReadLog(_) | SyncRequest::Bosses | SyncRequest::Group(_) => return None,
        })
    }

    /// A second of an honest executor.
    pub(super) fn second(&mut self) {
        self.now = self.now + Micros::from_millis(1_000);
        self.saga.drive(self.now, &mut self.machine);
        self.sync();
    }

    /// Takes what has become durable, and lets everybody follow it.
    pub(super) fn sync(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Base(_, base) => assert_eq!(*base, self.follower, "the log goes on there"),
                Output::Next(spec) => assert_eq!(*spec, self.next),
                Output::Entry(entry) => {
                    let followed = self.follower.follow(&entry);
                    assert_eq!(followed, Ok(()), "{}", entry.fields);
                    let found = self.audit.handle_entry(&entry);
                    assert_eq!(found, Ok(()), "the audit finds nothing");
                    self.log.push(entry);
                }
            }
        }
    }

    fn check(&self) {
        let truth = self.machine.truth();
        assert_eq!(self.audit.handle_truth(&truth), Ok(()), "the books are those of the log");
        assert_eq!(self.follower.version, truth.version);
        assert_eq!(&self.follower.boss, self.machine.boss(), "a follower has the same boss");
    }

    /// The process ends, and the next one goes on from its log.
    fn restart(&mut self) {
        let before = self.machine.snapshot();
        assert_eq!(received(&before).as_ref(), Ok(&before), "its snapshot can be read");
        let log = self.log.iter().cloned();
        let again = Machine::restore(BOSS, self.next.clone(), Snapshot::default(), log);
        self.machine = again.expect("its own log folds");
        assert_eq!(self.machine.snapshot(), before, "a restart changes nothing");
        self.sync();
    }

    fn life(&self, draw: &mut Draw<'_>) -> Option<(Gen, &Life)> {
        let newest = self.machine.boss().current()?;
        let before = Gen(newest.0.0.saturating_sub(1));
        let older = draw.one_of(4).then(|| self.machine.boss().life(before)).flatten();
        Some(older.map_or(newest, |life| (before, life)))
    }

    /// Damage that goes on from what the authority has.
    fn interval_that_fits(&self, draw: &mut Draw<'_>, journal: JournalId) -> Interval {
        let Some((generation, life)) = self.life(draw) else { return anything::interval(draw) };
        let taken = life.late.get(&journal).or_else(|| life.counted.get(&journal));
        let total = |player| taken.map_or(0, |taken| taken.player(player));
        let mut grown = 0_u64;
        let lines: Vec<(PlayerId, Max)> = draw.some(3, |draw| {
            let (player, more) = (anything::player(draw), draw.number());
            (player, Max::of(total(player).saturating_add(more)))
        });
        let players: GMapDelta<_, _> = lines.into_iter().collect();
        for (player, now) in players.iter() {
            grown = grown.saturating_add(now.get() - total(*player));
        }
        let applied = life.applied(journal);
        // Now and then it nearly fits.
        let (from, to) = match draw.byte() {
            0..=15 => (applied + 1, applied.saturating_add(grown)),
            16..=31 => (0, applied.saturating_add(grown).saturating_add(1)),
            32..=47 => (0, applied.saturating_add(grown).saturating_sub(1)),
            before => (applied.min(before.into()), applied.saturating_add(grown)),
        };
        let names = draw.some(1, |draw| (anything::player(draw), anything::text(draw)));
        Interval { generation, from, to, players, names: names.into_iter().collect() }
    }

    fn push_that_fits(&self, draw: &mut Draw<'_>) -> Push {
        let journal = anything::journal(draw);
        let interval = self.interval_that_fits(draw, journal);
        let (last, online, standings) = (draw.one_of(4), draw.word(), draw.number());
        let seen = self.machine.truth().seen();
        Push { boss: BOSS, journal, interval, last, online, seen, standings }
    }

    fn step_that_fits(&self, draw: &mut Draw<'_>) -> Settle {
        let (truth, term) = (self.machine.truth(), self.machine.boss().term());
        Settle { boss: BOSS, term, at: truth.stage(), step: draw.pick(&STEPS) }
    }
}

const STEPS: [SettleStep; 6] = [
    SettleStep::Collect,
    SettleStep::Wait,
    SettleStep::Close,
    SettleStep::Credit,
    SettleStep::Reward,
    SettleStep::Respawn,
];

fn anything_asked(draw: &mut Draw<'_>) -> SyncRequest {
    let boss = BOSS;
    match draw.below(8) {
        0 => SyncRequest::Spawn(Spawn { boss, spec: Box::new(anything::spec(draw, false)) }),
        1 => {
            let (journal, shard) = (anything::journal(draw), ShardId(draw.byte().into()));
            let lineage = draw.some(3, anything::claim);
            SyncRequest::Join(Join { boss, journal, shard, lineage })
        }
        2 => {
            let (journal, generation) = (anything::journal(draw), anything::generation(draw));
            SyncRequest::Enter(Enter { boss, journal, generation })
        }
        3 => SyncRequest::Push(Push {
            boss,
            journal: anything::journal(draw),
            interval: anything::interval(draw),
            last: draw.flag(),
            online: draw.word(),
            seen: anything::seen(draw),
            standings: draw.number(),
        }),
        4 => SyncRequest::Truth(boss),
        5 => SyncRequest::Reign(Reign {
            boss,
            executor: anything::executor(draw),
            supersedes: draw.option(Draw::number),
            suspects: draw.some(2, anything::journal),
        }),
        6 => {
            let (term, at) = (anything::term(draw), anything::stage(draw));
            SyncRequest::Settle(Settle { boss, term, at, step: draw.pick(&STEPS) })
        }
        _ => SyncRequest::Shares(Shares {
            boss,
            generation: anything::generation(draw),
            players: draw.some(3, anything::player),
        }),
    }
}
