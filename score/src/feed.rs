//! The event feed: which page of a log to ask for next, and what to tell of it, in order and once.

mod past;
mod search;

use past::Past;
use protocol::limits::LOG_PAGE_ENTRIES_MAX;
use protocol::{
    BossId, BossUpdate, Entry, EntryError, FeedEvent, FollowError, Happened, LogPage, Seen,
    Snapshot, Truth,
};
use search::{Search, Step};
use std::collections::VecDeque;
use ucore::{Chain, Version};

/// Tells a log from a version on.
///
/// Ask what [`poll_request`](Self::poll_request) wants, hand the answer in, and drain
/// [`poll_event`](Self::poll_event). Every entry is told once, in order, however often an answer
/// is lost; what a roll-back of the authority took away is told to be void.
#[derive(Debug)]
pub struct Feed {
    boss: BossId,
    start: FeedStart,
    doing: Doing,
    /// The version that is told next.
    next: Version,
    /// Where the log ended at the beginning.
    end: Version,
    /// The page asked for begins after this version.
    after: Version,
    /// What was read up to `after`. Empty while the chain there is not known.
    past: Past,
    out: VecDeque<FeedEvent>,
}

/// Where a feed begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedStart {
    /// With so many entries before the end of the log.
    Last(u64),
    /// With this version, at most the one after the end of the log.
    At(Version),
}

/// What a feed asks the authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedRequest {
    /// Where the log ends.
    Truth,
    /// The page after this version.
    Page(Version),
    /// The same; while there is none, the answer may wait for the next entry.
    NextPage(Version),
}

#[derive(Debug)]
enum Doing {
    /// Finds out where the log ends.
    Begin,
    /// Reads it.
    Read,
    /// Finds out whether the log still has what was read.
    Compare,
    /// Looks for the newest position that it still has.
    Search(Search),
}

/// Why a feed ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// It should begin after the end of the log.
    #[error(
        "the log ends at version {end}, so it can't be told from {from} on; begin at most with \
         {next}. If it reached further before, the authority was rolled back",
        next = end.next()
    )]
    Ahead {
        /// Where it should begin.
        from: Version,
        /// Where the log ends.
        end: Version,
    },
    /// An entry does not continue the log.
    #[error(transparent)]
    Broken(#[from] FollowError),
}

/// Entries that are read before the first one that is told, so that what most journals had before
/// is known.
const WARM_UP: u64 = LOG_PAGE_ENTRIES_MAX as u64;

impl Feed {
    /// A feed of a boss's log.
    #[must_use]
    pub fn new(boss: BossId, start: FeedStart) -> Self {
        Self {
            boss,
            start,
            doing: Doing::Begin,
            next: Version(1),
            end: Version(0),
            after: Version(0),
            past: Past::default(),
            out: VecDeque::new(),
        }
    }

    /// What to ask next.
    #[must_use]
    pub fn poll_request(&self) -> FeedRequest {
        match &self.doing {
            Doing::Begin | Doing::Compare => FeedRequest::Truth,
            Doing::Read => FeedRequest::NextPage(self.after),
            Doing::Search(search) => FeedRequest::Page(search.after(self.past.seen())),
        }
    }

    /// What to tell next.
    pub fn poll_event(&mut self) -> Option<FeedEvent> {
        self.out.pop_front()
    }

    /// Whether the authority has said where its log ends.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !matches!(self.doing, Doing::Begin)
    }

    /// Whether everything was read that was there at the beginning.
    #[must_use]
    pub fn has_caught_up(&self) -> bool {
        match self.doing {
            Doing::Begin | Doing::Search(_) => false,
            Doing::Read => self.after >= self.end,
            Doing::Compare => true,
        }
    }

    /// Takes the answer to [`FeedRequest::Truth`].
    ///
    /// # Errors
    /// [`FeedError::Ahead`].
    pub fn handle_truth(&mut self, truth: &Truth) -> Result<(), FeedError> {
        match &self.doing {
            Doing::Begin => self.begin(truth.version),
            Doing::Compare => {
                let has_lost = match self.past.seen().back() {
                    Some(last) if last.version == truth.version => last.chain != truth.chain,
                    Some(_) | None => truth.version < self.after,
                };
                if has_lost {
                    self.search(None);
                } else {
                    self.doing = Doing::Read;
                }
                Ok(())
            }
            Doing::Read | Doing::Search(_) => Ok(()),
        }
    }

    /// Takes the answer to [`FeedRequest::Page`] or [`FeedRequest::NextPage`].
    ///
    /// # Errors
    /// [`FeedError::Broken`] for entries that continue nothing.
    pub fn handle_page(&mut self, page: LogPage) -> Result<(), FeedError> {
        match &mut self.doing {
            Doing::Begin | Doing::Compare => Ok(()),
            Doing::Read => self.read_page(page),
            Doing::Search(search) => {
                let (step, broken) = (search.look(self.past.seen(), &page), search.broken);
                match step {
                    Step::Further => Ok(()),
                    Step::Found(idx) => self.found(idx, broken),
                    Step::Nothing => {
                        self.tell_lost(Seen { version: Version(0), chain: Chain::START });
                        self.read_after(Version(0));
                        Ok(())
                    }
                }
            }
        }
    }

    /// Nobody knows what became of the last request. The authority may come back with another past.
    pub fn handle_no_answer(&mut self) {
        match self.doing {
            Doing::Read => self.doing = Doing::Compare,
            Doing::Begin | Doing::Compare | Doing::Search(_) => {}
        }
    }

    fn begin(&mut self, end: Version) -> Result<(), FeedError> {
        let from = match self.start {
            FeedStart::Last(entries) => Version(end.0.saturating_sub(entries)).next(),
            FeedStart::At(from) => from,
        };
        if from > end.next() {
            return Err(FeedError::Ahead { from, end });
        }
        (self.next, self.end) = (from, end);
        self.read_after(Version(from.0.saturating_sub(1 + WARM_UP)));
        Ok(())
    }

    /// Reads anew after a version whose chain is not known, unless it is the first one.
    fn read_after(&mut self, after: Version) {
        self.past = if after == Version(0) { Past::start() } else { Past::default() };
        (self.after, self.doing) = (after, Doing::Read);
    }

    fn read_page(&mut self, page: LogPage) -> Result<(), FeedError> {
        if page.entries.is_empty() {
            self.doing = Doing::Compare;
        }
        if let Some(base) = page.base {
            self.skip_to(&base);
        }
        for entry in page.entries {
            match self.follow(&entry) {
                Ok(update) => self.take(&entry, update),
                Err(EntryError::Chain) => {
                    self.search(Some(entry.version));
                    break;
                }
                Err(error) => return Err(FollowError::Entry(entry.version, error).into()),
            }
        }
        Ok(())
    }

    /// Goes on at the oldest value that can be shown.
    fn skip_to(&mut self, base: &Snapshot) {
        let Snapshot { version, chain, ref boss } = *base;
        if self.next <= version {
            let happened = Happened::Gone { from: self.next };
            self.out.push_back(FeedEvent { version, chain, boss: self.boss, happened });
            self.next = version.next();
        }
        (self.after, self.past) = (version, Past::at(Seen { version, chain }, boss));
    }

    /// The first entry that is read is trusted; each next one must follow from the one before.
    fn follow(&self, entry: &Entry) -> Result<BossUpdate, EntryError> {
        match self.past.seen().back() {
            Some(last) => entry.follow(last.version, last.chain),
            None if entry.version != self.after.next() => {
                let (expected, found) = (self.after.next(), entry.version);
                Err(EntryError::Version { expected, found })
            }
            None => BossUpdate::parse(&entry.fields, &entry.blob),
        }
    }

    fn take(&mut self, entry: &Entry, update: BossUpdate) {
        let seen = Seen { version: entry.version, chain: entry.chain };
        let taken = self.past.push(seen, &update);
        self.after = entry.version;
        if self.next <= entry.version {
            self.next = entry.version.next();
            self.out.push_back(FeedEvent::of(self.boss, entry, update, taken));
        }
    }

    /// The log lacks something that was read; `broken` is the entry that shows it.
    fn search(&mut self, broken: Option<Version>) {
        let search = Search::new(self.past.seen(), broken);
        // Where no chain is known nothing was told.
        self.doing = search.map_or(Doing::Begin, Doing::Search);
    }

    /// The position with this index is the newest one that the log still has.
    fn found(&mut self, idx: usize, broken: Option<Version>) -> Result<(), FeedError> {
        self.doing = Doing::Read;
        if idx + 1 == self.past.seen().len() {
            let broken = broken.map(|version| FollowError::Entry(version, EntryError::Chain));
            return broken.map_or(Ok(()), |error| Err(error.into()));
        }
        let common = self.past.seen()[idx];
        self.tell_lost(common);
        self.past.truncate(idx + 1);
        self.after = common.version;
        Ok(())
    }

    /// Tells that everything after this position is void.
    fn tell_lost(&mut self, Seen { version, chain }: Seen) {
        if version.next() < self.next {
            let happened = Happened::RolledBack { was: Version(self.next.0 - 1) };
            self.out.push_back(FeedEvent { version, chain, boss: self.boss, happened });
            self.next = version.next();
        }
    }
}
