//! What a replica makes of the log: the copy goes on by its entries, or begins anew.

use super::{Change, Flight, Question, Replica};
use crate::Error;
use protocol::{Base, Edit, EntryError, GroupEntry, GroupPage, Micros, Seen};
use std::sync::Arc;
use ucore::{Snapshot, Updatable, Version};

/// Why nobody knows what became of something.
const ROLLED_BACK: &str = "the authority was rolled back meanwhile";

pub(super) fn seen_of<T>(head: &Snapshot<T>) -> Seen {
    Seen { version: head.version, chain: head.chain }
}

impl<T: Updatable> Replica<T> {
    /// The copy is not one of the log: takes another one. What was proposed on it is void, unless
    /// it may be in the log.
    pub(super) fn resync(&mut self) {
        self.begun = false;
        self.counts.resyncs += 1;
        let is_asked = self.is_open(Question::Propose);
        let Some(flight) = self.flight.take_if(|flight| flight.committed.is_none()) else { return };
        if flight.in_doubt || is_asked {
            flight.batch.fail(&Error::unknown(ROLLED_BACK));
            self.new_writer();
        } else {
            self.give_back(flight.batch);
        }
    }
}

impl<T: Updatable + Default> Replica<T> {
    /// Takes a part of the log in, which was asked for when the copy was at `seen`.
    pub(super) fn handle_page(
        &mut self,
        now: Micros,
        head: &mut Arc<Snapshot<T>>,
        seen: Option<Seen>,
        page: GroupPage,
    ) {
        if let Some(base) = &page.base {
            let is_awaited = seen.is_none() || seen == Some(seen_of(head));
            if !is_awaited && base.at.version <= head.version {
                // The copy has gone on since it was asked.
                return;
            }
            if !self.adopt(now, head, base) {
                return;
            }
            self.goal = page.head;
        } else if !self.begun {
            return;
        }
        self.follow(now, head, page.entries);
        if page.head >= head.version {
            self.hear_kept(page.kept);
        }
        self.end_unseen(head.version);
    }

    /// Begins anew. Whether the value could be read.
    fn adopt(&mut self, now: Micros, head: &mut Arc<Snapshot<T>>, base: &Base) -> bool {
        let Seen { version, chain } = base.at;
        let value = match base.value.as_ref().map(|bytes| bytes.open::<T>()) {
            None => T::default(),
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.keeping.distrust = Some(version);
                self.begun = false;
                self.retry(now, Question::Fetch);
                return false;
            }
        };
        if self.begun && version > head.version {
            self.counts.jumps += 1;
        } else if self.begun {
            // The log lacks what this copy has.
            self.resync();
        }
        if let Some(flight) = &mut self.flight {
            flight.jumped = true;
        }
        self.change = self.change.take().map(|_| Change::Whole);
        self.keeping.begin(base.at, &value, base.value.is_some());
        (self.begun, self.scratch) = (true, None);
        *head = Arc::new(Snapshot { version, chain, value });
        true
    }

    fn follow(&mut self, now: Micros, head: &mut Arc<Snapshot<T>>, entries: Vec<GroupEntry>) {
        for entry in entries {
            if entry.version <= head.version {
                // It came before, on another way.
                if entry.version == head.version && entry.chain != head.chain {
                    return self.resync();
                }
                continue;
            }
            match entry.follow(seen_of(head)) {
                Ok(edit) => self.apply(now, Arc::make_mut(head), &entry, &edit),
                Err(EntryError::Blob(_)) => {
                    self.counts.unreadable += 1;
                    self.advance(now, Arc::make_mut(head), &entry);
                }
                Err(_) => return self.resync(),
            }
        }
    }

    fn apply(&mut self, now: Micros, head: &mut Snapshot<T>, entry: &GroupEntry, edit: &Edit) {
        let updates: Vec<T::Update> = edit.updates.open().unwrap_or_else(|_| {
            self.counts.unreadable += 1;
            Vec::new()
        });
        let (writer, seq) = (edit.writer, edit.seq);
        let is_own =
            |flight: &mut Flight<T>| (flight.edit.writer, flight.edit.seq) == (writer, seq);
        let mut own = self.flight.take_if(is_own);
        if let Some(other) = own.take_if(|flight| flight.edit.updates != edit.updates) {
            // An earlier attempt, after a roll-back that made it fit.
            self.land(edit);
            other.batch.fail(&Error::unknown("an earlier attempt is in the log"));
        }
        for update in updates {
            let noted = self.change.is_some().then(|| update.clone());
            if let Some(flight) = &mut own {
                flight.batch.before(&head.value);
            }
            let outcome = head.value.apply(update);
            if let (Ok(()), Some(update), Some(change)) = (&outcome, noted, &mut self.change) {
                change.add(update);
            }
            if let Some(flight) = &mut own {
                flight.batch.after(outcome);
            }
        }
        self.advance(now, head, entry);
        if let Some(flight) = own {
            // What its closures have seen is what they met, if nothing came between.
            let in_step = flight.expect.map(Version::next) == Some(entry.version);
            if !in_step {
                self.scratch = None;
            }
            self.land(&flight.edit);
            flight.batch.end(entry.version);
        } else {
            self.scratch = None;
        }
    }

    /// An own proposal is in the log.
    fn land(&mut self, edit: &Edit) {
        if edit.writer == self.writer {
            self.seq = edit.seq;
        }
        self.conflicts_in_row = 0;
    }

    /// Ends a proposal that was in the log, which ends before it now.
    pub(super) fn end_lost(&mut self, end: Version) {
        let is_lost = |flight: &mut Flight<T>| flight.committed.is_some_and(|at| at > end);
        if let Some(flight) = self.flight.take_if(is_lost) {
            flight.batch.fail(&Error::unknown(ROLLED_BACK));
            self.new_writer();
        }
    }

    /// Ends a proposal that is in the log at a version which the copy has jumped over.
    pub(super) fn end_unseen(&mut self, version: Version) {
        let is_passed = |flight: &mut Flight<T>| flight.committed.is_some_and(|at| at <= version);
        let Some(flight) = self.flight.take_if(is_passed) else { return };
        self.land(&flight.edit);
        let at = flight.committed.unwrap_or(version);
        if flight.batch.exact {
            // It fitted where it was made.
            flight.batch.end(at);
        } else {
            flight
                .batch
                .fail(&Error::unknown("it is in the log, but this copy has jumped over it"));
        }
    }

    /// The copy is at an entry.
    fn advance(&mut self, now: Micros, head: &mut Snapshot<T>, entry: &GroupEntry) {
        (head.version, head.chain) = (entry.version, entry.chain);
        self.note_entry(now, entry, &head.value);
    }
}
