//! Stage files: how many players a load has over time, and what they are like. TOML in, checked
//! once, with the key and line of every mistake.

use super::arrivals::RATE_MAX;
use super::{Arrivals, Cheat, Churn, Frames, Returns};
use protocol::Micros;
use serde::Deserialize;
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::Spanned;

/// Bytes of a stage file. Longer: refused.
const BYTES_MAX: usize = 64 * 1024;
/// Stages of a file. More: refused.
const STAGES_MAX: usize = 256;
/// Profiles of a file. More: refused.
const PROFILES_MAX: usize = 32;
/// The largest weight of a profile.
const SHARE_MAX: u32 = 1_000_000;
/// Players of one stage. More: refused.
const PLAYERS_MAX: u32 = 1_000_000;

/// A checked stage file.
#[derive(Debug, Clone, PartialEq)]
pub struct Stages {
    /// How hits come, if the file says it.
    pub arrivals: Option<Arrivals>,
    /// One after the other; at least one.
    pub stages: Vec<Stage>,
    /// What the players are like. None: all as the command line says.
    pub profiles: Vec<Profile>,
}

/// A part of a load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// How long it lasts.
    pub duration: Micros,
    /// The players at its end. They come or go evenly from those of the stage before, at first 0.
    pub players: u32,
    /// Hits a second of each player. None: as in the stage before.
    pub rate: Option<f64>,
}

/// What a part of the players is like. None: as the command line says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// What it is called.
    pub name: String,
    /// Its weight among the profiles.
    pub share: u32,
    /// Hits a second in all stages; 0 for those who watch.
    pub rate: Option<f64>,
    /// How its hits come.
    pub arrivals: Option<Arrivals>,
    /// Whether it uses skills with a cooldown, too.
    pub mix: Option<bool>,
    /// Which state frames it asks for.
    pub frames: Option<Frames>,
    /// Whether it comes and goes.
    pub churn: Option<Churn>,
    /// It reads what has come, and then nothing for so long.
    pub reads_every: Option<Micros>,
    /// What it tries that a shard must not let through.
    pub cheats: Option<Cheat>,
}

/// A mistake in a stage file. The text names line, key and cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StagesError(String);

impl Stages {
    /// Reads and checks a stage file.
    ///
    /// # Errors
    /// The first mistake, with its line and key and what would be right.
    pub fn parse(text: &str) -> Result<Self, StagesError> {
        if text.len() > BYTES_MAX {
            let len = text.len();
            let what = format!("the file has {len} bytes, at most {BYTES_MAX} are read");
            return Err(StagesError(what));
        }
        let file: File = toml::from_str(text).map_err(|error| StagesError(error.to_string()))?;
        Check { text }.file(file)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    arrivals: Option<Spanned<String>>,
    stage: Spanned<Vec<StageTable>>,
    profile: Option<Spanned<Vec<ProfileTable>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StageTable {
    duration: Spanned<String>,
    players: Spanned<u32>,
    rate: Option<Spanned<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileTable {
    name: Spanned<String>,
    share: Spanned<u32>,
    rate: Option<Spanned<f64>>,
    arrivals: Option<Spanned<String>>,
    skills: Option<Spanned<String>>,
    frames: Option<Spanned<String>>,
    leaves_every: Option<Spanned<String>>,
    away: Option<Spanned<String>>,
    returns: Option<Spanned<String>>,
    reads_every: Option<Spanned<String>>,
    cheats: Option<Spanned<String>>,
}

/// Checks values against their ranges; the text turns a position into a line.
struct Check<'a> {
    text: &'a str,
}

impl Check<'_> {
    fn file(&self, file: File) -> Result<Stages, StagesError> {
        let arrivals = self.arrivals("arrivals", file.arrivals.as_ref())?;
        self.count("stage", &file.stage, file.stage.get_ref().len(), STAGES_MAX)?;
        let stages = file.stage.get_ref().iter().map(|table| self.stage(table));
        let stages: Vec<_> = stages.collect::<Result<_, _>>()?;
        if stages.iter().all(|stage| stage.players == 0) {
            let what = "no `[[stage]]` has `players`, expected at least 1 in one of them";
            return Err(self.at(&file.stage, what));
        }
        let mut profiles: Vec<Profile> = Vec::new();
        if let Some(tables) = file.profile {
            self.count("profile", &tables, tables.get_ref().len(), PROFILES_MAX)?;
            for table in tables.get_ref() {
                let profile = self.profile(table)?;
                if profiles.iter().any(|other| other.name == profile.name) {
                    let what = format!("`profile.name` \"{}\" is used twice", profile.name);
                    return Err(self.at(&table.name, &what));
                }
                profiles.push(profile);
            }
        }
        Ok(Stages { arrivals, stages, profiles })
    }

    fn stage(&self, table: &StageTable) -> Result<Stage, StagesError> {
        let durations = SECOND..=Micros(24 * 3_600 * SECOND.0);
        Ok(Stage {
            duration: self.duration("stage.duration", &table.duration, durations)?,
            players: self.range("stage.players", &table.players, 0..=PLAYERS_MAX)?,
            rate: self.rate("stage.rate", table.rate.as_ref())?,
        })
    }

    fn profile(&self, table: &ProfileTable) -> Result<Profile, StagesError> {
        let name = table.name.get_ref();
        let is_short = (1..=24).contains(&name.chars().count());
        if !is_short || name.chars().any(char::is_control) {
            let what = "`profile.name` has to have 1 to 24 characters, none of them a control";
            return Err(self.at(&table.name, what));
        }
        let skills = [("basic", false), ("mix", true)];
        let frames = [("every", Frames::Every), ("seen", Frames::Seen)];
        let cheats = Cheat::ALL.map(|cheat| (cheat.name(), cheat));
        let pause = Micros(SECOND.0 / 10)..=Micros(60 * SECOND.0);
        let profile = Profile {
            name: name.clone(),
            share: self.range("profile.share", &table.share, 1..=SHARE_MAX)?,
            rate: self.rate("profile.rate", table.rate.as_ref())?,
            arrivals: self.arrivals("profile.arrivals", table.arrivals.as_ref())?,
            mix: self.choice("profile.skills", table.skills.as_ref(), &skills)?,
            frames: self.choice("profile.frames", table.frames.as_ref(), &frames)?,
            churn: self.churn(table)?,
            reads_every: match &table.reads_every {
                Some(text) => Some(self.duration("profile.reads_every", text, pause)?),
                None => None,
            },
            cheats: self.choice("profile.cheats", table.cheats.as_ref(), &cheats)?,
        };
        self.cheats(table, &profile)?;
        Ok(profile)
    }

    fn churn(&self, table: &ProfileTable) -> Result<Option<Churn>, StagesError> {
        let choices = [("resume", Returns::Resume), ("move", Returns::Move)];
        let returns = self.choice("profile.returns", table.returns.as_ref(), &choices)?;
        let Some(every) = &table.leaves_every else {
            let lonely = [("away", &table.away), ("returns", &table.returns)];
            return match lonely.iter().find_map(|(key, at)| Some((key, at.as_ref()?))) {
                None => Ok(None),
                Some((key, at)) => {
                    let what =
                        format!("`profile.{key}` says nothing without `profile.leaves_every`");
                    Err(self.at(at, &what))
                }
            };
        };
        let longest = Micros(3_600 * SECOND.0);
        let every = self.duration("profile.leaves_every", every, SECOND..=longest)?;
        let away = match &table.away {
            Some(away) => self.duration("profile.away", away, Micros(SECOND.0 / 10)..=longest)?,
            None => SECOND,
        };
        Ok(Some(Churn { every, away, returns: returns.unwrap_or(Returns::Resume) }))
    }

    /// What can't be together with a way of cheating.
    fn cheats(&self, table: &ProfileTable, profile: &Profile) -> Result<(), StagesError> {
        if let (Some(at), Some(_)) = (&table.reads_every, profile.cheats) {
            let what =
                "`profile.reads_every` is there, and who cheats has to read what comes of it";
            return Err(self.at(at, what));
        }
        match profile.cheats {
            Some(Cheat::Rate) => {
                let cure = "a profile that cheats by \"rate\" sends 20 basic hits a second; leave";
                if let Some(rate) = &table.rate {
                    return Err(self.at(rate, &format!("{cure} `profile.rate` out")));
                }
                let texts = [("arrivals", &table.arrivals), ("skills", &table.skills)];
                match texts.iter().find_map(|(key, at)| Some((key, at.as_ref()?))) {
                    Some((key, at)) => Err(self.at(at, &format!("{cure} `profile.{key}` out"))),
                    None => Ok(()),
                }
            }
            Some(Cheat::Replay) => match &table.rate {
                Some(rate) if *rate.get_ref() <= 0.0 => {
                    let what = "`profile.rate` is 0, and who cheats by \"replay\" has to hit";
                    Err(self.at(rate, what))
                }
                _ => Ok(()),
            },
            Some(Cheat::Frames) | None => Ok(()),
        }
    }

    fn count<T>(
        &self,
        key: &str,
        at: &Spanned<T>,
        len: usize,
        max: usize,
    ) -> Result<(), StagesError> {
        if (1..=max).contains(&len) {
            return Ok(());
        }
        Err(self.at(at, &format!("there are {len} `[[{key}]]`, expected 1 to {max}")))
    }

    fn arrivals(
        &self,
        key: &str,
        text: Option<&Spanned<String>>,
    ) -> Result<Option<Arrivals>, StagesError> {
        let Some(text) = text else { return Ok(None) };
        match text.get_ref().parse() {
            Ok(arrivals) => Ok(Some(arrivals)),
            Err(error) => Err(self.at(text, &format!("`{key}`: {error}"))),
        }
    }

    fn rate(&self, key: &str, rate: Option<&Spanned<f64>>) -> Result<Option<f64>, StagesError> {
        rate.map(|rate| self.range(key, rate, 0.0..=RATE_MAX)).transpose()
    }

    fn duration(
        &self,
        key: &str,
        text: &Spanned<String>,
        range: RangeInclusive<Micros>,
    ) -> Result<Micros, StagesError> {
        let duration = humantime::parse_duration(text.get_ref()).map(Micros::from);
        if let Some(duration) = duration.ok().filter(|duration| range.contains(duration)) {
            return Ok(duration);
        }
        let human = |at: &Micros| humantime::format_duration(Duration::from_micros(at.0));
        let (wrong, min, max) = (text.get_ref(), human(range.start()), human(range.end()));
        let what = format!("`{key}` is \"{wrong}\", expected {min} to {max}, such as \"30s\"");
        Err(self.at(text, &what))
    }

    fn choice<T: Copy>(
        &self,
        key: &str,
        text: Option<&Spanned<String>>,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, StagesError> {
        let Some(text) = text else { return Ok(None) };
        if let Some((_, choice)) = choices.iter().find(|(name, _)| name == text.get_ref()) {
            return Ok(Some(*choice));
        }
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let (wrong, names) = (text.get_ref(), names.join(" or "));
        Err(self.at(text, &format!("`{key}` is \"{wrong}\", expected {names}")))
    }

    fn range<T: Copy + PartialOrd + std::fmt::Display>(
        &self,
        key: &str,
        value: &Spanned<T>,
        range: RangeInclusive<T>,
    ) -> Result<T, StagesError> {
        let number = *value.get_ref();
        if range.contains(&number) {
            return Ok(number);
        }
        let (min, max) = range.into_inner();
        Err(self.at(value, &format!("`{key}` is {number}, expected {min} to {max}")))
    }

    fn at<T>(&self, value: &Spanned<T>, what: &str) -> StagesError {
        let line = 1 + self.text[..value.span().start].matches('\n').count();
        StagesError(format!("line {line}: {what}"))
    }
}

const SECOND: Micros = Micros::from_millis(1_000);
