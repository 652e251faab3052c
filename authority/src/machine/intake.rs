//! Hop 9, intake: counts each interval exactly once. To [boss], then to [log].
//!
//! Every request may come any number of times and in any order; the answer to a repetition is a
//! success. Source: a push is a delta interval of a state-based counter (Almeida, Shoker and
//! Baquero, "Delta State Replicated Data Types", 2018).

use super::boss::consequence;
use super::{Machine, Online};
use protocol::limits::JOURNALS_MAX;
use protocol::{
    BossUpdate, Claim, Enter, EnterAnswer, Gen, Interval, Join, JoinAnswer, JournalId, Line, Push,
    PushAnswer, Status, Verdict,
};
use ucore::{Reject, Updatable};

/// What is to be done with a parent's last intervals.
enum Rests {
    /// They continue what was taken.
    Fit,
    /// The parent has a successor, or knows less than was taken from it: a copied or rewound disk.
    /// It is sealed as it stands.
    Stale,
    /// Something before one of them is missing.
    Gap { generation: Gen, applied: u64 },
    /// They contradict themselves.
    Broken,
}

impl Machine {
    /// Takes an interval of a journal's damage.
    pub fn handle_push(&mut self, push: Push) -> PushAnswer {
        let rolled_back = self.log.lacks(push.seen);
        let (journal, generation) = (push.journal, push.interval.generation);
        let named: Vec<_> = push.interval.lines.iter().map(|line| line.player).collect();
        let verdict = self.verdict(journal, push.interval, push.last);
        if !matches!(verdict, Verdict::Unknown | Verdict::Fenced) {
            self.online.insert(journal, Online { players: push.online, silent_polls: 0 });
        }
        let life = self.boss.life(generation);
        let late = |player| {
            let total = life.map_or(0, |life| life.late_of(journal, player));
            (total > 0).then_some(Line { player, total })
        };
        let late = match verdict {
            Verdict::Closed => named.into_iter().filter_map(late).collect(),
            _ => Vec::new(),
        };
        let applied = life.map_or(0, |life| life.applied(journal));
        PushAnswer { verdict, applied, late, rolled_back, truth: self.truth() }
    }

    fn verdict(&mut self, journal: JournalId, interval: Interval, last: bool) -> Verdict {
        match self.boss.journal(journal) {
            None => return Verdict::Unknown,
            Some(record) if record.sealed => return Verdict::Fenced,
            Some(_) => {}
        }
        let Some(life) = self.boss.life(interval.generation) else {
            // Generations before the oldest kept one are closed; one after the newest was lost.
            let ahead = self.boss.current().is_some_and(|(now, _)| interval.generation > now);
            return if ahead { Verdict::NotEntered } else { Verdict::Closed };
        };
        let Some(finished) = life.entered.get(&journal).copied() else {
            return Verdict::NotEntered;
        };
        let (applied, status) = (life.applied(journal), *life.status.get());
        if interval.from > applied {
            return Verdict::Gap;
        }
        let last = last && !finished && applied <= interval.to;
        let nothing_new = interval.to <= applied && !last;
        match status {
            Status::Closed if interval.to <= applied => Verdict::Closed,
            Status::Closed => self.record_late(journal, interval),
            _ if nothing_new => Verdict::Duplicate,
            Status::Alive if last => Verdict::Refused,
            Status::Alive | Status::Defeated | Status::Collecting => {
                self.count(journal, interval, last)
            }
        }
    }

    fn count(&mut self, journal: JournalId, interval: Interval, last: bool) -> Verdict {
        let Some(life) = self.boss.life(interval.generation) else { return Verdict::NotEntered };
        let caused = consequence(life, interval.to.saturating_sub(life.applied(journal)));
        let (phase, death) = (caused.phase, caused.death);
        self.commit_checked(
            BossUpdate::Push { journal, interval, last, phase, death },
            Verdict::Counted,
        )
    }

    fn record_late(&mut self, journal: JournalId, interval: Interval) -> Verdict {
        self.commit_checked(BossUpdate::Late { journal, interval }, Verdict::Closed)
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
            Some(record) if record.sealed => return EnterAnswer::Fenced,
            Some(_) => {}
        }
        let Some((current, life)) = self.boss.current() else { return EnterAnswer::Unknown };
        let entered = life.entered.contains_key(&journal);
        if generation != current || !entered && *life.status.get() != Status::Alive {
            return EnterAnswer::TooLate { truth: self.truth() };
        }
        if !entered {
            self.commit(BossUpdate::Enter { journal, generation });
        }
        EnterAnswer::Entered { spec: Box::new(self.spec().clone()), truth: self.truth() }
    }

    /// Opens a journal: counts its parent's rest, seals the parent, records the successor.
    pub fn handle_join(&mut self, join: Join) -> JoinAnswer {
        let journal = join.journal;
        if let Some(record) = self.boss.journal(journal) {
            if record.sealed {
                return JoinAnswer::Fenced;
            }
            let parent = join.parent.and_then(|claim| self.boss.journal(claim.journal).copied());
            return self.joined(parent.is_some_and(|parent| parent.successor == Some(journal)));
        }
        if self.boss.journals_len() + 2 > JOURNALS_MAX {
            return JoinAnswer::Full;
        }
        if join.parent.as_ref().is_some_and(|claim| claim.journal == journal) {
            return JoinAnswer::Refused;
        }
        let mut inherits = false;
        let parent = join.parent.as_ref().map(|claim| claim.journal);
        if let Some(claim) = join.parent {
            match self.weigh(&claim) {
                Rests::Fit => {
                    self.count_rests(join.shard, claim);
                    inherits = true;
                }
                Rests::Stale => {}
                Rests::Gap { generation, applied } => {
                    return JoinAnswer::Gap { generation, applied };
                }
                Rests::Broken => return JoinAnswer::Refused,
            }
        }
        self.commit(BossUpdate::Join { journal, shard: join.shard, parent, inherits });
        self.joined(inherits)
    }

    fn joined(&self, inherits: bool) -> JoinAnswer {
        JoinAnswer::Joined {
            inherits,
            spec: Box::new(self.spec().clone()),
            truth: self.truth(),
        }
    }

    /// Looks at a claim without changing anything.
    fn weigh(&self, claim: &Claim) -> Rests {
        if self.boss.journal(claim.journal).is_some_and(|parent| parent.sealed) {
            return Rests::Stale;
        }
        let rest_of = |generation| claim.rests.iter().find(|rest| rest.generation == generation);
        for (generation, life) in self.boss.lives() {
            let unfinished = life.entered.get(&claim.journal) == Some(&false);
            let known = rest_of(generation).map_or(0, |rest| rest.to);
            if unfinished && known < life.applied(claim.journal) {
                return Rests::Stale;
            }
        }
        for rest in &claim.rests {
            let Some(life) = self.boss.life(rest.generation) else { continue };
            let applied = life.applied(claim.journal);
            if applied < rest.from {
                return Rests::Gap { generation: rest.generation, applied };
            }
            if applied <= rest.to
                && life.check_interval(claim.journal, rest) == Err(Reject::Unbalanced)
            {
                return Rests::Broken;
            }
        }
        Rests::Fit
    }

    /// Takes what a parent had synced. A parent that the authority no longer knows, because it was
    /// rolled back, is taken up again first.
    fn count_rests(&mut self, shard: protocol::ShardId, claim: Claim) {
        let journal = claim.journal;
        if self.boss.journal(journal).is_none() {
            self.commit(BossUpdate::Join { journal, shard, parent: None, inherits: false });
        }
        for rest in claim.rests {
            let generation = rest.generation;
            let Some(life) = self.boss.life(generation) else { continue };
            if !life.entered.contains_key(&journal) {
                self.commit(BossUpdate::Enter { journal, generation });
            }
            self.verdict(journal, rest, false);
        }
    }
}
