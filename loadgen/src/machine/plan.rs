//! The plan of a load: who plays when, where and how. It follows from the configuration alone, so
//! that two runs of one seed do the same, whatever they are answered.

use super::arrivals::RATE_MAX;
use super::{Arrivals, BotConfig, Cheat, Frames, Profile, Rates, Schedule, Stage, Stages};
use protocol::Micros;
use protocol::limits::NAME_CHARS_MAX;
use std::collections::VecDeque;
use xxhash_rust::xxh64::Xxh64;

/// Without stages, from one new connection to a target to the next: 500 a second.
pub const CONNECT_GAP: Micros = Micros::from_millis(2);
/// Planned hits of each player that the fingerprint covers.
const FINGERPRINT_HITS: usize = 100;
/// Hits a second of who cheats with its rate.
const CHEAT_RATE: f64 = 20.0;
/// Players of a load, those included that come when others have left.
const PLAYERS_MAX: u64 = 10_000_000;

/// What a plan follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanConfig {
    /// How many targets there are.
    pub targets: usize,
    /// Players, if there are no stages.
    pub players: u32,
    /// Hits per player and second on average, at most [`RATE_MAX`], where stages and profiles do
    /// not say otherwise.
    pub rate: f64,
    /// How long the load lasts, if there are no stages.
    pub duration: Micros,
    /// How hits come, where stages and profiles do not say otherwise.
    pub arrivals: Arrivals,
    /// Whether players use skills with a cooldown, too, where their profile does not say it.
    pub mix: bool,
    /// Which state frames players ask for, where their profile does not say it.
    pub frames: Frames,
    /// The players' names are this, a hyphen and a number.
    pub names: String,
    /// The seed of everything random.
    pub seed: u64,
    /// Players that come and go over time.
    pub stages: Option<Stages>,
}

impl Default for PlanConfig {
    /// A hundred players who hit twice a second for half a minute.
    fn default() -> Self {
        Self {
            targets: 1,
            players: 100,
            rate: 2.0,
            duration: Micros::from_millis(30_000),
            arrivals: Arrivals::Poisson,
            mix: false,
            frames: Frames::Every,
            names: "load".to_owned(),
            seed: 0,
            stages: None,
        }
    }
}

/// A configuration that makes no sense. The text names the cure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(String);

/// A player of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Seat {
    /// What it is like, and when it is there.
    pub config: BotConfig,
    /// The seed of everything random about it.
    pub seed: u64,
}

/// Who plays when, where and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    config: PlanConfig,
    stages: Vec<Stage>,
    seats: Vec<Seat>,
}

impl PlanConfig {
    fn check(&self) -> Result<(), PlanError> {
        let refuse = |why: String| Err(PlanError(why));
        if self.targets == 0 {
            return refuse("there is no target, expected at least one".to_owned());
        }
        if self.players == 0 && self.stages.is_none() {
            return refuse("there are 0 players, expected at least 1".to_owned());
        }
        if !(0.0..=RATE_MAX).contains(&self.rate) {
            let rate = self.rate;
            return refuse(format!("the rate is {rate} hits/s, admission allows 0 to {RATE_MAX}"));
        }
        let players = self.stages().iter().fold((0, 0_u64), |(before, sum), stage| {
            (stage.players, sum + u64::from(stage.players.saturating_sub(before)))
        });
        if players.1 > PLAYERS_MAX {
            let come = players.1;
            return refuse(format!("{come} players come in all stages, at most {PLAYERS_MAX} may"));
        }
        let name = self.name(players.1.saturating_sub(1));
        let chars = name.chars().count();
        let has_control = name.chars().any(char::is_control) || name.trim() != name;
        if chars > NAME_CHARS_MAX || has_control {
            let max = NAME_CHARS_MAX;
            return refuse(format!("the name `{name}` is no name of at most {max} characters"));
        }
        Ok(())
    }

    /// How hits come, where profiles do not say otherwise.
    #[must_use]
    pub fn arrivals(&self) -> Arrivals {
        self.stages.as_ref().and_then(|file| file.arrivals).unwrap_or(self.arrivals)
    }

    /// Hits per player and second over the whole load, where profiles do not say otherwise.
    #[must_use]
    pub fn mean_rate(&self) -> f64 {
        let (mut before, mut rate, mut hits, mut time) = (0_u32, self.rate, 0.0, 0.0);
        for stage in self.stages() {
            rate = stage.rate.unwrap_or(rate);
            let from = if self.stages.is_some() { before } else { stage.players };
            let players = f64::midpoint(from.into(), stage.players.into());
            let player_time = players * stage.duration.0 as f64;
            (hits, time) = (hits + rate * player_time, time + player_time);
            before = stage.players;
        }
        if time > 0.0 { hits / time } else { self.rate }
    }

    /// The most players that are there at once.
    #[must_use]
    pub fn most_players(&self) -> u64 {
        self.stages().iter().map(|stage| u64::from(stage.players)).max().unwrap_or(0)
    }

    /// How long the load lasts.
    #[must_use]
    pub fn lasts(&self) -> Micros {
        self.stages().iter().fold(Micros(0), |sum, stage| sum + stage.duration)
    }

    fn name(&self, number: u64) -> String {
        format!("{}-{number}", self.names)
    }

    /// The stages; without any, one that has all players from its start.
    fn stages(&self) -> Vec<Stage> {
        let (duration, players, rate) = (self.duration, self.players, Some(self.rate));
        let only = Stage { duration, players, rate };
        self.stages.as_ref().map_or_else(|| vec![only], |file| file.stages.clone())
    }

    /// The rates of players whose profile names none.
    fn rates(&self) -> Rates {
        let (mut at, mut rate) = (Micros(0), self.rate);
        let steps = self.stages().into_iter().map(|stage| {
            rate = stage.rate.unwrap_or(rate);
            let step = (at, rate);
            at = at + stage.duration;
            step
        });
        Rates::steps(steps.collect())
    }
}

/// When a player is there, since the load's start.
#[derive(Debug, Clone, Copy)]
struct Visit {
    from: Micros,
    until: Option<Micros>,
}

impl Plan {
    /// Plans a load.
    ///
    /// # Errors
    /// [`PlanError`] if there are no players or targets, or if a rate or name is out of bounds.
    pub fn new(config: &PlanConfig) -> Result<Self, PlanError> {
        config.check()?;
        let stages = config.stages();
        let visits = match config.stages {
            Some(_) => visits(&stages),
            None => (0..config.players).map(|_| Visit { from: Micros(0), until: None }).collect(),
        };
        let seats = Seating::new(config).seats(&visits);
        Ok(Self { config: config.clone(), stages, seats })
    }

    /// All players, those that come first at the front.
    #[must_use]
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Whether the load begins with the run, as with stages: then every bot is started at the zero
    /// of the driver's clock, from which `connects` counts. If not, it begins when all players are
    /// in.
    #[must_use]
    pub fn begins_at_once(&self) -> bool {
        self.config.stages.is_some()
    }

    /// How long the load lasts.
    #[must_use]
    pub fn duration(&self) -> Micros {
        self.config.lasts()
    }

    /// How many players are meant to have come, so long after the load's start.
    #[must_use]
    pub fn begun(&self, at: Micros) -> u32 {
        let begun = self.seats.partition_point(|seat| seat.config.from <= at);
        u32::try_from(begun).expect("players are bounded")
    }

    /// How many players are meant to be there, so long after the load's start. One that is away for
    /// a while is there.
    #[must_use]
    pub fn expected(&self, at: Micros) -> u32 {
        if !self.begins_at_once() {
            return self.config.players;
        }
        let (mut begin, mut before) = (Micros(0), 0_u32);
        for stage in &self.stages {
            let passed = at.since(begin);
            if passed < stage.duration {
                let change = u64::from(before.abs_diff(stage.players));
                let part = u128::from(change) * u128::from(passed.0);
                let part = part / u128::from(stage.duration.0);
                let part = u32::try_from(part).expect("a part of a change of at most u32");
                let is_more = stage.players > before;
                return if is_more { before + part } else { before - part };
            }
            (begin, before) = (begin + stage.duration, stage.players);
        }
        before
    }

    /// 16 hexadecimal digits that two runs share if they plan the same: over the configuration and
    /// each player's first hits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Xxh64::new(0);
        hash.update(format!("{:?}", self.config).as_bytes());
        for Seat { config, seed } in &self.seats {
            let mut schedule = Schedule::new(config, *seed);
            schedule.start(Micros(0));
            for _ in 0..FINGERPRINT_HITS {
                let Some(planned) = schedule.take(Micros(u64::MAX)) else { break };
                // Of players who wait for answers, as if they came at once.
                schedule.go_on(planned.at);
                hash.update(&planned.at.0.to_le_bytes());
                hash.update(&planned.wish.code().to_le_bytes());
            }
        }
        format!("{:016x}", hash.digest())
    }
}

/// The visits of all players: they come and go evenly in each stage, and who came first leaves
/// first.
fn visits(stages: &[Stage]) -> Vec<Visit> {
    let mut visits: Vec<Visit> = Vec::new();
    let (mut present, mut begin, mut before) = (VecDeque::new(), Micros(0), 0_u32);
    for stage in stages {
        let change = before.abs_diff(stage.players);
        for number in 1..=change {
            let part = u128::from(number) * u128::from(stage.duration.0);
            let part = part.div_ceil(u128::from(change));
            let at = begin + Micros(u64::try_from(part).expect("a part of the duration"));
            if stage.players > before {
                present.push_back(visits.len());
                visits.push(Visit { from: at, until: None });
            } else if let Some(leaves) = present.pop_front() {
                visits[leaves].until = Some(at);
            }
        }
        (begin, before) = (begin + stage.duration, stage.players);
    }
    visits
}

/// Gives the players their profiles and targets.
struct Seating<'a> {
    config: &'a PlanConfig,
    profiles: Vec<Profile>,
    rates: Rates,
    /// For each target, players who get what can be seen.
    seen: Vec<u32>,
    seeds: fastrand::Rng,
}

impl<'a> Seating<'a> {
    fn new(config: &'a PlanConfig) -> Self {
        let mut profiles =
            config.stages.as_ref().map_or_else(Vec::new, |file| file.profiles.clone());
        if profiles.is_empty() {
            profiles.push(Profile { share: 1, ..Profile::default() });
        }
        let seen = vec![0; config.targets];
        let seeds = fastrand::Rng::with_seed(config.seed);
        Self { config, profiles, rates: config.rates(), seen, seeds }
    }

    fn seats(mut self, visits: &[Visit]) -> Vec<Seat> {
        let numbers = 0..u64::MAX;
        let seats = numbers.zip(visits).map(|(number, visit)| {
            let config = self.player(number, *visit);
            Seat { config, seed: self.seeds.u64(..) }
        });
        seats.collect()
    }

    fn player(&mut self, number: u64, visit: Visit) -> BotConfig {
        let profile = pick(&self.profiles, number).clone();
        let (config, targets) = (self.config, self.config.targets as u64);
        let target = usize::try_from(number % targets).expect("less than a usize");
        let connects = match &config.stages {
            Some(_) => visit.from,
            None => Micros(CONNECT_GAP.0 * (number / targets)),
        };
        let arrivals = profile.arrivals.unwrap_or(config.arrivals());
        let bot = BotConfig {
            target,
            targets: config.targets,
            connects,
            from: visit.from,
            until: visit.until,
            arrivals,
            mix: profile.mix.unwrap_or(config.mix),
            every: self.every(target, &profile),
            churn: profile.churn,
            reads_every: profile.reads_every,
            cheat: profile.cheats,
            ..BotConfig::new(config.name(number), 0.0)
        };
        match (profile.cheats, profile.rate) {
            (Some(Cheat::Rate), _) => BotConfig {
                arrivals: Arrivals::Poisson,
                rates: Rates::constant(CHEAT_RATE),
                mix: false,
                ..bot
            },
            (_, Some(rate)) => BotConfig { rates: Rates::constant(rate), ..bot },
            (_, None) => BotConfig { rates: self.rates.clone(), ..bot },
        }
    }

    /// Who reads slowly is no witness of anything.
    fn every(&mut self, target: usize, profile: &Profile) -> u8 {
        match (profile.frames.unwrap_or(self.config.frames), profile.reads_every) {
            (Frames::Every, _) => 1,
            (Frames::Seen, Some(_)) => 0,
            (Frames::Seen, None) => {
                self.seen[target] += 1;
                Frames::Seen.every(self.seen[target] - 1)
            }
        }
    }
}

/// The profile of a player. Multiples of the golden ratio lie evenly in the whole, and so do every
/// second, third, ... of them: profiles come in their shares from the first players on, and on each
/// target.
fn pick(profiles: &[Profile], number: u64) -> &Profile {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let sum: u128 = profiles.iter().map(|profile| u128::from(profile.share)).sum();
    let mut at = (u128::from(number.wrapping_mul(GOLDEN)) * sum) >> 64;
    for profile in profiles {
        let share = u128::from(profile.share);
        if at < share {
            return profile;
        }
        at -= share;
    }
    profiles.last().expect("a plan has a profile")
}
