//! Which skill a player may use now, by the same rules as a shard's admission.

use super::Wish;
use protocol::{BossSpec, Micros, Skill, SkillId};

/// One basic hit each interval, as admission has it.
const BASIC_INTERVAL: Micros = Micros::from_millis(125);
/// The same for a player who does not care, and yet stays below 64 messages in a tick of a second.
const HASTY_INTERVAL: Micros = Micros::from_millis(25);
/// Basic hits at once. Admission allows 16: the rest is for hits that the network pushes together.
const BASIC_BURST: u64 = 12;
/// Waited on top of a cooldown, for the same reason.
const COOLDOWN_MARGIN: Micros = Micros::from_millis(250);

/// What a player spent lately.
#[derive(Debug, Clone)]
pub(super) struct Skills {
    /// From one basic hit to the next.
    interval: Micros,
    /// When the basic skill's bucket will be full again.
    basic_full_at: Micros,
    /// When each used skill may be used again. Bounded by the skills of a scenario.
    ready_at: Vec<(SkillId, Micros)>,
}

impl Skills {
    /// Nothing is spent. Who is `hasty` hits more often with the basic skill than admission allows.
    pub(super) fn new(hasty: bool) -> Self {
        let interval = if hasty { HASTY_INTERVAL } else { BASIC_INTERVAL };
        Self { interval, basic_full_at: Micros(0), ready_at: Vec::new() }
    }

    /// When the next basic hit may leave.
    pub(super) fn basic_at(&self) -> Micros {
        self.basic_full_at.since(Micros(self.interval.0 * (BASIC_BURST - 1)))
    }

    /// The skill for a new hit: the one that is wished for if it is ready, else the basic one, or
    /// none while its bucket is empty.
    pub(super) fn choose<'a>(
        &self,
        now: Micros,
        spec: &'a BossSpec,
        wish: Wish,
    ) -> Option<&'a Skill> {
        let (basic, others) = spec.skills.split_first()?;
        let wished = wish.choose(others).filter(|skill| self.is_ready(now, skill.id));
        wished.or_else(|| (self.basic_at() <= now).then_some(basic))
    }

    fn is_ready(&self, now: Micros, skill: SkillId) -> bool {
        let used = self.ready_at.iter().find(|(used, _)| *used == skill);
        used.is_none_or(|(_, ready_at)| *ready_at <= now)
    }

    /// Notes that a hit with this skill leaves.
    pub(super) fn spend(&mut self, now: Micros, spec: &BossSpec, skill: SkillId) {
        let Some(idx) = spec.skills.iter().position(|known| known.id == skill) else {
            return;
        };
        if idx == 0 {
            self.basic_full_at = self.basic_full_at.max(now) + self.interval;
            return;
        }
        let cooldown = Micros::from_millis(spec.skills[idx].cooldown_ms.into());
        let ready_at = now + cooldown + COOLDOWN_MARGIN;
        match self.ready_at.iter_mut().find(|(used, _)| *used == skill) {
            Some((_, old)) => *old = ready_at,
            None => {
                let known = |used: &SkillId| spec.skills.iter().any(|skill| skill.id == *used);
                self.ready_at.retain(|(used, _)| known(used));
                self.ready_at.push((skill, ready_at));
            }
        }
    }
}

/// The most that one hit with this skill can do.
pub(super) fn damage_max(skill: &Skill) -> u64 {
    let plain = u64::from(skill.damage);
    if skill.crit_percent == 0 {
        return plain;
    }
    plain.max(plain * u64::from(skill.crit_damage_percent) / 100)
}
