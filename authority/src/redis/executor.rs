//! Who takes the steps of the life cycles: any process may, and one does.
//!
//! A step names the number of steps before it, and Redis takes it only if that is true: of many who
//! try, one succeeds. Who took the last step goes on, once a second; the others watch the number,
//! which every answer to a push carries, and try when it has stood still for a while. Nobody holds
//! a lease, and no clock but each process's own is asked.

use super::library::Function;
use super::reply::{Seen, odd};
use super::{Redis, Shared};
use futures::FutureExt;
use protocol::{BossId, Ledger, Status, Unavailable, encode_record};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How often a life cycle takes a step.
const STEP: Duration = Duration::from_secs(1);
/// Looks without another's step after which this process takes one.
const PATIENCE: u32 = 3;

/// The task that looks after the bosses which this process plays. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Executor(JoinHandle<()>);

impl Drop for Executor {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What is known of a boss's steps.
#[derive(Debug, Default)]
struct Watched {
    polls: u64,
    /// Looks since the number has changed.
    still: u32,
    /// The last step was this process's.
    is_ours: bool,
    /// What a step has left to be done; steps go on meanwhile, or others would begin the same.
    work: Option<JoinHandle<Result<(), Unavailable>>>,
    /// Steps and works that failed, in a row.
    failures: u32,
}

impl Executor {
    pub(super) fn start(redis: &Redis) -> Self {
        let shared = Arc::downgrade(&redis.shared);
        Self(tokio::spawn(run(shared)))
    }
}

async fn run(shared: Weak<Shared>) {
    let mut watched = BTreeMap::new();
    let mut looks = interval(STEP);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        let redis = Redis { shared, _executor: None };
        let played = redis.played().clone();
        for (boss, polls) in played {
            look(&redis, boss, polls, watched.entry(boss).or_default()).await;
        }
    }
}

/// Looks at a boss, and takes a step if it is this process's turn.
async fn look(redis: &Redis, boss: BossId, polls: u64, watched: &mut Watched) {
    watched.finish_work(boss);
    if polls > watched.polls {
        (watched.polls, watched.still, watched.is_ours) = (polls, 0, false);
    }
    watched.still += 1;
    if !watched.is_ours && watched.still <= PATIENCE {
        return;
    }
    match redis.step(boss, watched.polls).await {
        Ok(step) => {
            (watched.polls, watched.still) = (step.seen.polls, 0);
            watched.is_ours = step.taken != Taken::ByAnother;
            watched.begin_work(redis, boss, step);
        }
        Err(error) => {
            watched.is_ours = false;
            watched.fail(boss, &error);
        }
    }
}

impl Watched {
    /// The fold that the next generation begins with takes time: it starts with the boss's death.
    fn begin_work(&mut self, redis: &Redis, boss: BossId, step: Step) {
        let is_alive = step.seen.truth.status == Status::Alive;
        if !self.is_ours || is_alive || self.work.is_some() {
            return;
        }
        let redis = redis.clone();
        self.work = Some(tokio::spawn(async move {
            match step.taken {
                Taken::Over => redis.begin_next(boss).await,
                Taken::Here | Taken::ByAnother => redis.folded(boss).await.map(drop),
            }
        }));
    }

    fn finish_work(&mut self, boss: BossId) {
        if let Some(work) = self.work.take_if(|work| work.is_finished()) {
            match work.now_or_never() {
                Some(Ok(Err(error))) => self.fail(boss, &error),
                Some(Err(error)) => self.fail(boss, &Unavailable::Unknown(error.to_string())),
                Some(Ok(Ok(()))) | None => self.failures = 0,
            }
        }
    }

    /// Says what stands in the way, ever more seldom.
    fn fail(&mut self, boss: BossId, error: &Unavailable) {
        self.failures = self.failures.saturating_add(1);
        if self.failures.is_power_of_two() {
            let times = self.failures;
            tracing::warn!(
                target: "worldboss::authority",
                "boss {boss} can't go on in its life, {times} times now: {error}",
            );
        }
    }
}

/// What became of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    taken: Taken,
    seen: Seen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// It was taken.
    Here,
    /// It was taken, and the next generation is due.
    Over,
    /// Somebody else was faster, or the number was wrong.
    ByAnother,
}

impl Redis {
    /// Takes one step of a boss's life cycle, unless another process does. [`Redis::with_executor`]
    /// does so once a second; this is for tests and tools that decide when time passes.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn poll(&self, boss: BossId) -> Result<(), Unavailable> {
        let seen = self.seen(boss).await?;
        if self.step(boss, seen.polls).await?.taken == Taken::Over {
            self.begin_next(boss).await?;
        }
        Ok(())
    }

    /// Takes a step of a boss's life cycle if it has had `polls` so far.
    async fn step(&self, boss: BossId, polls: u64) -> Result<Step, Unavailable> {
        let called = self.call(boss, Function::Poll, |command| {
            command.arg(polls);
        });
        let (word, reply) = called.await?;
        let seen = reply.seen()?;
        self.note(boss, seen);
        let taken = match word.as_str() {
            "done" => Taken::Here,
            "over" => Taken::Over,
            "passed" => Taken::ByAnother,
            _ => return Err(odd(&word)),
        };
        Ok(Step { taken, seen })
    }

    /// Begins the next generation: its log starts after the value that the log so far folds to. If
    /// somebody wrote to the log meanwhile, the next step tries again.
    async fn begin_next(&self, boss: BossId) -> Result<(), Unavailable> {
        let value = self.folded(boss).await?;
        let (version, chain) = (value.version, value.chain);
        let ledger = Ledger::of(boss, &value.boss, version, chain);
        let ended = ledger.generations.last().map(encode_record).unwrap_or_default();
        let base = encode_record(&*value);
        let called = self.call(boss, Function::Next, |command| {
            command.arg(version.0).arg(chain.to_string()).arg(base).arg(ended);
        });
        called.await.map(drop)
    }
}
