//! Players who try what a shard must not let through, and notice if it does.

use super::event::{Event, Outcome};
use super::session::{Events, Growth, Session};
use super::vandal::Vandal;
use super::{BotConfig, Outgoing};
use protocol::{Ack, BossSpec, Hit, Micros, RefusalReason, SkillId};
use std::collections::VecDeque;

/// What a player tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cheat {
    /// Hits more often than the basic skill allows.
    Rate,
    /// Sends hits again that are answered, as they were and with another skill.
    Replay,
    /// Sends frames that are no messages of a player.
    Frames,
}

impl Cheat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rate, Self::Replay, Self::Frames];

    /// Its name in stage files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Replay => "replay",
            Self::Frames => "frames",
        }
    }
}

/// A player who cheats.
#[derive(Debug)]
pub(super) enum Cheater {
    Rate(Bucket),
    Replay(Replay),
    Frames(Vandal),
}

impl Cheater {
    pub(super) fn new(cheat: Cheat, seed: u64) -> Self {
        match cheat {
            Cheat::Rate => Self::Rate(Bucket::default()),
            Cheat::Replay => Self::Replay(Replay::default()),
            Cheat::Frames => Self::Frames(Vandal::new(seed)),
        }
    }

    /// The player was welcomed.
    pub(super) fn handle_welcome(&mut self, now: Micros, resumed: bool) {
        match self {
            Self::Rate(bucket) if resumed => bucket.forgive(),
            Self::Rate(bucket) => *bucket = Bucket::default(),
            Self::Replay(_) => {}
            Self::Frames(vandal) => vandal.handle_welcome(now),
        }
    }

    /// The player's tallies grew, or could have.
    pub(super) fn handle_growth(&mut self, now: Micros, growth: Growth, events: &mut Events) {
        match self {
            Self::Rate(bucket) => {
                let excess = bucket.take(now, growth.hits);
                tell(events, Cheat::Rate, Outcome::LetThrough, excess);
            }
            Self::Replay(replay) => replay.handle_growth(growth, events),
            Self::Frames(_) => {}
        }
    }

    /// Hits were answered.
    pub(super) fn handle_ack(&self, ack: &Ack, events: &mut Events) {
        if let Self::Rate(_) = self {
            let refused = ack.refused.iter().filter(|hit| hit.reason == RefusalReason::Rate);
            tell(events, Cheat::Rate, Outcome::Refused, refused.count() as u64);
        }
    }

    /// A planned hit left.
    pub(super) fn handle_sent(&self, events: &mut Events) {
        if let Self::Rate(_) = self {
            tell(events, Cheat::Rate, Outcome::Tried, 1);
        }
    }

    /// The connection is gone. Whether that was what had to happen.
    pub(super) fn handle_lost(&mut self, code: Option<u16>, events: &mut Events) -> bool {
        match self {
            Self::Rate(_) => false,
            Self::Replay(replay) => {
                *replay = Replay { next_at: replay.next_at, ..Replay::default() };
                false
            }
            Self::Frames(vandal) => vandal.handle_lost(code, events),
        }
    }

    /// Whether nothing honest may leave now.
    pub(super) fn holds_back(&self) -> bool {
        match self {
            Self::Rate(_) | Self::Replay(_) => false,
            Self::Frames(vandal) => vandal.is_waiting(),
        }
    }

    /// The next message to cheat with, `heard` being when something came last.
    pub(super) fn poll(
        &mut self,
        (now, heard): (Micros, Micros),
        (config, spec): (&BotConfig, &BossSpec),
        session: &Session,
        events: &mut Events,
    ) -> Option<Outgoing> {
        match self {
            Self::Rate(_) => None,
            Self::Replay(replay) => replay.poll(now, spec, session, events).map(Outgoing::Hit),
            Self::Frames(vandal) => {
                vandal.poll((now, heard), config, session, events).map(Outgoing::Bytes)
            }
        }
    }

    /// When to call [`Self::poll`] again.
    pub(super) fn wake_at(&self, session: &Session) -> Option<Micros> {
        match self {
            Self::Rate(_) => None,
            Self::Replay(replay) => replay.wake_at(session),
            Self::Frames(vandal) => vandal.wake_at(),
        }
    }
}

pub(super) fn tell(events: &mut Events, cheat: Cheat, outcome: Outcome, times: u64) {
    if times > 0 {
        events.push_back(Event::Cheated { cheat, outcome, times });
    }
}

/// How full the bucket of a shard that takes 8 basic hits a second can be, at least, after what it
/// accepted. Answers come later than hits are judged, so it may look fuller than it is.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// In hits.
    level: f64,
    since: Micros,
}

impl Bucket {
    const PER_S: f64 = 8.0;
    const BURST: f64 = 16.0;
    /// Eight seconds of answers that come late.
    const MARGIN: f64 = 64.0;

    /// So many hits were accepted. Answers how many of them are too many.
    fn take(&mut self, now: Micros, hits: u64) -> u64 {
        let seconds = now.since(self.since).0 as f64 / 1_000_000.0;
        self.level = (self.level - seconds * Self::PER_S).max(0.0);
        self.since = now;
        self.level += hits as f64;
        let excess = (self.level - Self::BURST - Self::MARGIN).max(0.0).ceil();
        self.level -= excess;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the hits, and not negative"
        )]
        let excess = excess as u64;
        excess
    }

    /// The shard may have restarted, and begins with a full burst then.
    fn forgive(&mut self) {
        self.level = (self.level - Self::BURST).max(0.0);
    }
}

/// Sends the newest answered hit again, and its sequence with another skill.
#[derive(Debug, Default)]
pub(super) struct Replay {
    next_at: Micros,
    waiting: VecDeque<Hit>,
    /// Hits sent again since the last answer.
    unanswered: u64,
}

impl Replay {
    /// From one attempt to the next, at least.
    const GAP: Micros = Micros::from_millis(1_000);

    /// It tries while nothing is unanswered: so the next answer is the one to what is sent here.
    fn poll(
        &mut self,
        now: Micros,
        spec: &BossSpec,
        session: &Session,
        events: &mut Events,
    ) -> Option<Hit> {
        if self.next_at <= now && self.may_begin(session) {
            let hit = session.last_answered()?;
            let other = spec.skills.iter().map(|skill| skill.id).find(|id| *id != hit.skill);
            let skill = other.unwrap_or(SkillId(hit.skill.0.wrapping_add(1)));
            self.waiting.extend([hit, Hit { skill, ..hit }]);
            self.next_at = now + Self::GAP;
        }
        let hit = self.waiting.pop_front()?;
        self.unanswered += 1;
        tell(events, Cheat::Replay, Outcome::Tried, 1);
        Some(hit)
    }

    /// No tally may grow by more than what was newly answered.
    fn handle_growth(&mut self, growth: Growth, events: &mut Events) {
        let unanswered = std::mem::take(&mut self.unanswered);
        if growth.hits > growth.answered || growth.damage > growth.damage_max {
            tell(events, Cheat::Replay, Outcome::LetThrough, unanswered.max(1));
        } else {
            tell(events, Cheat::Replay, Outcome::Refused, unanswered);
        }
    }

    fn wake_at(&self, session: &Session) -> Option<Micros> {
        self.may_begin(session).then_some(self.next_at)
    }

    fn may_begin(&self, session: &Session) -> bool {
        let is_idle = self.waiting.is_empty() && self.unanswered == 0;
        is_idle && session.pending_len() == 0 && session.last_answered().is_some()
    }
}
