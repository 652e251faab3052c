//! What an audit has found out about each generation.

use super::{Audit, book};
use protocol::{Gen, JournalId, Seen, ShardId, Status};
use serde::{Serialize, Serializer};

/// The account of one generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The generation.
    pub generation: Gen,
    /// Where it is in its life.
    #[serde(serialize_with = "name")]
    pub status: Status,
    /// What came before the log that can be shown was not recomputed, but taken over.
    pub taken_over: bool,
    /// HP at its start.
    pub hp_max: u64,
    /// The damage that counts.
    pub counted: u64,
    /// The part of it beyond `hp_max`.
    pub overkill: u64,
    /// Damage that came after the books had closed.
    pub late: u64,
    /// Players with damage that counts.
    pub players: usize,
    /// Where the books closed.
    pub closed: Option<Seen>,
    /// Seconds that they waited for journals, by the log that can be shown.
    pub waited_s: u32,
    /// The sum of all credits.
    pub credits: u64,
    /// Players who have won something.
    pub winners: usize,
    /// Rewards that were won.
    pub rewards: usize,
    /// The journals that entered it, or had late damage for it.
    pub journals: Vec<JournalAccount>,
}

/// A journal's part in a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JournalAccount {
    /// The journal.
    pub journal: JournalId,
    /// Its shard's label.
    pub shard: Option<ShardId>,
    /// Its damage that counts.
    pub counted: u64,
    /// Its damage that came late.
    pub late: u64,
    /// Its players.
    pub players: usize,
    /// Whether it has said all.
    pub finished: bool,
    /// It had entered, and not said all, when the books closed.
    pub missing: bool,
}

fn name<S: Serializer>(status: &Status, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(status.name())
}

impl Audit {
    /// The accounts of all generations that the log shows whole, the oldest first.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        self.books.values().filter(|book| book.is_whole).map(Account::of).collect()
    }
}

impl Account {
    fn of(book: &book::Book) -> Self {
        let journals: Vec<_> =
            book.parts.iter().map(|(journal, part)| JournalAccount::of(*journal, part)).collect();
        Self {
            generation: book.generation,
            status: book.status,
            taken_over: book.is_taken_over,
            hp_max: book.spec.hp_max,
            counted: book.journals_sum,
            overkill: book.journals_sum.saturating_sub(book.spec.hp_max),
            late: journals.iter().map(|part| part.late).sum(),
            players: book.players.values().filter(|damage| **damage > 0).count(),
            closed: book.closed,
            waited_s: book.waited,
            credits: book.credits.iter().map(|it| it.credit).sum(),
            winners: book.grants.len(),
            rewards: book.grants.values().map(Vec::len).sum(),
            journals,
        }
    }
}

impl JournalAccount {
    fn of(journal: JournalId, part: &book::Part) -> Self {
        Self {
            journal,
            shard: part.shard,
            counted: part.total - part.late,
            late: part.late,
            players: part.players.len(),
            finished: part.finished,
            missing: part.missing,
        }
    }
}
