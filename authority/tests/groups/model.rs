//! What groups promise, told as simply as possible: the whole log is kept, and everything is found
//! by looking through it.

use authority::machine::group::Bounds;
use protocol::{
    Checkpoint, Edit, Follow, GroupAnswer, GroupEntry, GroupName, GroupPage, GroupRefusal,
    GroupRequest, KeptMark, Propose, ProposeVerdict, SchemaHash, Seen, StateHash,
};
use std::collections::BTreeMap;
use ucore::{Blob, Version, WriterId};

/// All groups.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model(pub(crate) BTreeMap<GroupName, Group>);

#[derive(Debug, Clone)]
pub(crate) struct Group {
    schema: SchemaHash,
    /// Everything that was ever committed.
    pub(crate) log: Vec<(Edit, GroupEntry)>,
    writers: BTreeMap<WriterId, (u64, Version)>,
    forgotten: Version,
    base: Version,
    /// At most two, the newest one last.
    pub(crate) kept: Vec<Kept>,
    barred: Vec<WriterId>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    pub(crate) at: Seen,
    hash: StateHash,
    value: Blob,
    keeper: WriterId,
}

/// What an answer has to be.
#[derive(Debug, PartialEq)]
pub(crate) enum Expected {
    Head(Seen),
    Verdict(ProposeVerdict, Version, u64),
    Page,
    /// A page from memory, of entries that are no longer kept, or a refusal.
    PageIfRemembered,
    Kept(Option<KeptMark>),
    Refused(GroupRefusal),
}

impl Model {
    /// What a request comes to, and the change that it makes.
    pub(crate) fn expect(&mut self, bounds: &Bounds, request: &GroupRequest) -> Expected {
        self.answer(bounds, request).unwrap_or_else(Expected::Refused)
    }

    fn answer(
        &mut self,
        bounds: &Bounds,
        request: &GroupRequest,
    ) -> Result<Expected, GroupRefusal> {
        let (name, schema) = match request {
            GroupRequest::Found(it) => (&it.group, Some(it.schema)),
            GroupRequest::Propose(it) => (&it.group, Some(it.schema)),
            GroupRequest::Follow(it) => (&it.group, Some(it.schema)),
            GroupRequest::Checkpoint(it) => (&it.group, Some(it.schema)),
            GroupRequest::Dispute(it) => (&it.group, Some(it.schema)),
            GroupRequest::Leave(it) => (&it.group, None),
        };
        name.check()?;
        if let (GroupRequest::Found(found), false) = (request, self.0.contains_key(name)) {
            if !found.create {
                return Err(GroupRefusal::NoGroup);
            }
            if self.0.len() == bounds.groups {
                return Err(GroupRefusal::TooManyGroups);
            }
            self.0.insert(name.clone(), Group::new(found.schema));
        }
        let group = self.0.get_mut(name).ok_or(GroupRefusal::NoGroup)?;
        if schema.is_some_and(|schema| schema != group.schema) {
            return Err(GroupRefusal::Schema);
        }
        match request {
            GroupRequest::Found(_) => Ok(Expected::Head(group.head())),
            GroupRequest::Propose(propose) => group.propose(bounds, propose),
            GroupRequest::Follow(follow) => match group.begins(follow) {
                Some(_) => Ok(Expected::Page),
                None => Ok(Expected::PageIfRemembered),
            },
            GroupRequest::Checkpoint(checkpoint) => group.keep(bounds, checkpoint),
            GroupRequest::Dispute(dispute) => {
                group.dispute(bounds, dispute.version);
                Ok(Expected::Kept(group.mark()))
            }
            GroupRequest::Leave(leave) => {
                group.writers.remove(&leave.writer);
                Ok(Expected::Kept(group.mark()))
            }
        }
    }
}

impl Group {
    fn new(schema: SchemaHash) -> Self {
        Self {
            schema,
            log: Vec::new(),
            writers: BTreeMap::new(),
            forgotten: Version(0),
            base: Version(0),
            kept: Vec::new(),
            barred: Vec::new(),
        }
    }

    /// The position at a version, if there is one.
    pub(crate) fn at(&self, version: u64) -> Option<Seen> {
        match version.checked_sub(1) {
            None => Some(self.schema.start()),
            Some(last) => Some(self.log.get(usize::try_from(last).unwrap())?.1.seen()),
        }
    }

    pub(crate) fn head(&self) -> Seen {
        self.at(self.log.len() as u64).unwrap()
    }

    pub(crate) fn ordered(&self) -> Version {
        let ordered = self.log.iter().rev().find(|(edit, _)| edit.ordered);
        ordered.map_or(Version(0), |(_, entry)| entry.version)
    }

    fn mark(&self) -> Option<KeptMark> {
        self.kept.last().map(|kept| KeptMark { version: kept.at.version, hash: kept.hash })
    }

    fn behind(&self, version: Version) -> &[(Edit, GroupEntry)] {
        &self.log[usize::try_from(version.0).unwrap()..]
    }

    fn propose(&mut self, bounds: &Bounds, propose: &Propose) -> Result<Expected, GroupRefusal> {
        let Propose { edit, expect, seen, .. } = propose;
        if edit.updates.len() > bounds.updates_bytes {
            return Err(GroupRefusal::TooLarge);
        }
        let (last, at) = self.writers.get(&edit.writer).copied().unwrap_or_default();
        let known = self.writers.contains_key(&edit.writer);
        let verdict = |verdict, version, want| Ok(Expected::Verdict(verdict, version, want));
        let nowhere = Version(0);
        if known && edit.seq == last {
            return verdict(ProposeVerdict::Duplicate, at, 0);
        }
        if edit.seq < last || edit.seq == 0 {
            return verdict(ProposeVerdict::Old, nowhere, 0);
        }
        if edit.seq > last + 1 {
            return verdict(ProposeVerdict::Gap, nowhere, last + 1);
        }
        if !known && seen.version < self.forgotten {
            return verdict(ProposeVerdict::Forgotten, nowhere, 0);
        }
        let crowded = !known && self.writers.len() >= bounds.writers;
        let newest = self.mark().map_or(self.base, |kept| kept.version);
        let is_some_old = |to: &Version| self.writers.values().any(|(_, at)| at <= to);
        let room = [self.base, newest].into_iter().find(is_some_old);
        if crowded && room.is_none() {
            return Err(GroupRefusal::TooManyWriters);
        }
        let kept = self.behind(self.base);
        let bytes: usize = kept.iter().map(|(_, entry)| entry.edit.len()).sum();
        let head = self.head();
        let last_mark = head.version.0 - head.version.0 % bounds.mark_entries;
        let can_be_kept = self.mark().map_or(0, |kept| kept.version.0) < last_mark;
        let is_long = kept.len() as u64 >= bounds.log_entries;
        if can_be_kept && (is_long || bytes as u64 >= bounds.log_bytes) {
            return Err(GroupRefusal::Full);
        }
        let is_elsewhere = self.base <= seen.version && self.at(seen.version.0) != Some(*seen);
        if expect.is_some_and(|it| it < self.ordered() || head.version < it || is_elsewhere) {
            return verdict(ProposeVerdict::Conflict, head.version, 0);
        }
        if let Some(to) = room.filter(|_| crowded) {
            let gone = self.writers.values().map(|(_, at)| *at).filter(|at| *at <= to);
            self.forgotten = gone.max().unwrap().max(self.forgotten);
            self.writers.retain(|_, (_, at)| *at > to);
        }
        let entry = GroupEntry::after(head, edit);
        self.writers.insert(edit.writer, (edit.seq, entry.version));
        self.log.push((edit.clone(), entry));
        verdict(ProposeVerdict::Committed, head.version.next(), 0)
    }

    fn keep(&mut self, bounds: &Bounds, it: &Checkpoint) -> Result<Expected, GroupRefusal> {
        let is_in = self.base < it.at.version && self.at(it.at.version.0) == Some(it.at);
        let newest = self.kept.last().map_or(Version(0), |kept| kept.at.version);
        if it.value.len() > bounds.value_bytes {
            return Err(GroupRefusal::TooLarge);
        }
        if self.barred.contains(&it.keeper) {
            return Err(GroupRefusal::Barred);
        }
        if it.at.version.0 == 0 || !it.at.version.0.is_multiple_of(bounds.mark_entries) {
            return Err(GroupRefusal::NotAMark);
        }
        if it.at.version <= newest {
            return Err(GroupRefusal::TooOld);
        }
        if !is_in {
            return Err(GroupRefusal::NotInTheLog);
        }
        if StateHash::of_bytes(&it.value) != it.hash {
            return Err(GroupRefusal::WrongHash);
        }
        let (at, hash, value, keeper) = (it.at, it.hash, it.value.clone(), it.keeper);
        self.kept.push(Kept { at, hash, value, keeper });
        if let [.., older, _] = &*self.kept {
            self.base = older.at.version;
            self.kept.retain(|kept| kept.at.version >= self.base);
        }
        Ok(Expected::Kept(self.mark()))
    }

    fn dispute(&mut self, bounds: &Bounds, version: Version) {
        let Some(newest) = self.kept.last().filter(|kept| kept.at.version == version) else {
            return;
        };
        if version == self.base {
            return;
        }
        if !self.barred.contains(&newest.keeper) {
            self.barred.push(newest.keeper);
        }
        if self.barred.len() > bounds.barred {
            self.barred.remove(0);
        }
        self.kept.pop();
    }

    /// How many entries and values are held.
    pub(crate) fn held(&self) -> (u64, u64) {
        (self.behind(self.base).len() as u64, self.kept.len() as u64)
    }

    /// Whether the log is kept from a position on.
    fn knows(&self, seen: Seen) -> bool {
        self.base <= seen.version && self.at(seen.version.0) == Some(seen)
    }

    /// Where a page may begin, for who can't go on from what it has seen: the value, if it is not
    /// the first one.
    pub(crate) fn begins(&self, follow: &Follow) -> Option<(Seen, Option<Blob>)> {
        if let Some(seen) = follow.seen.filter(|seen| self.knows(*seen)) {
            return Some((seen, None));
        }
        let trusted = self.kept.iter().rev().find(|it| Some(it.at.version) != follow.distrust);
        match trusted {
            Some(kept) => Some((kept.at, Some(kept.value.clone()))),
            None => (self.base == Version(0)).then(|| (self.schema.start(), None)),
        }
    }

    /// Looks whether a page is a right answer.
    pub(crate) fn check_page(&self, bounds: &Bounds, follow: &Follow, page: &GroupPage) {
        assert_eq!(page.head, self.head().version, "the head");
        assert_eq!(page.kept, self.mark(), "the newest kept value");
        let known = follow.seen.filter(|seen| self.knows(*seen));
        // Entries that are no longer kept may be remembered.
        let was_known = follow.seen.filter(|seen| self.at(seen.version.0) == Some(*seen));
        let after = match (&page.base, known) {
            (None, _) => was_known.expect("a page goes on from a position of the log"),
            (Some(base), None) => {
                let expected = self.begins(follow).expect("somewhere to begin");
                assert_eq!((base.at, base.value.clone()), expected, "where it begins");
                base.at
            }
            (Some(base), Some(seen)) => {
                let newest = self.kept.last().expect("it begins with a kept value");
                assert_ne!(Some(base.at.version), follow.distrust, "it is not trusted");
                assert_eq!((base.at, &base.value), (newest.at, &Some(newest.value.clone())));
                let skipped = self.behind(seen.version).iter().map(|(_, entry)| entry);
                let skipped = skipped.take_while(|entry| entry.version <= base.at.version);
                let bytes: usize = skipped.map(|entry| entry.edit.len()).sum();
                assert!(newest.value.len() < bytes, "the value is longer than the entries");
                base.at
            }
        };
        let (mut entries, mut bytes) = (Vec::new(), 0);
        for (_, entry) in self.behind(after.version).iter().take(bounds.page_entries) {
            entries.push(entry.clone());
            bytes += entry.edit.len();
            if bytes >= bounds.page_bytes {
                break;
            }
        }
        assert_eq!(page.entries, entries, "what follows {after:?}");
    }
}

/// Looks whether an answer is what was expected, its page aside.
pub(crate) fn check_answer(expected: &Expected, answer: &GroupAnswer) {
    let found = match answer {
        GroupAnswer::Founded(it) => Expected::Head(it.head),
        GroupAnswer::Proposed(it) => Expected::Verdict(it.verdict, it.version, it.want),
        GroupAnswer::Page(_) => Expected::Page,
        GroupAnswer::Kept(it) => Expected::Kept(it.kept),
        GroupAnswer::Refused(it) => Expected::Refused(it.why),
    };
    match (expected, &found) {
        (
            Expected::PageIfRemembered,
            Expected::Page | Expected::Refused(GroupRefusal::NotInTheLog),
        ) => {}
        _ => assert_eq!(&found, expected),
    }
}
