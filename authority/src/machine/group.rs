//! The authority of one shared structure as a pure machine: it orders the edits of many writers,
//! counts each once, and lets the log before a kept value go.
//!
//! It knows nothing of what edits do. Entries and values are with the caller, who makes them
//! durable, and asks here [where a page begins](Group::start).

mod bounds;
mod marks;
mod state;
mod stored;
#[cfg(test)]
mod tests;

pub use bounds::Bounds;
pub use state::{Contents, GroupOutput, Keep, Last, Note, Sealed, State};
pub use stored::Stored;

use marks::Marks;
use protocol::{
    Checkpoint, Edit, GroupEntry, GroupRefusal, KeptMark, Propose, ProposeVerdict, SchemaHash,
    Seen, StateHash,
};
use std::collections::{BTreeMap, VecDeque};
use ucore::{
    Answered, Blob, Chain, Expect, Outcome, Proposal, Sequencer, Standing, Verdict, Version,
    WriterId,
};

/// The authority of one shared structure.
#[derive(Debug)]
pub struct Group {
    log: Sequencer<Contents>,
    marks: Marks,
    newest: Option<Keep>,
    /// Invariant: it is at the base.
    older: Option<Keep>,
    barred: VecDeque<WriterId>,
    /// The newest version of a writer that was forgotten to make room.
    forgotten: Version,
    /// The version of the newest kept value, or the base, when every writer that is known was found
    /// to have an update behind it.
    no_room_at: Option<Version>,
    out: VecDeque<GroupOutput>,
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What became of it.
    pub verdict: ProposeVerdict,
    /// [`protocol::Proposed::version`].
    pub version: Version,
    /// [`protocol::Proposed::want`].
    pub want: u64,
}

impl Decision {
    const fn of(verdict: ProposeVerdict, version: Version) -> Self {
        Self { verdict, version, want: 0 }
    }
}

/// What a position that a proposal's writer has seen is to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// It is in the log, or older than what is kept, so that nobody can tell.
    Own,
    /// It is of another log: what rests on it does not rest on this one.
    Another,
}

/// Where a page of a group's log begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// After what its reader has seen.
    After(Version),
    /// With a value that is kept.
    Kept(Keep),
    /// With the structure's first value.
    Beginning(Seen),
}

/// Why what was stored is no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupDamage {
    /// An entry does not follow from what is before it.
    #[error("entry {0}: {1}")]
    Entry(Version, protocol::EntryError),
    /// An entry is not the next one of its writer.
    #[error("entry {0} is not the next one of its writer")]
    Writer(Version),
    /// The entries end before the state does, or the log lacks the position of a kept value.
    #[error("the log lacks version {0}")]
    Lacks(Version),
}

impl Group {
    /// A group without an entry.
    #[must_use]
    pub fn new(schema: SchemaHash) -> Self {
        let base = schema.start();
        let mut group = Self::at(&State {
            schema,
            head: base,
            ordered: Version(0),
            writers: BTreeMap::new(),
            forgotten: Version(0),
            base,
            newest: None,
            older: None,
            barred: Vec::new(),
        });
        group.put_state();
        group
    }

    /// A state without what is known of entries.
    fn at(state: &State) -> Self {
        let mut log = Sequencer::restore(state.log());
        log.keep(0);
        Self {
            log,
            marks: Marks::new(state.base),
            newest: state.newest,
            older: state.older,
            barred: state.barred.iter().copied().collect(),
            forgotten: state.forgotten,
            no_room_at: None,
            out: VecDeque::new(),
        }
    }

    /// Continues from a state, with all entries behind its base, and the notes that came after it.
    ///
    /// # Errors
    /// [`GroupDamage`].
    pub fn restore(
        bounds: &Bounds,
        state: &State,
        entries: impl IntoIterator<Item = GroupEntry>,
        notes: impl IntoIterator<Item = Note>,
    ) -> Result<Self, GroupDamage> {
        let (base, head) = (state.base, state.head);
        let mut group = Self::at(state);
        let mut notes = notes.into_iter().peekable();
        let (mut seen, mut passed) = (base, base == head);
        for entry in entries {
            let edit = entry.follow(seen).map_err(|why| GroupDamage::Entry(entry.version, why))?;
            if passed {
                while let Some(note) = notes.next_if(|note| note.at < entry.version) {
                    group.replay(note);
                }
                if group.submit(edit) != Verdict::New(Outcome::Committed(entry.version)) {
                    return Err(GroupDamage::Writer(entry.version));
                }
            }
            seen = entry.seen();
            passed |= seen == head;
            group.marks.advance(bounds, seen, entry.edit.len());
        }
        if !passed {
            return Err(GroupDamage::Lacks(head.version));
        }
        group.look_for_kept()?;
        notes.for_each(|note| group.replay(note));
        Ok(group)
    }

    fn replay(&mut self, note: Note) {
        match note.left {
            Some(writer) => self.log.forget(writer),
            None => self.sweep_to().into_iter().for_each(|to| self.sweep(to)),
        }
    }

    /// Looks whether the log has the positions of the kept values.
    fn look_for_kept(&self) -> Result<(), GroupDamage> {
        let mut kept = self.newest.iter().chain(&self.older).map(|keep| keep.at);
        match kept.find(|at| *at != self.base() && !self.marks.has(*at)) {
            Some(at) => Err(GroupDamage::Lacks(at.version)),
            None => Ok(()),
        }
    }

    /// Decides about a proposal. The caller has seen to it that the group is the right one, and has
    /// looked what the writer has seen, which only counts if the proposal expects something.
    ///
    /// # Errors
    /// Why it was not looked at; nothing has changed then.
    pub fn handle_propose(
        &mut self,
        bounds: &Bounds,
        propose: &Propose,
        past: Past,
    ) -> Result<Decision, GroupRefusal> {
        let edit = &propose.edit;
        if edit.updates.len() > bounds.updates_bytes {
            return Err(GroupRefusal::TooLarge);
        }
        let is_new = match self.log.admit(edit.writer, edit.seq) {
            Err(verdict) => return Ok(decision(verdict)),
            Ok(standing) => standing == Standing::New,
        };
        if is_new && propose.seen.version < self.forgotten {
            return Ok(Decision::of(ProposeVerdict::Forgotten, Version(0)));
        }
        let is_crowded = is_new && self.log.writers().len() >= bounds.writers;
        let room = if is_crowded { self.sweep_to() } else { None };
        if is_crowded && room.is_none() {
            return Err(GroupRefusal::TooManyWriters);
        }
        if self.is_full(bounds) {
            return Err(GroupRefusal::Full);
        }
        if !self.is_met(propose.expect, past) {
            return Ok(Decision::of(ProposeVerdict::Conflict, self.head().version));
        }
        if let Some(to) = room {
            self.sweep(to);
            self.out.push_back(GroupOutput::Note(Note { at: self.head().version, left: None }));
        }
        Ok(self.commit(bounds, edit))
    }

    /// Adds an edit that is the next one of its writer.
    fn commit(&mut self, bounds: &Bounds, edit: &Edit) -> Decision {
        let verdict = self.submit(edit.clone());
        let Seen { version, chain } = self.head();
        let entry = GroupEntry { version, chain, edit: Blob::of(edit) };
        self.marks.advance(bounds, entry.seen(), entry.edit.len());
        self.out.push_back(GroupOutput::Entry(entry));
        decision(verdict)
    }

    fn submit(&mut self, edit: Edit) -> Verdict {
        let (writer, seq, expect) = (edit.writer, edit.seq, Expect::Any);
        self.log.submit(Proposal { writer, seq, expect, update: Sealed(edit) })
    }

    /// Takes the value at a mark, so that the log before the one before it may go.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn handle_checkpoint(
        &mut self,
        bounds: &Bounds,
        checkpoint: Checkpoint,
    ) -> Result<Option<KeptMark>, GroupRefusal> {
        let Checkpoint { keeper, at, hash, value, .. } = checkpoint;
        if value.len() > bounds.value_bytes {
            return Err(GroupRefusal::TooLarge);
        }
        if self.barred.contains(&keeper) {
            return Err(GroupRefusal::Barred);
        }
        if !bounds.is_mark(at.version) {
            return Err(GroupRefusal::NotAMark);
        }
        if self.newest.is_some_and(|newest| at.version <= newest.at.version) {
            return Err(GroupRefusal::TooOld);
        }
        if !self.marks.has(at) {
            return Err(GroupRefusal::NotInTheLog);
        }
        if StateHash::of_bytes(&value) != hash {
            return Err(GroupRefusal::WrongHash);
        }
        let bytes = value.len() as u64;
        self.older = self.newest.replace(Keep { at, hash, bytes, keeper });
        if let Some(older) = self.older {
            self.marks.rebase(older.at);
        }
        self.out.push_back(GroupOutput::Value(at.version, value));
        self.put_state();
        Ok(self.kept())
    }

    /// Drops the newest kept value, if it is that of this version and there is one to go back to.
    /// Who brought it brings no more.
    pub fn handle_dispute(&mut self, bounds: &Bounds, version: Version) -> Option<KeptMark> {
        let disputed = self.newest.filter(|newest| newest.at.version == version);
        // The value at the base is all that remains of what was before it.
        if let Some(Keep { keeper, .. }) = disputed.filter(|newest| newest.at != self.base()) {
            self.newest = self.older.take();
            if !self.barred.contains(&keeper) {
                self.barred.push_back(keeper);
            }
            if self.barred.len() > bounds.barred {
                self.barred.pop_front();
            }
            self.out.push_back(GroupOutput::Barred(keeper, version));
            self.put_state();
        }
        self.kept()
    }

    /// Forgets a writer, whose id is never used again.
    pub fn handle_leave(&mut self, writer: WriterId) -> Option<KeptMark> {
        if self.log.writers().contains_key(&writer) {
            self.log.forget(writer);
            let note = Note { at: self.head().version, left: Some(writer) };
            self.out.push_back(GroupOutput::Note(note));
        }
        self.kept()
    }

    /// What must be durable before the last answer is given.
    pub fn poll_output(&mut self) -> Option<GroupOutput> {
        self.out.pop_front()
    }

    /// Where a page begins for someone who has seen the log up to `seen`, a position that it has.
    /// Who has seen nothing of it begins anew; so does who would have to read more than the newest
    /// value that is kept and what follows that.
    ///
    /// # Errors
    /// [`GroupRefusal::NotInTheLog`] if nothing is left to begin with but what is in doubt.
    pub fn start(
        &self,
        seen: Option<Version>,
        distrust: Option<Version>,
    ) -> Result<Start, GroupRefusal> {
        let trusted = |keep: &&Keep| Some(keep.at.version) != distrust;
        let newest = self.newest.as_ref().filter(trusted);
        if let Some(seen) = seen {
            let shorter =
                newest.filter(|keep| keep.bytes < self.marks.written_between(seen, keep.at));
            return Ok(shorter.map_or(Start::After(seen), |keep| Start::Kept(*keep)));
        }
        match newest.or(self.older.as_ref().filter(trusted)) {
            Some(keep) => Ok(Start::Kept(*keep)),
            None if self.base().version == Version(0) => Ok(Start::Beginning(self.base())),
            None => Err(GroupRefusal::NotInTheLog),
        }
    }

    /// The chain at a version, if it is the head, the base or a mark between them.
    #[must_use]
    pub fn chain_at(&self, version: Version) -> Option<Chain> {
        let head = Some(self.head()).filter(|head| head.version == version);
        head.map(|head| head.chain).or_else(|| self.marks.chain_at(version))
    }

    /// The structure's schema.
    #[must_use]
    pub fn schema(&self) -> SchemaHash {
        self.log.value().0
    }

    /// The end of the log.
    #[must_use]
    pub fn head(&self) -> Seen {
        let head = self.log.head();
        Seen { version: head.version, chain: head.chain }
    }

    /// Where the log begins: entries behind it are kept.
    #[must_use]
    pub const fn base(&self) -> Seen {
        self.marks.base()
    }

    /// The newest value that is kept.
    #[must_use]
    pub const fn newest(&self) -> Option<Keep> {
        self.newest
    }

    /// The same, as followers are told of it.
    #[must_use]
    pub fn kept(&self) -> Option<KeptMark> {
        self.newest.as_ref().map(Keep::mark)
    }

    /// All that there is to store but entries and values.
    #[must_use]
    pub fn state(&self) -> State {
        let last = |(writer, last): (&WriterId, &Answered)| {
            last_version(last).map(|version| (*writer, Last { seq: last.seq, version }))
        };
        State {
            schema: self.schema(),
            head: self.head(),
            ordered: self.log.ordered(),
            writers: self.log.writers().iter().filter_map(last).collect(),
            forgotten: self.forgotten,
            base: self.base(),
            newest: self.newest,
            older: self.older,
            barred: self.barred.iter().copied().collect(),
        }
    }

    fn put_state(&mut self) {
        let state = Box::new(self.state());
        self.out.push_back(GroupOutput::State(state));
    }

    /// Whether the log is at its bound, and a keeper can let its beginning go. With no mark behind
    /// the newest kept value nobody ever could, so the log goes on to the next mark.
    fn is_full(&self, bounds: &Bounds) -> bool {
        let entries = self.head().version.0 - self.base().version.0;
        let is_long = entries >= bounds.log_entries || self.marks.written() >= bounds.log_bytes;
        let kept = self.newest.map_or(Version(0), |newest| newest.at.version);
        is_long && self.marks.last().is_some_and(|mark| mark > kept)
    }

    /// Whether nothing ordered has followed what a proposal expects, and it rests on this log.
    fn is_met(&self, expect: Option<Version>, past: Past) -> bool {
        let may = self.log.ordered()..=self.head().version;
        expect.is_none_or(|expected| may.contains(&expected) && past == Past::Own)
    }

    /// Up to which version writers may be forgotten: to the base, and if that makes no room, to the
    /// newest kept value, behind which there are always the few that are at work. Otherwise a group
    /// whose writers are all gone could have neither a new one nor, without entries, another base.
    /// Who asks again before a value is kept costs nothing: writers that came since are newer.
    fn sweep_to(&mut self) -> Option<Version> {
        let base = self.base().version;
        let newest = self.newest.map_or(base, |newest| newest.at.version);
        if self.no_room_at == Some(newest) {
            return None;
        }
        let oldest = self.log.writers().values().filter_map(last_version).min();
        let to = [base, newest].into_iter().find(|to| oldest.is_some_and(|oldest| oldest <= *to));
        if to.is_none() {
            self.no_room_at = Some(newest);
        }
        to
    }

    /// Forgets all writers whose last update is not behind a version.
    fn sweep(&mut self, to: Version) {
        let mut forgotten = self.forgotten;
        self.log.retain(|_, last| {
            let version = last_version(&last).filter(|version| *version <= to);
            forgotten = forgotten.max(version.unwrap_or(forgotten));
            version.is_none()
        });
        self.forgotten = forgotten;
    }
}

/// Where a writer's last update is. Every edit fits the contents, so there is one.
const fn last_version(last: &Answered) -> Option<Version> {
    match last.outcome {
        Outcome::Committed(version) => Some(version),
        Outcome::Rejected(_) => None,
    }
}

/// The sequencer's verdict in the words of the protocol.
fn decision(verdict: Verdict) -> Decision {
    match verdict {
        Verdict::New(Outcome::Committed(version)) => {
            Decision::of(ProposeVerdict::Committed, version)
        }
        Verdict::Duplicate(Outcome::Committed(version)) => {
            Decision::of(ProposeVerdict::Duplicate, version)
        }
        Verdict::SeqGap { want } => {
            Decision { want, ..Decision::of(ProposeVerdict::Gap, Version(0)) }
        }
        Verdict::Old => Decision::of(ProposeVerdict::Old, Version(0)),
        Verdict::New(Outcome::Rejected(_)) | Verdict::Duplicate(Outcome::Rejected(_)) => {
            unreachable!("every edit fits the contents")
        }
        Verdict::Conflict { .. } => unreachable!("an expectation is looked at before"),
        Verdict::TooManyWriters => unreachable!("a group's bound is below the sequencer's"),
    }
}
