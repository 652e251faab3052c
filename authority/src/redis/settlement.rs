//! What executors ask, and what settlements need that Redis can't compute: credits, rewards and the
//! values between generations, all folded from the log.

use super::library::Function;
use super::link::{CALL_MAX, READ_MAX};
use super::reply::{Looked, Reply, odd};
use super::{Redis, key_of};
use crate::machine::{credits, grants, shares_of};
use protocol::{
    BossId, BossUpdate, Life, Progress, Reign, Settle, SettleAnswer, SettleStep, SettleVerdict,
    Settlement, Shares, SharesAnswer, Status, Step, Unavailable, encode_record,
};
use redis::{Cmd, cmd};
use std::time::Duration;
use ucore::{Version, encode};

/// Attempts to begin a generation while others write to the log.
const ATTEMPTS: u32 = 8;

/// What a step writes that Redis can't compute.
struct Outcome {
    /// How many players get something.
    count: usize,
    blob: Vec<u8>,
    /// Where it was folded: a log that lacks this has another outcome.
    value: (Version, String),
}

impl Redis {
    /// Says that an executor is there. Whoever reigns brings the leaderboard up to date, which its
    /// poll does not wait for. What it is told of a fallen boss is stable, whoever has written it:
    /// a step whose answer was lost is not followed by the next one before it is safe.
    pub(super) async fn reign(&self, reign: Reign) -> Result<Progress, Unavailable> {
        let boss = reign.boss;
        let supersedes = reign.supersedes.map_or_else(|| "-".to_owned(), |term| term.to_string());
        let poll = self.command(boss, Function::Reign, |command| {
            command.arg(reign.executor.to_string()).arg(supersedes);
        });
        let (value, apart) = self.shared.link.call_apart(boss, &poll, CALL_MAX).await?;
        let looked = Reply::open(boss, value)?.1.looked()?;
        let progress = looked.progress.clone();
        let reigns = progress.term.is_of(reign.executor);
        if reigns && progress.truth.status != Status::Alive {
            apart.stabilise().await?;
        } else {
            apart.keep().await;
        }
        if reigns {
            self.begin_ranking(boss, looked, reign.suspects);
        }
        Ok(progress)
    }

    /// Takes a step, and answers when it is stable.
    pub(super) async fn settle(&self, settle: Settle) -> Result<SettleAnswer, Unavailable> {
        let boss = settle.boss;
        let step = match settle.step {
            SettleStep::Respawn => return self.respawn(settle).await,
            SettleStep::Collect => "collect",
            SettleStep::Wait => "wait",
            SettleStep::Close => "close",
            SettleStep::Credit => "credit",
            SettleStep::Reward => "reward",
        };
        let folded = self.outcome(settle).await?;
        let take = self.command(boss, Function::Settle, |command| {
            write_stage(settle, command);
            command.arg(step);
            if let Some(Outcome { count, blob, value: (version, chain) }) = folded {
                command.arg(count).arg(blob).arg(version.0).arg(chain);
            }
        });
        let (verdict, looked) = self.take(boss, &take, CALL_MAX).await?;
        let verdict = verdict.ok_or_else(|| odd("a step without an outcome"))?;
        Ok(SettleAnswer { verdict, progress: looked.progress })
    }

    /// Begins the next generation: its log starts after the value that the log so far folds to.
    async fn respawn(&self, settle: Settle) -> Result<SettleAnswer, Unavailable> {
        let boss = settle.boss;
        for _ in 0..ATTEMPTS {
            let value = self.folded(boss).await?;
            let next = self.command(boss, Function::Next, |command| {
                write_stage(settle, command);
                command.arg(value.version.0).arg(value.chain.to_string());
                command.arg(encode_record(&*value));
            });
            drop(value);
            // Who has written to the log meanwhile has moved its end.
            if let (Some(verdict), looked) = self.take(boss, &next, READ_MAX).await? {
                return Ok(SettleAnswer { verdict, progress: looked.progress });
            }
        }
        Err(Unavailable::Unknown("others write to the log all the time; ask again".to_owned()))
    }

    /// Calls a function that takes a step. There is no verdict if the log has moved meanwhile.
    async fn take(
        &self,
        boss: BossId,
        command: &Cmd,
        wait: Duration,
    ) -> Result<(Option<SettleVerdict>, Looked), Unavailable> {
        let (value, apart) = self.shared.link.call_apart(boss, command, wait).await?;
        let (word, reply) = Reply::open(boss, value)?;
        let verdict = match word.as_str() {
            "done" => Some(SettleVerdict::Done),
            "passed" => Some(SettleVerdict::Passed),
            "fenced" => Some(SettleVerdict::Fenced),
            "moved" => None,
            _ => return Err(odd(&word)),
        };
        let looked = reply.looked()?;
        apart.stabilise().await?;
        Ok((verdict, looked))
    }

    /// What a step writes that follows from the log, if the log is where the step belongs.
    async fn outcome(&self, settle: Settle) -> Result<Option<Outcome>, Unavailable> {
        let compute: fn(&Life) -> (usize, Vec<u8>) = match settle.step {
            SettleStep::Credit => |life| {
                let credits = credits(life);
                (credits.len(), encode(&credits))
            },
            SettleStep::Reward => |life| {
                let grants = grants(life);
                (grants.len(), encode(&grants))
            },
            SettleStep::Collect | SettleStep::Wait | SettleStep::Close | SettleStep::Respawn => {
                return Ok(None);
            }
        };
        let value = self.folded(settle.boss).await?;
        // Dividing a boss among a million players must not hold up a runtime's worker.
        let computing = tokio::task::spawn_blocking(move || {
            let (generation, life) = value.boss.current()?;
            let is_there = (generation, life.status) == (settle.at.generation, settle.at.status);
            if !is_there || !settle.step.fits(life.status) {
                return None;
            }
            let (count, blob) = compute(life);
            Some(Outcome { count, blob, value: (value.version, value.chain.to_string()) })
        });
        computing.await.map_err(|error| Unavailable::Unknown(error.to_string()))
    }

    /// Says what players get of a generation, from the two entries of the log that tell it.
    pub(super) async fn shares(&self, asked: &Shares) -> Result<SharesAnswer, Unavailable> {
        let (boss, generation) = (asked.boss, asked.generation);
        let mut versions = cmd("HMGET");
        versions.arg(key_of(boss, "state")).arg("version");
        versions.arg(format!("{generation}:credited")).arg(format!("{generation}:rewarded"));
        type Versions = (Option<u64>, Option<u64>, Option<u64>);
        let versions: Versions = redis::from_redis_value(self.read(versions).await?)
            .map_err(|_| odd("no versions of a settlement"))?;
        let (credited, rewarded) = match versions {
            (None, ..) => return Err(Unavailable::NoBoss(boss)),
            (Some(_), Some(credited), Some(rewarded)) => (credited, rewarded),
            (Some(_), ..) => return Ok(SharesAnswer::Unknown),
        };
        let credited = self.step_at(boss, Version(credited)).await?;
        let rewarded = self.step_at(boss, Version(rewarded)).await?;
        // The generation may have been dropped meanwhile.
        let (Some(Step::Credit(credits)), Some(Step::Reward(grants))) = (credited, rewarded) else {
            return Ok(SharesAnswer::Unknown);
        };
        Ok(shares_of(&Settlement { closed: None, credits, grants }, &asked.players))
    }

    async fn step_at(&self, boss: BossId, version: Version) -> Result<Option<Step>, Unavailable> {
        let Some(entry) = self.entry(boss, version).await? else { return Ok(None) };
        // Reading what a million players get must not hold up a runtime's worker.
        let parsing =
            tokio::task::spawn_blocking(move || BossUpdate::parse(&entry.fields, &entry.blob));
        match parsing.await.map_err(|error| Unavailable::Unknown(error.to_string()))? {
            Ok(BossUpdate::Settle { step, .. }) => Ok(Some(step)),
            Ok(_) => Err(odd("another entry stands where a step belongs")),
            Err(error) => Err(odd(&error.to_string())),
        }
    }
}

/// Where the executor has seen the settlement.
fn write_stage(settle: Settle, to: &mut Cmd) {
    let Settle { term, at, .. } = settle;
    to.arg(term.executor.to_string()).arg(term.number);
    to.arg(at.generation.0).arg(at.status.code()).arg(at.waited);
}
