//! The newest entries of shared structures, in memory: who follows one reads them here, and asks
//! the owner of the log for older ones alone.
//!
//! Only what is durable may be published here.

use crate::machine::group::{Bounds, Keep};
use dashmap::DashMap;
use protocol::limits::{GROUP_RECENT_BYTES_MAX, GROUP_RECENT_ENTRIES_MAX, GROUPS_RECENT_BYTES_MAX};
use protocol::{GroupEntry, GroupName, GroupPage, SchemaHash, Seen};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use ucore::Version;

/// The newest entries of all groups, by name.
#[derive(Debug)]
pub(crate) struct Recent {
    /// Guards of it never live across an await.
    rings: DashMap<GroupName, Arc<Ring>>,
    /// Bytes of all entries in it.
    bytes: AtomicUsize,
    bounds: Bounds,
}

/// The newest entries of one group.
#[derive(Debug)]
pub(crate) struct Ring {
    schema: SchemaHash,
    tail: Mutex<Tail>,
    /// Changes whenever the tail does.
    news: watch::Sender<()>,
}

/// The end of a group's log.
#[derive(Debug)]
struct Tail {
    /// The position before the first entry.
    after: Seen,
    /// Invariant: without a gap.
    entries: VecDeque<GroupEntry>,
    /// Bytes of their edits.
    bytes: usize,
    /// The newest value that is kept.
    newest: Option<Keep>,
}

impl Recent {
    /// None yet.
    pub(crate) fn new(bounds: &Bounds) -> Self {
        Self { rings: DashMap::new(), bytes: AtomicUsize::new(0), bounds: *bounds }
    }

    /// The ring of a group that is known here and has this schema.
    pub(crate) fn find(&self, name: &GroupName, schema: SchemaHash) -> Option<Arc<Ring>> {
        let ring = self.rings.get(name).map(|ring| Arc::clone(&ring))?;
        (ring.schema == schema).then_some(ring)
    }

    /// A group whose log ends here; of what is before that, nothing is in memory.
    pub(crate) fn begin(
        &self,
        name: &GroupName,
        schema: SchemaHash,
        head: Seen,
        newest: Option<&Keep>,
    ) -> Arc<Ring> {
        let newest = newest.copied();
        let tail = Tail { after: head, entries: VecDeque::new(), bytes: 0, newest };
        let ring = Ring { schema, tail: Mutex::new(tail), news: watch::Sender::new(()) };
        let ring = Arc::new(ring);
        let before = self.rings.insert(name.clone(), Arc::clone(&ring));
        if let Some(before) = before {
            self.clear(&before);
        }
        ring
    }

    /// Ends a ring that nobody publishes to any more, and wakes who waits for it.
    pub(crate) fn end(&self, name: &GroupName, ring: &Arc<Ring>) {
        self.rings.remove_if(name, |_, current| Arc::ptr_eq(current, ring));
        self.clear(ring);
    }

    /// Forgets the entries of a ring that is no longer in here.
    fn clear(&self, ring: &Ring) {
        let mut tail = ring.lock();
        tail.after = tail.head();
        tail.entries.clear();
        self.bytes.fetch_sub(std::mem::take(&mut tail.bytes), Ordering::Relaxed);
        drop(tail);
        ring.news.send_replace(());
    }

    /// Adds entries that have become durable, and wakes who waits for them. A group that was not
    /// begun here, or whose log does not go on where it ended, is left as it is.
    pub(crate) fn publish(
        &self,
        name: &GroupName,
        entries: Vec<GroupEntry>,
        newest: Option<&Keep>,
    ) {
        let ring = self.rings.get(name).map(|ring| Arc::clone(&ring));
        if let Some(ring) = ring {
            self.publish_to(&ring, entries, newest);
        }
    }

    /// The same, to one ring.
    pub(crate) fn publish_to(&self, ring: &Ring, entries: Vec<GroupEntry>, newest: Option<&Keep>) {
        let mut tail = ring.lock();
        tail.newest = newest.copied();
        let (before, count) = (tail.bytes, entries.len());
        for entry in entries {
            if entry.version == tail.head().version.next() {
                tail.bytes += entry.edit.len();
                tail.entries.push_back(entry);
            }
        }
        let is_crowded = self.bytes.load(Ordering::Relaxed) > GROUPS_RECENT_BYTES_MAX;
        let entries_max = if is_crowded { count } else { GROUP_RECENT_ENTRIES_MAX };
        tail.trim(entries_max);
        self.bytes.fetch_add(tail.bytes, Ordering::Relaxed);
        self.bytes.fetch_sub(before, Ordering::Relaxed);
        drop(tail);
        ring.news.send_replace(());
    }

    /// What follows a position, if the ring has that position and nobody would begin with a kept
    /// value instead.
    pub(crate) fn page(
        &self,
        ring: &Ring,
        seen: Seen,
        distrust: Option<Version>,
    ) -> Option<GroupPage> {
        let tail = ring.lock();
        let start = tail.start(seen)?;
        if tail.is_shorter_from_kept(seen, start, distrust) {
            return None;
        }
        let mut has_room = self.bounds.page();
        let behind = tail.entries.range(start..);
        let entries = behind.take_while(|entry| has_room(entry.edit.len())).cloned().collect();
        let (head, kept) = (tail.head().version, tail.newest.as_ref().map(Keep::mark));
        Some(GroupPage { base: None, entries, head, kept })
    }
}

impl Ring {
    /// The end of the log.
    pub(crate) fn head(&self) -> Seen {
        self.lock().head()
    }

    /// What changes whenever something is published.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// The end of the log, and the newest value that is kept.
    pub(crate) fn newest(&self) -> (Seen, Option<Keep>) {
        let tail = self.lock();
        (tail.head(), tail.newest)
    }

    /// Whether a position is in here, or beyond.
    pub(crate) fn may_have(&self, seen: Seen) -> bool {
        let tail = self.lock();
        tail.head().version < seen.version || tail.start(seen).is_some()
    }

    /// The schema of its structure.
    pub(crate) const fn schema(&self) -> SchemaHash {
        self.schema
    }

    fn lock(&self) -> MutexGuard<'_, Tail> {
        // What is under it is whole between any two statements that could panic.
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tail {
    fn head(&self) -> Seen {
        self.entries.back().map_or(self.after, GroupEntry::seen)
    }

    /// The index of the entry after a position that is here.
    fn start(&self, seen: Seen) -> Option<usize> {
        let start = usize::try_from(seen.version.0.checked_sub(self.after.version.0)?).ok()?;
        let at = match start.checked_sub(1) {
            None => self.after,
            Some(last) => self.entries.get(last)?.seen(),
        };
        (at == seen).then_some(start)
    }

    /// Whether the newest kept value is shorter than what leads to it.
    fn is_shorter_from_kept(&self, seen: Seen, start: usize, distrust: Option<Version>) -> bool {
        let Some(newest) = self.newest.filter(|it| Some(it.at.version) != distrust) else {
            return false;
        };
        let between = newest.at.version.0.saturating_sub(seen.version.0);
        let entries = self.entries.range(start..).zip(0..between);
        let mut bytes = 0_u64;
        entries.map(|(entry, _)| entry.edit.len() as u64).any(|more| {
            bytes += more;
            bytes > newest.bytes
        })
    }

    fn trim(&mut self, entries_max: usize) {
        while self.entries.len() > entries_max
            || (self.bytes > GROUP_RECENT_BYTES_MAX && self.entries.len() > 1)
        {
            let Some(first) = self.entries.pop_front() else { return };
            self.bytes -= first.edit.len();
            self.after = first.seen();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Edit, StateHash};
    use ucore::{Bin, Chain, WriterId};

    const SCHEMA: SchemaHash = SchemaHash(Bin([1; 8]));

    fn name() -> GroupName {
        GroupName("g".to_owned())
    }

    fn begun() -> (Recent, Vec<Seen>) {
        let recent = Recent::new(&Bounds::default());
        recent.begin(&name(), SCHEMA, SCHEMA.start(), None);
        (recent, vec![SCHEMA.start()])
    }

    /// Publishes so many entries of about so many bytes, and notes their positions.
    fn publish(recent: &Recent, log: &mut Vec<Seen>, count: usize, bytes: usize) {
        let mut entries = Vec::new();
        for _ in 0..count {
            let (writer, updates) = (WriterId(Bin([1; 16])), vec![0; bytes].into());
            let edit = Edit { writer, seq: 1, ordered: false, updates };
            let entry = GroupEntry::after(log[log.len() - 1], &edit);
            log.push(entry.seen());
            entries.push(entry);
        }
        recent.publish(&name(), entries, None);
    }

    fn page(recent: &Recent, seen: Seen) -> Option<GroupPage> {
        let ring = recent.find(&name(), SCHEMA).expect("it was begun");
        recent.page(&ring, seen, None)
    }

    #[test]
    fn the_newest_entries_stay_and_older_positions_are_not_known() {
        let (recent, mut log) = begun();
        publish(&recent, &mut log, GROUP_RECENT_ENTRIES_MAX, 1);
        assert_eq!(page(&recent, log[0]).map(|page| page.entries.len()), Some(1_024));
        publish(&recent, &mut log, 1, 1);
        assert_eq!(page(&recent, log[0]), None);
        let last = page(&recent, log[GROUP_RECENT_ENTRIES_MAX]).expect("it is the newest one");
        assert_eq!((last.entries.len(), last.head), (1, log[log.len() - 1].version));
        let end = log[log.len() - 1];
        assert_eq!(page(&recent, end).map(|page| page.entries), Some(Vec::new()));
        assert_eq!(page(&recent, Seen { chain: Chain::START, ..end }), None, "another past");
        assert_eq!(page(&recent, Seen { version: end.version.next(), ..end }), None, "beyond");
        assert!(recent.find(&name(), SchemaHash(Bin([2; 8]))).is_none(), "another structure");
    }

    #[test]
    fn many_bytes_are_fewer_entries_and_all_are_counted() {
        let (recent, mut log) = begun();
        let large = GROUP_RECENT_BYTES_MAX / 4;
        publish(&recent, &mut log, 6, large);
        assert_eq!(page(&recent, log[2]), None);
        assert!(page(&recent, log[3]).is_some());
        let held = recent.bytes.load(Ordering::Relaxed);
        assert!((3 * large..=GROUP_RECENT_BYTES_MAX).contains(&held), "{held}");
        recent.bytes.store(GROUPS_RECENT_BYTES_MAX + held + 1, Ordering::Relaxed);
        publish(&recent, &mut log, 1, 8);
        assert_eq!(page(&recent, log[5]), None, "without room, what came last stays alone");
        assert!(page(&recent, log[6]).is_some());
        assert!(recent.bytes.load(Ordering::Relaxed) <= GROUPS_RECENT_BYTES_MAX + 100);
        recent.begin(&name(), SCHEMA, SCHEMA.start(), None);
        assert_eq!(page(&recent, log[6]), None, "it was begun anew");
        assert_eq!(recent.bytes.load(Ordering::Relaxed), GROUPS_RECENT_BYTES_MAX + 1);
    }

    #[test]
    fn who_would_read_more_than_a_kept_value_is_sent_to_it() {
        let (recent, mut log) = begun();
        publish(&recent, &mut log, 8, 10);
        let (at, hash, keeper) = (log[6], StateHash(Bin([0; 8])), WriterId(Bin([2; 16])));
        let keep = Keep { at, hash, bytes: 80, keeper };
        recent.publish(&name(), Vec::new(), Some(&keep));
        let ring = recent.find(&name(), SCHEMA).expect("it was begun");
        assert_eq!(recent.page(&ring, log[0], None), None);
        assert!(recent.page(&ring, log[0], Some(at.version)).is_some(), "it is not trusted");
        assert!(recent.page(&ring, log[4], None).is_some(), "two entries are shorter");
        assert!(recent.page(&ring, log[7], None).is_some(), "the value is behind it");
    }
}
