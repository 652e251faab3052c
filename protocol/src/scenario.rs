//! Scenario files: what a boss is. TOML in, checked once, with the key and line of every mistake.

use crate::limits::{HP_MAX, PHASES_MAX, SCENARIO_BYTES_MAX, SKILLS_MAX};
use crate::{BossId, SkillId};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use toml::Spanned;
use ucore::{Wire, int53};

/// A checked scenario file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The boss.
    pub id: BossId,
    /// What it is.
    pub spec: BossSpec,
}

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
    /// Seconds from closed books to the next generation.
    pub respawn_s: u16,
}

ucore::replaced_whole!(BossSpec);

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
        let timing = file.timing;
        let timing = Timing {
            tick_ms: self.optional("timing.tick_ms", timing.tick_ms.as_ref(), 100, 20..=1_000)?,
            collect_s: self.optional(
                "timing.collect_s",
                timing.collect_s.as_ref(),
                30,
                1..=3_600,
            )?,
            respawn_s: self.optional(
                "timing.respawn_s",
                timing.respawn_s.as_ref(),
                5,
                1..=3_600,
            )?,
        };
        Ok(Scenario { id, spec: BossSpec { name, hp_max, phases, skills, timing } })
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
