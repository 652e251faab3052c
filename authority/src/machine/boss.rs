//! Hop 10, boss: the truth changes. What damage causes is decided here and nowhere else.

use protocol::BossSpec;

/// What an amount of damage causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Consequence {
    /// The phase that begins.
    pub(super) phase: Option<u8>,
    /// Whether the boss dies of it.
    pub(super) death: bool,
}

/// What `grown` more damage causes in a generation that has taken `damage`. Death is decided once:
/// at the push that takes HP from above zero to zero.
pub(super) fn consequence(spec: &BossSpec, phase: u8, damage: u64, grown: u64) -> Consequence {
    let before = spec.hp_max.saturating_sub(damage);
    let after = before.saturating_sub(grown);
    let next = phase_at(spec, after);
    Consequence { phase: (next > phase).then_some(next), death: before > 0 && after == 0 }
}

/// The last phase whose threshold HP has reached.
fn phase_at(spec: &BossSpec, hp: u64) -> u8 {
    let hp_max = u128::from(spec.hp_max);
    let reached = spec.phases.iter().filter(|phase| {
        // Wide arithmetic: hp_max goes up to 2^53 - 1.
        u128::from(hp) * 100 <= hp_max * u128::from(phase.percent)
    });
    u8::try_from(reached.count().saturating_sub(1)).unwrap_or(u8::MAX)
}
