//! Hop 10, boss: the truth changes. What damage causes is decided here and nowhere else.

use protocol::Life;

/// What an amount of damage causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Consequence {
    /// The phase that begins.
    pub(super) phase: Option<u8>,
    /// Whether the boss dies of it.
    pub(super) death: bool,
}

/// What `grown` more damage causes in this generation. Death is decided once: at the push that
/// takes HP from above zero to zero.
pub(super) fn consequence(life: &Life, grown: u64) -> Consequence {
    let before = life.hp();
    let after = before.saturating_sub(grown);
    let phase = phase_at(life, after);
    Consequence { phase: (phase > life.phase).then_some(phase), death: before > 0 && after == 0 }
}

/// The last phase whose threshold HP has reached.
fn phase_at(life: &Life, hp: u64) -> u8 {
    let hp_max = u128::from(life.spec.hp_max);
    let reached = life.spec.phases.iter().filter(|phase| {
        // Wide arithmetic: hp_max goes up to 2^53 - 1.
        u128::from(hp) * 100 <= hp_max * u128::from(phase.percent)
    });
    u8::try_from(reached.count().saturating_sub(1)).unwrap_or(u8::MAX)
}
