//! What a run did, second by second.

use super::Latency;
use serde::{Deserialize, Serialize};

/// One second of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// When it ended, in seconds since the run began.
    pub at_s: f64,
    /// What the run was about: `ramp`, `load`, `drain` or `settle`.
    pub phase: String,
    /// Players who should see the boss at its end.
    pub players: u32,
    /// Players who do.
    pub live: u32,
    /// Hits that left in it.
    pub hits_sent: u64,
    /// Hits that were answered in it.
    pub hits_answered: u64,
    /// Those of them that were refused.
    pub hits_refused: u64,
    /// State frames that came in it.
    pub frames: u64,
    /// Bytes that came in it, in WebSocket frames.
    pub bytes_received: u64,
    /// Connections after the first of a player.
    pub reconnects: u64,
    /// Connections that did not come up.
    pub connect_failures: u64,
    /// From the planned time of a hit to its answer, of the answers in it.
    pub ack_ms: Latency,
    /// From the planned time of a hit to the frame in it that shows it in the truth.
    pub truth_ms: Latency,
    /// The same on another target.
    pub cross_shard_ms: Latency,
    /// From one state frame to the next on a connection.
    pub frame_interval_ms: Latency,
    /// By how much this process was late.
    pub generator_lag_ms: Latency,
    /// The boss as it was seen last; none if nobody has seen it.
    pub boss: Option<BossSecond>,
    /// By target.
    pub shards: Vec<ShardSecond>,
    /// By page of `--scrape`; none where it could not be read.
    pub servers: Vec<Option<ServerSecond>>,
}

/// The boss at the end of a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BossSecond {
    /// Its generation.
    pub generation: u64,
    /// Its HP in the truth.
    pub hp: u64,
    /// Its HP as its shard predicted it.
    pub predicted: u64,
    /// Its HP at the beginning of its life.
    pub hp_max: u64,
}

/// What one target's players saw in a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ShardSecond {
    /// Players who see the boss.
    pub live: u32,
    /// Hits that were answered.
    pub hits_answered: u64,
    /// State frames that came.
    pub frames: u64,
    /// 99 of a hundred answers were no slower, in milliseconds.
    pub ack_p99_ms: f64,
}

/// What a server said of itself for a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerSecond {
    /// Cores that it used.
    pub cores: f64,
    /// Its resident memory.
    pub resident_bytes: u64,
    /// The work of its ticks on average, in milliseconds.
    pub tick_ms: f64,
}
