//! The hits that one player plans: when, and with which skill. Answers change nothing of it.

use super::absences::Absences;
use super::{Arrivals, BotConfig, Rates};
use protocol::{Micros, Skill};

/// One of so many hits of a player with all skills wants one with a cooldown.
const SKILL_EVERY: u8 = 3;

/// Who is away at so many times in a row at which it would have hit plans nothing more.
const ATTEMPTS_MAX: u32 = 10_000;

/// A hit that a player wants to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// When.
    pub at: Micros,
    /// With what.
    pub wish: Wish,
}

/// The skill that a player wants to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// The basic one.
    Basic,
    /// One with a cooldown, or the basic one until it has cooled down. The number says which one,
    /// whatever skills the boss turns out to have.
    Skill(u32),
}

impl Wish {
    /// The skill among those with a cooldown.
    pub(super) fn choose(self, skills: &[Skill]) -> Option<&Skill> {
        match self {
            Self::Basic => None,
            Self::Skill(number) => {
                let len = u32::try_from(skills.len()).ok().filter(|len| *len > 0)?;
                usize::try_from(number % len).ok().and_then(|idx| skills.get(idx))
            }
        }
    }

    /// The wish as a number: 0 is the basic skill.
    pub(super) fn code(self) -> u64 {
        match self {
            Self::Basic => 0,
            Self::Skill(number) => 1 + u64::from(number),
        }
    }
}

/// The planned hits of one player. The same configuration and seed plan the same ones.
#[derive(Debug, Clone)]
pub struct Schedule {
    arrivals: Arrivals,
    rates: Rates,
    absences: Absences,
    until: Option<Micros>,
    times: fastrand::Rng,
    /// Of who uses skills with a cooldown, too.
    wishes: Option<fastrand::Rng>,
    /// When the load began.
    start: Option<Micros>,
    /// Since the load's start. None: nothing more, or not before an answer.
    next: Option<Planned>,
}

impl Schedule {
    /// What a player plans. Nothing is due before [`Self::start`].
    #[must_use]
    pub fn new(config: &BotConfig, seed: u64) -> Self {
        let mut seeds = fastrand::Rng::with_seed(seed);
        let (times, wishes) = (fastrand::Rng::with_seed(seeds.u64(..)), seeds.u64(..));
        let mut schedule = Self {
            arrivals: config.arrivals,
            rates: config.rates.clone(),
            absences: config.absences(seed),
            until: config.until,
            times,
            wishes: config.mix.then(|| fastrand::Rng::with_seed(wishes)),
            start: None,
            next: None,
        };
        schedule.plan(config.from);
        schedule
    }

    /// The load begins.
    pub fn start(&mut self, at: Micros) {
        self.start = Some(at);
    }

    /// Plans nothing more.
    pub fn stop(&mut self) {
        self.next = None;
        self.start = None;
    }

    /// When the next hit is due.
    #[must_use]
    pub fn next(&self) -> Option<Micros> {
        Some(self.start? + self.next?.at)
    }

    /// The next hit if it is due; then the one after it is planned.
    pub fn take(&mut self, now: Micros) -> Option<Planned> {
        let at = self.next().filter(|at| *at <= now)?;
        let planned = self.next.take()?;
        match self.arrivals {
            Arrivals::Poisson | Arrivals::Every(_) => self.plan(planned.at),
            Arrivals::Closed => {}
        }
        Some(Planned { at, wish: planned.wish })
    }

    /// Nothing is unanswered at the moment: who plans one hit after the other plans the next one.
    pub fn go_on(&mut self, now: Micros) {
        if let (Arrivals::Closed, None, Some(start)) = (self.arrivals, self.next, self.start) {
            self.plan(now.since(start));
        }
    }

    /// Plans the hit that comes after `from`.
    fn plan(&mut self, mut from: Micros) {
        self.next = None;
        for _ in 0..ATTEMPTS_MAX {
            let at = self.draw(from).filter(|at| self.until.is_none_or(|end| *at < end));
            let Some(at) = at else { return };
            while self.absences.next().is_some_and(|absence| absence.returns <= at) {
                self.absences.pass();
            }
            let Some(absence) = self.absences.next().filter(|absence| absence.covers(at)) else {
                self.next = Some(Planned { at, wish: self.wish() });
                return;
            };
            // What was drawn has no memory, so it can be drawn anew from there.
            from = absence.returns;
        }
    }

    fn draw(&mut self, from: Micros) -> Option<Micros> {
        match self.arrivals {
            Arrivals::Poisson | Arrivals::Closed => {
                let hits = -(1.0 - self.times.f64()).ln();
                self.rates.due(from, hits)
            }
            Arrivals::Every(period) => {
                let mut count = from.0 / period.0 + 1;
                // The moments at which the rate is zero are left out.
                while self.rates.at(Micros(count.saturating_mul(period.0))) <= 0.0 {
                    let at = Micros(count.saturating_mul(period.0));
                    count = self.rates.due(at, 0.0)?.0.div_ceil(period.0);
                }
                Some(Micros(count.saturating_mul(period.0)))
            }
        }
    }

    fn wish(&mut self) -> Wish {
        let Some(random) = &mut self.wishes else { return Wish::Basic };
        if random.u8(0..SKILL_EVERY) > 0 {
            return Wish::Basic;
        }
        Wish::Skill(random.u32(..))
    }
}
