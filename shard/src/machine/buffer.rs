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
    lines: Vec<Line>,
    players: BTreeMap<PlayerId, usize>,
    /// Places of lines that changed since the last tick.
    changed: Vec<usize>,
    /// The book is new, so the tick's record names it even without damage.
    fresh: bool,
}

#[derive(Debug)]
struct Line {
    player: PlayerId,
    line: BookLine,
    is_changed: bool,
}

/// Where a session's newest line is, so that its next hit needs no search.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LinePlace {
    generation: Gen,
    place: usize,
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
        self.books.values().any(Totals::is_changed)
    }

    /// Forgets a generation that is over.
    pub(super) fn drop(&mut self, generation: Gen) {
        self.books.remove(&generation);
    }

    /// Adds damage to a player's and the journal's total. `at` is where the session's line was.
    ///
    /// # Errors
    /// [`RefusalReason::NotReady`] without a book, [`RefusalReason::Full`] for one player too many.
    pub(super) fn add(
        &mut self,
        generation: Gen,
        (player, session): (PlayerId, SessionId),
        at: &mut LinePlace,
        damage: u64,
    ) -> Result<(), RefusalReason> {
        let book = self.books.get_mut(&generation).ok_or(RefusalReason::NotReady)?;
        if book.total + damage > ucore::INT_MAX {
            return Err(RefusalReason::Full);
        }
        let place = book.place(generation, player, *at).ok_or(RefusalReason::Full)?;
        *at = LinePlace { generation, place };
        book.add(place, session, damage);
        Ok(())
    }

    /// Everything admitted in a generation, durable or not.
    pub(super) fn total(&self, generation: Gen) -> u64 {
        self.books.get(&generation).map_or(0, |book| book.total)
    }

    /// What changed since the last call.
    pub(super) fn take_changes(&mut self) -> Vec<BookChange> {
        let changed = self.books.iter_mut().filter(|(_, book)| book.is_changed());
        let changes = changed.map(|(generation, book)| {
            book.fresh = false;
            let lines = book.take_changed();
            BookChange { generation: *generation, total: book.total, answered: 0, lines }
        });
        changes.collect()
    }
}

impl Totals {
    fn is_changed(&self) -> bool {
        self.fresh || !self.changed.is_empty()
    }

    /// Where a player's line is; none if there is no room for it.
    fn place(&mut self, generation: Gen, player: PlayerId, at: LinePlace) -> Option<usize> {
        let is_there = self.lines.get(at.place).is_some_and(|line| line.player == player);
        if at.generation == generation && is_there {
            return Some(at.place);
        }
        if let Some(place) = self.players.get(&player) {
            return Some(*place);
        }
        if self.lines.len() >= PLAYERS_MAX {
            return None;
        }
        let place = self.lines.len();
        self.players.insert(player, place);
        let line = BookLine { total: 0, first: 0, last: 0, session: SessionId(0) };
        self.lines.push(Line { player, line, is_changed: false });
        Some(place)
    }

    fn add(&mut self, place: usize, session: SessionId, damage: u64) {
        self.total += damage;
        let Line { line, is_changed, .. } = &mut self.lines[place];
        if line.total == 0 {
            line.first = self.total;
        }
        line.total += damage;
        line.last = self.total;
        line.session = session;
        if !std::mem::replace(is_changed, true) {
            self.changed.push(place);
        }
    }

    fn take_changed(&mut self) -> BTreeMap<PlayerId, BookLine> {
        let lines = &mut self.lines;
        let taken = self.changed.drain(..).map(|place| {
            let Line { player, line, is_changed } = &mut lines[place];
            *is_changed = false;
            (*player, *line)
        });
        taken.collect()
    }
}
