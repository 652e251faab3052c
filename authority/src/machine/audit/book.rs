//! The books of one generation, added up from the entries alone, beside the fold.

use super::Finding;
use crate::machine::boss::consequence;
use crate::machine::settlement::{divide, draw};
use protocol::{
    BossSpec, Credit, Gen, Grants, Interval, JournalId, Life, PlayerId, Seen, ShardId, Status,
};
use std::collections::{BTreeMap, BTreeSet};

/// One generation's book.
#[derive(Debug, Clone)]
pub(super) struct Book {
    pub(super) generation: Gen,
    pub(super) spec: BossSpec,
    pub(super) status: Status,
    pub(super) phase: u8,
    /// What its journals brought before it closed.
    pub(super) journals_sum: u64,
    /// What its players did before it closed.
    pub(super) players_sum: u64,
    /// The same by player, over all journals.
    pub(super) players: BTreeMap<PlayerId, u64>,
    pub(super) parts: BTreeMap<JournalId, Part>,
    /// Seconds that journals were waited for.
    pub(super) waited: u32,
    pub(super) closed: Option<Seen>,
    pub(super) credits: Vec<Credit>,
    pub(super) grants: Grants,
    /// What came before the log that can be shown is taken over as it stood.
    pub(super) is_taken_over: bool,
    /// The fold has all of it, not only what unfinished journals may need.
    pub(super) is_whole: bool,
}

/// A journal's part in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub(super) shard: Option<ShardId>,
    pub(super) entered: bool,
    pub(super) finished: bool,
    /// It had entered, and not said all, when the books closed.
    pub(super) missing: bool,
    /// All that was taken of it.
    pub(super) total: u64,
    /// The part of it that came late.
    pub(super) late: u64,
    /// All that was taken, by player.
    pub(super) players: BTreeMap<PlayerId, u64>,
}

impl Part {
    /// What an interval adds, checked against what was taken before: the damage, and each player's
    /// part of it.
    fn grown(
        &self,
        interval: &Interval,
        last: bool,
    ) -> Result<(u64, Vec<(PlayerId, u64)>), Finding> {
        let (from, to, applied) = (interval.from, interval.to, self.total);
        if applied < from || to < applied {
            return Err(Finding::Gap { from, to, applied });
        }
        let expected = to - applied;
        let gains = interval.players.iter().map(|(player, total)| {
            let before = self.players.get(player).copied().unwrap_or(0);
            (*player, total.get().saturating_sub(before))
        });
        let gains: Vec<_> = gains.filter(|(_, gain)| *gain > 0).collect();
        let found = gains.iter().fold(0_u64, |sum, (_, gain)| sum.saturating_add(*gain));
        if found != expected {
            return Err(Finding::Lines { found, expected });
        }
        if expected == 0 && !last {
            return Err(Finding::Nothing);
        }
        Ok((expected, gains))
    }

    fn take(&mut self, grown: u64, gains: &[(PlayerId, u64)], last: bool) {
        self.total += grown;
        for (player, gain) in gains {
            *self.players.entry(*player).or_default() += gain;
        }
        self.finished |= last;
    }
}

impl Book {
    pub(super) fn new(generation: Gen, spec: BossSpec) -> Self {
        Self {
            generation,
            spec,
            status: Status::Alive,
            phase: 0,
            journals_sum: 0,
            players_sum: 0,
            players: BTreeMap::new(),
            parts: BTreeMap::new(),
            waited: 0,
            closed: None,
            credits: Vec::new(),
            grants: Grants::new(),
            is_taken_over: false,
            is_whole: true,
        }
    }

    /// The book as a value of the log has it, from which the log goes on.
    pub(super) fn taken_over(
        generation: Gen,
        life: &Life,
        shard: impl Fn(JournalId) -> Option<ShardId>,
        is_whole: bool,
    ) -> Self {
        let writers = life.entered.keys().chain(life.counted.iter().map(|(journal, _)| journal));
        let writers: BTreeSet<_> =
            writers.chain(life.late.iter().map(|(journal, _)| journal)).copied().collect();
        let part = |journal: JournalId| {
            let counted = life.counted.get(&journal);
            let all = life.late.get(&journal).or(counted);
            let total = all.map_or(0, |all| all.total.get());
            let players = all.into_iter().flat_map(|all| all.players.iter());
            let finished = life.entered.get(&journal) == Some(&true);
            Part {
                shard: shard(journal),
                entered: life.entered.contains_key(&journal),
                finished,
                missing: life.status.is_closed() && !finished,
                total,
                late: total - counted.map_or(0, |counted| counted.total.get()).min(total),
                players: players.map(|(player, total)| (*player, total.get())).collect(),
            }
        };
        let players: BTreeMap<_, _> = life.ranked().into_iter().collect();
        Self {
            status: life.status,
            phase: life.phase,
            journals_sum: life.damage(),
            players_sum: players.values().sum(),
            players,
            parts: writers.into_iter().map(|journal| (journal, part(journal))).collect(),
            waited: if life.status == Status::Collecting { life.waited } else { 0 },
            closed: life.settlement.closed,
            credits: life.settlement.credits.clone(),
            grants: life.settlement.grants.clone(),
            is_taken_over: true,
            is_whole,
            ..Self::new(generation, life.spec.clone())
        }
    }

    pub(super) fn enter(
        &mut self,
        journal: JournalId,
        shard: Option<ShardId>,
    ) -> Result<(), Finding> {
        if self.status.is_closed() {
            return Err(Finding::Closed(self.generation));
        }
        let part = self.parts.entry(journal).or_default();
        if part.entered {
            return Err(Finding::EnteredTwice(journal, self.generation));
        }
        (part.entered, part.shard) = (true, shard);
        Ok(())
    }

    pub(super) fn push(
        &mut self,
        journal: JournalId,
        interval: &Interval,
        last: bool,
        caused: (Option<u8>, bool),
    ) -> Result<(), Finding> {
        if self.status.is_closed() {
            return Err(Finding::Closed(self.generation));
        }
        let part = self.parts.get_mut(&journal).filter(|part| part.entered);
        let part = part.ok_or(Finding::NotEntered(journal, self.generation))?;
        if part.finished {
            return Err(Finding::Finished(journal, self.generation));
        }
        let (grown, gains) = part.grown(interval, last)?;
        let expected = consequence(&self.spec, self.phase, self.journals_sum, grown);
        let (phase, death) = caused;
        if death != expected.death {
            let (damage, hp_max) = (self.journals_sum + grown, self.spec.hp_max);
            return Err(Finding::Death { found: death, damage, hp_max });
        }
        if phase != expected.phase {
            return Err(Finding::Phase { found: phase, expected: expected.phase });
        }
        part.take(grown, &gains, last);
        self.journals_sum += grown;
        for (player, gain) in gains {
            self.players_sum += gain;
            *self.players.entry(player).or_default() += gain;
        }
        self.phase = phase.unwrap_or(self.phase);
        self.status = if death { Status::Defeated } else { self.status };
        Ok(())
    }

    pub(super) fn push_late(
        &mut self,
        journal: JournalId,
        shard: Option<ShardId>,
        interval: &Interval,
        last: bool,
    ) -> Result<(), Finding> {
        if !self.status.is_closed() {
            return Err(Finding::Open(self.generation));
        }
        let part = self.parts.entry(journal).or_default();
        if part.finished {
            return Err(Finding::Finished(journal, self.generation));
        }
        let (grown, gains) = part.grown(interval, last)?;
        part.take(grown, &gains, last);
        (part.late, part.shard) = (part.late + grown, part.shard.or(shard));
        Ok(())
    }

    /// A journal can say nothing more.
    pub(super) fn seal(&mut self, journal: JournalId) {
        if let Some(part) = self.parts.get_mut(&journal) {
            part.finished = true;
        }
    }

    pub(super) fn close(&mut self, found: Seen, expected: Seen) -> Result<(), Finding> {
        if found != expected {
            return Err(Finding::ClosedAt { found, expected });
        }
        for part in self.parts.values_mut() {
            part.missing = part.entered && !part.finished;
        }
        (self.status, self.closed) = (Status::Closed, Some(found));
        Ok(())
    }

    pub(super) fn credit(&mut self, credits: &[Credit]) -> Result<(), Finding> {
        let found = credits.iter().fold(0_u64, |sum, it| sum.saturating_add(it.credit));
        if found != self.spec.hp_max {
            return Err(Finding::CreditsSum { found, expected: self.spec.hp_max });
        }
        let due = divide(self.spec.hp_max, self.players.clone().into_iter().collect());
        let most = due.len().max(credits.len());
        if let Some(idx) = (0..most).find(|idx| due.get(*idx) != credits.get(*idx)) {
            let (found, expected) = (credits.get(idx).copied(), due.get(idx).copied());
            return Err(Finding::Credits { rank: idx + 1, found, expected });
        }
        (self.status, self.credits) = (Status::Credited, due);
        Ok(())
    }

    pub(super) fn reward(&mut self, found: &Grants) -> Result<(), Finding> {
        let closed = self.closed.ok_or(Finding::Step(self.status))?;
        let due = draw(&self.spec.rewards, &self.credits, closed);
        let players = due.keys().chain(found.keys()).copied();
        if let Some(player) = players.min_by_key(|it| (due.get(it) == found.get(it), *it))
            && due.get(&player) != found.get(&player)
        {
            return Err(Finding::Grants { player, found: found.clone(), expected: due });
        }
        (self.status, self.grants) = (Status::Rewarded, due);
        Ok(())
    }

    /// Whether a taken-over book balances in itself.
    pub(super) fn check_taken_over(&self) -> Result<(), Finding> {
        for (journal, part) in &self.parts {
            let players = part.players.values().sum();
            self.same(|| format!("what journal {journal} brought"), part.total, players)?;
        }
        let (found, hp_max) = (self.status != Status::Alive, self.spec.hp_max);
        if self.is_whole && found != (self.journals_sum >= hp_max) {
            return Err(Finding::Death { found, damage: self.journals_sum, hp_max });
        }
        if self.is_whole && self.status >= Status::Credited {
            self.clone().credit(&self.credits)?;
        }
        if self.is_whole && self.status == Status::Rewarded {
            self.clone().reward(&self.grants)?;
        }
        Ok(())
    }

    /// What must hold at every version: nothing is lost or doubled between the boss, the journals
    /// and the players.
    pub(super) fn check_sums(&self, life: &Life) -> Result<(), Finding> {
        let overkill = self.journals_sum.saturating_sub(self.spec.hp_max);
        let lost = self.spec.hp_max - life.hp().min(self.spec.hp_max) + overkill;
        let (journals, players) = (self.journals_sum, self.players_sum);
        if lost != journals || journals != players || life.damage() != journals {
            let generation = self.generation;
            return Err(Finding::Sums { generation, lost: life.damage(), journals, players });
        }
        self.same(|| "the status".to_owned(), life.status as u64, self.status as u64)?;
        self.same(|| "the phase".to_owned(), life.phase.into(), self.phase.into())
    }

    /// Whether every single account is the same in the fold.
    pub(super) fn check_accounts(&self, life: &Life) -> Result<(), Finding> {
        for (journal, part) in &self.parts {
            let counted = life.counted.get(journal).map_or(0, |damage| damage.total.get());
            let (found, late) = (life.applied(*journal), life.applied(*journal) - counted);
            self.same(|| format!("what journal {journal} brought"), found, part.total)?;
            self.same(|| format!("what journal {journal} brought late"), late, part.late)?;
        }
        let totals: BTreeMap<_, _> = life.ranked().into_iter().collect();
        for player in totals.keys().chain(self.players.keys()) {
            let of = |totals: &BTreeMap<_, _>| totals.get(player).copied().unwrap_or(0);
            self.same(|| format!("what player {player} did"), of(&totals), of(&self.players))?;
        }
        Ok(())
    }

    fn same(&self, whose: impl Fn() -> String, found: u64, expected: u64) -> Result<(), Finding> {
        if found == expected {
            return Ok(());
        }
        Err(Finding::Account { generation: self.generation, whose: whose(), found, expected })
    }
}
