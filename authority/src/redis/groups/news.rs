//! What is new in groups: one reader of this process for each group that somebody waits for here,
//! however many wait.
//!
//! A reader lets Redis wake it and publishes what comes. It ends when the log is no longer the one
//! that it knows, or can't be read, or when nobody has waited for a while. Whoever waits then looks
//! at the log itself.

use super::page::entries_of;
use super::{Redis, key_of};
use crate::machine::group::{Bounds, Keep};
use crate::recent::{Recent, Ring};
use crate::redis::reply::odd;
use crate::redis::{Shared, lock};
use dashmap::{DashMap, Entry};
use protocol::{Follow, GroupEntry, GroupName, GroupPage, Seen, Unavailable};
use redis::{Value, cmd};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long Redis is waited for, and how often the log is looked at: that shows a roll-back which
/// has left it shorter, and what is kept by now.
const LOOK_MS: u32 = 1_000;

/// A reader ends when nobody has waited for it for so long.
const UNASKED_MAX: Duration = Duration::from_secs(40);

/// Entries of one read.
const READ_ENTRIES: usize = 128;

/// What the readers of a process have brought, and who they are. For those who follow a service in
/// another process, the `Followers` of `sync` do the same.
#[derive(Debug)]
pub(in crate::redis) struct News {
    recent: Recent,
    /// Guards of it never live across an await.
    reads: DashMap<GroupName, Arc<Read>>,
}

/// The work of one reader, as those see it who wait for it.
#[derive(Debug)]
struct Read {
    ring: Arc<Ring>,
    /// When somebody has waited last.
    asked: Mutex<Instant>,
    /// That it has ended, and why if it could not go on.
    ended: OnceLock<Option<Unavailable>>,
}

impl News {
    pub(in crate::redis) fn new(bounds: &Bounds) -> Self {
        Self { recent: Recent::new(bounds), reads: DashMap::new() }
    }

    /// The newest kept value of a group, as an answer has told it.
    pub(super) fn hear_keep(&self, group: &GroupName, newest: Option<&Keep>) {
        self.recent.publish(group, Vec::new(), newest);
    }

    fn get(&self, group: &GroupName) -> Option<Arc<Read>> {
        self.reads.get(group).map(|read| Arc::clone(&read))
    }

    /// Waits for what follows a position; empty when the time is over. None if it will not come
    /// from this reader.
    async fn page_after(
        &self,
        read: &Read,
        follow: &Follow,
        seen: Seen,
        end: Instant,
    ) -> Result<Option<GroupPage>, Unavailable> {
        let mut news = read.ring.news();
        loop {
            *lock(&read.asked) = Instant::now();
            // Before the look, so that what comes after it wakes.
            news.mark_unchanged();
            if let Some(why) = read.ended.get() {
                return why.clone().map_or(Ok(None), Err);
            }
            let page = self.recent.page(&read.ring, seen, follow.distrust);
            let is_news = page.as_ref().is_some_and(|page| !page.entries.is_empty());
            if is_news || page.is_none() && read.ring.newest().0.version >= seen.version {
                return Ok(page);
            }
            if timeout_at(end, news.changed()).await.is_err() {
                return Ok(page);
            }
        }
    }
}

impl Redis {
    /// The page of a follower that waits, if a reader is at work that has its position.
    pub(super) async fn page_of_news(&self, follow: &Follow, end: Instant) -> Option<GroupPage> {
        let seen = follow.seen.filter(|_| follow.wait_ms > 0)?;
        let (news, schema) = (&self.shared.news, follow.schema);
        let read = news.get(&follow.group).filter(|read| read.ring.schema() == schema)?;
        if read.ring.newest().0.version < seen.version {
            return None;
        }
        news.page_after(&read, follow, seen, end).await.ok().flatten()
    }

    /// The page of a follower that is at the end of the log: waits for its next entry. None if the
    /// log was taken back.
    pub(super) async fn next_page(
        &self,
        follow: &Follow,
        head: Seen,
        newest: Option<Keep>,
        end: Instant,
    ) -> Result<Option<GroupPage>, Unavailable> {
        let read = self.reader_at(follow, head, newest);
        self.shared.news.page_after(&read, follow, head, end).await
    }

    /// The reader of a group that brings what comes after the end of its log.
    fn reader_at(&self, follow: &Follow, head: Seen, newest: Option<Keep>) -> Arc<Read> {
        let (news, name) = (&self.shared.news, &follow.group);
        let fits = |read: &Arc<Read>| {
            let is_at_work = read.ended.get().is_none();
            // One that knows another log is replaced.
            is_at_work && read.ring.schema() == follow.schema && read.ring.may_have(head)
        };
        let entry = news.reads.entry(name.clone());
        if let Entry::Occupied(read) = &entry
            && fits(read.get())
        {
            return Arc::clone(read.get());
        }
        let ring = news.recent.begin(name, follow.schema, head, newest.as_ref());
        let asked = Mutex::new(Instant::now());
        let read = Arc::new(Read { ring, asked, ended: OnceLock::new() });
        entry.insert(Arc::clone(&read));
        let shared = Arc::downgrade(&self.shared);
        let reader = Reader { name: name.clone(), read: Arc::clone(&read), shared };
        tokio::spawn(reader.run());
        read
    }
}

/// Who reads what is new in a group.
struct Reader {
    name: GroupName,
    read: Arc<Read>,
    shared: Weak<Shared>,
}

/// What a reader has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// The log goes on, or ends there.
    TheLog,
    /// A kept value beyond what it has, with which whoever waits begins sooner.
    AShorterWay,
    /// A log that is not the one that it was.
    Another,
}

impl Reader {
    async fn run(self) {
        let failed = self.read_on().await.err();
        // Nobody else sets it.
        drop(self.read.ended.set(failed));
        if let Some(shared) = self.shared.upgrade() {
            let is_this = |_: &GroupName, read: &Arc<Read>| Arc::ptr_eq(read, &self.read);
            shared.news.reads.remove_if(&self.name, is_this);
            shared.news.recent.end(&self.name, &self.read.ring);
        }
    }

    /// Reads for as long as it is wanted and the log goes on.
    async fn read_on(&self) -> Result<(), Unavailable> {
        let mut looked = Instant::now();
        let mut room = None;
        while let Some(shared) = self.shared.upgrade().filter(|shared| self.is_wanted(shared)) {
            if room.is_none() {
                room = Some(shared.link.room_for_news()?);
            }
            match self.read(&Redis { shared, executors: None }, &mut looked).await? {
                Met::TheLog => {}
                Met::AShorterWay => break,
                Met::Another => {
                    tracing::warn!(
                        target: "worldboss::authority",
                        "group {}: its newest entries were taken back, as by a fail-over to a \
                         replica that lags; whoever has seen them begins anew",
                        self.name,
                    );
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether somebody has waited lately, and no other reader has taken its place.
    fn is_wanted(&self, shared: &Shared) -> bool {
        let is_asked = lock(&self.read.asked).elapsed() < UNASKED_MAX;
        let at_work = shared.news.get(&self.name);
        is_asked && at_work.is_some_and(|read| Arc::ptr_eq(&read, &self.read))
    }

    /// Waits for entries, and looks at the log when none came, or when it is time.
    async fn read(&self, redis: &Redis, looked: &mut Instant) -> Result<Met, Unavailable> {
        let (recent, ring) = (&redis.shared.news.recent, &self.read.ring);
        let head = ring.newest().0;
        let entries = self.next_entries(redis, head).await?;
        if !follow_on(head, &entries) {
            return Ok(Met::Another);
        }
        let is_idle = entries.is_empty();
        if !is_idle {
            recent.publish_to(ring, entries, ring.newest().1.as_ref());
        }
        if is_idle || looked.elapsed() >= Duration::from_millis(LOOK_MS.into()) {
            *looked = Instant::now();
            return self.look(redis).await;
        }
        Ok(Met::TheLog)
    }

    /// Looks whether the log has the newest entry here, and what is kept.
    async fn look(&self, redis: &Redis) -> Result<Met, Unavailable> {
        let ring = &self.read.ring;
        let (head, newest) = ring.newest();
        let look = Follow {
            group: self.name.clone(),
            schema: ring.schema(),
            seen: Some(head),
            distrust: None,
            wait_ms: 0,
        };
        let Ok(told) = redis.told_of(&look).await? else { return Ok(Met::Another) };
        if told.goes_on() && told.newest != newest {
            redis.shared.news.recent.publish_to(ring, Vec::new(), told.newest.as_ref());
        }
        Ok(if told.goes_on() {
            Met::TheLog
        } else if told.from.version > head.version {
            Met::AShorterWay
        } else {
            Met::Another
        })
    }

    async fn next_entries(
        &self,
        redis: &Redis,
        head: Seen,
    ) -> Result<Vec<GroupEntry>, Unavailable> {
        let mut read = cmd("XREAD");
        read.arg("COUNT").arg(READ_ENTRIES).arg("BLOCK").arg(LOOK_MS).arg("STREAMS");
        read.arg(key_of(&self.name, "log")).arg(format!("{}-0", head.version));
        let wait = Duration::from_millis(LOOK_MS.into());
        let streams = redis.shared.link.read_news(&read, wait).await?;
        let streams: Option<Vec<(String, Value)>> =
            redis::from_redis_value(streams).map_err(|_| odd("no stream"))?;
        let entries = streams.into_iter().flatten().next().map(|(_, entries)| entries_of(entries));
        entries.unwrap_or_else(|| Ok(Vec::new()))
    }
}

/// Whether entries go on from a position, each from the one before it.
fn follow_on(from: Seen, entries: &[GroupEntry]) -> bool {
    let mut seen = from;
    entries.iter().all(|entry| {
        let goes_on = entry.follow(seen).is_ok();
        seen = entry.seen();
        goes_on
    })
}
