//! Journals that push as shards do, to any authority.

use super::game::{BOSS, journal_id, spawn};
use authority::Authority;
use protocol::{
    Enter, EnterAnswer, Gen, Interval, Join, JoinAnswer, JournalId, PlayerId, Push, ShardId, Truth,
    Verdict,
};
use std::collections::BTreeMap;
use ucore::Max;

/// Begins the boss of the benches.
pub(crate) async fn begin(authority: &impl Authority) {
    authority.spawn(spawn()).await.expect("it begins");
}

/// A journal whose players all hit once per push.
#[derive(Debug)]
pub(crate) struct Pusher<A> {
    authority: A,
    journal: JournalId,
    players: Vec<(PlayerId, u64)>,
    total: u64,
    truth: Truth,
}

impl<A: Authority> Pusher<A> {
    /// Joins and enters. `number` tells it apart from the others.
    pub(crate) async fn start(authority: A, number: u16, players: u64) -> Self {
        let (boss, journal, shard) = (BOSS, journal_id(number), ShardId(number));
        let join = authority.join(Join { boss, journal, shard, lineage: Vec::new() }).await;
        assert!(matches!(join, Ok(JoinAnswer::Joined { .. })), "{join:?}");
        let entered = authority.enter(Enter { boss, journal, generation: Gen(1) }).await;
        let Ok(EnterAnswer::Entered { truth, .. }) = entered else { panic!("{entered:?}") };
        let first = u64::from(number) * 1_000_000;
        let players = (0..players).map(|player| (PlayerId(first + player), 0)).collect();
        Self { authority, journal, players, total: 0, truth }
    }

    /// What all its players did with one more hit each.
    pub(crate) fn next(&mut self) -> Push {
        let from = self.total;
        for (_, total) in &mut self.players {
            *total += 100;
        }
        self.total += 100 * self.players.len() as u64;
        let players = self.players.iter().map(|(player, total)| (*player, Max::of(*total)));
        let (generation, to, names) = (Gen(1), self.total, BTreeMap::new());
        let interval = Interval { generation, from, to, players: players.collect(), names };
        let (boss, journal, seen) = (BOSS, self.journal, self.truth.seen());
        let online = u32::try_from(self.players.len()).unwrap_or(u32::MAX);
        Push { boss, journal, interval, last: false, online, seen, standings: 0 }
    }

    /// Pushes it.
    pub(crate) async fn send(&mut self, push: Push) {
        let answer = self.authority.push(push).await.expect("it answers");
        assert_eq!(answer.verdict, Verdict::Counted);
        self.truth = answer.truth;
    }

    /// Both at once.
    pub(crate) async fn push(&mut self) {
        let push = self.next();
        self.send(push).await;
    }

    /// What it has pushed.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}
