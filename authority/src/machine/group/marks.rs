//! Where a group's log begins, and the positions behind that at which a value may be kept.

use super::Bounds;
use protocol::Seen;
use std::collections::BTreeMap;
use ucore::{Chain, Version};

/// The base of a group's log, and the marks behind it.
#[derive(Debug)]
pub(super) struct Marks {
    base: Seen,
    /// Invariant: all marks behind the base, and no other.
    marks: BTreeMap<Version, Mark>,
    /// Bytes of all edits up to the head, and up to the base, counted from anywhere.
    written: u64,
    written_at_base: u64,
}

/// A position where a value may be kept.
#[derive(Debug, Clone, Copy)]
struct Mark {
    chain: Chain,
    /// Bytes of all edits up to there.
    written: u64,
}

impl Marks {
    /// Those of a log without an entry behind its base.
    pub(super) const fn new(base: Seen) -> Self {
        Self { base, marks: BTreeMap::new(), written: 0, written_at_base: 0 }
    }

    /// Counts an entry that is in the log now, with the bytes of its edit.
    pub(super) fn advance(&mut self, bounds: &Bounds, seen: Seen, bytes: usize) {
        self.written += bytes as u64;
        if bounds.is_mark(seen.version) {
            let mark = Mark { chain: seen.chain, written: self.written };
            self.marks.insert(seen.version, mark);
        }
    }

    /// Lets the log before a mark go.
    pub(super) fn rebase(&mut self, base: Seen) {
        let Some(mark) = self.marks.get(&base.version) else {
            assert_eq!(base, self.base, "a kept value is at a mark or at the base");
            return;
        };
        (self.written_at_base, self.base) = (mark.written, base);
        self.marks = self.marks.split_off(&base.version.next());
    }

    /// Where the log begins.
    pub(super) const fn base(&self) -> Seen {
        self.base
    }

    /// Whether a position is a mark behind the base.
    pub(super) fn has(&self, at: Seen) -> bool {
        self.marks.get(&at.version).is_some_and(|mark| mark.chain == at.chain)
    }

    /// The newest mark behind the base.
    pub(super) fn last(&self) -> Option<Version> {
        self.marks.last_key_value().map(|(version, _)| *version)
    }

    /// The chain at a version, if it is the base or a mark behind it.
    pub(super) fn chain_at(&self, version: Version) -> Option<Chain> {
        if version == self.base.version {
            return Some(self.base.chain);
        }
        self.marks.get(&version).map(|mark| mark.chain)
    }

    /// Bytes of all edits behind the base.
    pub(super) const fn written(&self) -> u64 {
        self.written - self.written_at_base
    }

    /// Bytes of the edits from a position to a mark, at least: those up to the first mark are left
    /// out.
    pub(super) fn written_between(&self, from: Version, to: Seen) -> u64 {
        let first = self.marks.range(from..).next();
        let from = match first {
            _ if from == self.base.version => self.written_at_base,
            Some((_, mark)) => mark.written,
            None => return 0,
        };
        self.marks.get(&to.version).map_or(0, |mark| mark.written.saturating_sub(from))
    }
}
