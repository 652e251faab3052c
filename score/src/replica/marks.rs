//! Hashes of the value at marks, by which programs that follow one log see that they agree.

use protocol::{KeptMark, Seen, StateHash};
use std::collections::VecDeque;
use ucore::{Wire, encode};

/// Marks that are remembered. Older ones are not compared.
const MARKS_MAX: usize = 16;

/// A position with the hash of the value there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) at: Seen,
    pub(super) hash: StateHash,
}

/// The newest marks, and the value's bytes at the newest one.
#[derive(Debug)]
pub(super) struct Marks {
    /// Entries from one mark to the next.
    every: u64,
    marks: VecDeque<Mark>,
    bytes: Vec<u8>,
}

impl Marks {
    pub(super) fn new(every: u64) -> Self {
        Self { every, marks: VecDeque::new(), bytes: Vec::new() }
    }

    /// Notes the value if its position is a mark. Says how many bytes it has there.
    pub(super) fn note<T: Wire>(&mut self, at: Seen, value: &T) -> Option<usize> {
        if at.version.0 == 0 || !at.version.0.is_multiple_of(self.every) {
            return None;
        }
        self.bytes = encode(value);
        if self.marks.len() == MARKS_MAX {
            self.marks.pop_front();
        }
        self.marks.push_back(Mark { at, hash: StateHash::of_bytes(&self.bytes) });
        Some(self.bytes.len())
    }

    /// Whether a value that somebody has kept is what the log made here. None: nobody knows.
    pub(super) fn agrees(&self, kept: KeptMark) -> Option<bool> {
        let own = self.marks.iter().rev().find(|own| own.at.version == kept.version);
        own.map(|own| own.hash == kept.hash)
    }

    /// The newest mark, with the value's bytes there.
    pub(super) fn newest(&self) -> Option<(Mark, &[u8])> {
        self.marks.back().map(|mark| (*mark, self.bytes.as_slice()))
    }

    pub(super) fn clear(&mut self) {
        self.marks.clear();
        self.bytes.clear();
    }
}
