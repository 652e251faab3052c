//! Hop 6, buffer: an admitted hit joins its player's and its journal's totals. To the journal.

use super::journal::{BookChange, BookLine};
use protocol::limits::PLAYERS_MAX;
use protocol::{Gen, PlayerId, RefusalReason, SessionId};
use std::collections::BTreeMap;

/// The totals of the generations that are still open here, and what changed since the last tick.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    books: BTreeMap<Gen, Totals>,
}

#[derive(Debug, Default)]
struct Totals {
    total: u64,
    lines: BTreeMap<PlayerId, BookLine>,
    changed: BTreeMap<PlayerId, BookLine>,
    /// The book is new, so the tick's record names it even without damage.
    fresh: bool,
}

impl Buffer {
    /// Begins the book of a generation. Beginning it twice changes nothing.
    pub(super) fn open(&mut self, generation: Gen) {
        self.books.entry(generation).or_insert_with(|| Totals { fresh: true, ..Totals::default() });
    }

    /// Whether a generation has a book.
    pub(super) fn has(&self, generation: Gen) -> bool {
        self.books.contains_key(&generation)
    }

    /// Whether something changed since the last [`Buffer::take_changes`].
    pub(super) fn is_changed(&self) -> bool {
        self.books.values().any(|book| book.fresh || !book.changed.is_empty())
    }

    /// Forgets a generation that is over.
    pub(super) fn drop(&mut self, generation: Gen) {
        self.books.remove(&generation);
    }

    /// Adds damage to a player's and the journal's total.
    ///
    /// # Errors
    /// [`RefusalReason::NotReady`] without a book, [`RefusalReason::Full`] for one player too many.
    pub(super) fn add(
        &mut self,
        generation: Gen,
        player: PlayerId,
        session: SessionId,
        damage: u64,
    ) -> Result<(), RefusalReason> {
        let book = self.books.get_mut(&generation).ok_or(RefusalReason::NotReady)?;
        if !book.lines.contains_key(&player) && book.lines.len() >= PLAYERS_MAX {
            return Err(RefusalReason::Full);
        }
        if book.total + damage > ucore::INT_MAX {
            return Err(RefusalReason::Full);
        }
        book.total += damage;
        let first = book.total;
        let line = book.lines.entry(player);
        let line = line.or_insert(BookLine { total: 0, first, last: 0, session });
        line.total += damage;
        line.last = book.total;
        line.session = session;
        book.changed.insert(player, *line);
        Ok(())
    }

    /// Everything admitted in a generation, durable or not.
    pub(super) fn total(&self, generation: Gen) -> u64 {
        self.books.get(&generation).map_or(0, |book| book.total)
    }

    /// What changed since the last call.
    pub(super) fn take_changes(&mut self) -> Vec<BookChange> {
        let changed =
            self.books.iter_mut().filter(|(_, book)| book.fresh || !book.changed.is_empty());
        let changes = changed.map(|(generation, book)| {
            book.fresh = false;
            let lines = std::mem::take(&mut book.changed);
            BookChange { generation: *generation, total: book.total, answered: 0, lines }
        });
        changes.collect()
    }
}
