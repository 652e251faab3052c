//! Executors of the bosses that a process plays: any process may take the steps of settlements, and
//! one does.

use super::reply::Seen;
use super::{Redis, lock};
use crate::driver::{Executor, Sighting};
use protocol::{BossId, Truth};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::task::JoinHandle;

/// The executors of a process. They end when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Executors(Mutex<BTreeMap<BossId, JoinHandle<()>>>);

impl Drop for Executors {
    fn drop(&mut self) {
        lock(&self.0).values().for_each(JoinHandle::abort);
    }
}

impl Redis {
    /// Notes what an answer to a shard shows: this process plays the boss, and takes its part in
    /// the boss's settlements.
    pub(super) fn play(&self, boss: BossId, seen: Seen) -> Truth {
        if let Some(executors) = &self.executors {
            lock(&self.shared.sighted).insert(boss, seen);
            lock(&executors.0).entry(boss).or_insert_with(|| self.begin_to_execute(boss));
        }
        seen.truth
    }

    fn begin_to_execute(&self, boss: BossId) -> JoinHandle<()> {
        let shared = Arc::clone(&self.shared);
        let authority = Arc::new(Self { shared: Arc::clone(&shared), executors: None });
        let sighted = move || {
            let Seen { polls, truth } = lock(&shared.sighted).remove(&boss)?;
            Some(Sighting { polls, truth })
        };
        tokio::spawn(Executor::new(authority, boss).run(sighted))
    }
}
