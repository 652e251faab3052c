//! What a disk holds of a group, in memory: for those who drive the machine without a store.

use super::{Bounds, Group, GroupDamage, GroupOutput, Note, Past, Start, State};
use protocol::{Base, GroupEntry, GroupPage, GroupRefusal, Seen};
use std::collections::BTreeMap;
use ucore::{Blob, Version};

/// What a disk holds of a group, once it has taken all that the group puts out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stored {
    /// The newest state. None before the first output.
    pub state: Option<State>,
    /// The entries behind its base. Invariant: without a gap.
    pub entries: Vec<GroupEntry>,
    /// The changes that came after it.
    pub notes: Vec<Note>,
    /// The values that it names.
    pub values: BTreeMap<Version, Blob>,
}

impl Stored {
    /// Takes the next output.
    ///
    /// # Panics
    /// If an entry does not follow the one before it.
    pub fn take(&mut self, output: GroupOutput) {
        match output {
            GroupOutput::Entry(entry) => {
                entry.follow(self.head()).expect("an entry follows the one before it");
                self.entries.push(entry);
            }
            GroupOutput::Note(note) => self.notes.push(note),
            GroupOutput::Value(version, value) => {
                self.values.insert(version, value);
            }
            GroupOutput::State(state) => {
                let kept = [state.newest, state.older];
                let kept = kept.map(|keep| keep.map(|keep| keep.at.version));
                self.values.retain(|version, _| kept.contains(&Some(*version)));
                self.entries.retain(|entry| entry.version > state.base.version);
                self.notes.clear();
                self.state = Some(*state);
            }
            GroupOutput::Barred(..) => {}
        }
    }

    /// The group that comes back from it.
    ///
    /// # Errors
    /// [`GroupDamage`].
    ///
    /// # Panics
    /// Before the first output.
    pub fn restore(&self, bounds: &Bounds) -> Result<Group, GroupDamage> {
        Group::restore(bounds, self.newest_state(), self.entries.clone(), self.notes.clone())
    }

    /// A page of the group's log, for someone who has seen it up to a position.
    ///
    /// # Errors
    /// [`GroupRefusal::NotInTheLog`] if nothing is left to begin with but what is in doubt.
    ///
    /// # Panics
    /// If it lacks something that the group has put out.
    pub fn page(
        &self,
        group: &Group,
        bounds: &Bounds,
        seen: Option<Seen>,
        distrust: Option<Version>,
    ) -> Result<GroupPage, GroupRefusal> {
        let seen = seen.filter(|seen| self.has(*seen)).map(|seen| seen.version);
        let (base, after) = match group.start(seen, distrust)? {
            Start::After(version) => (None, version),
            Start::Kept(keep) => {
                let value = Some(self.values[&keep.at.version].clone());
                (Some(Base { at: keep.at, value }), keep.at.version)
            }
            Start::Beginning(at) => (Some(Base { at, value: None }), at.version),
        };
        let mut has_room = bounds.page();
        let behind = self.entries.iter().filter(|entry| entry.version > after);
        let entries = behind.take_while(|entry| has_room(entry.edit.len())).cloned().collect();
        Ok(GroupPage { base, entries, head: group.head().version, kept: group.kept() })
    }

    /// Whether the log that is kept has a position.
    ///
    /// # Panics
    /// Before the first output.
    #[must_use]
    pub fn has(&self, seen: Seen) -> bool {
        seen == self.newest_state().base || self.entries.iter().any(|entry| entry.seen() == seen)
    }

    /// What a position that a writer has seen is to the log.
    ///
    /// # Panics
    /// Before the first output.
    #[must_use]
    pub fn past(&self, seen: Seen) -> Past {
        let is_older = seen.version < self.newest_state().base.version;
        if is_older || self.has(seen) { Past::Own } else { Past::Another }
    }

    /// The end of the log.
    ///
    /// # Panics
    /// Before the first output.
    #[must_use]
    pub fn head(&self) -> Seen {
        self.entries.last().map_or_else(|| self.newest_state().base, GroupEntry::seen)
    }

    fn newest_state(&self) -> &State {
        self.state.as_ref().expect("a group's first output is its state")
    }
}
