//! Pages of a group's log: what a function tells of one, and what is read to make it whole.

use super::{Redis, keep, key_of, position};
use crate::machine::group::{Bounds, Keep};
use crate::redis::reply::{Reply, odd};
use protocol::{Base, GroupEntry, GroupName, GroupPage, Seen, Unavailable};
use redis::{Value, cmd};
use ucore::{Bin, Blob, Chain, Version};

/// Entries of a page's first read when there is more than a page, which tells how large they are.
const READ_ENTRIES: usize = 8;

/// Entries of one read when there is more than a page: what is read too much is thrown away.
const READ_ENTRIES_MAX: usize = 128;

/// What a function tells of a page.
#[derive(Debug)]
pub(super) struct Told {
    /// The newest value that is kept.
    pub(super) newest: Option<Keep>,
    head: Seen,
    begins: Begins,
    /// The position before the page's entries.
    pub(super) from: Seen,
    /// Entries from there to the head.
    left: usize,
    /// All of them, or none because they are many.
    entries: Vec<GroupEntry>,
}

/// How a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// Where its asker is.
    On,
    /// With the structure's first value.
    First,
    /// With a value that is kept.
    Kept,
}

impl Told {
    pub(super) fn read(reply: &mut Reply) -> Result<Self, Unavailable> {
        let newest = keep(reply)?;
        let head = position(reply)?;
        let begins = match reply.text()?.as_str() {
            "on" => Begins::On,
            "first" => Begins::First,
            "kept" => Begins::Kept,
            _ => return Err(odd("a page without a beginning")),
        };
        let from = position(reply)?;
        let left = reply.number()?;
        let (mut entries, mut version) = (Vec::new(), from.version);
        while !reply.is_over() {
            version = Version(version.0.wrapping_add(1));
            let chain = Chain(reply.number::<Bin<20>>()?);
            entries.push(GroupEntry { version, chain, edit: reply.bytes()?.into() });
        }
        if !entries.is_empty() && entries.len() != left {
            return Err(odd("a log with a gap"));
        }
        Ok(Self { newest, head, begins, from, left, entries })
    }

    /// The page without what has to be read for it.
    pub(super) fn bare(&self, own: Option<&GroupEntry>) -> GroupPage {
        let head = own.map_or(self.head.version, |own| own.version);
        let kept = self.newest.as_ref().map(Keep::mark);
        GroupPage { base: None, entries: Vec::new(), head, kept }
    }

    /// The end of the log, if its asker is there.
    pub(super) fn end(&self) -> Option<Seen> {
        (self.begins == Begins::On && self.left == 0).then_some(self.head)
    }

    /// Whether the asker's position is in the log.
    pub(super) fn goes_on(&self) -> bool {
        self.begins == Begins::On
    }
}

impl Redis {
    /// The page that was told, and behind it the entry that its asker has just committed.
    pub(super) async fn group_page(
        &self,
        group: &GroupName,
        told: Told,
        own: Option<GroupEntry>,
    ) -> Result<GroupPage, Unavailable> {
        let Told { newest, head, begins, from, left, mut entries } = told;
        let value = match begins {
            Begins::On | Begins::First => None,
            Begins::Kept => Some(self.kept_value(group, from.version).await?),
        };
        let base = (begins != Begins::On).then_some(Base { at: from, value });
        let head = own.as_ref().map_or(head.version, |own| own.version);
        if entries.len() < left {
            entries = self.group_entries(group, from, left).await?;
        }
        if entries.len() == left {
            entries.extend(own);
        }
        cut(&self.shared.bounds, &mut entries);
        let head = entries.last().map_or(head, |last| last.version.max(head));
        Ok(GroupPage { base, entries, head, kept: newest.as_ref().map(Keep::mark) })
    }

    async fn kept_value(&self, group: &GroupName, version: Version) -> Result<Blob, Unavailable> {
        let mut value = cmd("HGET");
        value.arg(key_of(group, "kept")).arg(version.0);
        let Value::BulkString(bytes) = self.read(value).await? else { return Err(dropped()) };
        Ok(bytes.into())
    }

    /// At least a page of the entries after a position, or as many as are left.
    async fn group_entries(
        &self,
        group: &GroupName,
        from: Seen,
        left: usize,
    ) -> Result<Vec<GroupEntry>, Unavailable> {
        let wanted = left.min(self.shared.bounds.page_entries);
        let (mut entries, mut bytes) = (Vec::<GroupEntry>::new(), 0);
        let (mut after, mut count) = (from, READ_ENTRIES.min(wanted));
        while count > 0 {
            let mut range = cmd("XRANGE");
            range.arg(key_of(group, "log")).arg(format!("({}-0", after.version)).arg("+");
            range.arg("COUNT").arg(count);
            let read = entries_of(self.read(range).await?)?;
            // What was trimmed or taken back meanwhile shows where the reads meet.
            let first = read.first().ok_or_else(dropped)?;
            if first.version != after.version.next() || first.follow(after).is_err() {
                return Err(dropped());
            }
            bytes += read.iter().map(|entry| entry.edit.len()).sum::<usize>();
            entries.extend(read);
            after = entries.last().map_or(after, GroupEntry::seen);
            let room = self.shared.bounds.page_bytes.saturating_sub(bytes);
            let may_fit = (room * entries.len()).div_ceil(bytes.max(1)).min(READ_ENTRIES_MAX);
            count = may_fit.min(wanted.saturating_sub(entries.len()));
        }
        Ok(entries)
    }
}

/// Ends a page where a page ends.
fn cut(bounds: &Bounds, entries: &mut Vec<GroupEntry>) {
    let mut has_room = bounds.page();
    let len = entries.iter().take_while(|entry| has_room(entry.edit.len())).count();
    entries.truncate(len);
}

/// The entries of a stream, each as `[id, [field, value, ...]]`, without a gap.
pub(in crate::redis) fn entries_of(value: Value) -> Result<Vec<GroupEntry>, Unavailable> {
    let Value::Array(items) = value else { return Err(odd("no entries")) };
    let entries = items.into_iter().map(|item| entry(item).ok_or_else(|| odd("an odd entry")));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let goes_on = |pair: &[GroupEntry]| pair[0].version.0.checked_add(1) == Some(pair[1].version.0);
    if entries.windows(2).all(goes_on) { Ok(entries) } else { Err(odd("a log with a gap")) }
}

fn entry(item: Value) -> Option<GroupEntry> {
    let (id, fields): (String, Vec<(String, Vec<u8>)>) = redis::from_redis_value(item).ok()?;
    let version = Version(id.strip_suffix("-0")?.parse().ok()?);
    let mut fields = fields.into_iter();
    let mut field = |name| fields.next().filter(|(key, _)| key == name).map(|(_, value)| value);
    let chain = String::from_utf8(field("chain")?).ok()?.parse::<Bin<20>>().ok()?;
    field("bytes")?;
    Some(GroupEntry { version, chain: Chain(chain), edit: field("edit")?.into() })
}

/// Reads an answer as a page, whatever it is. How many entries it has.
pub(in crate::redis) fn read_told(mut reply: Reply) -> Result<usize, Unavailable> {
    Told::read(&mut reply).map(|told| told.entries.len())
}

fn dropped() -> Unavailable {
    let why = "the log's beginning was dropped in the middle of a read; read again";
    Unavailable::Unknown(why.to_owned())
}
