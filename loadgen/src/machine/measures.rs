//! What is counted and timed, of a run and of the second that is under way.

use super::latency::Samples;
use super::{Latency, ShardSecond, ShardTotal};
use protocol::Micros;

/// Samples of one latency: of this second, and of all before it.
#[derive(Debug, Default)]
pub(super) struct Measure {
    second: Samples,
    before: Samples,
}

impl Measure {
    pub(super) fn record(&mut self, latency: Micros) {
        self.second.record(latency);
    }

    /// All samples.
    pub(super) fn samples(&self) -> Samples {
        let mut all = self.before.clone();
        all.add_all(&self.second);
        all
    }

    /// Begins a new second; answers what the one before was like.
    fn roll(&mut self) -> Latency {
        let latency = self.second.latency();
        if latency.count > 0 {
            self.before.add_all(&self.second);
            self.second.clear();
        }
        latency
    }
}

/// All latencies of a run, as [`super::Report`] names them.
#[derive(Debug, Default)]
pub(super) struct Measures {
    pub(super) ack: Measure,
    pub(super) truth: Measure,
    pub(super) cross_shard: Measure,
    pub(super) frame_interval: Measure,
    pub(super) generator_lag: Measure,
    pub(super) join: Measure,
    pub(super) resume: Measure,
}

/// What the latencies of a second were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rolled {
    pub(super) ack: Latency,
    pub(super) truth: Latency,
    pub(super) cross_shard: Latency,
    pub(super) frame_interval: Latency,
    pub(super) generator_lag: Latency,
}

impl Measures {
    /// Begins a new second.
    pub(super) fn roll(&mut self) -> Rolled {
        self.join.roll();
        self.resume.roll();
        Rolled {
            ack: self.ack.roll(),
            truth: self.truth.roll(),
            cross_shard: self.cross_shard.roll(),
            frame_interval: self.frame_interval.roll(),
            generator_lag: self.generator_lag.roll(),
        }
    }
}

/// What is counted of a run, or of a part of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) answered: u64,
    pub(super) refused: u64,
    pub(super) skipped: u64,
    pub(super) frames: u64,
    pub(super) bytes_received: u64,
    pub(super) bytes_sent: u64,
    pub(super) joins: u64,
    pub(super) reconnects: u64,
    pub(super) connect_failures: u64,
}

/// What is counted of one target's players.
#[derive(Debug, Default)]
pub(super) struct Shard {
    pub(super) live: u32,
    /// Players who were welcomed here for the first time.
    pub(super) players: u32,
    pub(super) answered: u64,
    pub(super) frames: u64,
    pub(super) ack: Measure,
    /// (answered, frames) when the second began.
    before: (u64, u64),
}

impl Shard {
    /// What there was in all; the driver knows its target's name.
    pub(super) fn total(&self) -> ShardTotal {
        let ack = self.ack.samples();
        ShardTotal {
            target: String::new(),
            hits_answered: self.answered,
            frames: self.frames,
            players: self.players,
            ack_ms: ack.latency(),
            ack_buckets: ack.buckets(),
        }
    }

    /// Begins a new second.
    pub(super) fn roll(&mut self) -> ShardSecond {
        let (answered, frames) = std::mem::replace(&mut self.before, (self.answered, self.frames));
        ShardSecond {
            live: self.live,
            hits_answered: self.answered - answered,
            frames: self.frames - frames,
            ack_p99_ms: self.ack.roll().p99,
        }
    }
}
