//! Hop 5, admission: may this hit count, and for how much? From the worker, to [buffer].

use super::sessions::Live;
use protocol::mutants::{self, Mutant};
use protocol::{BossSpec, Gen, Hit, Micros, RefusalReason, SkillId, Status};

/// What the shard lets in at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gate {
    /// The current generation.
    pub(super) generation: Gen,
    /// Where it is in its life.
    pub(super) status: Status,
    /// Whether this journal has entered it, and the shard is not stopping.
    pub(super) open: bool,
}

/// The basic skill: one hit each [`BASIC_INTERVAL`], and [`BASIC_BURST`] at once.
const BASIC_INTERVAL: Micros = Micros::from_millis(125);
const BASIC_BURST: u64 = 16;

/// The limits of one session's skills, on the shard's monotonic clock.
///
/// The rate is the generic cell rate algorithm (ITU-T I.371): one number per bucket.
#[derive(Debug, Clone, Default)]
pub(super) struct Limits {
    /// When the basic skill's bucket will be full again.
    basic_full_at: Micros,
    /// When each used skill may be used again.
    ready_at: Vec<(SkillId, Micros)>,
}

/// Decides on a hit that arrived at `at`.
///
/// # Errors
/// The reason why it does not count.
pub(super) fn admit(
    at: Micros,
    gate: Gate,
    spec: &BossSpec,
    session: &mut Live,
    hit: Hit,
) -> Result<Blow, RefusalReason> {
    if hit.generation != gate.generation && !mutants::is(Mutant::OldHitCounted) {
        return Err(RefusalReason::Generation);
    }
    if gate.status != Status::Alive {
        return Err(RefusalReason::Defeated);
    }
    if !gate.open {
        return Err(RefusalReason::NotReady);
    }
    let idx = spec.skills.iter().position(|skill| skill.id == hit.skill);
    let idx = idx.ok_or(RefusalReason::Skill)?;
    let skill = &spec.skills[idx];
    if idx == 0 {
        session.limits.take_basic(at)?;
    } else {
        session.limits.take_skill(at, skill.id, Micros::from_millis(skill.cooldown_ms.into()))?;
    }
    let plain = u64::from(skill.damage);
    let critical = plain * u64::from(skill.crit_damage_percent) / 100;
    Ok(Blow { plain, critical, crit_percent: skill.crit_percent })
}

/// An admitted hit, before the dice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blow {
    plain: u64,
    critical: u64,
    crit_percent: u8,
}

impl Blow {
    /// The damage for a roll of 0 to 99.
    pub(super) fn damage(self, roll: u8) -> u64 {
        if roll < self.crit_percent { self.critical } else { self.plain }
    }
}

impl Limits {
    fn take_basic(&mut self, at: Micros) -> Result<(), RefusalReason> {
        let full_at = self.basic_full_at.max(at);
        if full_at.since(at).0 > BASIC_INTERVAL.0 * (BASIC_BURST - 1) {
            return Err(RefusalReason::Rate);
        }
        self.basic_full_at = full_at + BASIC_INTERVAL;
        Ok(())
    }

    fn take_skill(
        &mut self,
        at: Micros,
        skill: SkillId,
        cooldown: Micros,
    ) -> Result<(), RefusalReason> {
        match self.ready_at.iter_mut().find(|(used, _)| *used == skill) {
            Some((_, ready)) if at < *ready && !mutants::is(Mutant::NoCooldown) => {
                return Err(RefusalReason::Cooldown);
            }
            Some((_, ready)) => *ready = at + cooldown,
            None => self.ready_at.push((skill, at + cooldown)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skill_is_refused_until_it_has_cooled_down() {
        let mut limits = Limits::default();
        let (skill, cooldown) = (SkillId(2), Micros::from_millis(1_000));
        let mut take = |ms| limits.take_skill(Micros::from_millis(ms), skill, cooldown);
        assert_eq!([take(0), take(999), take(1_000), take(1_001)], {
            let refused = Err(RefusalReason::Cooldown);
            [Ok(()), refused, Ok(()), refused]
        });
    }

    #[test]
    fn the_basic_skill_has_its_burst_at_once_and_then_its_rate() {
        let mut limits = Limits::default();
        let mut now = Micros::from_millis(10_000);
        let burst = (0..BASIC_BURST + 1).filter(|_| limits.take_basic(now).is_ok());
        assert_eq!(burst.count() as u64, BASIC_BURST);
        now = now + BASIC_INTERVAL;
        assert_eq!(limits.take_basic(now), Ok(()));
        assert_eq!(limits.take_basic(now), Err(RefusalReason::Rate));
    }
}
