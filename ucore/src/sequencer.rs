//! One log for both lanes: who orders updates, and counts each of them once.

use crate::{Chain, Lane, Reject, Updatable, Version, Wire, WriterId, encode};
use std::collections::{BTreeMap, VecDeque};

/// What must be true of the log for a proposal to be meaningful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Anything.
    Any,
    /// No update of the ordered lane follows this version. Deltas do not disturb it.
    Exact(Version),
}

/// An update that someone wants in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal<U> {
    /// Who. A writer has one proposal under way at a time.
    pub writer: WriterId,
    /// Its number, one more than that of the writer's last answered proposal, from 1. Another
    /// update under a number that is used up gets the answer of the first one, and is lost.
    pub seq: u64,
    /// What it rests on.
    pub expect: Expect,
    /// The update.
    pub update: U,
}

/// What became of a proposal for good. Its number is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log, at this version.
    Committed(Version),
    /// It did not fit, and changed nothing.
    Rejected(Reject),
}

/// The answer to a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// This became of it.
    New(Outcome),
    /// This became of it when it came before.
    Duplicate(Outcome),
    /// It came before, and so did a later one; what became of it is forgotten.
    Old,
    /// The writer's next number is this.
    SeqGap {
        /// That number.
        want: u64,
    },
    /// Ordered updates followed the version on which it rests, or the log has not come that far:
    /// look at them, then propose anew,
    /// under the same number.
    Conflict {
        /// The version on which it rests, which tells this answer from that to a later attempt.
        seen: Version,
        /// The version now. [`Sequencer::resume`] has what lies between.
        actual: Version,
    },
    /// As many writers are known as there is room for: [forget](Sequencer::forget) one.
    TooManyWriters,
}

/// What is known of a writer whose proposal may be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: this is its first one.
    New,
    /// Its last answered proposal.
    Known,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<U> {
    /// Its position.
    pub version: Version,
    /// The chain after it.
    pub chain: Chain,
    /// The update.
    pub update: U,
}

/// What a reader needs who has seen everything up to some version.
#[derive(Debug, Clone, PartialEq)]
pub enum Resume<'a, S: Updatable> {
    /// The entries that follow. None if the reader has all.
    Suffix(Vec<&'a Entry<S::Update>>),
    /// The whole value: what follows is no longer kept, or the reader has seen another log.
    Snapshot(&'a Snapshot<S>),
}

/// A value at a position of its log.
///
/// ```
/// use ucore::{Chain, Counter, Entry, Snapshot, Version};
/// let mut copy = Snapshot::new(Counter::default());
/// let entry = Entry::after(copy.version, copy.chain, Counter::of(5));
/// copy.follow(&entry).expect("it is the first entry");
/// assert_eq!((copy.version, copy.value), (Version(1), Counter::of(5)));
/// // The same entry does not follow itself.
/// assert!(copy.follow(&entry).is_err());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot<S> {
    /// The version.
    pub version: Version,
    /// The chain there.
    pub chain: Chain,
    /// The value.
    pub value: S,
}

/// Why an entry does not continue a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FollowError {
    /// Another version belongs there.
    Version {
        /// That version.
        expected: Version,
    },
    /// Its chain does not follow: an entry was lost, changed, or belongs to another log.
    Chain,
    /// It does not fit the value.
    Unfit(Reject),
}

impl std::fmt::Display for FollowError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version { expected } => write!(out, "version {expected} belongs there"),
            Self::Chain => out.write_str("its chain does not follow from the entry before it"),
            Self::Unfit(reject) => write!(out, "it does not fit: {reject}"),
        }
    }
}

impl std::error::Error for FollowError {}

impl<U: Wire> Entry<U> {
    /// The entry that follows a position.
    #[must_use]
    pub fn after(version: Version, chain: Chain, update: U) -> Self {
        let version = version.next();
        let chain = chain.link(version, "update", &encode(&update));
        Self { version, chain, update }
    }
}

impl<S: Updatable> Snapshot<S> {
    /// A value before its first update. Logs that begin with other values have other chains.
    #[must_use]
    pub fn new(value: S) -> Self {
        let chain = Chain::START.link(Version(0), "value", &encode(&value));
        Self { version: Version(0), chain, value }
    }

    /// Moves on by the entry that follows.
    ///
    /// # Errors
    /// [`FollowError`]; the value is then as it was. Whoever follows takes a snapshot instead.
    pub fn follow(&mut self, entry: &Entry<S::Update>) -> Result<(), FollowError> {
        let expected = self.version.next();
        if entry.version != expected {
            return Err(FollowError::Version { expected });
        }
        if self.chain.link(expected, "update", &encode(&entry.update)) != entry.chain {
            return Err(FollowError::Chain);
        }
        self.value.apply(entry.update.clone()).map_err(FollowError::Unfit)?;
        (self.version, self.chain) = (entry.version, entry.chain);
        Ok(())
    }

    /// The hash of the value's canonical bytes: copies that agree have the same one.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        crate::state_hash(&self.value)
    }
}

/// What is remembered of a writer: its last answered proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Its number.
    pub seq: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// All that a sequencer needs to go on elsewhere, or later.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint<S> {
    /// The value, with its position.
    pub head: Snapshot<S>,
    /// The last version of the ordered lane.
    pub ordered: Version,
    /// The writers whose proposals must not count again.
    pub writers: BTreeMap<WriterId, Answered>,
}

/// Orders proposals into one log, each of them once, and keeps the value that the log makes.
///
/// ```
/// use ucore::prelude::*;
/// use ucore::{Bin, Expect, Outcome, Proposal, Reject, Sequencer, UVec, Verdict, Version};
/// use ucore::{WriterId, plan};
///
/// let mut notes = Sequencer::new(UVec::<String>::default());
/// let update = plan::<UVec<String>>().push("hello".to_owned());
/// let proposal =
///     Proposal { writer: WriterId(Bin([1; 16])), seq: 1, expect: Expect::Any, update };
///
/// let done = Outcome::Committed(Version(1));
/// assert_eq!(notes.submit(proposal.clone()), Verdict::New(done));
/// // The answer got lost, so the writer asks again: the update counts once.
/// assert_eq!(notes.submit(proposal), Verdict::Duplicate(done));
/// assert_eq!(notes.value().len(), 1);
/// ```
#[derive(Debug, Clone)]
pub struct Sequencer<S: Updatable> {
    head: Snapshot<S>,
    /// The last version of the ordered lane.
    ordered: Version,
    /// The chain before the oldest entry that is kept.
    base: Chain,
    /// Invariant: contiguous, and the last one is at the head.
    log: VecDeque<Entry<S::Update>>,
    log_len_max: usize,
    writers: BTreeMap<WriterId, Answered>,
}

impl<S: Updatable> Sequencer<S> {
    /// Entries that are kept unless [`Sequencer::keep`] says otherwise.
    pub const LOG_LEN_MAX: usize = 10_000;
    /// Writers that are remembered. More are refused.
    pub const WRITERS_LEN_MAX: usize = 100_000;

    /// A log that begins with this value.
    #[must_use]
    pub fn new(value: S) -> Self {
        let head = Snapshot::new(value);
        Self::restore(Checkpoint { head, ordered: Version(0), writers: BTreeMap::new() })
    }

    /// A log that goes on from a checkpoint. Entries before it are not there.
    #[must_use]
    pub fn restore(checkpoint: Checkpoint<S>) -> Self {
        let Checkpoint { head, ordered, writers } = checkpoint;
        let (base, log, log_len_max) = (head.chain, VecDeque::new(), Self::LOG_LEN_MAX);
        Self { head, ordered, base, log, log_len_max, writers }
    }

    /// What [`Sequencer::restore`] needs.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint<S> {
        let (head, writers) = (self.head.clone(), self.writers.clone());
        Checkpoint { head, ordered: self.ordered, writers }
    }

    /// The value now.
    #[must_use]
    pub const fn value(&self) -> &S {
        &self.head.value
    }

    /// The value now, with its position.
    #[must_use]
    pub const fn head(&self) -> &Snapshot<S> {
        &self.head
    }

    /// Takes a proposal. It may come any number of times.
    pub fn submit(&mut self, proposal: Proposal<S::Update>) -> Verdict {
        let Proposal { writer, seq, expect, update } = proposal;
        match self.admit(writer, seq) {
            Err(verdict) => return verdict,
            Ok(Standing::New) if self.writers.len() >= Self::WRITERS_LEN_MAX => {
                return Verdict::TooManyWriters;
            }
            Ok(Standing::New | Standing::Known) => {}
        }
        if let Expect::Exact(seen) = expect
            && (seen < self.ordered || self.head.version < seen)
        {
            return Verdict::Conflict { seen, actual: self.head.version };
        }
        let outcome = self.commit(update);
        self.writers.insert(writer, Answered { seq, outcome });
        Verdict::New(outcome)
    }

    /// Whether this is a writer's next number, and if not, the answer to it. Who has rules of its
    /// own for newcomers, or for how much there is room, asks this before it applies them.
    ///
    /// # Errors
    /// The answer: [`Verdict::Duplicate`], [`Verdict::Old`] or [`Verdict::SeqGap`].
    pub fn admit(&self, writer: WriterId, seq: u64) -> Result<Standing, Verdict> {
        let last = self.writers.get(&writer);
        let last_seq = last.map_or(0, |last| last.seq);
        match last {
            Some(last) if seq == last.seq => Err(Verdict::Duplicate(last.outcome)),
            _ if seq < last_seq || seq == 0 => Err(Verdict::Old),
            _ if seq - last_seq > 1 => Err(Verdict::SeqGap { want: last_seq + 1 }),
            Some(_) => Ok(Standing::Known),
            None => Ok(Standing::New),
        }
    }

    fn commit(&mut self, update: S::Update) -> Outcome {
        if let Err(reject) = self.head.value.apply(update.clone()) {
            return Outcome::Rejected(reject);
        }
        let lane = S::lane(&update);
        let entry = Entry::after(self.head.version, self.head.chain, update);
        (self.head.version, self.head.chain) = (entry.version, entry.chain);
        if lane == Lane::Ordered {
            self.ordered = entry.version;
        }
        self.log.push_back(entry);
        self.keep(self.log_len_max);
        Outcome::Committed(self.head.version)
    }

    /// The newest entry, if it is kept: what to send to those who follow.
    #[must_use]
    pub fn last(&self) -> Option<&Entry<S::Update>> {
        self.log.back()
    }

    /// Keeps only so many of the newest entries, from now on.
    pub fn keep(&mut self, entries: usize) {
        self.log_len_max = entries;
        let over = self.log.len().saturating_sub(entries);
        if let Some(last) = self.log.drain(..over).next_back() {
            self.base = last.chain;
        }
    }

    /// Forgets a writer whose session has ended: what it sends again would count again.
    pub fn forget(&mut self, writer: WriterId) {
        self.writers.remove(&writer);
    }

    /// Forgets the writers that `keep` does not want.
    pub fn retain(&mut self, mut keep: impl FnMut(WriterId, Answered) -> bool) {
        self.writers.retain(|writer, last| keep(*writer, *last));
    }

    /// The writers that are known, each with its last answered proposal.
    #[must_use]
    pub const fn writers(&self) -> &BTreeMap<WriterId, Answered> {
        &self.writers
    }

    /// The last version of the ordered lane.
    #[must_use]
    pub const fn ordered(&self) -> Version {
        self.ordered
    }

    /// What someone needs who has seen the log up to `version`, where its chain was `chain`.
    #[must_use]
    pub fn resume(&self, version: Version, chain: Chain) -> Resume<'_, S> {
        let behind = self.head.version.0.checked_sub(version.0);
        let behind = behind.and_then(|behind| usize::try_from(behind).ok());
        let start = behind.and_then(|behind| self.log.len().checked_sub(behind));
        match start {
            Some(start) if self.chain_before(start) == chain => {
                Resume::Suffix(self.log.range(start..).collect())
            }
            Some(_) | None => Resume::Snapshot(&self.head),
        }
    }

    /// The chain before an entry that is kept, or at the end.
    fn chain_before(&self, idx: usize) -> Chain {
        idx.checked_sub(1).and_then(|last| self.log.get(last)).map_or(self.base, |it| it.chain)
    }
}
