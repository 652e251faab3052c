//! Hop 11, log: the change gets its version and its chain, and leaves for the disk.

use super::Output;
use protocol::limits::CHAINS_MAX;
use protocol::{BossSpec, Entry, Gen, Seen, Snapshot};
use std::collections::VecDeque;
use ucore::{Chain, Version};

/// The end of a boss's log, and what is on its way to the disk.
#[derive(Debug)]
pub(super) struct Log {
    version: Version,
    chain: Chain,
    /// The last positions, oldest first, to recognise a shard that has seen another history.
    recent: VecDeque<(Version, Chain)>,
    out: VecDeque<Output>,
}

impl Default for Log {
    fn default() -> Self {
        Self::at(Version(0), Chain::START)
    }
}

impl Log {
    /// A log that ends here.
    pub(super) fn at(version: Version, chain: Chain) -> Self {
        Self { version, chain, recent: VecDeque::from([(version, chain)]), out: VecDeque::new() }
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn chain(&self) -> Chain {
        self.chain
    }

    /// Moves on to an entry that is durable already.
    pub(super) fn advance(&mut self, version: Version, chain: Chain) {
        (self.version, self.chain) = (version, chain);
        self.recent.push_back((version, chain));
        if self.recent.len() > CHAINS_MAX {
            self.recent.pop_front();
        }
    }

    /// Appends an entry, which the caller makes durable.
    pub(super) fn append(&mut self, entry: Entry) {
        self.advance(entry.version, entry.chain);
        self.out.push_back(Output::Entry(entry));
    }

    /// Marks where a generation's log begins.
    pub(super) fn begin(&mut self, generation: Gen, base: Snapshot) {
        self.out.push_back(Output::Base(generation, Box::new(base)));
    }

    /// Notes the scenario of the generations to come.
    pub(super) fn announce(&mut self, spec: BossSpec) {
        self.out.push_back(Output::Next(Box::new(spec)));
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// Whether someone has seen a position that this log lacks: it was rolled back since.
    /// Positions older than [`CHAINS_MAX`] versions can't be told apart and pass.
    pub(super) fn lacks(&self, seen: Seen) -> bool {
        if seen.version > self.version {
            return true;
        }
        let oldest = self.recent.front().map_or(Version(0), |(version, _)| *version);
        let idx = seen.version.0.checked_sub(oldest.0).and_then(|idx| usize::try_from(idx).ok());
        idx.and_then(|idx| self.recent.get(idx)).is_some_and(|(_, chain)| *chain != seen.chain)
    }
}
