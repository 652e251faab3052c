//! All shared structures of an authority: who asks for which, by name.

use super::group::{Bounds, Group, GroupOutput, Past};
use protocol::{
    Checkpoint, Dispute, Found, Founded, GroupAnswer, GroupName, GroupPage, GroupRefusal, Kept,
    Leave, Propose, Proposed, Refused, SchemaHash,
};
use std::collections::{BTreeMap, VecDeque};

/// A group's number in its authority, from 0 without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupId(pub u32);

/// All shared structures of an authority. The caller drains [`Groups::poll_output`] after every
/// `handle_*`, and makes that durable before it gives the answer away.
#[derive(Debug, Default)]
pub struct Groups {
    bounds: Bounds,
    ids: BTreeMap<GroupName, GroupId>,
    /// By their numbers.
    groups: Vec<(GroupName, Group)>,
    out: VecDeque<(GroupId, GroupsOutput)>,
}

/// What the caller makes durable, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupsOutput {
    /// The group is new, and has this name.
    Begun(GroupName),
    /// Something of a group.
    Group(GroupOutput),
}

impl Groups {
    /// None yet.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, ..Self::default() }
    }

    /// Adds the one with the next number, which is durable already.
    pub fn restore(&mut self, name: GroupName, group: Group) -> GroupId {
        let id = GroupId(u32::try_from(self.groups.len()).expect("groups have a bound"));
        self.ids.insert(name.clone(), id);
        self.groups.push((name, group));
        id
    }

    /// Their bounds.
    #[must_use]
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The group of a name, with a schema.
    ///
    /// # Errors
    /// Name, NoGroup or Schema.
    pub fn find(&self, name: &GroupName, schema: SchemaHash) -> Result<GroupId, GroupRefusal> {
        let id = self.named(name)?;
        if self.get(id).schema() == schema { Ok(id) } else { Err(GroupRefusal::Schema) }
    }

    /// A group.
    ///
    /// # Panics
    /// If the number is of another authority.
    #[must_use]
    pub fn get(&self, id: GroupId) -> &Group {
        &self.groups[index(id)].1
    }

    /// Its name.
    ///
    /// # Panics
    /// If the number is of another authority.
    #[must_use]
    pub fn name(&self, id: GroupId) -> &GroupName {
        &self.groups[index(id)].0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&GroupName, &Group)> {
        self.groups.iter().map(|(name, group)| (name, group))
    }

    /// Begins a group, or looks whether it is there.
    pub fn handle_found(&mut self, found: Found) -> GroupAnswer {
        let Found { group: name, schema, create } = found;
        let id = match self.find(&name, schema) {
            Err(GroupRefusal::NoGroup) if create && self.groups.len() >= self.bounds.groups => {
                return refused(GroupRefusal::TooManyGroups);
            }
            Err(GroupRefusal::NoGroup) if create => {
                let id = self.restore(name.clone(), Group::new(schema));
                self.out.push_back((id, GroupsOutput::Begun(name)));
                self.drain(id);
                id
            }
            Err(why) => return refused(why),
            Ok(id) => id,
        };
        GroupAnswer::Founded(Founded { head: self.get(id).head() })
    }

    /// Decides about a proposal. The answer's page is empty: the caller adds what the asker has
    /// missed, once it is durable.
    pub fn handle_propose(&mut self, propose: &Propose, past: Past) -> GroupAnswer {
        let bounds = self.bounds;
        let decided = self.find(&propose.group, propose.schema).and_then(|id| {
            self.of(id, |group| group.handle_propose(&bounds, propose, past)).map(|it| (id, it))
        });
        match decided {
            Ok((id, decision)) => {
                let group = self.get(id);
                let (head, kept) = (group.head().version, group.kept());
                let page = GroupPage { base: None, entries: Vec::new(), head, kept };
                let (verdict, version, want) = (decision.verdict, decision.version, decision.want);
                GroupAnswer::Proposed(Proposed { verdict, version, want, page })
            }
            Err(why) => refused(why),
        }
    }

    /// Takes the value at a mark.
    pub fn handle_checkpoint(&mut self, checkpoint: Checkpoint) -> GroupAnswer {
        let bounds = self.bounds;
        let found = self.find(&checkpoint.group, checkpoint.schema);
        let kept =
            found.and_then(|id| self.of(id, |group| group.handle_checkpoint(&bounds, checkpoint)));
        kept.map_or_else(refused, |kept| GroupAnswer::Kept(Kept { kept }))
    }

    /// Drops a value that is in dispute.
    pub fn handle_dispute(&mut self, dispute: &Dispute) -> GroupAnswer {
        let bounds = self.bounds;
        let found = self.find(&dispute.group, dispute.schema);
        let kept = found.map(|id| self.of(id, |it| it.handle_dispute(&bounds, dispute.version)));
        kept.map_or_else(refused, |kept| GroupAnswer::Kept(Kept { kept }))
    }

    /// Forgets a writer.
    pub fn handle_leave(&mut self, leave: &Leave) -> GroupAnswer {
        let found = self.named(&leave.group);
        let kept = found.map(|id| self.of(id, |group| group.handle_leave(leave.writer)));
        kept.map_or_else(refused, |kept| GroupAnswer::Kept(Kept { kept }))
    }

    /// What must be durable before the last answer is given.
    pub fn poll_output(&mut self) -> Option<(GroupId, GroupsOutput)> {
        self.out.pop_front()
    }

    /// Whether nothing waits to be made durable.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.out.is_empty()
    }

    fn named(&self, name: &GroupName) -> Result<GroupId, GroupRefusal> {
        name.check()?;
        self.ids.get(name).copied().ok_or(GroupRefusal::NoGroup)
    }

    /// Does something with a group, and takes what it puts out.
    fn of<T>(&mut self, id: GroupId, act: impl FnOnce(&mut Group) -> T) -> T {
        let done = act(&mut self.groups[index(id)].1);
        self.drain(id);
        done
    }

    fn drain(&mut self, id: GroupId) {
        let group = &mut self.groups[index(id)].1;
        let outputs = std::iter::from_fn(|| group.poll_output());
        self.out.extend(outputs.map(|output| (id, GroupsOutput::Group(output))));
    }
}

/// Nothing was done.
pub(crate) const fn refused(why: GroupRefusal) -> GroupAnswer {
    GroupAnswer::Refused(Refused { why })
}

fn index(id: GroupId) -> usize {
    usize::try_from(id.0).expect("a group's number fits")
}
