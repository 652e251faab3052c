//! What a replica makes of answers: the log goes on, proposals end, doubts are cleared.

use super::{Flight, Question, Replica};
use crate::Error;
use protocol::mutants::{self, Mutant};
use protocol::{GroupAnswer, GroupRefusal, Micros, ProposeVerdict, Proposed, Seen, Unavailable};
use std::sync::Arc;
use ucore::{Snapshot, Updatable};

/// Conflicts in a row after which a proposal waits a little, so that writers fall out of step.
const CONFLICTS_AT_ONCE: u32 = 3;
/// The longest such wait at first, in microseconds: it doubles with each conflict.
const CONFLICT_PAUSE: u64 = 250;
/// The longest such wait ever.
const CONFLICT_PAUSE_MAX: u64 = 10_000;

impl<T: Updatable + Default> Replica<T> {
    /// Takes the answer to a question, or that there is none.
    pub fn handle_answer(
        &mut self,
        now: Micros,
        head: &mut Arc<Snapshot<T>>,
        kind: Question,
        answer: Result<GroupAnswer, Unavailable>,
    ) {
        let Some(at) = self.open.iter().position(|(open, _)| *open == kind) else { return };
        let (_, seen) = self.open.swap_remove(at);
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return self.handle_unavailable(now, kind, &why),
        };
        // A proposal that is refused waits for others: pages that come meanwhile don't help it.
        self.trouble.take_if(|(of, _)| *of == kind || *of != Question::Propose);
        if self.trouble.is_none() && !matches!(answer, GroupAnswer::Refused(_)) {
            self.backoff.reset();
        }
        match (kind, answer) {
            (_, GroupAnswer::Refused(refused)) => self.handle_refusal(now, kind, refused.why),
            (Question::Found, GroupAnswer::Founded(_)) => self.must_found = false,
            (Question::Fetch | Question::Follow, GroupAnswer::Page(page)) => {
                let (end, kept) = (page.head, page.kept);
                let is_fetched = kind == Question::Fetch;
                self.unsure &= !is_fetched;
                self.handle_page(now, head, seen, page);
                if is_fetched && self.begun && head.version <= end {
                    self.hear_no_origin(kept);
                }
                if is_fetched && self.begun && head.version == end {
                    self.end_lost(end);
                }
            }
            (Question::Propose, GroupAnswer::Proposed(proposed)) => {
                self.handle_proposed(now, head, seen, proposed);
            }
            (Question::Keep, GroupAnswer::Kept(answer)) => {
                self.counts.kept += u64::from(self.keeping.disputed.is_none());
                self.counts.disputes += u64::from(self.keeping.disputed.is_some());
                (self.keeping.disputed, self.keeping.distrust) = (None, None);
                self.hear_kept(answer.kept);
            }
            (Question::Leave, GroupAnswer::Kept(_)) => self.left = true,
            (
                Question::Found
                | Question::Fetch
                | Question::Follow
                | Question::Propose
                | Question::Keep
                | Question::Leave,
                GroupAnswer::Founded(_)
                | GroupAnswer::Page(_)
                | GroupAnswer::Proposed(_)
                | GroupAnswer::Kept(_),
            ) => self.retry(now, kind),
        }
    }

    /// Notes that a question has no answer.
    fn handle_unavailable(&mut self, now: Micros, kind: Question, why: &Unavailable) {
        match kind {
            Question::Propose => {
                if let Some(flight) = &mut self.flight {
                    flight.in_doubt |= !matches!(why, Unavailable::Refused(_));
                    if mutants::is(Mutant::EditRenumbered) {
                        flight.edit.seq += 1;
                    }
                }
                self.give_back_undone();
            }
            // The log may be at its bound, where no other mark comes.
            Question::Keep if self.keeping.disputed.is_none() => {
                self.keep_later(now);
                return;
            }
            Question::Follow => {
                self.trouble.get_or_insert((kind, why.to_string()));
                self.follow_at = now + self.backoff.next_delay();
                return;
            }
            Question::Keep | Question::Found | Question::Fetch | Question::Leave => {}
        }
        self.trouble = Some((kind, why.to_string()));
        self.retry(now, kind);
    }

    /// What was certainly not done waits again, so that it can end as such.
    fn give_back_undone(&mut self) {
        let is_undone = |flight: &mut Flight<T>| !flight.in_doubt && flight.committed.is_none();
        if let Some(flight) = self.flight.take_if(is_undone) {
            self.give_back(flight.batch);
        }
    }

    /// Asks again later, unless it was a farewell.
    pub(super) fn retry(&mut self, now: Micros, kind: Question) {
        self.left |= kind == Question::Leave;
        self.retry_at = now + self.backoff.next_delay();
    }

    fn handle_refusal(&mut self, now: Micros, kind: Question, why: GroupRefusal) {
        match (kind, why) {
            (Question::Leave, _) => self.left = true,
            (Question::Keep, _) => {
                // The next mark is another chance, but not for who has brought a wrong value.
                self.part.keeps &= why != GroupRefusal::Barred;
                self.keeping.disputed = None;
            }
            (Question::Fetch | Question::Follow | Question::Propose, GroupRefusal::NoGroup)
                if self.part.create =>
            {
                (self.must_found, self.begun) = (true, false);
            }
            (
                Question::Propose | Question::Found,
                GroupRefusal::Full | GroupRefusal::TooManyWriters | GroupRefusal::TooManyGroups,
            ) => {
                // There is room once a value is kept, perhaps by this program, which has to see the
                // log for that.
                self.unsure = true;
                self.trouble = Some((kind, why.to_string()));
                self.give_back_undone();
                if why == GroupRefusal::Full {
                    // However little has come since: no more comes before.
                    self.keep_soon(now);
                }
                self.retry(now, kind);
            }
            (Question::Propose, GroupRefusal::TooLarge) => {
                let error = self.refused(why);
                self.drop_flight().into_iter().for_each(|flight| flight.batch.fail(&error));
            }
            (Question::Found | Question::Fetch | Question::Follow | Question::Propose, _) => {
                self.end(why)
            }
        }
    }

    /// Nothing goes on.
    fn end(&mut self, why: GroupRefusal) {
        self.ended = Some(why);
        let error = self.refused(why);
        let is_asked = self.is_open(Question::Propose);
        if let Some(flight) = self.drop_flight() {
            let may_be_done = is_asked || flight.in_doubt || flight.committed.is_some();
            let unknown = || Error::unknown(&error.to_string());
            flight.batch.fail(&if may_be_done { unknown() } else { error.clone() });
        }
        self.queue.drain(..).for_each(|mut item| item.end(Err(error.clone())));
    }

    pub(super) fn drop_flight(&mut self) -> Option<Flight<T>> {
        self.scratch = None;
        self.flight.take()
    }

    fn handle_proposed(
        &mut self,
        now: Micros,
        head: &mut Arc<Snapshot<T>>,
        seen: Option<Seen>,
        proposed: Proposed,
    ) {
        let Proposed { verdict, version, page, .. } = proposed;
        let is_done = matches!(verdict, ProposeVerdict::Committed | ProposeVerdict::Duplicate);
        if let Some(flight) = self.flight.as_mut().filter(|_| is_done) {
            flight.committed = Some(version);
        }
        self.handle_page(now, head, seen, page);
        if is_done {
            return;
        }
        // Without a flight, it was seen in the log before, or given up.
        let Some(flight) = self.drop_flight() else { return };
        match verdict {
            ProposeVerdict::Committed | ProposeVerdict::Duplicate => {}
            ProposeVerdict::Conflict => {
                self.counts.conflicts += 1;
                self.conflicts_in_row += 1;
                if mutants::is(Mutant::TransactionStale) {
                    self.flight = Some(Flight { expect: Some(head.version), ..flight });
                    return;
                }
                self.give_back(flight.batch);
                if let Some(many @ 1..) = self.conflicts_in_row.checked_sub(CONFLICTS_AT_ONCE) {
                    let longest = (CONFLICT_PAUSE << many.min(8)).min(CONFLICT_PAUSE_MAX);
                    self.retry_at = now + Micros(self.random.u64(..longest));
                }
            }
            ProposeVerdict::Gap | ProposeVerdict::Old | ProposeVerdict::Forgotten => {
                // The authority has forgotten the writer, or was rolled back behind it.
                self.new_writer();
                if flight.in_doubt || verdict == ProposeVerdict::Old {
                    let why = "the authority has forgotten this program since it was sent";
                    flight.batch.fail(&Error::unknown(why));
                } else {
                    self.give_back(flight.batch);
                }
            }
        }
    }
}
