//! Hop 9, intake: counts each interval exactly once. To [boss], then to [log].
//!
//! Every request may come any number of times and in any order; the answer to a repetition is a
//! success. Source: a push is a delta interval of a state-based counter (Almeida, Shoker and
//! Baquero, "Delta State Replicated Data Types", 2018).

use super::Machine;
use super::boss::consequence;
use protocol::limits::{JOURNALS_MAX, LINEAGE_MAX};
use protocol::mutants::{self, Mutant};
use protocol::{
    BossUpdate, Claim, Enter, EnterAnswer, Gen, Interval, Join, JoinAnswer, JournalId, Push,
    PushAnswer, ShardId, Status, Verdict,
};
use ucore::{Reject, Updatable};

/// What is to be done with a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claimed {
    /// Its intervals continue what was taken.
    Fits,
    /// The journal has a successor, or the claim knows less than was taken: a copied or rewound
    /// disk. It stays as it is.
    Stale,
    /// Something before one of its intervals is missing.
    Gap { generation: Gen, applied: u64 },
    /// It contradicts itself.
    Broken,
}

impl Machine {
    /// Takes an interval of a journal's damage.
    pub fn handle_push(&mut self, push: Push) -> PushAnswer {
        let rolled_back = self.log.lacks(push.seen) && !mutants::is(Mutant::RollbackUntold);
        let (journal, generation) = (push.journal, push.interval.generation);
        let named: Vec<_> = push.interval.players.iter().map(|(player, _)| *player).collect();
        let verdict = self.verdict(journal, push.interval, push.last);
        if !matches!(verdict, Verdict::Unknown | Verdict::Fenced) {
            self.hear(journal, push.online);
        }
        let life = self.boss.book(generation);
        let late = match life {
            Some(_) if mutants::is(Mutant::LateUntold) => Vec::new(),
            Some(life) if verdict == Verdict::Closed => life.late_lines_of(journal, named),
            Some(_) | None => Vec::new(),
        };
        let applied = life.map_or(0, |life| life.applied(journal));
        let standings = self.standings.as_ref().filter(|it| it.number != push.standings).cloned();
        PushAnswer { verdict, applied, late, rolled_back, standings, truth: self.truth() }
    }

    fn verdict(&mut self, journal: JournalId, interval: Interval, last: bool) -> Verdict {
        match self.boss.journal(journal) {
            None => return Verdict::Unknown,
            Some(_) if mutants::is(Mutant::NoFence) => {}
            Some(record) if record.sealed => return Verdict::Fenced,
            Some(_) => {}
        }
        let Some(life) = self.boss.book(interval.generation) else {
            // One after the newest was lost; in one before the oldest there is nothing to say.
            let ahead = self.boss.current().is_some_and(|(now, _)| interval.generation > now);
            return if ahead { Verdict::NotEntered } else { Verdict::Closed };
        };
        let (applied, mut status) = (life.applied(journal), life.status);
        if mutants::is(Mutant::LateCounted) {
            status = status.min(Status::Collecting);
        }
        let entered = life.entered.get(&journal).copied();
        let closed = status.is_closed();
        // Who has said all has nothing more to say, and one that is not known there is late.
        if closed && entered == Some(true) {
            return Verdict::Closed;
        }
        let Some(finished) = entered.or(closed.then_some(false)) else {
            return Verdict::NotEntered;
        };
        if interval.from > applied && !mutants::is(Mutant::GapAccepted) {
            return Verdict::Gap;
        }
        let mut last = last && !finished && applied <= interval.to;
        if mutants::is(Mutant::LastWordIgnored) {
            last = false;
        }
        let nothing_new = interval.to <= applied && !last;
        match status {
            _ if closed && nothing_new => Verdict::Closed,
            Status::Closed | Status::Credited | Status::Rewarded => {
                self.commit_checked(BossUpdate::Late { journal, interval, last }, Verdict::Closed)
            }
            _ if nothing_new && !mutants::is(Mutant::NoDedupe) => Verdict::Duplicate,
            Status::Alive if last => Verdict::Refused,
            Status::Alive | Status::Defeated | Status::Collecting => {
                let grown = interval.to - applied;
                let caused = consequence(&life.spec, life.phase, life.damage(), grown);
                let (mut phase, mut death) = (caused.phase, caused.death);
                if mutants::is(Mutant::PhaseSkipped) {
                    phase = phase.map(|_| life.phase + 1);
                }
                if mutants::is(Mutant::DeathTwice) {
                    death |= life.hp() == 0;
                }
                let push = BossUpdate::Push { journal, interval, last, phase, death };
                self.commit_checked(push, Verdict::Counted)
            }
        }
    }

    /// Commits what a shard asked for, unless it contradicts itself.
    fn commit_checked(&mut self, update: BossUpdate, success: Verdict) -> Verdict {
        if self.boss.check(&update).is_err() {
            return Verdict::Refused;
        }
        self.commit(update);
        success
    }

    /// Lets a journal take part in a generation.
    pub fn handle_enter(&mut self, enter: &Enter) -> EnterAnswer {
        let (journal, generation) = (enter.journal, enter.generation);
        match self.boss.journal(journal) {
            None => return EnterAnswer::Unknown,
            Some(_) if mutants::is(Mutant::NoFence) => {}
            Some(record) if record.sealed => return EnterAnswer::Fenced,
            Some(_) => {}
        }
        let Some((current, life)) = self.boss.current() else {
            return EnterAnswer::Unknown;
        };
        let entered = life.entered.contains_key(&journal);
        // After death only a journal comes that had entered before the authority was rolled back.
        if generation != current || !entered && life.status.is_closed() {
            return EnterAnswer::TooLate { truth: self.truth() };
        }
        if !entered {
            self.commit(BossUpdate::Enter { journal, generation });
        }
        EnterAnswer::Entered { spec: Box::new(self.spec().clone()), truth: self.truth() }
    }

    /// Opens a journal: counts what its parent had synced, seals the parent, and records the
    /// newcomer as its successor.
    pub fn handle_join(&mut self, join: Join) -> JoinAnswer {
        let journal = join.journal;
        let line: Vec<_> = join.lineage.iter().map(|claim| claim.journal).collect();
        if let Some(record) = self.boss.journal(journal) {
            if record.sealed {
                return JoinAnswer::Fenced;
            }
            // A parent that is sealed, and stands in no book, goes when a generation begins.
            let inherits = line.last().is_some_and(|parent| {
                let parent = self.boss.journal(*parent);
                parent.is_none_or(|parent| parent.successor == Some(journal))
            });
            return self.joined(inherits, &line);
        }
        if line.contains(&journal) || line.len() > LINEAGE_MAX {
            return JoinAnswer::Refused;
        }
        if self.boss.journals_len() + line.len() >= JOURNALS_MAX {
            return JoinAnswer::Full;
        }
        if join.lineage.iter().any(|claim| self.is_ahead(claim)) {
            return JoinAnswer::Ahead;
        }
        let mut parent = None;
        for claim in &join.lineage {
            let weighed = self.weigh(claim);
            match weighed {
                Claimed::Fits | Claimed::Stale => parent = Some((claim.journal, weighed)),
                Claimed::Gap { generation, applied } => {
                    return JoinAnswer::Gap { journal: claim.journal, generation, applied };
                }
                Claimed::Broken => return JoinAnswer::Refused,
            }
        }
        let mut before = None;
        for claim in join.lineage {
            before = Some(self.take_up(join.shard, before, claim));
        }
        let mut inherits = parent.is_some_and(|(_, weighed)| weighed == Claimed::Fits);
        if mutants::is(Mutant::InheritsAlways) {
            inherits = parent.is_some();
        }
        let parent = parent.map(|(parent, _)| parent);
        self.commit(BossUpdate::Join { journal, shard: join.shard, parent, inherits });
        self.joined(inherits, &line)
    }

    fn joined(&self, inherits: bool, line: &[JournalId]) -> JoinAnswer {
        JoinAnswer::Joined {
            inherits,
            late: self.boss.late_lines(line),
            spec: Box::new(self.spec().clone()),
            truth: self.truth(),
        }
    }

    /// Whether a claim has damage in the generation that is about to begin, again. It could not be
    /// counted now, and sealing its journal would leave nobody to say it later.
    fn is_ahead(&self, claim: &Claim) -> bool {
        let Some((current, life)) = self.boss.current() else { return false };
        let is_next = |rest: &Interval| rest.generation == current.next() && rest.to > 0;
        let is_ahead = life.status.is_closed() && claim.rests.iter().any(is_next);
        is_ahead && !mutants::is(Mutant::NeverAhead)
    }

    /// Looks at a claim without changing anything.
    fn weigh(&self, claim: &Claim) -> Claimed {
        let journal = claim.journal;
        if self.boss.journal(journal).is_some_and(|known| known.sealed) {
            return Claimed::Stale;
        }
        let rest_of = |generation| claim.rests.iter().find(|rest| rest.generation == generation);
        for (generation, life) in self.boss.books() {
            let has_book =
                life.entered.get(&journal) == Some(&false) || self.is_on_disks(generation);
            let known = rest_of(generation).map(|rest| rest.to).or(has_book.then_some(0));
            let lacks = known.is_some_and(|known| known < life.applied(journal));
            if lacks && !mutants::is(Mutant::StaleClaimTaken) {
                return Claimed::Stale;
            }
        }
        for rest in &claim.rests {
            let generation = rest.generation;
            let Some(life) = self.boss.book(generation) else { continue };
            let applied = life.applied(journal);
            if applied < rest.from {
                return Claimed::Gap { generation, applied };
            }
            if applied <= rest.to && life.check_interval(journal, rest) == Err(Reject::Unbalanced) {
                return Claimed::Broken;
            }
        }
        Claimed::Fits
    }

    /// Whether a shard still has its book of a generation, also when it has said its last there: it
    /// keeps it until the next generation is over, or until its beginning was taken back.
    fn is_on_disks(&self, generation: Gen) -> bool {
        self.boss.current().is_some_and(|(current, life)| {
            generation == current || generation.next() == current && !life.status.is_closed()
        })
    }

    /// Takes what a claimed journal had synced. One that is not known, because the authority was
    /// rolled back since, is taken up again as the successor of the one before it.
    fn take_up(&mut self, shard: ShardId, before: Option<JournalId>, claim: Claim) -> JournalId {
        let journal = claim.journal;
        if self.boss.journal(journal).is_none() {
            let inherits = before
                .and_then(|before| self.boss.journal(before))
                .is_some_and(|before| !before.sealed);
            self.commit(BossUpdate::Join { journal, shard, parent: before, inherits });
        }
        for rest in claim.rests {
            let generation = rest.generation;
            let sealed = self.boss.journal(journal).is_none_or(|known| known.sealed);
            let Some(life) = self.boss.book(generation).filter(|_| !sealed) else { continue };
            let closed = life.status.is_closed();
            if !closed && !life.entered.contains_key(&journal) {
                self.commit(BossUpdate::Enter { journal, generation });
            }
            self.verdict(journal, rest, false);
        }
        journal
    }
}
