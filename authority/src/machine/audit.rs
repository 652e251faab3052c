//! The audit of a log: adds the books up a second time, entry by entry, beside the fold, and says
//! where the first one is wrong.
//!
//! The rules of who may write what are those of the machine, told in another way: what the fold
//! keeps as sums is kept here as single accounts, and every entry is compared with both.

mod imbalance;
mod book;
mod report;

pub use imbalance::{Finding, Imbalance};
pub use report::{Account, JournalAccount};

use book::Book;
use protocol::{BossUpdate, Entry, Gen, JournalId, Seen, ShardId, Snapshot, Status, Step, Truth};
use std::collections::BTreeMap;
use ucore::{Updatable, Version};

/// An audit of one boss's log.
#[derive(Debug, Clone)]
pub struct Audit {
    /// The fold.
    value: Snapshot,
    /// Where the log begins that can be shown.
    since: Version,
    term: u64,
    writers: BTreeMap<JournalId, Writer>,
    books: BTreeMap<Gen, Book>,
}

#[derive(Debug, Clone)]
struct Writer {
    shard: ShardId,
    sealed: bool,
}

impl Audit {
    /// An audit of what follows from the oldest value that can be shown. What that value says of
    /// the time before is taken over, if it balances in itself.
    ///
    /// # Errors
    /// [`Imbalance`] if it does not.
    pub fn new(base: Snapshot) -> Result<Self, Imbalance> {
        let boss = &base.boss;
        let shard = |journal| boss.journal(journal).map(|record| record.shard);
        let books = boss.books().map(|(generation, life)| {
            let is_whole = boss.life(generation).is_some();
            (generation, Book::taken_over(generation, life, shard, is_whole))
        });
        let books: BTreeMap<_, _> = books.collect();
        let writers = boss.journals().map(|(journal, record)| {
            (journal, Writer { shard: record.shard, sealed: record.sealed })
        });
        let (since, term, writers) = (base.version, boss.term().number, writers.collect());
        let audit = Self { value: base, since, term, writers, books };
        for (generation, book) in &audit.books {
            book.check_taken_over().map_err(|what| Imbalance {
                version: since,
                line: format!("the value from which the log goes on, generation {generation}"),
                what,
            })?;
        }
        Ok(audit)
    }

    /// The next entry.
    ///
    /// # Errors
    /// The first [`Imbalance`]. After it nothing more can be said.
    pub fn handle_entry(&mut self, entry: &Entry) -> Result<(), Imbalance> {
        let checked = self.check(entry);
        checked.map_err(|what| {
            let (version, line) = (entry.version, entry.fields.clone());
            Imbalance { version, line, what }
        })
    }

    /// What the authority tells at the version where the log is now.
    ///
    /// # Errors
    /// [`Imbalance`] if its log does not say so, or if a single account is wrong at the end.
    pub fn handle_truth(&self, truth: &Truth) -> Result<(), Imbalance> {
        let line = "the truth".to_owned();
        let checked = self.check_accounts().and_then(|()| self.check_truth(truth));
        checked.map_err(|what| Imbalance { version: truth.version, line, what })
    }

    /// The boss where the log is now.
    #[must_use]
    pub fn value(&self) -> &Snapshot {
        &self.value
    }

    /// The version from whose value on the log was read: 0 if it was read whole.
    #[must_use]
    pub fn since(&self) -> Version {
        self.since
    }

    fn check(&mut self, entry: &Entry) -> Result<(), Finding> {
        let (version, chain) = (self.value.version, self.value.chain);
        if entry.version != version.next() {
            return Err(Finding::Version(version.next()));
        }
        let expected = chain.link(entry.version, &entry.fields, &entry.blob);
        if entry.chain != expected {
            return Err(Finding::Chain { found: entry.chain, expected });
        }
        let update = BossUpdate::parse(&entry.fields, &entry.blob);
        let update = update.map_err(Finding::Unreadable)?;
        self.examine(&update)?;
        let generation = generation_of(&update);
        let closes = matches!(&update, BossUpdate::Settle { step: Step::Close(_), .. });
        self.value.boss.apply(update).map_err(Finding::Unfit)?;
        (self.value.version, self.value.chain) = (entry.version, entry.chain);
        if let Some(generation) = generation {
            self.check_sums(generation)?;
        }
        if closes { self.check_accounts() } else { Ok(()) }
    }

    /// Compares an entry with what belongs there, and enters it into the books.
    fn examine(&mut self, update: &BossUpdate) -> Result<(), Finding> {
        match update {
            BossUpdate::Spawn { generation, term, spec } => {
                self.spawn(*generation, *term)?;
                self.books.insert(*generation, Book::new(*generation, (**spec).clone()));
                Ok(())
            }
            BossUpdate::Join { journal, shard, parent, .. } => self.join(*journal, *shard, *parent),
            BossUpdate::Enter { journal, generation } => {
                let shard = self.writer(*journal)?;
                self.book(*generation)?.enter(*journal, Some(shard))
            }
            BossUpdate::Push { journal, interval, last, phase, death } => {
                self.writer(*journal)?;
                let book = self.book(interval.generation)?;
                book.push(*journal, interval, *last, (*phase, *death))
            }
            BossUpdate::Late { journal, interval, last } => {
                let shard = self.writer(*journal)?;
                let book = self.book(interval.generation)?;
                book.push_late(*journal, Some(shard), interval, *last)
            }
            BossUpdate::Term(term) => {
                let (found, expected) = (term.number, self.term + 1);
                if found != expected {
                    return Err(Finding::Term { found, expected });
                }
                self.term = found;
                Ok(())
            }
            BossUpdate::Settle { generation, term, step } => self.settle(*generation, *term, step),
        }
    }

    fn spawn(&self, found: Gen, term: u64) -> Result<(), Finding> {
        let newest = self.books.last_key_value();
        let expected = newest.map_or(Gen(1), |(generation, _)| generation.next());
        if found != expected {
            return Err(Finding::Generation { found, expected });
        }
        if let Some((_, book)) = newest
            && book.status != Status::Rewarded
        {
            return Err(Finding::Step(book.status));
        }
        self.check_term(term)
    }

    fn join(
        &mut self,
        journal: JournalId,
        shard: ShardId,
        parent: Option<JournalId>,
    ) -> Result<(), Finding> {
        // A sealed one that is forgotten may have to come back after a roll-back.
        if self.value.boss.journal(journal).is_some() {
            return Err(Finding::JoinedTwice(journal));
        }
        if let Some(parent) = parent {
            let writer = self.writers.get_mut(&parent).ok_or(Finding::NotJoined(parent))?;
            writer.sealed = true;
            self.books.values_mut().for_each(|book| book.seal(parent));
        }
        self.writers.insert(journal, Writer { shard, sealed: false });
        Ok(())
    }

    fn settle(&mut self, found: Gen, term: u64, step: &Step) -> Result<(), Finding> {
        self.check_term(term)?;
        let here = Seen { version: self.value.version, chain: self.value.chain };
        let (expected, book) = self.books.last_key_value().ok_or(Finding::NoBook(found))?;
        let (expected, status) = (*expected, book.status);
        if found != expected {
            return Err(Finding::Generation { found, expected });
        }
        let book = self.book(found)?;
        match (status, step) {
            (Status::Defeated, Step::Collect) => book.status = Status::Collecting,
            (Status::Collecting, Step::Wait) => book.waited += 1,
            (Status::Rewarded, Step::Wait) => {}
            (Status::Collecting, Step::Close(at)) => return book.close(*at, here),
            (Status::Closed, Step::Credit(credits)) => return book.credit(credits),
            (Status::Credited, Step::Reward(grants)) => return book.reward(grants),
            _ => return Err(Finding::Step(status)),
        }
        Ok(())
    }

    fn check_term(&self, found: u64) -> Result<(), Finding> {
        let expected = self.term;
        if found == expected { Ok(()) } else { Err(Finding::Fenced { found, expected }) }
    }

    /// The shard of a journal that may write.
    fn writer(&self, journal: JournalId) -> Result<ShardId, Finding> {
        match self.writers.get(&journal) {
            None => Err(Finding::NotJoined(journal)),
            Some(writer) if writer.sealed => Err(Finding::Sealed(journal)),
            Some(writer) => Ok(writer.shard),
        }
    }

    fn book(&mut self, generation: Gen) -> Result<&mut Book, Finding> {
        self.books.get_mut(&generation).ok_or(Finding::NoBook(generation))
    }

    fn check_sums(&self, generation: Gen) -> Result<(), Finding> {
        // Of what the fold has dropped to what unfinished journals need, nothing adds up.
        match (self.books.get(&generation), self.value.boss.life(generation)) {
            (Some(book), Some(life)) if book.is_whole => book.check_sums(life),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    fn check_accounts(&self) -> Result<(), Finding> {
        for (generation, life) in self.value.boss.lives() {
            let book = self.books.get(&generation).ok_or(Finding::NoBook(generation))?;
            book.check_accounts(life)?;
        }
        Ok(())
    }

    fn check_truth(&self, truth: &Truth) -> Result<(), Finding> {
        let (generation, life) = self.value.boss.current().ok_or(Finding::NoBook(Gen(1)))?;
        for (what, found, expected) in [
            ("the chain", truth.chain.to_string(), self.value.chain.to_string()),
            ("generation", truth.generation.to_string(), generation.to_string()),
            ("the status", truth.status.name().to_owned(), life.status.name().to_owned()),
            ("the damage", truth.damage.to_string(), life.damage().to_string()),
            ("HP of", truth.hp_max.to_string(), life.spec.hp_max.to_string()),
            ("phase", truth.phase.to_string(), life.phase.to_string()),
            ("seconds waited", truth.waited.to_string(), life.waited.to_string()),
        ] {
            if found != expected {
                return Err(Finding::Truth { what, found, expected });
            }
        }
        Ok(())
    }
}

/// The generation whose sums an entry may change.
fn generation_of(update: &BossUpdate) -> Option<Gen> {
    match update {
        BossUpdate::Spawn { generation, .. }
        | BossUpdate::Enter { generation, .. }
        | BossUpdate::Settle { generation, .. } => Some(*generation),
        BossUpdate::Push { interval, .. } | BossUpdate::Late { interval, .. } => {
            Some(interval.generation)
        }
        BossUpdate::Join { .. } | BossUpdate::Term(_) => None,
    }
}
