//! Whether a player is there as planned: when it leaves, for a while or for good.

use super::absences::Absences;
use super::{BotConfig, Returns};
use protocol::Micros;

/// How long a player that leaves waits for its answers, and for the truth to count them.
const DRAIN_MAX: Micros = Micros::from_millis(5_000);

/// A player leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Departure {
    pub(super) at: Micros,
    /// When it comes back, and where; none for one that leaves for good.
    pub(super) back: Option<(Micros, Returns)>,
}

impl Departure {
    /// Whether it waits for what is unanswered.
    pub(super) fn drains(&self) -> bool {
        !matches!(self.back, Some((_, Returns::Resume)))
    }
}

/// The departures of one player.
#[derive(Debug)]
pub(super) struct Presence {
    /// When the load began; none before and after it, when nobody leaves.
    start: Option<Micros>,
    until: Option<Micros>,
    absences: Absences,
    returns: Returns,
    is_leaving: bool,
}

impl Presence {
    pub(super) fn new(config: &BotConfig, seed: u64) -> Self {
        Self {
            start: None,
            until: config.until,
            absences: config.absences(seed),
            returns: config.churn.map_or(Returns::Resume, |churn| churn.returns),
            is_leaving: false,
        }
    }

    pub(super) fn start(&mut self, at: Micros) {
        self.start = Some(at);
    }

    pub(super) fn stop(&mut self) {
        (self.start, self.is_leaving) = (None, false);
    }

    /// Whether the load goes on.
    pub(super) fn has_begun(&self) -> bool {
        self.start.is_some()
    }

    /// The next departure, or the one that has come. Who would not be back before its end leaves
    /// for good.
    pub(super) fn departure(&self) -> Option<Departure> {
        let start = self.start?;
        let end = self.until.map(|until| Departure { at: start + until, back: None });
        let Some(absence) = self.absences.next() else { return end };
        let at = start + absence.leaves;
        match self.until {
            Some(until) if until <= absence.leaves => end,
            Some(until) if until <= absence.returns => Some(Departure { at, back: None }),
            _ => Some(Departure { at, back: Some((start + absence.returns, self.returns)) }),
        }
    }

    /// The departure that has come. `begins` is true the first time.
    pub(super) fn leaving(&mut self, now: Micros) -> Option<(Departure, bool)> {
        let departure = self.departure().filter(|departure| departure.at <= now)?;
        let begins = !std::mem::replace(&mut self.is_leaving, true);
        Some((departure, begins))
    }

    /// Whether the player sends nothing new, because it is leaving.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving
    }

    /// Whether it has waited long enough for what is unanswered.
    pub(super) fn is_late(departure: &Departure, now: Micros) -> bool {
        departure.at + DRAIN_MAX <= now
    }

    /// When to look again.
    pub(super) fn wake_at(&self) -> Option<Micros> {
        let at = self.departure()?.at;
        Some(if self.is_leaving { at + DRAIN_MAX } else { at })
    }

    /// The player has left.
    pub(super) fn leave(&mut self) -> Option<Departure> {
        let departure = self.departure().filter(|_| self.is_leaving)?;
        self.is_leaving = false;
        self.absences.pass();
        Some(departure)
    }

    /// The player connects: absences that are over by now were spent without a connection. Answers
    /// the end of the last one.
    pub(super) fn pass_missed(&mut self, now: Micros) -> Option<Micros> {
        let mut last = None;
        while let Some((back, _)) = self.departure().and_then(|it| it.back)
            && back <= now
        {
            self.absences.pass();
            self.is_leaving = false;
            last = Some(back);
        }
        last
    }
}
