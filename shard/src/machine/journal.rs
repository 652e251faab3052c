//! The rules of hop 7. What a journal holds: the fold of its tick records. The disk replays it, and
//! pushes are read from it, so nothing leaves for the authority that is not durable.

use protocol::limits::LINEAGE_MAX;
use protocol::mutants::{self, Mutant};
use protocol::{
    BossId, Claim, Gen, InputSeq, Interval, JournalId, PlayerId, SessionId, ShardId, Tallies,
    Tally, Tick, Token,
};
use std::collections::BTreeMap;
use ucore::{Coalesce, GMapDelta, Max, Reject, Updatable, Wire};

/// One process start's durable totals and sessions.
#[derive(Debug, Clone, PartialEq, Eq, Wire)]
pub struct Journal {
    /// Its id.
    pub id: JournalId,
    /// The boss that it is about.
    pub boss: BossId,
    /// The shard's label.
    pub shard: ShardId,
    /// The newest synced tick.
    pub tick: Tick,
    /// Damage by generation, until the generation is over.
    pub books: BTreeMap<Gen, Book>,
    /// Sessions, also those whose player is away.
    pub sessions: BTreeMap<SessionId, Session>,
    /// The journals before this one on the same disk, the oldest first, while a generation that
    /// they took part in goes on.
    pub ancestors: Vec<Ancestor>,
}

/// A journal that is sealed. An authority that was rolled back is told of it again.
#[derive(Debug, Clone, PartialEq, Eq, Wire)]
pub struct Ancestor {
    /// Its id.
    pub id: JournalId,
    /// Its damage in generations that are not over.
    pub books: BTreeMap<Gen, Book>,
}

/// Totals from which claims are sent, where an authority has asked for other ones.
pub type ResendFrom = BTreeMap<(JournalId, Gen), u64>;

/// A journal's damage in one generation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Wire)]
pub struct Book {
    /// Everything accepted so far.
    pub total: u64,
    /// The total that the authority is known to have taken. It may know more.
    pub answered: u64,
    /// Each player's part.
    pub lines: BTreeMap<PlayerId, BookLine>,
}

/// A player's part of a [`Book`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Wire)]
pub struct BookLine {
    /// The player's total.
    pub total: u64,
    /// The book's total just after the player's first hit.
    pub first: u64,
    /// The book's total just after the player's last hit: a push from below it names the player.
    pub last: u64,
    /// The session that knows the player's name.
    pub session: SessionId,
}

/// What a shard remembers of a player's visit.
#[derive(Debug, Clone, PartialEq, Eq, Wire)]
pub struct Session {
    /// The secret that resumes it.
    pub token: Token,
    /// The player.
    pub player: PlayerId,
    /// The player's name.
    pub name: String,
    /// The last answered input sequence.
    pub seq: InputSeq,
    /// What its hits did, in the newest generations, the oldest first.
    pub tallies: Tallies,
}

/// Everything that one tick changed. One record per tick is synced before its hits are accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Wire)]
pub struct Record {
    /// The tick.
    pub tick: Tick,
    /// New sessions.
    pub opened: Vec<(SessionId, Session)>,
    /// Sessions whose hits were answered.
    pub answered: Vec<SessionChange>,
    /// Sessions that are forgotten.
    pub forgotten: Vec<SessionId>,
    /// Books that changed.
    pub books: Vec<BookChange>,
    /// Books of generations that are over.
    pub dropped: Vec<Gen>,
}

/// A session's progress in a [`Record`].
#[derive(Debug, Clone, PartialEq, Eq, Wire)]
pub struct SessionChange {
    /// The session.
    pub session: SessionId,
    /// Its last answered input sequence.
    pub seq: InputSeq,
    /// Tallies that changed.
    pub tallies: Tallies,
}

/// A book's progress in a [`Record`].
#[derive(Debug, Clone, PartialEq, Eq, Wire)]
pub struct BookChange {
    /// The generation.
    pub generation: Gen,
    /// Its total.
    pub total: u64,
    /// What the authority is known to have taken.
    pub answered: u64,
    /// Lines that changed.
    pub lines: BTreeMap<PlayerId, BookLine>,
}

impl Record {
    /// Whether the tick changed nothing, so that nothing needs to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.opened.is_empty()
            && self.answered.is_empty()
            && self.forgotten.is_empty()
            && self.books.is_empty()
            && self.dropped.is_empty()
    }
}

impl Session {
    /// Puts a newer tally in the place of the older one.
    pub fn learn(&mut self, tally: Tally) {
        match self.tallies.iter_mut().find(|old| old.generation == tally.generation) {
            Some(old) => *old = tally,
            None => {
                let older = |old: &Tally| old.generation < tally.generation;
                let mut place = self.tallies.partition_point(older);
                if self.tallies.is_full() {
                    if place == 0 {
                        return;
                    }
                    self.tallies.remove(0);
                    place -= 1;
                }
                self.tallies.insert(place, tally);
            }
        }
    }

    /// The tally of a generation, empty if there is none.
    #[must_use]
    pub fn tally(&self, generation: Gen) -> Tally {
        let found = self.tallies.iter().find(|tally| tally.generation == generation);
        found.copied().unwrap_or(Tally { generation, hits: 0, damage: 0, late: 0 })
    }
}

impl Journal {
    /// A journal that takes over from `parent`, with its sessions or without.
    #[must_use]
    pub fn begin(
        id: JournalId,
        boss: BossId,
        shard: ShardId,
        parent: Option<&Self>,
        inherits: bool,
    ) -> Self {
        let sessions = parent.filter(|_| inherits).map(|parent| parent.sessions.clone());
        let mut ancestors = parent.map(|parent| parent.ancestors.clone()).unwrap_or_default();
        ancestors
            .extend(parent.map(|parent| Ancestor { id: parent.id, books: parent.books.clone() }));
        ancestors.retain(|ancestor| !ancestor.books.is_empty());
        if mutants::is(Mutant::NoLineage) {
            ancestors.clear();
        }
        let again = parent.filter(|_| mutants::is(Mutant::ResendElsewhere));
        // The newcomer is one more in the line of its own successor.
        ancestors.drain(..ancestors.len().saturating_sub(LINEAGE_MAX - 1));
        Self {
            id,
            boss,
            shard,
            tick: parent.map_or(Tick(0), |parent| parent.tick),
            books: again.map(|parent| parent.books.clone()).unwrap_or_default(),
            sessions: sessions.unwrap_or_default(),
            ancestors,
        }
    }

    /// Takes in a record, whole or not at all. The record's own numbers are copied, no more.
    ///
    /// # Errors
    /// What [`Journal::check`] says.
    pub fn learn(&mut self, record: &Record) -> Result<(), Reject> {
        self.check(record)?;
        self.tick = record.tick;
        // Its number may be that of a session which the same tick has opened.
        for session in &record.forgotten {
            self.sessions.remove(session);
        }
        self.sessions.extend(record.opened.iter().cloned());
        for change in &record.answered {
            if let Some(session) = self.sessions.get_mut(&change.session) {
                session.seq = change.seq;
                change.tallies.iter().for_each(|tally| session.learn(*tally));
            }
        }
        for change in &record.books {
            let book = self.books.entry(change.generation).or_default();
            book.total = change.total;
            book.answered = book.answered.max(change.answered);
            book.lines.extend(&change.lines);
        }
        for generation in &record.dropped {
            self.books.remove(generation);
            for ancestor in &mut self.ancestors {
                ancestor.books.remove(generation);
            }
        }
        self.ancestors.retain(|ancestor| !ancestor.books.is_empty());
        Ok(())
    }

    /// The damage of a generation that the authority may lack, from `from` on.
    #[must_use]
    pub fn interval(&self, generation: Gen, from: u64) -> Interval {
        let none = Book::default();
        self.books.get(&generation).unwrap_or(&none).interval(generation, from, &self.sessions)
    }

    /// What a successor claims: this journal, and those before it.
    #[must_use]
    pub fn lineage_with_self(&self, from: &ResendFrom) -> Vec<Claim> {
        let mut lineage = self.lineage(from);
        let books = self.books.iter().map(|(generation, book)| (*generation, book, book.answered));
        lineage.push(claim(self.id, books, from, &self.sessions));
        lineage
    }

    /// The journals before this one. They are sealed, so the authority has all of them, unless it
    /// asks: that is why their intervals are empty until then.
    #[must_use]
    pub fn lineage(&self, from: &ResendFrom) -> Vec<Claim> {
        let claims = self.ancestors.iter().map(|ancestor| {
            let books = ancestor.books.iter();
            let books = books.map(|(generation, book)| (*generation, book, book.total));
            claim(ancestor.id, books, from, &self.sessions)
        });
        claims.collect()
    }
}

fn claim<'a>(
    journal: JournalId,
    books: impl Iterator<Item = (Gen, &'a Book, u64)>,
    from: &ResendFrom,
    sessions: &BTreeMap<SessionId, Session>,
) -> Claim {
    let rests = books.map(|(generation, book, default)| {
        let from = from.get(&(journal, generation)).copied().unwrap_or(default);
        book.interval(generation, from, sessions)
    });
    Claim { journal, rests: rests.collect() }
}

impl Book {
    fn interval(
        &self,
        generation: Gen,
        from: u64,
        sessions: &BTreeMap<SessionId, Session>,
    ) -> Interval {
        let (mut totals, mut names) = (Vec::new(), BTreeMap::new());
        if from < self.total {
            for (player, line) in self.lines.iter().filter(|(_, line)| line.last > from) {
                let player = *player;
                totals.push((player, Max::of(line.total)));
                if line.first > from
                    && let Some(session) = sessions.get(&line.session)
                    // An ancestor's session number may be somebody else's by now.
                    && session.player == player
                {
                    names.insert(player, session.name.clone());
                }
            }
        }
        let players: GMapDelta<_, _> = totals.into_iter().collect();
        Interval { generation, from, to: self.total, players, names }
    }
}

impl Coalesce for Record {
    /// A tick keeps its own record.
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        Err(later)
    }
}

impl Updatable for Journal {
    type Update = Record;

    fn check(&self, record: &Record) -> Result<(), Reject> {
        if record.tick <= self.tick {
            return Err(Reject::OutOfOrder);
        }
        let opened = |id: &SessionId| record.opened.iter().any(|(opened, _)| opened == id);
        let known = |id: &SessionId| self.sessions.contains_key(id) || opened(id);
        if record.answered.iter().all(|change| known(&change.session)) {
            Ok(())
        } else {
            Err(Reject::Missing)
        }
    }

    fn apply(&mut self, record: Record) -> Result<(), Reject> {
        self.learn(&record)
    }
}
