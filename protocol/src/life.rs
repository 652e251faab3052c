//! One generation's book: its status, who entered, what counts and what came late.
//!
//! HP is derived, `hp_max` less the sum of the journals' totals, and never clamped in here:
//! clamping does not commute.

use crate::mutants::{self, Mutant};
use crate::{
    BossSpec, BossUpdate, Interval, JournalDamage, JournalDamageDelta, JournalId, Line, PlayerId,
    Settlement, Step,
};
use std::collections::BTreeMap;
use ucore::{Delta, GMap, GMapDelta, Reject, Set, UMap, UMapUpdate, Updatable, Wire};

ucore::codes! {
    /// Where a generation is in its life.
    Status: u8 {
        /// It takes damage.
        Alive = 1,
        /// Its HP reached zero. Nothing new is admitted.
        Defeated = 2,
        /// Its journals send the rest of what they had accepted.
        Collecting = 3,
        /// Its books are closed. What comes now is late.
        Closed = 4,
        /// The boss is divided among its players.
        Credited = 5,
        /// Their rewards are drawn.
        Rewarded = 6,
    }
}

impl Status {
    /// Its name in PROTOCOL.md.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Defeated => "defeated",
            Self::Collecting => "collecting",
            Self::Closed => "closed",
            Self::Credited => "credited",
            Self::Rewarded => "rewarded",
        }
    }

    /// Whether the books are closed.
    #[must_use]
    pub fn is_closed(self) -> bool {
        self >= Self::Closed
    }

    /// The status before it.
    #[must_use]
    pub const fn before(self) -> Self {
        match self {
            Self::Alive | Self::Defeated => Self::Alive,
            Self::Collecting => Self::Defeated,
            Self::Closed => Self::Collecting,
            Self::Credited => Self::Closed,
            Self::Rewarded => Self::Credited,
        }
    }
}

/// One generation.
#[derive(Debug, Clone, PartialEq, Eq, Updatable)]
pub struct Life {
    /// Its scenario.
    #[update(tag = 0, ordered)]
    pub spec: BossSpec,
    /// Where it is in its life.
    #[update(tag = 1, ordered)]
    pub status: Status,
    /// The index of its phase.
    #[update(tag = 2, ordered)]
    pub phase: u8,
    /// The damage that counts, by journal.
    #[update(tag = 3, delta)]
    pub counted: GMap<JournalId, JournalDamage>,
    /// Journals that entered, and whether they have said all.
    #[update(tag = 4, ordered)]
    pub entered: UMap<JournalId, bool>,
    /// All damage of journals that had some after the books closed: totals, like `counted`.
    #[update(tag = 5, delta)]
    pub late: GMap<JournalId, JournalDamage>,
    /// Seconds waited since the status changed.
    #[update(tag = 6, ordered)]
    pub waited: u32,
    /// Names of players.
    #[update(tag = 7, ordered)]
    pub names: UMap<PlayerId, String>,
    /// How it came to its end.
    #[update(tag = 8, ordered)]
    pub settlement: Settlement,
}

impl Life {
    /// The counted damage, overkill included.
    #[must_use]
    pub fn damage(&self) -> u64 {
        self.counted.iter().map(|(_, damage)| damage.total.get()).sum()
    }

    /// HP left.
    #[must_use]
    pub fn hp(&self) -> u64 {
        self.spec.hp_max.saturating_sub(self.damage())
    }

    /// What was taken of a journal, late or not.
    #[must_use]
    pub fn applied(&self, journal: JournalId) -> u64 {
        self.taken(journal).map_or(0, |damage| damage.total.get())
    }

    /// What counts of a journal, and what came late beyond it.
    #[must_use]
    pub fn counted_and_late(&self, journal: JournalId) -> (u64, u64) {
        let counted = self.counted.get(&journal).map_or(0, |damage| damage.total.get());
        (counted, self.applied(journal).saturating_sub(counted))
    }

    /// A player's damage in a journal that came late.
    #[must_use]
    pub fn late_of(&self, journal: JournalId, player: PlayerId) -> u64 {
        let total = |book: &GMap<JournalId, JournalDamage>| {
            book.get(&journal).map_or(0, |damage| damage.player(player))
        };
        total(&self.late).saturating_sub(total(&self.counted))
    }

    /// The damage of some players in a journal that came late, where there is any.
    pub fn late_lines_of(
        &self,
        journal: JournalId,
        players: impl IntoIterator<Item = PlayerId>,
    ) -> Vec<Line> {
        let lines = players.into_iter().map(|player| (player, self.late_of(journal, player)));
        lines.filter(|(_, late)| *late > 0).map(|(player, total)| Line { player, total }).collect()
    }

    /// Every player's damage in a journal that came late.
    pub fn late_lines(&self, journal: JournalId) -> impl Iterator<Item = Line> {
        let players = self.late.get(&journal).into_iter().flat_map(|late| late.players.iter());
        players.filter_map(move |(player, _)| {
            let (player, total) = (*player, self.late_of(journal, *player));
            (total > 0).then_some(Line { player, total })
        })
    }

    /// Late totals go on from the counted ones, so whichever exists and is newer is the whole.
    pub(crate) fn taken(&self, journal: JournalId) -> Option<&JournalDamage> {
        self.late.get(&journal).or_else(|| self.counted.get(&journal))
    }

    /// Whether the interval continues what was taken, and its lines add up to it.
    ///
    /// # Errors
    /// [`Reject::OutOfOrder`] if something before it is missing or it was taken already,
    /// [`Reject::Unbalanced`] if the lines contradict the totals, [`Reject::TooLarge`].
    pub fn check_interval(&self, journal: JournalId, interval: &Interval) -> Result<(), Reject> {
        interval.fits()?;
        let none = JournalDamage::default();
        let taken = self.taken(journal).unwrap_or(&none);
        let mut applied = taken.total.get();
        if mutants::is(Mutant::GapAccepted) {
            applied = applied.max(interval.from);
        }
        if applied < interval.from || interval.to < applied {
            return Err(Reject::OutOfOrder);
        }
        let grown = interval.players.iter().fold(0_u64, |grown, (player, total)| {
            grown.saturating_add(total.get().saturating_sub(taken.player(*player)))
        });
        if grown != interval.to - applied && !mutants::is(Mutant::LinesUnbalanced) {
            return Err(Reject::Unbalanced);
        }
        Ok(())
    }
}

impl Life {
    pub(crate) fn new(spec: BossSpec) -> Self {
        Self {
            spec,
            status: Status::Alive,
            phase: 0,
            counted: GMap::default(),
            entered: UMap::default(),
            late: GMap::default(),
            waited: 0,
            names: UMap::default(),
            settlement: Settlement::default(),
        }
    }

    /// This book without the lines of journals which have said all, or can say nothing more.
    pub(crate) fn unfinished(&self, speaks: impl Fn(&JournalId) -> bool) -> Self {
        let open =
            |journal: &JournalId| self.entered.get(journal) == Some(&false) && speaks(journal);
        let lines = |book: &GMap<JournalId, JournalDamage>| {
            let lines = book.iter().filter(|(journal, _)| open(journal));
            lines.map(|(journal, damage)| (*journal, damage.clone())).collect()
        };
        let entered = self.entered.keys().map(|journal| (*journal, !open(journal)));
        Self {
            entered: entered.collect(),
            counted: lines(&self.counted),
            late: lines(&self.late),
            spec: self.spec.clone(),
            status: self.status,
            phase: self.phase,
            waited: self.waited,
            names: UMap::default(),
            settlement: Settlement::default(),
        }
    }

    /// What an entry changes in this book: one update, all of which applies or nothing. The entry
    /// is the cause; what is not about one book has no effect here.
    pub(crate) fn effect(&self, entry: BossUpdate) -> LifeUpdate {
        let nothing = LifeUpdate::default();
        match entry {
            BossUpdate::Spawn { .. } | BossUpdate::Join { .. } | BossUpdate::Term(_) => nothing,
            BossUpdate::Enter { journal, .. } => {
                LifeUpdate { entered: heard(journal, false), ..nothing }
            }
            BossUpdate::Push { journal, mut interval, last, phase, death } => {
                if mutants::is(Mutant::ClampInApply) {
                    interval.to = interval.to.min(self.applied(journal) + self.hp());
                }
                LifeUpdate {
                    names: learnt(std::mem::take(&mut interval.names)),
                    delta: LifeDelta {
                        counted: GMapDelta::line(journal, interval.into()),
                        ..LifeDelta::default()
                    },
                    entered: heard(journal, true).filter(|_| last),
                    phase: phase.map(Set),
                    status: death.then_some(Set(Status::Defeated)),
                    waited: death.then_some(Set(0)),
                    ..nothing
                }
            }
            BossUpdate::Late { journal, mut interval, last } => {
                let names = learnt(std::mem::take(&mut interval.names));
                let mut late = self.counted_as_late(journal);
                late.merge(interval.into());
                let late = GMapDelta::line(journal, late);
                let delta = LifeDelta { late, ..LifeDelta::default() };
                LifeUpdate { names, delta, entered: heard(journal, last), ..nothing }
            }
            BossUpdate::Settle { step, .. } => self.settled(step),
        }
    }

    /// What a step of the settlement changes.
    fn settled(&self, step: Step) -> LifeUpdate {
        let nothing = LifeUpdate::default();
        let (status, settlement) = match step {
            Step::Wait => {
                let waited = Some(Set(self.waited.saturating_add(1)));
                return LifeUpdate { waited, ..nothing };
            }
            Step::Collect => (Status::Collecting, None),
            Step::Close(at) => {
                (Status::Closed, Some(Settlement { closed: Some(at), ..Settlement::default() }))
            }
            Step::Credit(credits) => {
                let settlement = Settlement { credits, ..self.settlement.clone() };
                (Status::Credited, Some(settlement))
            }
            Step::Reward(grants) => {
                let settlement = Settlement { grants, ..self.settlement.clone() };
                (Status::Rewarded, Some(settlement))
            }
        };
        let settlement = settlement.map(Set);
        LifeUpdate { status: Some(Set(status)), waited: Some(Set(0)), settlement, ..nothing }
    }

    /// That a journal has said all, if it entered.
    pub(crate) fn finish(&mut self, journal: JournalId) -> Result<(), Reject> {
        if !self.entered.contains_key(&journal) {
            return Ok(());
        }
        self.apply(LifeUpdate { entered: heard(journal, true), ..LifeUpdate::default() })
    }

    /// What late totals of a journal begin with, unless they have begun: the counted ones.
    fn counted_as_late(&self, journal: JournalId) -> JournalDamageDelta {
        match (self.late.get(&journal), self.counted.get(&journal)) {
            (None, Some(counted)) => JournalDamageDelta {
                total: counted.total,
                players: counted.players.iter().map(|(player, total)| (*player, *total)).collect(),
            },
            (Some(_), _) | (None, None) => JournalDamageDelta::default(),
        }
    }
}

/// That a journal entered, and whether it has said all.
fn heard(journal: JournalId, finished: bool) -> Option<UMapUpdate<JournalId, bool, Set<bool>>> {
    Some(UMapUpdate::Insert(journal, finished))
}

/// The names that an interval brings.
fn learnt(names: BTreeMap<PlayerId, String>) -> Option<UMapUpdate<PlayerId, String, Set<String>>> {
    (!names.is_empty()).then_some(UMapUpdate::Extend(names))
}
