//! How a process takes over the journal found on its disk, step by durable step.
//!
//! The new journal's id is on the disk before the authority hears of it. A process that dies in
//! between leaves that intent behind; the next one first repeats the interrupted join, so the line
//! of successors on the disk and at the authority stay the same.

use super::journal::{Journal, ResendFrom};
use protocol::mutants::{self, Mutant};
use protocol::{BossId, BossSpec, Join, JoinAnswer, JournalId, LateLine, ShardId, Truth};

/// What a disk holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// The journal that joined last.
    pub journal: Option<Journal>,
    /// A journal that was about to join.
    pub intent: Option<JournalId>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Sync this intent, then call [`Opening::handle_written`].
    Intend(JournalId),
    /// Sync this journal in the place of everything before, then call [`Opening::handle_written`].
    Adopt(Box<Journal>),
    /// Ask the authority, then call [`Opening::handle_answer`]. Asking again is harmless.
    Join(Join),
    /// The journal is open.
    Done(Box<Opened>),
}

/// An open journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The journal.
    pub journal: Journal,
    /// The scenario of the current generation.
    pub spec: BossSpec,
    /// The truth.
    pub truth: Truth,
    /// Damage of the journals before it that came too late.
    pub late: Vec<LateLine>,
}

/// Why a journal can't be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpeningError {
    /// The authority refuses the claim.
    #[error(
        "the authority refuses this journal because its totals contradict each other; move the \
         data directory away to begin without it, what was pushed stays counted"
    )]
    Refused,
    /// The authority knows its maximum of journals.
    #[error("the authority knows as many journals as it can; try again after this generation")]
    Full,
    /// The journal on the disk is about another boss.
    #[error(
        "the journal in this data directory is about boss {found}, and this game is about boss \
         {boss}; choose another data directory"
    )]
    OtherBoss {
        /// The journal's boss.
        found: BossId,
        /// The boss that is played.
        boss: BossId,
    },
    /// A journal id was drawn twice.
    #[error("the authority knows this new journal already; start again")]
    Known,
}

/// The opening of one process's journal.
#[derive(Debug)]
pub struct Opening {
    boss: BossId,
    shard: ShardId,
    /// The journal of this process.
    fresh: JournalId,
    /// The journal whose join is under way: an interrupted one first, then `fresh`.
    joining: JournalId,
    found: Option<Journal>,
    /// What the authority asked for after a gap.
    from: ResendFrom,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Intend,
    Join,
    Adopt(Box<Opened>),
    Done(Box<Opened>),
}

impl Opening {
    /// Opens the journal `fresh`, which nobody has used before, on what the disk holds.
    ///
    /// # Errors
    /// [`OpeningError::OtherBoss`] if the disk's journal is about another one.
    pub fn new(
        boss: BossId,
        shard: ShardId,
        disk: Disk,
        fresh: JournalId,
    ) -> Result<Self, OpeningError> {
        if let Some(found) = disk.journal.as_ref().map(|journal| journal.boss)
            && found != boss
        {
            return Err(OpeningError::OtherBoss { found, boss });
        }
        let (joining, stage) = match disk.intent {
            Some(interrupted) => (interrupted, Stage::Join),
            None if mutants::is(Mutant::NoIntent) => (fresh, Stage::Join),
            None => (fresh, Stage::Intend),
        };
        let (found, from) = (disk.journal, ResendFrom::new());
        Ok(Self { boss, shard, fresh, joining, found, from, stage })
    }

    /// What to do next. Asking twice gives the same step.
    #[must_use]
    pub fn step(&self) -> Step {
        match &self.stage {
            Stage::Intend => Step::Intend(self.joining),
            Stage::Join => Step::Join(self.join()),
            Stage::Adopt(opened) => Step::Adopt(Box::new(opened.journal.clone())),
            Stage::Done(opened) => Step::Done(opened.clone()),
        }
    }

    fn join(&self) -> Join {
        let found = self.found.as_ref();
        let lineage = found.map(|found| found.lineage_with_self(&self.from)).unwrap_or_default();
        Join { boss: self.boss, journal: self.joining, shard: self.shard, lineage }
    }

    /// What the last [`Step::Intend`] or [`Step::Adopt`] asked for is durable.
    pub fn handle_written(&mut self) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Join) {
            Stage::Adopt(opened) if self.joining == self.fresh => Stage::Done(opened),
            Stage::Adopt(opened) => {
                self.found = Some(opened.journal);
                self.joining = self.fresh;
                self.from.clear();
                Stage::Intend
            }
            Stage::Intend | Stage::Join => Stage::Join,
            done @ Stage::Done(_) => done,
        };
    }

    /// Takes the answer to the last [`Step::Join`].
    ///
    /// # Errors
    /// [`OpeningError`] if it can't be opened at all.
    pub fn handle_answer(&mut self, answer: JoinAnswer) -> Result<(), OpeningError> {
        match answer {
            JoinAnswer::Joined { inherits, late, spec, truth } => {
                let found = self.found.as_ref();
                let journal = Journal::begin(self.joining, self.boss, self.shard, found, inherits);
                self.stage = Stage::Adopt(Box::new(Opened { journal, spec: *spec, truth, late }));
                Ok(())
            }
            JoinAnswer::Gap { journal, generation, applied } => {
                self.from.insert((journal, generation), applied);
                Ok(())
            }
            // An interrupted join went through after all, and a copy of this disk took over from
            // it. Joining after that one gives no sessions, as it should be.
            JoinAnswer::Fenced if self.joining != self.fresh => {
                self.joining = self.fresh;
                self.stage = Stage::Intend;
                Ok(())
            }
            // It is asked again, as if nobody had answered.
            JoinAnswer::Ahead => Ok(()),
            JoinAnswer::Fenced => Err(OpeningError::Known),
            JoinAnswer::Refused => Err(OpeningError::Refused),
            JoinAnswer::Full => Err(OpeningError::Full),
        }
    }
}
