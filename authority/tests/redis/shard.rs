//! What a shard is to its authority: a journal with one player, whose totals only grow.

use authority::{Authority, Executor, Redis};
use protocol::{
    BossId, Enter, EnterAnswer, Gen, Interval, Join, JoinAnswer, JournalId, PlayerId, Progress,
    Push, PushAnswer, Scenario, Seen, ShardId, Spawn, Truth, Unavailable, Verdict,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::interval;
use ucore::{Bin, Max};
use xtask::redis::Server;

pub(crate) fn open(server: &Server) -> Redis {
    Redis::new(&server.url()).unwrap()
}

/// Lets seconds of an executor pass until it is there, and gives up after 60.
pub(crate) async fn seconds_until(
    executor: &mut Executor,
    mut is_there: impl FnMut(&Result<Progress, Unavailable>) -> bool,
) {
    let mut last = None;
    for _ in 0..60 {
        let seen = executor.second().await;
        if is_there(&seen) {
            return;
        }
        last = Some(seen);
    }
    panic!("it does not come; after 60 seconds there is {last:#?}");
}

/// A journal that has entered a generation.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) redis: Redis,
    boss: BossId,
    journal: JournalId,
    generation: Gen,
    /// Damage accepted.
    pub(crate) total: u64,
    /// What its player's line leaves out.
    pub(crate) lie: u64,
    /// The last answered total.
    pub(crate) answered: u64,
    seen: Seen,
    /// The number of the newest leaderboard.
    standings: u64,
}

/// Begins a boss with so many HP.
pub(crate) async fn spawn(redis: &Redis, boss: BossId, hp_max: u64) -> Result<Truth, Unavailable> {
    let mut spec = Scenario::parse(Scenario::default_text()).unwrap().spec;
    spec.hp_max = hp_max;
    (spec.timing.collect_s, spec.timing.respawn_s) = (2, 1);
    let spec = Box::new(spec);
    redis.spawn(Spawn { boss, spec }).await.map(|answer| *answer.truth())
}

impl Shard {
    /// Begins a boss and enters it, on a Redis that is in order.
    pub(crate) async fn start(redis: Redis, boss: BossId, hp_max: u64) -> Self {
        spawn(&redis, boss, hp_max).await.unwrap();
        Self::enter(redis, boss, 1).await
    }

    /// Joins and enters a boss that has begun.
    pub(crate) async fn enter(redis: Redis, boss: BossId, number: u8) -> Self {
        let (journal, shard) = (JournalId(Bin([number; 16])), ShardId(number.into()));
        let joined = redis.join(Join { boss, journal, shard, lineage: Vec::new() }).await;
        assert!(matches!(joined, Ok(JoinAnswer::Joined { .. })), "{joined:?}");
        let entered = redis.enter(Enter { boss, journal, generation: Gen(1) }).await;
        let Ok(EnterAnswer::Entered { truth, .. }) = entered else { panic!("{entered:?}") };
        Self {
            redis,
            boss,
            journal,
            generation: Gen(1),
            total: 0,
            lie: 0,
            answered: 0,
            seen: truth.seen(),
            standings: 0,
        }
    }

    /// Accepts damage, which waits for the next push.
    pub(crate) fn hit(&mut self, damage: u64) {
        self.total += damage;
    }

    /// Pushes what was accepted since the last answer, as a shard does: a gap moves the beginning
    /// of the next interval, and everything else that is no success changes nothing.
    pub(crate) async fn push(&mut self) -> Result<PushAnswer, Unavailable> {
        let player = PlayerId(u64::from(self.journal.0.0[0]));
        let players = [(player, Max::of(self.total - self.lie))].into_iter().collect();
        let (from, to, names) = (self.answered, self.total, [].into());
        let interval = Interval { generation: self.generation, from, to, players, names };
        let (boss, journal, seen) = (self.boss, self.journal, self.seen);
        let standings = self.standings;
        let push = Push { boss, journal, interval, last: false, online: 1, seen, standings };
        let answer = self.redis.push(push).await?;
        self.seen = answer.truth.seen();
        self.standings = answer.standings.as_ref().map_or(standings, |it| it.number);
        if matches!(answer.verdict, Verdict::Counted | Verdict::Duplicate | Verdict::Gap) {
            self.answered = answer.applied;
        }
        Ok(answer)
    }

    /// Pushes until the truth has everything, for a bounded number of ticks.
    pub(crate) async fn settle(&mut self) -> Truth {
        let mut ticks = interval(Duration::from_millis(20));
        for _ in 0..1_000 {
            ticks.tick().await;
            if let Ok(answer) = self.push().await
                && answer.applied == self.total
            {
                return answer.truth;
            }
        }
        panic!("the truth does not get what was accepted");
    }

    /// Goes on to the next generation with this journal: the boss dies, says its last, and is back.
    pub(crate) async fn next_generation(&mut self) {
        let hp_max = self.redis.truth(self.boss).await.unwrap().hp_max;
        self.hit(hp_max - self.total);
        self.push().await.unwrap();
        let ended = self.generation;
        let next = ended.next();
        let mut executor = Executor::at_once(Arc::new(self.redis.clone()), self.boss);
        let mut failures = 0;
        seconds_until(&mut executor, |seen| match seen {
            Ok(seen) => seen.truth.generation != ended,
            // A replica that is new says what it has within a second or so.
            Err(why) => {
                failures += 1;
                assert!(failures < 5, "{why}");
                false
            }
        })
        .await;
        (self.generation, self.total, self.answered) = (next, 0, 0);
        let enter = Enter { boss: self.boss, journal: self.journal, generation: next };
        let entered = self.redis.enter(enter).await;
        assert!(matches!(entered, Ok(EnterAnswer::Entered { .. })), "{entered:?}");
    }
}
