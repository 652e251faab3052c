//! What a replica asks, in the order in which it matters.

use super::edits::Batch;
use super::log::seen_of;
use super::{Asked, Flight, Question, Replica};
use crate::Error;
use protocol::limits::READ_WAIT_MS_MAX;
use protocol::{Edit, Follow, Found, GroupRequest, Leave, Micros, Propose, Seen};
use ucore::{Snapshot, Updatable};

/// How long an answer about the end of the log may wait for its next entry.
const FOLLOW_WAIT_MS: u32 = 25_000;
const _: () = assert!(FOLLOW_WAIT_MS <= READ_WAIT_MS_MAX, "the authority would cut it");

impl<T: Updatable> Replica<T> {
    /// What to ask next. Each call gives another question; its answer, or that there is none, goes
    /// to [`handle_answer`](Self::handle_answer).
    pub fn poll_request(&mut self, now: Micros, head: &Snapshot<T>) -> Option<Asked> {
        if self.ended.is_some() || self.left || now < self.retry_at {
            return None;
        }
        let asked = if self.must_found {
            self.ask_found()
        } else if !self.begun {
            self.ask_fetch(None)
        } else if self.unsure && !self.is_open(Question::Fetch) {
            self.ask_fetch(Some(seen_of(head)))
        } else {
            self.ask_propose(head)
                .or_else(|| self.ask_keep(now))
                .or_else(|| self.ask_leave())
                .or_else(|| self.ask_follow(now, seen_of(head)))
        };
        let asked = asked?;
        let seen = self.begun.then(|| seen_of(head));
        self.open.push((asked.kind, seen));
        Some(asked)
    }

    fn ask_found(&self) -> Option<Asked> {
        let (group, schema, create) = (self.part.group.clone(), self.schema, self.part.create);
        let request = GroupRequest::Found(Found { group, schema, create });
        let is_open = self.is_open(Question::Found);
        (!is_open).then_some(Asked { kind: Question::Found, request })
    }

    /// Pulls what is there, from the beginning or on from what is known.
    fn ask_fetch(&self, seen: Option<Seen>) -> Option<Asked> {
        self.ask_page(Question::Fetch, seen, 0)
    }

    /// Waits for what comes. While a proposal is under way, its answer brings that.
    fn ask_follow(&self, now: Micros, seen: Seen) -> Option<Asked> {
        match &self.flight {
            None if now < self.follow_at => None,
            None => self.ask_page(Question::Follow, Some(seen), FOLLOW_WAIT_MS),
            Some(flight) if flight.committed.is_some() => self.ask_fetch(Some(seen)),
            Some(_) => None,
        }
    }

    fn ask_page(&self, kind: Question, seen: Option<Seen>, wait_ms: u32) -> Option<Asked> {
        let (group, schema, distrust) =
            (self.part.group.clone(), self.schema, self.keeping.distrust);
        let request = GroupRequest::Follow(Follow { group, schema, seen, distrust, wait_ms });
        (!self.is_open(kind)).then_some(Asked { kind, request })
    }

    fn ask_propose(&mut self, head: &Snapshot<T>) -> Option<Asked> {
        if self.is_open(Question::Propose) {
            return None;
        }
        self.end_blurred();
        let seen = seen_of(head);
        if self.flight.is_none() {
            let batch = Batch::take(&mut self.queue, head, &mut self.scratch)?;
            let (seq, ordered, updates) = (self.seq + 1, batch.ordered, batch.updates.clone());
            let edit = Edit { writer: self.writer, seq, ordered, updates };
            let expect = batch.exact.then_some(head.version);
            let (in_doubt, jumped, committed) = (false, false, None);
            self.flight = Some(Flight { batch, edit, expect, seen, in_doubt, jumped, committed });
        }
        let flight = self.flight.as_mut().filter(|flight| flight.committed.is_none())?;
        flight.seen = seen;
        let (group, schema) = (self.part.group.clone(), self.schema);
        let (edit, expect) = (flight.edit.clone(), flight.expect);
        let request = GroupRequest::Propose(Propose { group, schema, edit, expect, seen });
        Some(Asked { kind: Question::Propose, request })
    }

    /// Ends a first proposal that may be in the part of the log that the copy has jumped over. By
    /// what the copy has seen since, the authority could not tell it from one of a newcomer.
    fn end_blurred(&mut self) {
        let is_blurred = |flight: &mut Flight<T>| {
            flight.in_doubt && flight.jumped && flight.edit.seq == 1 && flight.committed.is_none()
        };
        if let Some(flight) = self.flight.take_if(is_blurred) {
            self.scratch = None;
            flight.batch.fail(&Error::unknown("this copy has jumped over where it may be"));
            self.new_writer();
        }
    }

    fn ask_leave(&self) -> Option<Asked> {
        let is_over = self.leaving && self.flight.is_none() && self.queue.is_empty();
        if !is_over || self.is_open(Question::Leave) {
            return None;
        }
        let (group, writer) = (self.part.group.clone(), self.writer);
        let request = GroupRequest::Leave(Leave { group, writer });
        Some(Asked { kind: Question::Leave, request })
    }

    pub(super) fn give_back(&mut self, batch: Batch<T>) {
        self.scratch = None;
        batch.give_back(&mut self.queue);
    }
}
