//! Keeping the value: whether kept values are what the log made here, and when this program brings
//! one.

use super::marks::{Mark, Marks};
use super::{Asked, Question, Replica};
use protocol::limits::{GROUP_LOG_BYTES_MAX, GROUP_LOG_ENTRIES_MAX, GROUP_VALUE_BYTES_MAX};
use protocol::mutants::{self, Mutant};
use protocol::{Checkpoint, Dispute, GroupEntry, GroupRequest, KeptMark, Micros, Seen};
use ucore::{Blob, Updatable, Version, Wire};

/// The longest time that a value waits to be brought, in microseconds: others may be faster.
const KEEP_PAUSE_MAX: u64 = 300_000;
/// How long a value waits at least that could not be brought.
const KEEP_AGAIN: Micros = Micros::from_millis(1_000);
/// Bytes of entries after which a value is brought, unless it has more bytes itself: so many for
/// each entry from mark to mark.
const KEEP_BYTES: u64 = 64;
/// Bytes of the log at which a value is brought, however many it has.
const LOG_BYTES: usize = (GROUP_LOG_BYTES_MAX / 2) as usize;
/// Bytes that an entry takes beside its edit.
const ENTRY_BYTES: usize = 32;

/// What is known of kept values.
#[derive(Debug)]
pub(super) struct Keeping {
    marks: Marks,
    /// The newest kept value that was heard of.
    newest: Option<KeptMark>,
    /// Bytes of entries since then.
    since: usize,
    /// Bytes of entries from the value before it to it, as far as they came here.
    before: usize,
    /// When the value at the newest mark is to be brought.
    pub(super) due: Option<Micros>,
    /// A kept value that is not to be begun with: it can't be read, or is not what was here.
    pub(super) distrust: Option<Version>,
    /// The same, and what the log makes without it is not that value either.
    pub(super) disputed: Option<Version>,
    /// The version of the kept value that the copy began with.
    origin: Option<Version>,
}

impl Keeping {
    pub(super) fn new(mark_entries: u64) -> Self {
        Self {
            marks: Marks::new(mark_entries),
            newest: None,
            since: 0,
            before: 0,
            due: None,
            distrust: None,
            disputed: None,
            origin: None,
        }
    }

    /// The copy begins anew; `kept`: with a value that was kept.
    pub(super) fn begin<T: Wire>(&mut self, at: Seen, value: &T, kept: bool) {
        self.marks.clear();
        self.marks.note(at, value);
        self.origin = kept.then_some(at.version);
        self.since = 0;
    }
}

impl<T: Updatable> Replica<T> {
    /// Brings the value, or disputes one.
    pub(super) fn ask_keep(&mut self, now: Micros) -> Option<Asked> {
        if !self.part.keeps || self.is_open(Question::Keep) {
            return None;
        }
        let (group, schema) = (self.part.group.clone(), self.schema);
        if let Some(version) = self.keeping.disputed {
            let request = GroupRequest::Dispute(Dispute { group, schema, version });
            return Some(Asked { kind: Question::Keep, request });
        }
        if self.keeping.due.is_none_or(|at| now < at) {
            return None;
        }
        self.keeping.due = None;
        let (mark, value) = self.keeping.marks.newest()?;
        let is_kept = self.keeping.newest.is_some_and(|kept| kept.version >= mark.at.version);
        if is_kept || value.len() > GROUP_VALUE_BYTES_MAX {
            return None;
        }
        let (keeper, value) = (self.writer, Blob::from(value.to_vec()));
        let Mark { at, hash } = mark;
        let checkpoint = Checkpoint { group, schema, keeper, at, hash, value };
        Some(Asked { kind: Question::Keep, request: GroupRequest::Checkpoint(checkpoint) })
    }

    /// Has the value at the newest mark brought, if this program keeps it.
    pub(super) fn keep_soon(&mut self, now: Micros) {
        if self.part.keeps && self.keeping.due.is_none() {
            self.keeping.due = Some(now + Micros(self.random.u64(..KEEP_PAUSE_MAX)));
        }
    }

    /// Has it brought again that could not be brought now.
    pub(super) fn keep_later(&mut self, now: Micros) {
        let pause = KEEP_AGAIN + Micros(self.random.u64(..KEEP_PAUSE_MAX));
        self.keeping.due = Some(now + pause);
    }

    /// Compares what somebody has kept with what the log made here.
    pub(super) fn hear_kept(&mut self, kept: Option<KeptMark>) {
        if kept != self.keeping.newest {
            (self.keeping.newest, self.keeping.before, self.keeping.since) =
                (kept, self.keeping.since, 0);
        }
        // It may be an older word that was on its way for longer.
        self.unsure |= self.lacks_origin(kept);
        let Some(kept) = kept else { return };
        match self.keeping.marks.agrees(kept) {
            None => {}
            Some(true) if self.keeping.distrust == Some(kept.version) => {
                (self.keeping.distrust, self.keeping.disputed) = (None, None);
            }
            Some(true) => {}
            Some(false) if self.keeping.distrust == Some(kept.version) => {
                self.keeping.disputed = Some(kept.version);
            }
            Some(false) if mutants::is(Mutant::LieBelieved) => {}
            Some(false) => {
                // Either may be wrong. What the log makes from an older value decides it.
                self.keeping.distrust = Some(kept.version);
                self.resync();
            }
        }
    }

    /// Whether what this copy began with is kept no longer, and nothing newer is.
    fn lacks_origin(&self, kept: Option<KeptMark>) -> bool {
        let newest = kept.map(|kept| kept.version);
        self.keeping.origin.is_some_and(|origin| newest.is_none_or(|newest| newest < origin))
    }

    /// Begins anew if what this copy began with was disputed by others.
    pub(super) fn hear_no_origin(&mut self, kept: Option<KeptMark>) {
        if self.lacks_origin(kept) {
            self.keeping.origin = None;
            self.resync();
        }
    }

    /// Notes that the copy has gone on by an entry.
    pub(super) fn note_entry(&mut self, now: Micros, entry: &GroupEntry, value: &T) {
        self.keeping.since += entry.edit.len() + ENTRY_BYTES;
        let Some(bytes) = self.keeping.marks.note(entry.seen(), value) else { return };
        let kept = self.keeping.newest.map_or(0, |kept| kept.version.0);
        let entries = entry.version.0.saturating_sub(kept);
        let least = usize::try_from(KEEP_BYTES * self.part.mark_entries).unwrap_or(usize::MAX);
        let is_due = self.keeping.since >= bytes.max(least) || entries > GROUP_LOG_ENTRIES_MAX / 4;
        // The log begins at the value before the newest one.
        let is_long = self.keeping.before.saturating_add(self.keeping.since) >= LOG_BYTES;
        if is_due || is_long {
            self.keep_soon(now);
        }
    }
}
