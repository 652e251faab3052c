//! Hands in what a shard had accepted whose process will not come back.
//!
//! A journal that joins brings the rest of the journals before it, and seals them, which is their
//! last word. So recovering is an opening without a game: it enters no generation, and nobody waits
//! for it.

use super::{Exit, JournalError, entropy, open};
use crate::machine::{Journal, Opening, OpeningError};
use crate::store::Store;
use authority::{Authority, Follower, FollowerError};
use protocol::{Boss, BossId, Gen, JournalId, ShardId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long an authority may take to let the successor in.
const PATIENCE: Duration = Duration::from_secs(30);

/// What became of a journal that was recovered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// The boss that it is about.
    pub boss: BossId,
    /// Its shard's label.
    pub shard: ShardId,
    /// The journal that was found.
    pub journal: JournalId,
    /// The one that took over from it.
    pub successor: JournalId,
    /// The authority knew the journal no further than the directory does. If not, the directory is
    /// a copy or was rewound, and somebody else goes on from the journal.
    pub is_newest: bool,
    /// What it and the journals before it had accepted, by generation.
    pub books: Vec<RecoveredBook>,
}

/// What became of the damage in one generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RecoveredBook {
    /// The generation.
    pub generation: Gen,
    /// What the directory holds.
    pub accepted: u64,
    /// What the authority counts of it.
    pub counted: u64,
    /// What it has recorded as late.
    pub late: u64,
    /// The part of what is counted that was not before.
    pub newly_counted: u64,
    /// The part of what is late that was not there before.
    pub newly_late: u64,
    /// Whether the authority still keeps the whole books of the generation.
    pub is_kept: bool,
}

/// Why a journal can't be recovered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// There is nothing to recover.
    #[error(
        "there is no journal in {path}; name the data directory of a shard, which is \
         boss-N/shard-1 in that of a game", path = .0.display()
    )]
    NoJournal(PathBuf),
    /// The journal's file can't be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The authority does not let it in.
    #[error(transparent)]
    Refused(#[from] OpeningError),
    /// The authority's books can't be read.
    #[error(transparent)]
    Books(#[from] FollowerError),
    /// It does not answer.
    #[error("the authority does not answer; nothing is lost, recover the directory again later")]
    Away,
    /// Its own disk fails.
    #[error("{0}; recover the directory again, the file is checked when it is opened")]
    Disk(String),
}

/// Takes over the journal in `dir`, and hands in what it has kept back. Repeating it changes
/// nothing; a shard that starts there later goes on with the sessions.
///
/// # Errors
/// [`RecoverError`]; nothing is lost then.
pub async fn recover(dir: &Path, authority: Arc<dyn Authority>) -> Result<Recovered, RecoverError> {
    let no_journal = || RecoverError::NoJournal(dir.to_owned());
    if !Store::is_in(dir) {
        return Err(no_journal());
    }
    let (store, disk) = Store::open(dir)?;
    let found = disk.journal.clone().ok_or_else(no_journal)?;
    let mut books = Follower::new(Arc::clone(&authority), found.boss);
    let before = books.catch_up().await?;
    let opening = Opening::new(found.boss, found.shard, disk, entropy::journal())?;
    let opened = tokio::time::timeout(PATIENCE, open(opening, &store, &authority)).await;
    let opened = opened.map_err(|_| RecoverError::Away)?.map_err(not_opened)?;
    let (after, successor) = (books.catch_up().await?, opened.journal.id);
    Ok(Recovered {
        boss: found.boss,
        shard: found.shard,
        journal: found.id,
        successor,
        is_newest: goes_on(&after.boss, found.id, successor),
        books: compare(&found, &before.boss, &after.boss),
    })
}

fn not_opened(exit: Exit) -> RecoverError {
    match exit {
        Exit::Refused(why) => RecoverError::Refused(why),
        Exit::Disk(why) | Exit::Failed(why) => RecoverError::Disk(why),
        Exit::Stopped | Exit::Fenced | Exit::Abandoned(_) => RecoverError::Away,
    }
}

/// Whether the sessions of a journal have come to another one, over any number of others.
fn goes_on(boss: &Boss, from: JournalId, to: JournalId) -> bool {
    let next = |journal: &JournalId| boss.journal(*journal).and_then(|record| record.successor);
    std::iter::successors(Some(from), next).any(|journal| journal == to)
}

/// What the authority has of a journal and of those before it, after and before.
fn compare(found: &Journal, before: &Boss, after: &Boss) -> Vec<RecoveredBook> {
    let own = found.books.iter().map(|(generation, book)| (*generation, found.id, book.total));
    let older = found.ancestors.iter().flat_map(|ancestor| {
        ancestor.books.iter().map(|(generation, book)| (*generation, ancestor.id, book.total))
    });
    let taken = |boss: &Boss, generation, journal| {
        boss.book(generation).map_or((0, 0), |life| life.counted_and_late(journal))
    };
    let mut books = BTreeMap::new();
    for (generation, journal, accepted) in own.chain(older) {
        let book = books.entry(generation).or_insert_with(|| RecoveredBook::new(generation, after));
        let (counted, late) = taken(after, generation, journal);
        let (counted_before, late_before) = taken(before, generation, journal);
        book.accepted += accepted;
        book.counted += counted;
        book.late += late;
        book.newly_counted += counted.saturating_sub(counted_before);
        book.newly_late += late.saturating_sub(late_before);
    }
    books.into_values().collect()
}

impl RecoveredBook {
    fn new(generation: Gen, boss: &Boss) -> Self {
        Self {
            generation,
            accepted: 0,
            counted: 0,
            late: 0,
            newly_counted: 0,
            newly_late: 0,
            is_kept: boss.life(generation).is_some(),
        }
    }
}
