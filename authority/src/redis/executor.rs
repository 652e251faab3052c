//! Who takes the steps of the life cycles: any process may, and one does.
//!
//! A step names the number of steps before it, and Redis takes it only if that is true: of many who
//! try, one succeeds. Who took the last step goes on, once a second; the others watch the number,
//! which every answer to a push carries, and try when it has stood still for a while. Nobody holds
//! a lease, and no clock but each process's own is asked.

use super::library::Function;
use super::{Redis, Shared};
use protocol::{BossId, Ledger, Unavailable, encode_record};
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
#[derive(Debug, Clone, Copy, Default)]
struct Watched {
    polls: u64,
    /// Looks since the number has changed.
    still: u32,
    /// The last step was this process's.
    is_ours: bool,
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
    if polls > watched.polls {
        *watched = Watched { polls, still: 0, is_ours: false };
    }
    watched.still += 1;
    if !watched.is_ours && watched.still <= PATIENCE {
        return;
    }
    match redis.step(boss, watched.polls).await {
        Ok(Step::Taken { polls }) => *watched = Watched { polls, still: 0, is_ours: true },
        Ok(Step::Passed { polls }) => *watched = Watched { polls, still: 0, is_ours: false },
        Err(error) => {
            tracing::debug!(target: "worldboss::authority", "boss {boss}: {error}");
            // Others may have gone on, or the authority was rolled back: look again.
            *watched = Watched { polls: 0, ..Watched::default() };
        }
    }
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It was taken; so many were there in all.
    Taken { polls: u64 },
    /// Somebody else was faster, or the number was wrong.
    Passed { polls: u64 },
}

impl Redis {
    /// Takes a step of a boss's life cycle if it has had `polls` so far.
    pub(super) async fn step(&self, boss: BossId, polls: u64) -> Result<Step, Unavailable> {
        let called = self.call(boss, Function::Poll, |command| {
            command.arg(polls);
        });
        let (word, reply) = called.await?;
        let seen = reply.seen()?;
        self.note(boss, seen);
        if word == "passed" {
            return Ok(Step::Passed { polls: seen.polls });
        }
        if word == "over" {
            self.begin_next(boss).await?;
        }
        Ok(Step::Taken { polls: seen.polls })
    }

    /// Begins the next generation: its log starts after the value that the log so far folds to. If
    /// somebody wrote to the log meanwhile, the next step tries again.
    async fn begin_next(&self, boss: BossId) -> Result<(), Unavailable> {
        let value = self.folded(boss).await?;
        let ledger = Ledger::of(boss, &value.boss, value.version, value.chain);
        let ended = ledger.generations.last().map(encode_record).unwrap_or_default();
        let base = encode_record(&*value);
        let version = value.version;
        let called = self.call(boss, Function::Next, |command| {
            command.arg(version.0).arg(base).arg(ended);
        });
        called.await.map(drop)
    }
}
