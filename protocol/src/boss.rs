//! The boss as an Updatable: who writes, and one book per generation.
//!
//! What an update *should* be is decided by the authority alone; this fold only says whether it
//! fits and what it changes.

use crate::limits::{KEEP_GENERATIONS, REMAINS_MAX};
use crate::mutants::{self, Mutant};
use crate::{
    BossUpdate, Credit, Fame, Gen, Grants, Interval, JournalId, LateLine, Life, ShardId, Status,
    Step, Term,
};
use std::collections::{BTreeMap, BTreeSet};
use ucore::{INT_MAX, Reject, Updatable, Wire};

/// One boss: the journals that write, the current generation, and the closed ones still kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Wire)]
pub struct Boss {
    journals: BTreeMap<JournalId, JournalRecord>,
    lives: BTreeMap<Gen, Life>,
    /// Of the newest [`REMAINS_MAX`] generations that are no longer kept: the books of journals
    /// that have not said all. What such a journal still brings is late, and it must be told so.
    remains: BTreeMap<Gen, Life>,
    /// The newest term.
    term: Term,
    fame: Fame,
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

    /// Late damage of these journals, by generation and player.
    #[must_use]
    pub fn late_lines(&self, journals: &[JournalId]) -> Vec<LateLine> {
        let late = self.books().flat_map(|(generation, life)| {
            let lines = journals.iter().flat_map(|journal| life.late_lines(*journal));
            lines.map(move |line| LateLine { generation, line })
        });
        late.collect()
    }

    /// A journal.
    #[must_use]
    pub fn journal(&self, journal: JournalId) -> Option<&JournalRecord> {
        self.journals.get(&journal)
    }

    /// All journals that are known.
    pub fn journals(&self) -> impl Iterator<Item = (JournalId, &JournalRecord)> {
        self.journals.iter().map(|(journal, record)| (*journal, record))
    }

    /// How many journals are known.
    #[must_use]
    pub fn journals_len(&self) -> usize {
        self.journals.len()
    }

    /// The newest term of those who take the steps of settlements.
    #[must_use]
    pub fn term(&self) -> Term {
        self.term
    }

    /// What outlives generations.
    #[must_use]
    pub fn fame(&self) -> &Fame {
        &self.fame
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
        if finished || life.status.is_closed() && !mutants::is(Mutant::LateCounted) {
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
        if !life.status.is_closed() {
            return Err(Reject::OutOfOrder);
        }
        if life.entered.get(&journal) == Some(&true) {
            return Err(Reject::OutOfOrder);
        }
        life.check_interval(journal, interval)?;
        if last || life.applied(journal) < interval.to { Ok(()) } else { Err(Reject::Exists) }
    }

    fn check_spawn(&self, generation: Gen, term: u64) -> Result<(), Reject> {
        match self.current() {
            None if generation == Gen(1) && term == self.term.number => Ok(()),
            Some((last, life)) if generation == last.next() => match life.status {
                Status::Rewarded => self.check_term(term),
                Status::Alive
                | Status::Defeated
                | Status::Collecting
                | Status::Closed
                | Status::Credited => Err(Reject::OutOfOrder),
            },
            _ => Err(Reject::OutOfOrder),
        }
    }

    /// A step of an older term is not taken, and before the first one nobody may take any.
    fn check_term(&self, term: u64) -> Result<(), Reject> {
        if term > 0 && term == self.term.number { Ok(()) } else { Err(Reject::OutOfOrder) }
    }

    fn check_step(&self, generation: Gen, term: u64, step: &Step) -> Result<(), Reject> {
        self.check_term(term)?;
        let (current, life) = self.current().ok_or(Reject::Missing)?;
        if generation != current {
            return Err(Reject::OutOfOrder);
        }
        match (life.status, step) {
            (Status::Defeated, Step::Collect)
            | (Status::Collecting, Step::Wait | Step::Close(_))
            | (Status::Rewarded, Step::Wait) => Ok(()),
            (Status::Closed, Step::Credit(credits)) => check_credits(life, credits),
            (Status::Credited, Step::Reward(grants)) => check_grants(life, grants),
            _ => Err(Reject::OutOfOrder),
        }
    }

    /// Old books go, and with them the sealed journals that nobody can speak for any more.
    fn drop_old(&mut self, generation: Gen) {
        let old = self.lives.keys().copied();
        let old: Vec<_> =
            old.filter(|kept| generation.0.saturating_sub(kept.0) > KEEP_GENERATIONS).collect();
        self.remains.extend(old.iter().filter_map(|old| self.lives.remove_entry(old)));
        let journals = &self.journals;
        let speaks = |journal: &JournalId| journals.get(journal).is_some_and(|it| !it.sealed);
        self.remains.retain(|_, life| {
            *life = life.unfinished(speaks);
            life.entered.any(|_, finished| !finished)
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
            life.finish(parent)?;
        }
        Ok(())
    }

    /// The part of `apply` that the checks have cleared.
    fn change(&mut self, update: BossUpdate) -> Result<(), Reject> {
        match &update {
            BossUpdate::Term(term) => self.term = *term,
            BossUpdate::Spawn { generation, spec, .. } => {
                self.lives.insert(*generation, Life::new((**spec).clone()));
                self.drop_old(*generation);
            }
            BossUpdate::Join { journal, shard, parent, inherits } => {
                if let Some(parent) = parent
                    && !mutants::is(Mutant::ParentNotSealed)
                {
                    self.seal(*parent, inherits.then_some(*journal))?;
                }
                let record = JournalRecord { shard: *shard, sealed: false, successor: None };
                self.journals.insert(*journal, record);
            }
            BossUpdate::Enter { generation, .. }
            | BossUpdate::Push { interval: Interval { generation, .. }, .. }
            | BossUpdate::Late { interval: Interval { generation, .. }, .. }
            | BossUpdate::Settle { generation, .. } => {
                let generation = *generation;
                let is_last = matches!(&update, BossUpdate::Settle { step: Step::Reward(_), .. });
                let life = self.life_mut(generation)?;
                let effect = life.effect(update);
                life.apply(effect)?;
                if is_last && let Some(life) = self.lives.get(&generation) {
                    self.fame.enter(generation, life);
                }
            }
        }
        Ok(())
    }

    fn life_mut(&mut self, generation: Gen) -> Result<&mut Life, Reject> {
        let life = self.lives.get_mut(&generation);
        life.or_else(|| self.remains.get_mut(&generation)).ok_or(Reject::Missing)
    }
}

impl Updatable for Boss {
    type Update = BossUpdate;

    fn check(&self, update: &BossUpdate) -> Result<(), Reject> {
        match update {
            BossUpdate::Spawn { generation, term, spec } => {
                spec.fits()?;
                self.check_spawn(*generation, *term)
            }
            BossUpdate::Term(term) if term.number == self.term.number + 1 => Ok(()),
            BossUpdate::Term(_) => Err(Reject::OutOfOrder),
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
            BossUpdate::Settle { generation, term, step } => {
                self.check_step(*generation, *term, step)
            }
        }
    }

    fn apply(&mut self, update: BossUpdate) -> Result<(), Reject> {
        self.check(&update)?;
        self.change(update)
    }
}

/// Whether the lines are in the order of ranks, and add up to the damage and to the boss.
fn check_credits(life: &Life, credits: &[Credit]) -> Result<(), Reject> {
    let rank = |line: &Credit| (std::cmp::Reverse(line.damage), line.player);
    if !credits.is_sorted_by(|a, b| rank(a) < rank(b)) {
        return Err(Reject::OutOfOrder);
    }
    let sum =
        |part: fn(&Credit) -> u64| credits.iter().map(|it| u128::from(part(it))).sum::<u128>();
    let balanced = sum(|it| it.damage) == u128::from(life.damage())
        && sum(|it| it.credit) == u128::from(life.spec.hp_max);
    if balanced { Ok(()) } else { Err(Reject::Unbalanced) }
}

/// Whether all winners had a part in it, and have won what there is to win.
fn check_grants(life: &Life, grants: &Grants) -> Result<(), Reject> {
    let players: BTreeSet<_> = life.settlement.credits.iter().map(|it| it.player).collect();
    let known = |id| life.spec.rewards.iter().any(|reward| reward.id == id);
    let fits = grants.iter().all(|(player, won)| {
        let each_once = won.is_sorted_by(|a, b| a < b);
        players.contains(player) && !won.is_empty() && each_once && won.iter().all(|id| known(*id))
    });
    if fits { Ok(()) } else { Err(Reject::Missing) }
}
