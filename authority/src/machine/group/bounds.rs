//! How much of a group is kept.

use protocol::limits::{
    GROUP_BARRED_MAX, GROUP_LOG_BYTES_MAX, GROUP_LOG_ENTRIES_MAX, GROUP_MARK_ENTRIES,
    GROUP_PAGE_BYTES_MAX, GROUP_PAGE_ENTRIES_MAX, GROUP_UPDATES_BYTES_MAX, GROUP_VALUE_BYTES_MAX,
    GROUP_WRITERS_MAX, GROUPS_MAX,
};
use ucore::Version;

/// The bounds of groups. Those of [`protocol::limits`] unless a test wants to meet them early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Groups.
    pub groups: usize,
    /// Writers that a group knows.
    pub writers: usize,
    /// Keepers that a group bars.
    pub barred: usize,
    /// Bytes of the updates in one entry.
    pub updates_bytes: usize,
    /// Bytes of a value that is kept.
    pub value_bytes: usize,
    /// Entries from one mark to the next.
    pub mark_entries: u64,
    /// Entries behind the base of the log.
    pub log_entries: u64,
    /// Bytes of their edits.
    pub log_bytes: u64,
    /// Entries of a page.
    pub page_entries: usize,
    /// Bytes of their edits.
    pub page_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            groups: GROUPS_MAX,
            writers: GROUP_WRITERS_MAX,
            barred: GROUP_BARRED_MAX,
            updates_bytes: GROUP_UPDATES_BYTES_MAX,
            value_bytes: GROUP_VALUE_BYTES_MAX,
            mark_entries: GROUP_MARK_ENTRIES,
            log_entries: GROUP_LOG_ENTRIES_MAX,
            log_bytes: GROUP_LOG_BYTES_MAX,
            page_entries: GROUP_PAGE_ENTRIES_MAX,
            page_bytes: GROUP_PAGE_BYTES_MAX,
        }
    }
}

impl Bounds {
    /// Whether the value at a version may be kept.
    #[must_use]
    pub const fn is_mark(&self, version: Version) -> bool {
        version.0 > 0 && version.0.is_multiple_of(self.mark_entries)
    }

    /// Where a page ends: asked of its entries one by one, with the bytes of each one's edit, it
    /// says whether the entry is on the page.
    pub fn page(&self) -> impl FnMut(usize) -> bool + use<> {
        let (mut entries_left, bytes_max) = (self.page_entries, self.page_bytes);
        let mut bytes = 0;
        move |more| {
            let has_room = entries_left > 0 && bytes < bytes_max;
            entries_left = entries_left.saturating_sub(1);
            bytes += more;
            has_room
        }
    }
}
