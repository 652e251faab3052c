//! Where the time of a tick goes, stage by stage.
#![expect(clippy::disallowed_methods, reason = "the driver owns the clock")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The stages of a tick, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The workers hand over what arrived, as soon as they are done with what they do.
    Collect,
    /// The rules: hits are admitted, and the tick becomes one record.
    Machine,
    /// The wait for the disk.
    Journal,
    /// One state for everybody, as bytes.
    Encode,
    /// The workers write to their sockets, the slowest one of them. In the tick before this one,
    /// since the next tick is what waits for it.
    FanOut,
}

impl Stage {
    pub(super) const ALL: [Self; 5] =
        [Self::Collect, Self::Machine, Self::Journal, Self::Encode, Self::FanOut];

    /// Its label in the metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Collect => "collect",
            Self::Machine => "machine",
            Self::Journal => "journal",
            Self::Encode => "encode",
            Self::FanOut => "fanout",
        }
    }
}

/// What one tick has spent.
#[derive(Debug)]
pub(super) struct Budget {
    mark: Instant,
    /// How long after its time the tick began.
    pub(super) late: Duration,
    spent: [Duration; 5],
}

impl Budget {
    /// A tick begins that was due at `due`, as the tick before has told.
    pub(super) fn begin(due: Instant) -> Self {
        let mark = Instant::now();
        Self { mark, late: mark.saturating_duration_since(due), spent: Default::default() }
    }

    /// Everything since the last call was this stage.
    pub(super) fn spend(&mut self, stage: Stage) {
        let now = Instant::now();
        self.add(stage, now.duration_since(self.mark));
        self.mark = now;
    }

    /// A stage took so long elsewhere.
    pub(super) fn add(&mut self, stage: Stage, took: Duration) {
        self.spent[stage as usize] += took;
    }

    pub(super) fn of(&self, stage: Stage) -> Duration {
        self.spent[stage as usize]
    }

    pub(super) fn total(&self) -> Duration {
        self.spent.iter().sum()
    }
}

/// How long a worker's last fan-out took.
#[derive(Debug, Clone, Default)]
pub(super) struct Took(Arc<AtomicU64>);

impl Took {
    pub(super) fn set(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.store(micros, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}
