//! One program's copy of a shared value, as a pure machine: intents in, requests out, answers in.
//!
//! The copy is what the log says, and nothing else. What this program wants waits in a queue; the
//! front of the queue travels as one proposal, of which one is under way at a time. A proposal
//! keeps its number until its answer is known, so it counts once however often it is sent. When the
//! log has moved on under a transaction, its closure runs again on the newer value.

mod answers;
mod change;
mod draft;
mod edits;
mod keeping;
mod log;
mod marks;
mod questions;

use crate::{Backoff, Error};
use edits::{Batch, Item};
use keeping::Keeping;
use protocol::{Edit, GroupName, GroupRefusal, GroupRequest, Micros, SchemaHash, Seen};
use std::collections::VecDeque;
use ucore::{Bin, Snapshot, Updatable, Version, WriterId};

pub use change::Change;
pub use draft::{Draft, Transaction};
pub use edits::Intent;

/// How a program takes its part in a group.
#[derive(Debug, Clone)]
pub struct Part {
    /// The group.
    pub group: GroupName,
    /// Whether the group is begun if it is not there.
    pub create: bool,
    /// Whether this program brings the value now and then, so that the log before it may go.
    pub keeps: bool,
    /// Entries from one version at which values are kept to the next: as many as the authority
    /// says, which is [`GROUP_MARK_ENTRIES`](protocol::limits::GROUP_MARK_ENTRIES).
    pub mark_entries: u64,
    /// Random bytes: others in every program. They are its first writer, and what its random
    /// numbers come from.
    pub seed: [u8; 16],
}

/// What a replica asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Which of its questions it is.
    pub kind: Question,
    /// What to ask.
    pub request: GroupRequest,
}

/// The questions of a replica. One of each may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// May I have the group?
    Found,
    /// What is there already?
    Fetch,
    /// What follows, when it comes?
    Follow,
    /// These updates, please.
    Propose,
    /// Here is the value, or: that value is wrong.
    Keep,
    /// Farewell.
    Leave,
}

/// What happened to a copy, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Proposals that the log had moved on under.
    pub conflicts: u64,
    /// Times that the copy was not what the log makes, and was taken anew.
    pub resyncs: u64,
    /// Times that the copy was so far behind that a kept value brought it on.
    pub jumps: u64,
    /// Entries that could not be read, and so changed nothing.
    pub unreadable: u64,
    /// Values kept by others that were not what the log makes.
    pub disputes: u64,
    /// Values that this program has brought.
    pub kept: u64,
}

/// A proposal that is under way.
struct Flight<T: Updatable> {
    batch: Batch<T>,
    edit: Edit,
    expect: Option<Version>,
    /// Up to where the log was known when it was sent last.
    seen: Seen,
    /// Whether it was sent, and nobody knows what became of that.
    in_doubt: bool,
    /// Whether the copy has jumped since it was made, perhaps over it.
    jumped: bool,
    /// Where it is in the log, once that is known.
    committed: Option<Version>,
}

/// One program's copy of a shared value.
///
/// The value itself is lent to it, because others read it: an [`Arc`](std::sync::Arc), whose value
/// is copied when it changes while somebody still looks at the older one.
pub struct Replica<T: Updatable> {
    part: Part,
    schema: SchemaHash,
    random: fastrand::Rng,
    writer: WriterId,
    /// The number of the last proposal that was answered.
    seq: u64,
    queue: VecDeque<Item<T>>,
    flight: Option<Flight<T>>,
    /// The value as the closures of the proposal under way left it.
    scratch: Option<T>,
    /// The questions that are open, with what each had seen.
    open: Vec<(Question, Option<Seen>)>,
    /// Whether the copy is one of the log.
    begun: bool,
    /// The end of the log when it began.
    goal: Version,
    /// What follows is to be asked for at once: what was heard may be old, or a refusal has brought
    /// nothing of the log.
    unsure: bool,
    /// The group is to be founded first.
    must_found: bool,
    keeping: Keeping,
    backoff: Backoff,
    /// Nothing is asked before.
    retry_at: Micros,
    /// Nothing is waited for before. Proposals go on meanwhile: it may be the room for those who
    /// wait that was missing.
    follow_at: Micros,
    conflicts_in_row: u32,
    change: Option<Change<T::Update>>,
    /// Why a question had no answer, or not the one that was hoped for.
    trouble: Option<(Question, String)>,
    /// Why nothing goes on.
    ended: Option<GroupRefusal>,
    leaving: bool,
    left: bool,
    counts: Counts,
}

impl<T: Updatable> std::fmt::Debug for Replica<T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = out.debug_struct("Replica");
        out.field("group", &self.part.group.0).field("seq", &self.seq);
        out.field("waiting", &self.queue.len()).field("counts", &self.counts);
        out.finish_non_exhaustive()
    }
}

const BACKOFF_FIRST: Micros = Micros::from_millis(20);
const BACKOFF_MAX: Micros = Micros::from_millis(2_000);

impl<T: Updatable> Replica<T> {
    /// A copy that knows nothing yet.
    #[must_use]
    pub fn new(part: Part) -> Self {
        let mut random = fastrand::Rng::with_seed(ucore::bytes_hash(&part.seed));
        let backoff = Backoff::new(random.u64(..), BACKOFF_FIRST, BACKOFF_MAX);
        let writer = WriterId(Bin(part.seed));
        let keeping = Keeping::new(part.mark_entries);
        Self {
            part,
            schema: SchemaHash::of::<T>(),
            random,
            writer,
            seq: 0,
            queue: VecDeque::new(),
            flight: None,
            scratch: None,
            open: Vec::new(),
            begun: false,
            goal: Version(0),
            unsure: false,
            must_found: false,
            keeping,
            backoff,
            retry_at: Micros(0),
            follow_at: Micros(0),
            conflicts_in_row: 0,
            change: None,
            trouble: None,
            ended: None,
            leaving: false,
            left: false,
            counts: Counts::default(),
        }
    }

    /// The position and value to begin with.
    #[must_use]
    pub fn first(value: T) -> Snapshot<T> {
        let Seen { version, chain } = SchemaHash::of::<T>().start();
        Snapshot { version, chain, value }
    }

    /// Whether the copy, which is at `version`, has all that was in the log when it began.
    #[must_use]
    pub fn has_caught_up(&self, version: Version) -> bool {
        self.begun && self.goal <= version
    }

    /// Why nothing goes on, if so.
    #[must_use]
    pub fn ended(&self) -> Option<Error> {
        self.ended.map(|why| self.refused(why))
    }

    /// Whether farewell was said.
    #[must_use]
    pub const fn has_left(&self) -> bool {
        self.left
    }

    /// What happened to this copy, counted.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Intents that wait, or are under way.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len() + self.flight.as_ref().map_or(0, |flight| flight.batch.items.len())
    }

    /// Takes an intent in. It is told what became of it, by `deadline` at the latest.
    pub fn handle_intent(&mut self, intent: Box<dyn Intent<T>>, deadline: Micros) {
        let mut item = Item::new(intent, deadline);
        match self.ended {
            Some(why) => item.end(Err(self.refused(why))),
            None => self.queue.push_back(item),
        }
    }

    /// Notes what changes from now on, for [`poll_change`](Self::poll_change).
    pub fn watch(&mut self) {
        self.change.get_or_insert(Change::default());
    }

    /// What has changed since this was called last. None: nothing.
    pub fn poll_change(&mut self) -> Option<Change<T::Update>> {
        self.change.as_mut().filter(|change| !change.is_empty()).map(std::mem::take)
    }

    /// Says farewell once nothing waits any more.
    pub fn leave(&mut self) {
        self.leaving = true;
    }

    /// When to call [`handle_time`](Self::handle_time), and to ask again for requests.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Micros> {
        let flying = self.flight.iter().flat_map(|flight| &flight.batch.items);
        let items = self.queue.iter().chain(flying);
        let deadlines = items.filter(|item| item.intent.is_some()).map(|item| item.deadline);
        // What can't be asked now wakes nobody.
        let later = |at: Micros| (at > Micros(0)).then_some(at);
        let (retry, follow) = (later(self.retry_at), later(self.follow_at));
        let may_keep =
            retry.is_none() && self.begun && self.part.keeps && !self.is_open(Question::Keep);
        let keep = self.keeping.due.filter(|_| may_keep && self.ended.is_none());
        deadlines.chain(keep).chain(retry).chain(follow).min()
    }

    /// Ends what has waited for too long.
    pub fn handle_time(&mut self, now: Micros) {
        for at in [&mut self.retry_at, &mut self.follow_at] {
            if *at <= now {
                *at = Micros(0);
            }
        }
        let why = self.why();
        for item in self.queue.iter_mut().filter(|item| item.deadline <= now) {
            item.end(Err(Error::late(&why)));
        }
        self.queue.retain(|item| item.intent.is_some());
        for item in self.flight.iter_mut().flat_map(|flight| &mut flight.batch.items) {
            if item.deadline <= now {
                item.end(Err(Error::unknown(&why)));
            }
        }
    }

    pub(super) fn refused(&self, why: GroupRefusal) -> Error {
        Error::Refused { group: self.part.group.0.clone(), why }
    }

    /// What keeps it from going on.
    #[must_use]
    pub fn why(&self) -> String {
        let usual = if self.begun { "others were faster each time" } else { "no answer came" };
        self.trouble.as_ref().map_or_else(|| usual.to_owned(), |(_, why)| why.clone())
    }

    fn is_open(&self, kind: Question) -> bool {
        self.open.iter().any(|(open, _)| *open == kind)
    }

    /// What comes from now on counts under another name.
    pub(super) fn new_writer(&mut self) {
        let id = std::array::from_fn(|_| self.random.u8(..));
        (self.writer, self.seq) = (WriterId(Bin(id)), 0);
    }
}
