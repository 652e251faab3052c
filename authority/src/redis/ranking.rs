//! The leaderboard, and values from which folds can begin: written by whoever reigns, beside its
//! polls.

use super::library::Function;
use super::link::READ_MAX;
use super::reply::{Looked, Reply, odd};
use super::{Redis, lock};
use crate::driver::Complaint;
use protocol::limits::{REDIS_FOLD_ENTRIES_MAX, SUSPECTS_MAX};
use protocol::{BossId, JournalId, Standings, Unavailable, encode_record};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// What this process has ranked of a boss. Whoever holds it ranks.
pub(super) type Ranking = Arc<Mutex<Ranked>>;

#[derive(Debug, Default)]
pub(super) struct Ranked {
    /// The leaderboard that it has written last.
    standings: Option<Standings>,
    complaint: Complaint,
}

impl Redis {
    /// Brings the leaderboard up to date, unless the one before is still being brought.
    pub(super) fn begin_ranking(&self, boss: BossId, looked: Looked, suspects: Vec<JournalId>) {
        let Ok(mut ranked) = self.ranking(boss).try_lock_owned() else { return };
        // It must not keep the executors alive.
        let redis = Self { shared: Arc::clone(&self.shared), executors: None };
        tokio::spawn(async move {
            let done = redis.rank(boss, &looked, suspects, &mut ranked).await;
            ranked.complaint.hear(&done, || format!("boss {boss} has no new leaderboard"));
        });
    }

    /// Waits until the leaderboard is the one of the last look. For tests and tools that decide
    /// when time passes.
    pub async fn ranked(&self, boss: BossId) {
        drop(self.ranking(boss).lock_owned().await);
    }

    fn ranking(&self, boss: BossId) -> Ranking {
        Arc::clone(lock(&self.shared.rankings).entry(boss).or_default())
    }

    async fn rank(
        &self,
        boss: BossId,
        looked: &Looked,
        mut suspects: Vec<JournalId>,
        ranked: &mut OwnedMutexGuard<Ranked>,
    ) -> Result<(), Unavailable> {
        let value = self.folded(boss).await?;
        let (version, chain) = (value.version, value.chain);
        let is_due = version.0 >= looked.newest.0 + REDIS_FOLD_ENTRIES_MAX;
        // Sorting and writing a million players must not hold up a runtime's worker.
        let computing = tokio::task::spawn_blocking(move || {
            let (generation, life) = value.boss.current()?;
            Some((life.board(generation), is_due.then(|| encode_record(&*value))))
        });
        let computed = computing.await.map_err(|error| Unavailable::Unknown(error.to_string()))?;
        let (board, kept) = computed.ok_or_else(|| odd("a boss without a generation"))?;
        suspects.truncate(SUSPECTS_MAX);
        let before = ranked.standings.take().filter(|it| {
            // Who was rolled back gives another one than it was given.
            it.number == looked.standings && it.board == board && it.suspects == suspects
        });
        let is_new = before.is_none();
        let number = looked.progress.polls;
        let standings = before.unwrap_or(Standings { number, board, suspects });
        if is_new || kept.is_some() {
            let term = looked.progress.term;
            let rank = self.command(boss, Function::Rank, |command| {
                command.arg(term.executor.to_string()).arg(term.number);
                command.arg(standings.number).arg(encode_record(&standings));
                if let Some(kept) = kept {
                    command.arg(version.0).arg(chain.to_string()).arg(kept);
                }
            });
            let (answer, apart) = self.shared.link.call_apart(boss, &rank, READ_MAX).await?;
            apart.keep().await;
            let (word, _) = Reply::open(boss, answer)?;
            if word == "fenced" {
                // Who reigns now writes another one.
                return Ok(());
            }
        }
        ranked.standings = Some(standings);
        Ok(())
    }
}
