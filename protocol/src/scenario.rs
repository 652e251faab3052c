//! Scenario files: what a boss is. TOML in, checked once, with the key and line of every mistake.

use crate::limits::{
    HP_MAX, PHASES_MAX, REWARDS_MAX, SCENARIO_BYTES_MAX, SKILLS_MAX, TICK_MS_MAX, TICK_MS_MIN,
};
use crate::{BossId, BossSpec, Missing, Phase, Reward, RewardId, Skill, SkillId, Timing};
use serde::Deserialize;
use std::ops::RangeInclusive;
use toml::Spanned;

/// A checked scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The boss.
    pub id: BossId,
    /// What it is.
    pub spec: BossSpec,
}

/// A mistake in a scenario file. The text names line, key and cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScenarioError(String);

impl Scenario {
    /// The scenario that `worldboss` brings along.
    #[must_use]
    pub fn default_text() -> &'static str {
        include_str!("default-scenario.toml")
    }

    /// Reads and checks a scenario.
    ///
    /// # Errors
    /// The first mistake, with its line and key and what would be right.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        if text.len() > SCENARIO_BYTES_MAX {
            let (len, max) = (text.len(), SCENARIO_BYTES_MAX);
            return Err(ScenarioError(format!("the file has {len} bytes, at most {max} are read")));
        }
        let file: File = toml::from_str(text).map_err(|error| ScenarioError(error.to_string()))?;
        Check { text }.file(file)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    boss: BossTable,
    phase: Spanned<Vec<PhaseTable>>,
    skill: Spanned<Vec<SkillTable>>,
    #[serde(default)]
    timing: TimingTable,
    #[serde(default)]
    settlement: SettlementTable,
    reward: Option<Spanned<Vec<RewardTable>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BossTable {
    id: Spanned<u32>,
    name: Spanned<String>,
    hp_max: Spanned<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PhaseTable {
    name: Spanned<String>,
    percent: Spanned<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SkillTable {
    id: Spanned<u8>,
    name: Spanned<String>,
    damage: Spanned<u32>,
    crit_percent: Option<Spanned<u8>>,
    crit_damage_percent: Option<Spanned<u16>>,
    cooldown_ms: Option<Spanned<u32>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct TimingTable {
    tick_ms: Option<Spanned<u16>>,
    collect_s: Option<Spanned<u16>>,
    respawn_s: Option<Spanned<u16>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct SettlementTable {
    missing: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RewardTable {
    id: Spanned<u8>,
    name: Spanned<String>,
    top_percent: Option<Spanned<u8>>,
    chance_percent: Option<Spanned<u8>>,
}

/// Checks values against their ranges; the text turns a position into a line.
struct Check<'a> {
    text: &'a str,
}

impl Check<'_> {
    fn file(&self, file: File) -> Result<Scenario, ScenarioError> {
        let id = BossId(self.range("boss.id", &file.boss.id, 1..=u32::MAX)?);
        let name = self.name("boss.name", file.boss.name)?;
        let hp_max = self.range("boss.hp_max", &file.boss.hp_max, 1..=HP_MAX)?;
        let phases = self.phases(file.phase)?;
        let skills = self.skills(file.skill)?;
        let timing = self.timing(&file.timing)?;
        let missing = self.missing(file.settlement.missing.as_ref())?;
        let rewards = file.reward.map_or(Ok(Vec::new()), |tables| self.rewards(tables))?;
        let spec = BossSpec { name, hp_max, phases, skills, timing, missing, rewards };
        Ok(Scenario { id, spec })
    }

    fn timing(&self, table: &TimingTable) -> Result<Timing, ScenarioError> {
        let TimingTable { tick_ms, collect_s, respawn_s } = table;
        let seconds = 1..=3_600;
        Ok(Timing {
            tick_ms: self.optional(
                "timing.tick_ms",
                tick_ms.as_ref(),
                100,
                TICK_MS_MIN..=TICK_MS_MAX,
            )?,
            collect_s: self.optional(
                "timing.collect_s",
                collect_s.as_ref(),
                30,
                seconds.clone(),
            )?,
            respawn_s: self.optional("timing.respawn_s", respawn_s.as_ref(), 5, seconds)?,
        })
    }

    fn missing(&self, name: Option<&Spanned<String>>) -> Result<Missing, ScenarioError> {
        let Some(name) = name else { return Ok(Missing::Apply) };
        let known = Missing::ALL.iter().find(|policy| policy.name() == name.get_ref());
        known.copied().ok_or_else(|| {
            let wrong = name.get_ref();
            let what =
                format!("`settlement.missing` is \"{wrong}\", expected \"apply\" or \"discard\"");
            self.at(name, &what)
        })
    }

    fn rewards(&self, tables: Spanned<Vec<RewardTable>>) -> Result<Vec<Reward>, ScenarioError> {
        self.count("reward", &tables, tables.get_ref().len(), REWARDS_MAX)?;
        let mut rewards: Vec<Reward> = Vec::new();
        for table in tables.into_inner() {
            let id = RewardId(self.range("reward.id", &table.id, 1..=u8::MAX)?);
            if rewards.iter().any(|other| other.id == id) {
                return Err(self.at(&table.id, &format!("`reward.id` {id} is used twice")));
            }
            let (top, chance) = (table.top_percent.as_ref(), table.chance_percent.as_ref());
            rewards.push(Reward {
                id,
                top_percent: self.optional("reward.top_percent", top, 100, 1..=100)?,
                chance_percent: self.optional("reward.chance_percent", chance, 100, 1..=100)?,
                name: self.name("reward.name", table.name)?,
            });
        }
        Ok(rewards)
    }

    fn phases(&self, tables: Spanned<Vec<PhaseTable>>) -> Result<Vec<Phase>, ScenarioError> {
        self.count("phase", &tables, tables.get_ref().len(), PHASES_MAX)?;
        let mut phases: Vec<Phase> = Vec::new();
        for table in tables.into_inner() {
            let max = phases.last().map_or(100, |above| above.percent.saturating_sub(1));
            let min = if phases.is_empty() { 100 } else { 1 };
            let percent =
                self.range("phase.percent", &table.percent, min..=max).map_err(|error| {
                    ScenarioError(format!("{error}; the first phase begins at 100, each one lower"))
                })?;
            phases.push(Phase { name: self.name("phase.name", table.name)?, percent });
        }
        Ok(phases)
    }

    fn skills(&self, tables: Spanned<Vec<SkillTable>>) -> Result<Vec<Skill>, ScenarioError> {
        self.count("skill", &tables, tables.get_ref().len(), SKILLS_MAX)?;
        let mut skills: Vec<Skill> = Vec::new();
        for table in tables.into_inner() {
            let id = SkillId(self.range("skill.id", &table.id, 1..=u8::MAX)?);
            if skills.iter().any(|other| other.id == id) {
                return Err(self.at(&table.id, &format!("`skill.id` {id} is used twice")));
            }
            let cooldown = table.cooldown_ms.as_ref();
            // The basic skill is limited by its rate alone, every other one by its cooldown.
            let (default, range) =
                if skills.is_empty() { (0, 0..=0) } else { (1_000, 1..=3_600_000) };
            let cooldown_ms = self.optional("skill.cooldown_ms", cooldown, default, range)?;
            let (crit, factor) = (table.crit_percent.as_ref(), table.crit_damage_percent.as_ref());
            skills.push(Skill {
                id,
                damage: self.range("skill.damage", &table.damage, 1..=1_000_000_000)?,
                crit_percent: self.optional("skill.crit_percent", crit, 0, 0..=100)?,
                crit_damage_percent: self.optional(
                    "skill.crit_damage_percent",
                    factor,
                    200,
                    100..=1_000,
                )?,
                cooldown_ms,
                name: self.name("skill.name", table.name)?,
            });
        }
        Ok(skills)
    }

    fn count<T>(
        &self,
        key: &str,
        at: &Spanned<T>,
        len: usize,
        max: usize,
    ) -> Result<(), ScenarioError> {
        if (1..=max).contains(&len) {
            return Ok(());
        }
        Err(self.at(at, &format!("there are {len} `[[{key}]]`, expected 1 to {max}")))
    }

    fn name(&self, key: &str, name: Spanned<String>) -> Result<String, ScenarioError> {
        let chars = name.get_ref().chars().count();
        if name.get_ref().chars().any(char::is_control) {
            return Err(self.at(&name, &format!("`{key}` has a control character")));
        }
        if (1..=64).contains(&chars) {
            return Ok(name.into_inner());
        }
        Err(self.at(&name, &format!("`{key}` has {chars} characters, expected 1 to 64")))
    }

    fn range<T: Copy + PartialOrd + std::fmt::Display>(
        &self,
        key: &str,
        value: &Spanned<T>,
        range: RangeInclusive<T>,
    ) -> Result<T, ScenarioError> {
        let number = *value.get_ref();
        if range.contains(&number) {
            return Ok(number);
        }
        let (min, max) = range.into_inner();
        Err(self.at(value, &format!("`{key}` is {number}, expected {min} to {max}")))
    }

    fn optional<T: Copy + PartialOrd + std::fmt::Display>(
        &self,
        key: &str,
        value: Option<&Spanned<T>>,
        default: T,
        range: RangeInclusive<T>,
    ) -> Result<T, ScenarioError> {
        value.map_or(Ok(default), |value| self.range(key, value, range))
    }

    fn at<T>(&self, value: &Spanned<T>, what: &str) -> ScenarioError {
        let line = 1 + self.text[..value.span().start].matches('\n').count();
        ScenarioError(format!("line {line}: {what}"))
    }
}
