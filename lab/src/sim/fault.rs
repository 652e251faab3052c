//! What can go wrong in a simulated world, and how often it did.

use std::collections::BTreeMap;

macro_rules! faults {
    ($($(#[$doc:meta])+ $fault:ident $name:literal,)+) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $($(#[$doc])+ $fault,)+
        }

        impl Fault {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$fault),+];

            /// Its name for people.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$fault => $name,)+
                }
            }
        }
    };
}

faults! {
    /// A request to the truth is lost.
    LostRequest "request lost",
    /// A request is carried out, and its answer is lost.
    LostAnswer "answer lost",
    /// A request arrives twice, the second time later.
    Duplicated "request duplicated",
    /// A request or an answer takes long, often longer than it is waited for.
    Delayed "message delayed",
    /// A request arrives after one that the same process has sent later.
    Reordered "requests reordered",
    /// Nothing gets through between a process and the truth for a while.
    Partitioned "partition",
    /// Requests get through, answers do not.
    OneWay "one-way partition",
    /// A player's connection ends without a word; each side notices in its own time.
    CutConnection "connection cut",
    /// Nothing gets through a player's connection for a while.
    StalledConnection "connection stalled",
    /// A shard's process is killed.
    KilledShard "shard killed",
    /// The truth's process is killed.
    KilledTruth "truth killed",
    /// An executor dies, and another one takes its place.
    KilledExecutor "executor killed",
    /// A process stands still for a while, and knows nothing of it.
    Paused "process paused",
    /// A process's clock jumps ahead.
    JumpedClock "clock jumped",
    /// A disk takes long to sync.
    SlowDisk "disk slow",
    /// A process died while it wrote, and a part of what was not synced had reached the disk.
    TornWrite "write torn",
    /// A process died while it wrote, and nothing of what was not synced had reached the disk.
    LostWrite "write lost",
    /// A disk failed, and its process ended by itself.
    FailedDisk "disk failed",
    /// A shard's disk is gone, with everything on it.
    LostDisk "disk lost",
    /// A shard's disk comes back as it was some time ago.
    RewoundDisk "disk rewound",
    /// A copy of a shard's disk starts while the original goes on.
    CopiedDisk "disk copied",
    /// The truth comes back as it was some time ago, as from a replica that lagged.
    StaleTruth "truth stale",
}

/// How often each kind of fault was met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Met(BTreeMap<Fault, u64>);

impl Met {
    pub(super) fn note(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    /// How often one kind was met.
    #[must_use]
    pub fn count(&self, fault: Fault) -> u64 {
        self.0.get(&fault).copied().unwrap_or(0)
    }

    /// Adds what another world met.
    pub fn add(&mut self, other: &Self) {
        for (fault, count) in &other.0 {
            *self.0.entry(*fault).or_default() += count;
        }
    }
}
