//! The authority's side: groups, what a disk would hold of them, and who waits for the next entry.

use authority::machine::group::{Bounds, GroupOutput, Past, Stored};
use authority::machine::{Groups, GroupsOutput};
use protocol::{
    Follow, GroupAnswer, GroupEntry, GroupName, GroupRequest, Refused, SchemaHash, Seen,
};

/// What a disk holds of the one group, once it was begun.
#[derive(Debug, Clone, Default)]
struct Disk {
    name: Option<GroupName>,
    stored: Stored,
}

/// The authority of one group.
#[derive(Debug)]
pub(crate) struct Truth {
    groups: Groups,
    bounds: Bounds,
    disk: Disk,
    /// A state of the disk to which a fail-over goes back.
    backup: Disk,
    /// Every entry that ever was, unless a fail-over took it back.
    pub(crate) all: Vec<GroupEntry>,
}

impl Truth {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let disk = Disk::default();
        let all = Vec::new();
        Self { groups: Groups::new(bounds), bounds, backup: disk.clone(), disk, all }
    }

    /// The answer; none: it has to wait for the next entry.
    pub(crate) fn ask(&mut self, request: &GroupRequest) -> Option<GroupAnswer> {
        let mut answer = match request.clone() {
            GroupRequest::Found(found) => self.groups.handle_found(found),
            GroupRequest::Propose(propose) => {
                let is_known = self.groups.find(&propose.group, propose.schema).is_ok();
                let past = if is_known { self.disk.stored.past(propose.seen) } else { Past::Own };
                self.groups.handle_propose(&propose, past)
            }
            GroupRequest::Follow(follow) => return self.page_for(&follow),
            GroupRequest::Checkpoint(checkpoint) => self.groups.handle_checkpoint(checkpoint),
            GroupRequest::Dispute(dispute) => self.groups.handle_dispute(&dispute),
            GroupRequest::Leave(leave) => self.groups.handle_leave(&leave),
        };
        self.sync();
        if let (GroupAnswer::Proposed(proposed), GroupRequest::Propose(propose)) =
            (&mut answer, request)
        {
            let (group, schema, seen) = (propose.group.clone(), propose.schema, Some(propose.seen));
            let follow = Follow { group, schema, seen, distrust: None, wait_ms: 0 };
            if let Some(GroupAnswer::Page(page)) = self.page_for(&follow) {
                proposed.page = page;
            }
        }
        Some(answer)
    }

    fn sync(&mut self) {
        while let Some((_, output)) = self.groups.poll_output() {
            match output {
                GroupsOutput::Begun(name) => self.disk.name = Some(name),
                GroupsOutput::Group(output) => {
                    if let GroupOutput::Entry(entry) = &output {
                        self.all.push(entry.clone());
                    }
                    self.disk.stored.take(output);
                }
            }
        }
    }

    fn page_for(&self, follow: &Follow) -> Option<GroupAnswer> {
        let found = self.groups.find(&follow.group, follow.schema);
        let page = found.and_then(|id| {
            let group = self.groups.get(id);
            self.disk.stored.page(group, &self.bounds, follow.seen, follow.distrust)
        });
        match page {
            Ok(page) if page.base.is_none() && page.entries.is_empty() && follow.wait_ms > 0 => {
                None
            }
            Ok(page) => Some(GroupAnswer::Page(page)),
            Err(why) => Some(GroupAnswer::Refused(Refused { why })),
        }
    }

    /// Ends the process; the next one finds the disk.
    pub(crate) fn restart(&mut self) {
        self.groups = Groups::new(self.bounds);
        if let Some(name) = self.disk.name.clone() {
            let group = self.disk.stored.restore(&self.bounds);
            self.groups.restore(name, group.expect("what was stored fits"));
        }
    }

    /// Remembers the disk, as a replica that then falls behind.
    pub(crate) fn back_up(&mut self) {
        self.backup = self.disk.clone();
    }

    /// Goes back to the last back-up.
    pub(crate) fn fail_over(&mut self) {
        self.disk = self.backup.clone();
        self.restart();
        let end = self.disk.name.as_ref().map(|_| self.disk.stored.head().version);
        let end = end.unwrap_or_default();
        self.all.retain(|entry| entry.version <= end);
    }

    pub(crate) fn head(&self, schema: SchemaHash) -> Seen {
        self.all.last().map_or_else(|| schema.start(), GroupEntry::seen)
    }
}
