//! Looks for the newest position that a feed and a log have in common, after a roll-back.

use protocol::limits::LOG_PAGE_ENTRIES_MAX;
use protocol::{LogPage, Seen};
use std::collections::VecDeque;
use ucore::Version;

/// A search among the positions that were read. It goes back by steps that double until the log
/// has one of them, and from there forward to the last one that it has.
#[derive(Debug)]
pub(super) struct Search {
    /// The entry whose chain does not follow, if that is why.
    pub(super) broken: Option<Version>,
    at: At,
}

#[derive(Debug)]
enum At {
    /// The log may have the position with this index; if not, the search goes back by this much.
    Back { idx: usize, step: usize },
    /// It has the one with this index.
    Forward { idx: usize },
}

/// What a page says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The next page is needed.
    Further,
    /// The position with this index is the newest one in common.
    Found(usize),
    /// None of the positions is.
    Nothing,
}

impl Search {
    /// Begins with the newest position, if there is one.
    pub(super) fn new(read: &VecDeque<Seen>, broken: Option<Version>) -> Option<Self> {
        let idx = read.len().checked_sub(1)?;
        Some(Self { broken, at: Self::back(read, idx, LOG_PAGE_ENTRIES_MAX) })
    }

    fn back(read: &VecDeque<Seen>, idx: usize, step: usize) -> At {
        // All logs begin at the same position.
        let is_start = read.get(idx).is_some_and(|seen| seen.version == Version(0));
        if is_start { At::Forward { idx } } else { At::Back { idx, step } }
    }

    /// The page that is needed begins after this version.
    pub(super) fn after(&self, read: &VecDeque<Seen>) -> Version {
        let version = |idx| read.get(idx).map_or(Version(0), |seen: &Seen| seen.version);
        match self.at {
            At::Back { idx, .. } => Version(version(idx).0.saturating_sub(1)),
            At::Forward { idx } => version(idx),
        }
    }

    /// Compares a page with what was read.
    pub(super) fn look(&mut self, read: &VecDeque<Seen>, page: &LogPage) -> Step {
        let base = page.base.iter().map(|base| Seen { version: base.version, chain: base.chain });
        let entries = page.entries.iter();
        let entries = entries.map(|entry| Seen { version: entry.version, chain: entry.chain });
        let newest = base.chain(entries).rev().find_map(|seen| place_of(read, seen));
        match (newest, &self.at) {
            // The log may go on after its page.
            (Some(idx), _) => {
                self.at = At::Forward { idx };
                Step::Further
            }
            (None, At::Forward { idx }) => Step::Found(*idx),
            (None, At::Back { idx, step }) => self.further_back(read, *idx, *step),
        }
    }

    fn further_back(&mut self, read: &VecDeque<Seen>, idx: usize, step: usize) -> Step {
        if idx == 0 {
            return Step::Nothing;
        }
        self.at = Self::back(read, idx.saturating_sub(step), step.saturating_mul(2));
        Step::Further
    }
}

/// The index of a position among those that were read, which have no gaps.
fn place_of(read: &VecDeque<Seen>, seen: Seen) -> Option<usize> {
    let first = read.front()?.version.0;
    let idx = usize::try_from(seen.version.0.checked_sub(first)?).ok()?;
    (read.get(idx) == Some(&seen)).then_some(idx)
}
