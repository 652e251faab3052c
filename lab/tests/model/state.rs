//! A state of the small cluster, and what makes two of them the same.

use crate::process::Process;
use crate::properties::Broken;
use crate::shared::Shared;
use crate::truth::Log;
use protocol::{Boss, Gen, JournalId, ShardId, Stage};
use shard::machine::Request;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Left {
    pub(crate) hits: u8,
    pub(crate) crashes: u8,
    pub(crate) roll_backs: u8,
    /// Requests that the network may keep and deliver later.
    pub(crate) copies: u8,
    /// Answers that it may keep and deliver later.
    pub(crate) late: u8,
}

/// The shard whose processes crash. The shards are alike until one of them does.
pub(crate) const CRASHES: ShardId = ShardId(1);

/// One state.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) log: Shared<Log>,
    /// What a replica has that has fallen behind, and to which the authority may fail over.
    pub(crate) stale: Option<Shared<Log>>,
    /// The log has gone on since then.
    pub(crate) ahead: bool,
    pub(crate) processes: Vec<Shared<Process>>,
    /// Whoever reigns was told of the stage as it is, and may take the next step.
    pub(crate) heard: bool,
    /// A request that the network has kept.
    pub(crate) copy: Option<Shared<Request>>,
    pub(crate) left: Left,
    /// Hits that players were told are accepted.
    pub(crate) accepted: BTreeMap<(JournalId, Gen), u64>,
    /// The roll-back has taken counted damage back, and not all of it is there again.
    pub(crate) wounded: bool,
    pub(crate) broken: Option<Broken>,
    /// Steps from the beginning. Two states are the same however far they are.
    pub(crate) depth: u32,
}

impl State {
    pub(crate) fn boss(&self) -> &Boss {
        self.log.boss()
    }

    pub(crate) fn stage(&self) -> Stage {
        self.log.stage()
    }

    /// Generation 2 has begun and nobody can hit: all that is left is that everybody says and hears
    /// what there is to say. Every such state is led to its end, and none is searched further.
    pub(crate) fn is_over(&self) -> bool {
        let late = self.processes.iter().any(|process| process.late.is_some());
        let comes = late || self.copy.is_some() || self.stale.is_some();
        self.left.hits == 0 && self.stage().generation > Gen(1) && !comes
    }

    /// A player hits; the hit is durable, then accepted.
    pub(crate) fn hit(&mut self, process: usize) {
        let process = &mut self.processes[process];
        // What is noted for a successor matters where there may be one.
        let may_crash = self.left.crashes > 0 && process.shard == CRASHES;
        *process = process.after(|process| process.hit(may_crash));
        if let (Some(journal), Some(uplink)) = (process.journal(), process.uplink()) {
            *self.accepted.entry((journal.id, uplink.view.generation)).or_default() += 1;
            self.left.hits -= 1;
        }
    }

    /// Goes on to what a request has made of the log.
    pub(crate) fn advance(&mut self, log: &Shared<Log>) {
        self.ahead |= self.stale.is_some() && *log != self.log;
        self.log = log.clone();
    }

    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, to: &mut H) {
        (&self.log, &self.stale, self.ahead, &self.processes, self.heard, &self.copy).hash(to);
        (self.left, &self.accepted, self.wounded, self.broken).hash(to);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}
