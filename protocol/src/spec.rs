//! What a boss is, as its scenario says.

use crate::limits::{HP_MAX, PHASES_MAX, REWARDS_MAX, SKILLS_MAX, TICK_MS_MAX, TICK_MS_MIN};
use crate::{RewardId, SkillId};
use serde::{Deserialize, Serialize};
use ucore::{Wire, int53};

/// What a boss is, for one generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct BossSpec {
    /// Its name.
    pub name: String,
    /// HP at the start of a generation, from 1 to 2^52.
    #[serde(with = "int53")]
    pub hp_max: u64,
    /// Its phases, from full health down. The first begins at 100 percent.
    pub phases: Vec<Phase>,
    /// What players can do. The first one is the basic skill.
    pub skills: Vec<Skill>,
    /// Its clockwork.
    pub timing: Timing,
    /// What closing the books does about journals that were not heard.
    pub missing: Missing,
    /// What its players may win.
    pub rewards: Vec<Reward>,
}

impl BossSpec {
    /// Whether every number is within its limits, as in a scenario file, wherever it came from.
    ///
    /// # Errors
    /// A sentence that names the field and the limit.
    pub fn check(&self) -> Result<(), String> {
        let timing = self.timing;
        within("hp_max", self.hp_max, 1, HP_MAX)?;
        within("the number of phases", self.phases.len(), 1, PHASES_MAX)?;
        within("the number of skills", self.skills.len(), 1, SKILLS_MAX)?;
        within("the number of rewards", self.rewards.len(), 0, REWARDS_MAX)?;
        within("tick_ms", timing.tick_ms, TICK_MS_MIN, TICK_MS_MAX)?;
        within("collect_s", timing.collect_s, 1, 3_600)?;
        within("respawn_s", timing.respawn_s, 1, 3_600)?;
        let names = [&self.name].into_iter().chain(self.phases.iter().map(|phase| &phase.name));
        let names = names.chain(self.skills.iter().map(|skill| &skill.name));
        for name in names.chain(self.rewards.iter().map(|reward| &reward.name)) {
            within("the number of characters of a name", name.chars().count(), 1, 64)?;
        }
        for phase in &self.phases {
            within("percent of a phase", phase.percent, 1, 100)?;
        }
        for skill in &self.skills {
            within("damage of a skill", skill.damage, 1, 1_000_000_000)?;
            within("crit_percent of a skill", skill.crit_percent, 0, 100)?;
            within("crit_damage_percent of a skill", skill.crit_damage_percent, 100, 1_000)?;
            within("cooldown_ms of a skill", skill.cooldown_ms, 0, 3_600_000)?;
        }
        for reward in &self.rewards {
            within("top_percent of a reward", reward.top_percent, 1, 100)?;
            within("chance_percent of a reward", reward.chance_percent, 1, 100)?;
        }
        Ok(())
    }
}

fn within<T: Copy + PartialOrd + std::fmt::Display>(
    field: &str,
    number: T,
    min: T,
    max: T,
) -> Result<(), String> {
    if min <= number && number <= max {
        return Ok(());
    }
    Err(format!("{field} is {number}, expected {min} to {max}; correct the scenario"))
}

/// A part of a fight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// It begins when HP falls to this percentage of `hp_max`.
    pub percent: u8,
}

/// Something a player can do to the boss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Skill {
    /// Its number in a Hit.
    pub id: SkillId,
    /// Its name.
    pub name: String,
    /// Damage of a plain hit.
    pub damage: u32,
    /// How many of a hundred hits are critical.
    pub crit_percent: u8,
    /// Damage of a critical hit, as a percentage of a plain one.
    pub crit_damage_percent: u16,
    /// Milliseconds from one use to the next. Zero for the basic skill, which has a rate instead.
    pub cooldown_ms: u32,
}

/// How fast the fight's clocks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Timing {
    /// Milliseconds of a shard's tick.
    pub tick_ms: u16,
    /// Seconds that closing the books waits for journals which were not heard.
    pub collect_s: u16,
    /// Seconds from the rewards to the next generation.
    pub respawn_s: u16,
}

ucore::codes! {
    /// What closing the books does about journals that entered, and have not said all. Whatever it
    /// is, the damage that was counted of them stays counted.
    Missing: u8 {
        /// It waits [`Timing::collect_s`] for all of them: damage that they still bring counts.
        Apply = 1,
        /// It waits for those alone that are heard: damage that the others still bring is late.
        Discard = 2,
    }
}

impl Missing {
    /// Its name in scenario files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Discard => "discard",
        }
    }
}

/// Something that a player may win when the boss falls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Reward {
    /// Its number, which players' profiles keep.
    pub id: RewardId,
    /// Its name.
    pub name: String,
    /// Who may win it: the best of a hundred players, rounded up. 100 are all.
    pub top_percent: u8,
    /// How many of a hundred of them win it.
    pub chance_percent: u8,
}

ucore::replaced_whole!(BossSpec);
