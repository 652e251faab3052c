//! Which skill a player may use now, by the same rules as a shard's admission.

use protocol::{BossSpec, Micros, Skill, SkillId};

/// One basic hit each interval, as admission has it.
const BASIC_INTERVAL: Micros = Micros::from_millis(125);
/// Basic hits at once. Admission allows 16: the rest is for hits that the network pushes together.
const BASIC_BURST: u64 = 12;
/// Waited on top of a cooldown, for the same reason.
const COOLDOWN_MARGIN: Micros = Micros::from_millis(250);

/// What a player spent lately.
#[derive(Debug, Clone, Default)]
pub(super) struct Skills {
    /// When the basic skill's bucket will be full again.
    basic_full_at: Micros,
    /// When each used skill may be used again. Bounded by the skills of a scenario.
    ready_at: Vec<(SkillId, Micros)>,
}

impl Skills {
    /// When the next basic hit may leave.
    pub(super) fn basic_at(&self) -> Micros {
        self.basic_full_at.since(Micros(BASIC_INTERVAL.0 * (BASIC_BURST - 1)))
    }

    /// The skill for a new hit: a ready one with a cooldown now and then if `mix`, else the basic
    /// one, or none while its bucket is empty.
    pub(super) fn choose<'a>(
        &self,
        now: Micros,
        spec: &'a BossSpec,
        mix: Option<&mut fastrand::Rng>,
    ) -> Option<&'a Skill> {
        let (basic, others) = spec.skills.split_first()?;
        if let Some(random) = mix
            && random.u8(0..3) == 0
        {
            let ready: Vec<_> =
                others.iter().filter(|skill| self.is_ready(now, skill.id)).collect();
            if let Some(skill) = random.choice(ready) {
                return Some(skill);
            }
        }
        (self.basic_at() <= now).then_some(basic)
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
            self.basic_full_at = self.basic_full_at.max(now) + BASIC_INTERVAL;
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
