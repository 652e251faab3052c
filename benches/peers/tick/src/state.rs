//! The boss of the servers that have nothing else to do: one HP and one number of a tick.

/// A state frame's bytes without their WebSocket header.
pub(crate) const STATE_BYTES: usize = 64;
/// HP that nobody takes away in a run.
pub(crate) const HP_MAX: u64 = 1 << 52;
/// From one state frame to the next, in milliseconds.
pub(crate) const TICK_MS: u64 = 100;

/// The state as it is sent: tick and HP, and as many zeros as make a frame of a usual length.
pub(crate) fn encode(tick: u64, hp: u64) -> [u8; STATE_BYTES] {
    let mut bytes = [0; STATE_BYTES];
    bytes[..8].copy_from_slice(&tick.to_le_bytes());
    bytes[8..16].copy_from_slice(&hp.to_le_bytes());
    bytes
}
