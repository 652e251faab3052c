//! Requests of any content, from any number of writers and keepers, to one authority's groups.
//! What it puts out is stored beside it, and it has to come back from that as it was.

use super::STEPS_MAX;
use crate::anything::seen;
use crate::check::received;
use crate::draw::Draw;
use authority::machine::group::{Bounds, Past, State, Stored};
use authority::machine::{GroupId, Groups, GroupsOutput};
use protocol::{
    Checkpoint, Dispute, Edit, Found, GroupAnswer, GroupEntry, GroupName, GroupRequest, Leave,
    Propose, SchemaHash, Seen, StateHash, SyncAnswer, SyncRequest,
};
use std::collections::BTreeMap;
use ucore::{Bin, Blob, Version, WriterId};

/// Bounds that an input meets.
const BOUNDS: Bounds = Bounds {
    groups: 2,
    writers: 4,
    barred: 1,
    updates_bytes: 8,
    value_bytes: 8,
    mark_entries: 4,
    log_entries: 16,
    log_bytes: 500,
    page_entries: 8,
    page_bytes: 500,
};

/// The groups, and what they have made durable.
struct World {
    groups: Groups,
    disk: BTreeMap<GroupId, Stored>,
}

/// Its log is without a gap and within its bounds, and nothing that is durable gets lost.
pub(crate) fn group(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let mut world = World { groups: Groups::new(BOUNDS), disk: BTreeMap::new() };
    for _ in 0..STEPS_MAX {
        if draw.is_over() {
            break;
        }
        world.step(&mut draw);
        world.sync();
        if draw.one_of(8) {
            world.restart();
        }
    }
    world.restart();
}

impl World {
    fn step(&mut self, draw: &mut Draw<'_>) {
        let group = name(draw);
        let head = self.groups.find(&group, schema(0)).ok().map(|id| self.groups.get(id).head());
        let schema = schema(draw.byte());
        let request = match draw.below(16) {
            0 | 1 => GroupRequest::Found(Found { group, schema, create: draw.flag() }),
            2..=9 => {
                let updates = Blob(draw.some(10, Draw::byte).into());
                let (writer, seq) = (writer(draw), draw.number());
                let edit = Edit { writer, seq, ordered: draw.flag(), updates };
                let expect = draw.option(|draw| self.position(draw, head).version);
                let seen = self.position(draw, head);
                GroupRequest::Propose(Propose { group, schema, edit, expect, seen })
            }
            10..=12 => {
                let value = Blob(draw.some(10, Draw::byte).into());
                let hash = match draw.one_of(4) {
                    true => StateHash(Bin([9; 8])),
                    false => StateHash::of_bytes(&value),
                };
                let (keeper, at) = (writer(draw), self.position(draw, head));
                GroupRequest::Checkpoint(Checkpoint { group, schema, keeper, at, hash, value })
            }
            13 => {
                let version = self.position(draw, head).version;
                GroupRequest::Dispute(Dispute { group, schema, version })
            }
            14 => GroupRequest::Leave(Leave { group, writer: writer(draw) }),
            _ => return self.look(draw, &group),
        };
        self.ask(&request);
    }

    /// A position of the log, or any.
    fn position(&self, draw: &mut Draw<'_>, head: Option<Seen>) -> Seen {
        let Some(head) = head.filter(|_| !draw.one_of(4)) else { return seen(draw) };
        let version = Version(head.version.0.saturating_sub(draw.below(12).into()));
        let entries = self.disk.values().flat_map(|stored| &stored.entries);
        entries.map(GroupEntry::seen).find(|seen| seen.version == version).unwrap_or(head)
    }

    /// Asks where pages begin.
    fn look(&self, draw: &mut Draw<'_>, name: &GroupName) {
        let Ok(id) = self.groups.find(name, schema(0)) else { return };
        let group = self.groups.get(id);
        let seen = draw.option(|draw| Version(draw.number()));
        let seen = seen.filter(|seen| (group.base().version..=group.head().version).contains(seen));
        let start = group.start(seen, draw.option(|draw| Version(draw.number())));
        // Whoever has a position goes on from somewhere.
        assert!(start.is_ok() || seen.is_none(), "{start:?} for {seen:?}");
    }

    fn ask(&mut self, request: &GroupRequest) {
        let sent = SyncRequest::Group(request.clone());
        if received(&sent).is_err() {
            // It can't have been sent.
            return;
        }
        let answer = match request {
            GroupRequest::Found(found) => self.groups.handle_found(found.clone()),
            GroupRequest::Propose(propose) => {
                let id = self.groups.find(&propose.group, propose.schema);
                let past = id.map_or(Past::Own, |id| self.disk[&id].past(propose.seen));
                self.groups.handle_propose(propose, past)
            }
            GroupRequest::Checkpoint(it) => self.groups.handle_checkpoint(it.clone()),
            GroupRequest::Dispute(dispute) => self.groups.handle_dispute(dispute),
            GroupRequest::Leave(leave) => self.groups.handle_leave(leave),
            GroupRequest::Follow(_) => unreachable!("pages are the store's"),
        };
        if let GroupAnswer::Refused(_) = &answer {
            assert!(self.groups.is_drained(), "a refusal changes nothing: {request:?}");
        }
        let sent = SyncAnswer::Group(answer);
        assert_eq!(received(&sent).as_ref(), Ok(&sent), "to {request:?}");
    }

    fn sync(&mut self) {
        while let Some((id, output)) = self.groups.poll_output() {
            let stored = self.disk.entry(id).or_default();
            match output {
                GroupsOutput::Begun(_) => assert!(stored.state.is_none(), "a number is used once"),
                GroupsOutput::Group(output) => stored.take(output),
            }
        }
        for stored in self.disk.values() {
            let bound = BOUNDS.log_entries + BOUNDS.mark_entries;
            assert!(stored.entries.len() as u64 <= bound, "the log has a bound");
        }
    }

    fn restart(&mut self) {
        let mut again = Groups::new(BOUNDS);
        for (id, stored) in &self.disk {
            let state = stored.state.as_ref().expect("a group begins with it");
            assert_eq!(ucore::decode::<State>(&ucore::encode(state)).as_ref(), Ok(state));
            let group = stored.restore(&BOUNDS).expect("it was stored");
            assert_eq!(group.state(), self.groups.get(*id).state(), "it comes back");
            again.restore(self.groups.name(*id).clone(), group);
        }
        self.groups = again;
    }
}

fn name(draw: &mut Draw<'_>) -> GroupName {
    GroupName(draw.pick(&["a", "a", "a", "b", "c", "No name"]).to_owned())
}

fn schema(byte: u8) -> SchemaHash {
    SchemaHash(Bin([u8::from(byte > 240); 8]))
}

fn writer(draw: &mut Draw<'_>) -> WriterId {
    WriterId(Bin([draw.below(6); 16]))
}
