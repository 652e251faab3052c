//! Random histories of two shards over one authority: lost answers, slow disks, killed processes,
//! roll-backs, deaths. Whatever happens, every accepted hit is counted once or reported late.

use crate::world::{Driven, Truth, journal, scenario};
use authority::machine::Audit;
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::{Gen, Snapshot, Token};
use shard::machine::Disk;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    /// A player of a shard hits.
    Hit {
        shard: usize,
        player: u64,
    },
    /// A tick whose push is answered.
    Tick {
        shard: usize,
    },
    /// A tick without the authority.
    Alone {
        shard: usize,
    },
    /// A tick whose push is taken, and whose answer is lost.
    LostAnswer {
        shard: usize,
    },
    /// The disk of a shard takes no more records, or goes on.
    Stall {
        shard: usize,
    },
    Unstall {
        shard: usize,
    },
    /// The process is killed, and another one starts on its disk.
    Kill {
        shard: usize,
    },
    /// The authority comes back with an older log.
    RollBack {
        entries: usize,
    },
    /// A second passes for the authority.
    Poll,
}

fn step() -> impl Strategy<Value = Step> {
    let shard = || 0..2_usize;
    prop_oneof![
        12 => (shard(), 0..3_u64).prop_map(|(shard, player)| Step::Hit { shard, player }),
        6 => shard().prop_map(|shard| Step::Tick { shard }),
        2 => shard().prop_map(|shard| Step::Alone { shard }),
        2 => shard().prop_map(|shard| Step::LostAnswer { shard }),
        1 => shard().prop_map(|shard| Step::Stall { shard }),
        2 => shard().prop_map(|shard| Step::Unstall { shard }),
        1 => shard().prop_map(|shard| Step::Kill { shard }),
        1 => (1..6_usize).prop_map(|entries| Step::RollBack { entries }),
        2 => Just(Step::Poll),
    ]
}

/// The world, and what its players were told.
struct World {
    truth: Truth,
    shards: [Driven; 2],
    seqs: BTreeMap<(usize, u64), u32>,
    starts: u8,
}

impl World {
    fn new(hp_max: u64) -> Self {
        let mut truth = Truth::new(scenario(hp_max, 10));
        let shards = [1, 2].map(|id: u8| {
            let mut shard = Driven::start(&mut truth, id.into(), Disk::default(), journal(id));
            (0..3).for_each(|conn| shard.hello(conn, None));
            shard.tick(&mut truth);
            shard.tick(&mut truth);
            shard
        });
        Self { truth, shards, seqs: BTreeMap::new(), starts: 2 }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Hit { shard, player } => {
                let seq = self.seqs.entry((shard, player)).or_default();
                *seq += 1;
                self.shards[shard].hit(player, *seq);
            }
            Step::Tick { shard } => self.shards[shard].tick(&mut self.truth),
            Step::Alone { shard } => self.shards[shard].tick_alone(),
            Step::LostAnswer { shard } => {
                let shard = &mut self.shards[shard];
                shard.tick_alone();
                if let Some(request) = shard.shard.poll_request(shard.now) {
                    self.truth.ask(request);
                    shard.shard.handle_no_answer(shard.now);
                }
            }
            Step::Stall { shard } => self.shards[shard].stall(),
            Step::Unstall { shard } => self.shards[shard].unstall(),
            Step::Kill { shard } => self.kill(shard),
            Step::RollBack { entries } => self.roll_back(entries),
            Step::Poll => self.truth.poll(),
        }
        let life = self.truth.machine.boss().current().unwrap().1;
        let players: u64 = life
            .counted
            .iter()
            .flat_map(|(_, damage)| damage.players.iter())
            .map(|(_, total)| total.get())
            .sum();
        assert_eq!(life.damage(), players, "journals and players add up at every version");
    }

    /// Roll-backs reach no further than to the current generation's beginning, which may be lost
    /// itself: the steps before it were stable when it was taken.
    fn roll_back(&mut self, entries: usize) {
        let log = &mut self.truth.log;
        let begin = log.iter().rposition(|entry| entry.fields.starts_with("spawn ")).unwrap();
        let closed = self.truth.machine.truth().status.is_closed();
        let keep = log.len().saturating_sub(entries).max(begin.max(1));
        if !closed {
            log.truncate(keep);
            self.truth.machine = self.truth.folded();
        }
    }

    fn kill(&mut self, idx: usize) {
        let old = &mut self.shards[idx];
        let tokens: Vec<Option<Token>> =
            (0..3).map(|conn| old.welcome(conn).map(|welcome| welcome.session)).collect();
        self.starts += 1;
        let label = u16::try_from(idx).unwrap() + 1;
        let disk = old.disk.clone();
        let mut next = Driven::start(&mut self.truth, label, disk, journal(self.starts));
        next.now = old.now;
        for (conn, token) in (0..).zip(tokens) {
            next.hello(conn, token);
        }
        next.tick(&mut self.truth);
        for conn in 0..3 {
            let welcome = next.welcome(conn).unwrap();
            assert!(welcome.resumed, "a session survives its process");
            self.seqs.insert((idx, conn), welcome.seq.0);
        }
        self.shards[idx] = next;
    }

    /// Lets everything settle, and compares what players were told with the books.
    fn settle(mut self) {
        self.shards.iter_mut().for_each(Driven::unstall);
        // A generation whose beginning was lost begins again.
        while self.truth.machine.truth().status.is_closed() {
            self.truth.poll();
        }
        for _ in 0..60 {
            for shard in &mut self.shards {
                shard.now = shard.now + protocol::Micros::from_millis(5_000);
                shard.tick(&mut self.truth);
            }
        }
        let ledger = self.truth.ledger();
        let kept: Vec<Gen> = ledger.generations.iter().map(|book| book.generation).collect();
        let mut booked = BTreeMap::new();
        for book in &ledger.generations {
            let players = book.players().into_iter();
            booked.extend(players.map(|(player, sums)| ((book.generation, player), sums)));
        }
        let mut told = BTreeMap::new();
        for shard in &self.shards {
            assert!(!shard.has_ended(), "nothing in these histories ends a process");
            assert!(shard.shard.is_drained());
            for session in shard.shard.journal().sessions.values() {
                for tally in session.tallies.iter().filter(|it| kept.contains(&it.generation)) {
                    let counted = tally.damage - tally.late;
                    told.insert((tally.generation, session.player), (counted, tally.late));
                }
            }
        }
        assert_eq!(booked, told, "(counted, late) by generation and player");
        assert_eq!(&self.truth.folded().snapshot(), &self.truth.machine.snapshot());
        let mut audit = Audit::new(Snapshot::default()).unwrap();
        self.truth.log.iter().for_each(|entry| audit.handle_entry(entry).unwrap());
        audit.handle_truth(&self.truth.machine.truth()).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_accepted_hit_counts_once_or_is_reported_late(steps in vec(step(), 1..150)) {
        let mut world = World::new(1_000_000);
        steps.iter().for_each(|step| world.take(step));
        world.settle();
    }

    #[test]
    fn every_accepted_hit_counts_once_or_is_late_when_bosses_die(steps in vec(step(), 1..150)) {
        let mut world = World::new(120);
        steps.iter().for_each(|step| world.take(step));
        world.settle();
    }
}
