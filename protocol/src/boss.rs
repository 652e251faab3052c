//! The boss as an Updatable: who writes, and one book per generation.
//!
//! HP is derived, `hp_max` less the sum of the journals' totals, and never clamped in here:
//! clamping does not commute. What an update *should* be is decided by the authority alone; this
//! fold only says whether it fits and what it changes.

use crate::limits::{KEEP_GENERATIONS, REMAINS_MAX};
use crate::{
    BossSpec, BossUpdate, Gen, Interval, JournalDamage, JournalDamageDelta, JournalId, Line,
    PlayerId, ShardId,
};
use std::collections::BTreeMap;
use ucore::{Delta, GMap, GMapDelta, INT_MAX, Reject, Set, UMap, UMapUpdate, Updatable, Wire};

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
    }
}

/// One boss: the journals that write, the current generation, and the closed ones still kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Wire)]
pub struct Boss {
    journals: BTreeMap<JournalId, JournalRecord>,
    lives: BTreeMap<Gen, Life>,
    /// Of the newest [`REMAINS_MAX`] generations that are no longer kept: the books of journals
    /// that have not said all. What such a journal still brings is late, and it must be told so.
    remains: BTreeMap<Gen, Life>,
}

/// What is known of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
pub struct JournalRecord {
    /// Its shard's label.
    pub shard: ShardId,
    /// A later process took over from it: nothing that it says counts any more.
    pub sealed: bool,
    /// The journal that took over its sessions.
    pub successor: Option<JournalId>,
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
    /// Steps waited since the status changed.
    #[update(tag = 6, ordered)]
    pub waited: u32,
    /// Names of players.
    #[update(tag = 7, ordered)]
    pub names: UMap<PlayerId, String>,
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

    /// A player's damage in a journal that came late.
    #[must_use]
    pub fn late_of(&self, journal: JournalId, player: PlayerId) -> u64 {
        let total = |book: &GMap<JournalId, JournalDamage>| {
            book.get(&journal).map_or(0, |damage| damage.player(player))
        };
        total(&self.late).saturating_sub(total(&self.counted))
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
    fn taken(&self, journal: JournalId) -> Option<&JournalDamage> {
        self.late.get(&journal).or_else(|| self.counted.get(&journal))
    }

    /// Whether the interval continues what was taken, and its lines add up to it.
    ///
    /// # Errors
    /// [`Reject::OutOfOrder`] if something before it is missing or it was taken already,
    /// [`Reject::Unbalanced`] if the lines contradict the totals.
    pub fn check_interval(&self, journal: JournalId, interval: &Interval) -> Result<(), Reject> {
        let none = JournalDamage::default();
        let taken = self.taken(journal).unwrap_or(&none);
        let applied = taken.total.get();
        if applied < interval.from || interval.to < applied {
            return Err(Reject::OutOfOrder);
        }
        let grown = interval.players.iter().fold(0_u64, |grown, (player, total)| {
            grown.saturating_add(total.get().saturating_sub(taken.player(*player)))
        });
        if grown != interval.to - applied {
            return Err(Reject::Unbalanced);
        }
        Ok(())
    }
}

impl Boss {
    /// The current generation, once one has begun.
    #[must_use]
    pub fn current(&self) -> Option<(Gen, &Life)> {
        self.lives.last_key_value().map(|(generation, life)| (*generation, life))
    }

    /// A generation that is still kept.
    #[must_use]
    pub fn life(&self, generation: Gen) -> Option<&Life> {
        self.lives.get(&generation)
    }

    /// All generations that are still kept, the oldest first.
    pub fn lives(&self) -> impl Iterator<Item = (Gen, &Life)> {
        self.lives.iter().map(|(generation, life)| (*generation, life))
    }

    /// The book of a generation in which journals may still have something to say.
    #[must_use]
    pub fn book(&self, generation: Gen) -> Option<&Life> {
        self.lives.get(&generation).or_else(|| self.remains.get(&generation))
    }

    /// All generations that have such a book, the oldest first.
    pub fn books(&self) -> impl Iterator<Item = (Gen, &Life)> {
        self.remains.iter().chain(&self.lives).map(|(generation, life)| (*generation, life))
    }

    /// A journal.
    #[must_use]
    pub fn journal(&self, journal: JournalId) -> Option<&JournalRecord> {
        self.journals.get(&journal)
    }

    /// How many journals are known.
    #[must_use]
    pub fn journals_len(&self) -> usize {
        self.journals.len()
    }

    fn check_writer(&self, journal: JournalId) -> Result<(), Reject> {
        match self.journals.get(&journal) {
            None => Err(Reject::Missing),
            Some(record) if record.sealed => Err(Reject::OutOfOrder),
            Some(_) => Ok(()),
        }
    }

    fn check_push(
        &self,
        journal: JournalId,
        interval: &Interval,
        last: bool,
    ) -> Result<(), Reject> {
        self.check_writer(journal)?;
        let life = self.lives.get(&interval.generation).ok_or(Reject::Missing)?;
        let finished = *life.entered.get(&journal).ok_or(Reject::Missing)?;
        if finished || life.status == Status::Closed {
            return Err(Reject::OutOfOrder);
        }
        life.check_interval(journal, interval)?;
        let grown = interval.to - life.applied(journal);
        if grown == 0 && !last {
            return Err(Reject::Exists);
        }
        if life.damage().saturating_add(grown) > INT_MAX {
            return Err(Reject::TooLarge);
        }
        Ok(())
    }

    fn check_late(
        &self,
        journal: JournalId,
        interval: &Interval,
        last: bool,
    ) -> Result<(), Reject> {
        self.check_writer(journal)?;
        let life = self.book(interval.generation).ok_or(Reject::Missing)?;
        if life.status != Status::Closed {
            return Err(Reject::OutOfOrder);
        }
        if life.entered.get(&journal) == Some(&true) {
            return Err(Reject::OutOfOrder);
        }
        life.check_interval(journal, interval)?;
        if last || life.applied(journal) < interval.to { Ok(()) } else { Err(Reject::Exists) }
    }

    fn check_spawn(&self, generation: Gen) -> Result<(), Reject> {
        match self.current() {
            None if generation == Gen(1) => Ok(()),
            Some((last, life)) if generation == last.next() => match life.status {
                Status::Closed => Ok(()),
                Status::Alive | Status::Defeated | Status::Collecting => Err(Reject::OutOfOrder),
            },
            _ => Err(Reject::OutOfOrder),
        }
    }

    /// Old books go, and with them the sealed journals that nobody can speak for any more.
    fn drop_old(&mut self, generation: Gen) {
        let old = self.lives.keys().copied();
        let old: Vec<_> = old.filter(|kept| kept.0 + KEEP_GENERATIONS < generation.0).collect();
        self.remains.extend(old.iter().filter_map(|old| self.lives.remove_entry(old)));
        let journals = &self.journals;
        let speaks = |journal: &JournalId| journals.get(journal).is_some_and(|it| !it.sealed);
        self.remains.retain(|_, life| {
            *life = life.unfinished(speaks);
            life.entered.values().any(|finished| !finished)
        });
        while self.remains.len() > REMAINS_MAX {
            self.remains.pop_first();
        }
        let (lives, remains) = (&self.lives, &self.remains);
        self.journals.retain(|journal, record| {
            let mut books = lives.values().chain(remains.values());
            !record.sealed || books.any(|life| life.entered.contains_key(journal))
        });
    }

    fn seal(&mut self, parent: JournalId, successor: Option<JournalId>) -> Result<(), Reject> {
        if let Some(record) = self.journals.get_mut(&parent) {
            record.sealed = true;
            record.successor = record.successor.or(successor);
        }
        for life in self.lives.values_mut().chain(self.remains.values_mut()) {
            if life.entered.contains_key(&parent) {
                life.apply(LifeUpdate { entered: heard(parent, true), ..Default::default() })?;
            }
        }
        Ok(())
    }

    /// The part of `apply` that the checks have cleared.
    fn change(&mut self, update: BossUpdate) -> Result<(), Reject> {
        match update {
            BossUpdate::Spawn { generation, spec } => {
                self.lives.insert(generation, Life::new(*spec));
                self.drop_old(generation);
            }
            BossUpdate::Join { journal, shard, parent, inherits } => {
                if let Some(parent) = parent {
                    self.seal(parent, inherits.then_some(journal))?;
                }
                let record = JournalRecord { shard, sealed: false, successor: None };
                self.journals.insert(journal, record);
            }
            BossUpdate::Enter { journal, generation } => {
                let update = LifeUpdate { entered: heard(journal, false), ..Default::default() };
                self.life_mut(generation)?.apply(update)?;
            }
            BossUpdate::Push { journal, interval, last, phase, death } => {
                let life = self.life_mut(interval.generation)?;
                life.apply(LifeUpdate {
                    names: learnt(&interval),
                    delta: LifeDelta {
                        counted: GMapDelta::line(journal, interval.into()),
                        ..Default::default()
                    },
                    entered: heard(journal, true).filter(|_| last),
                    phase: phase.map(Set),
                    status: death.then_some(Set(Status::Defeated)),
                    waited: death.then_some(Set(0)),
                    ..Default::default()
                })?;
            }
            BossUpdate::Late { journal, interval, last } => {
                let life = self.life_mut(interval.generation)?;
                let names = learnt(&interval);
                let mut late = life.counted_as_late(journal);
                late.merge(interval.into());
                life.apply(LifeUpdate {
                    names,
                    delta: LifeDelta { late: GMapDelta::line(journal, late), ..Default::default() },
                    entered: heard(journal, last),
                    ..Default::default()
                })?;
            }
            BossUpdate::Status { generation, status } => {
                let (status, waited) = (Some(Set(status)), Some(Set(0)));
                let update = LifeUpdate { status, waited, ..Default::default() };
                self.life_mut(generation)?.apply(update)?;
            }
            BossUpdate::Wait { generation } => {
                let life = self.life_mut(generation)?;
                let waited = Some(Set(life.waited.saturating_add(1)));
                life.apply(LifeUpdate { waited, ..Default::default() })?;
            }
        }
        Ok(())
    }

    fn life_mut(&mut self, generation: Gen) -> Result<&mut Life, Reject> {
        let life = self.lives.get_mut(&generation);
        life.or_else(|| self.remains.get_mut(&generation)).ok_or(Reject::Missing)
    }
}

impl Life {
    fn new(spec: BossSpec) -> Self {
        Self {
            spec,
            status: Status::Alive,
            phase: 0,
            counted: GMap::default(),
            entered: UMap::default(),
            late: GMap::default(),
            waited: 0,
            names: UMap::default(),
        }
    }

    /// This book without the lines of journals which have said all, or can say nothing more.
    fn unfinished(&self, speaks: impl Fn(&JournalId) -> bool) -> Self {
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
        }
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
fn learnt(interval: &Interval) -> Option<UMapUpdate<PlayerId, String, Set<String>>> {
    let names = &interval.names;
    (!names.is_empty()).then(|| UMapUpdate::Extend(names.clone()))
}

impl Updatable for Boss {
    type Update = BossUpdate;

    fn check(&self, update: &BossUpdate) -> Result<(), Reject> {
        match update {
            BossUpdate::Spawn { generation, .. } => self.check_spawn(*generation),
            BossUpdate::Join { journal, parent, .. } => {
                if self.journals.contains_key(journal) {
                    return Err(Reject::Exists);
                }
                match parent {
                    Some(parent) if !self.journals.contains_key(parent) => Err(Reject::Missing),
                    _ => Ok(()),
                }
            }
            BossUpdate::Enter { journal, generation } => {
                self.check_writer(*journal)?;
                let life = self.lives.get(generation).ok_or(Reject::Missing)?;
                if life.entered.contains_key(journal) {
                    return Err(Reject::Exists);
                }
                Ok(())
            }
            BossUpdate::Push { journal, interval, last, phase, death } => {
                self.check_push(*journal, interval, *last)?;
                let life = self.lives.get(&interval.generation).ok_or(Reject::Missing)?;
                if *death && life.status != Status::Alive {
                    return Err(Reject::OutOfOrder);
                }
                match phase {
                    Some(phase) if usize::from(*phase) >= life.spec.phases.len() => {
                        Err(Reject::Missing)
                    }
                    _ => Ok(()),
                }
            }
            BossUpdate::Late { journal, interval, last } => {
                self.check_late(*journal, interval, *last)
            }
            BossUpdate::Status { generation, status } => {
                let life = self.lives.get(generation).ok_or(Reject::Missing)?;
                match (life.status, status) {
                    (Status::Defeated, Status::Collecting)
                    | (Status::Collecting, Status::Closed) => Ok(()),
                    _ => Err(Reject::OutOfOrder),
                }
            }
            BossUpdate::Wait { generation } => {
                self.lives.get(generation).map(|_| ()).ok_or(Reject::Missing)
            }
        }
    }

    fn apply(&mut self, update: BossUpdate) -> Result<(), Reject> {
        self.check(&update)?;
        self.change(update)
    }
}
