//! Many who follow a shared structure through one connection: one question is open for all of them.

use crate::machine::group::{Bounds, Keep};
use crate::recent::{Recent, Ring};
use protocol::limits::READ_WAIT_MS_MAX;
use protocol::{
    Follow, GroupAnswer, GroupName, GroupPage, GroupRequest, KeptMark, SchemaHash, Seen,
    SyncRequest, Unavailable,
};
use score::Remote;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use ucore::{Bin, Chain, WriterId};

/// Those who follow shared structures of a service in another process. Where the groups are in
/// Redis, its `News` does the same.
#[derive(Debug)]
pub(super) struct Followers {
    service: Remote,
    recent: Recent,
    /// Who waits for something now.
    waiting: AtomicUsize,
}

/// How long one question waits for an entry.
const ASK_MS: u32 = READ_WAIT_MS_MAX - 5_000;

/// Who follows, for as long as it waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Followers {
    pub(super) fn new(service: Remote) -> Arc<Self> {
        let recent = Recent::new(&Bounds::default());
        Arc::new(Self { service, recent, waiting: AtomicUsize::new(0) })
    }

    /// A page; at the end of the log, waits until there is one.
    pub(super) async fn page(self: Arc<Self>, follow: Follow) -> Result<GroupAnswer, Unavailable> {
        let wait = Duration::from_millis(follow.wait_ms.min(READ_WAIT_MS_MAX).into());
        if wait.is_zero() {
            // It wants to know how things are now, which is not known here.
            return ask(&self.service, &follow, 0).await;
        }
        let deadline = Instant::now() + wait;
        let _waiting = Waiting::new(&self.waiting);
        loop {
            let ring = self.recent.find(&follow.group, follow.schema);
            // Taken before the page is: what comes after the page changes it.
            let news = ring.as_ref().map(|ring| ring.news());
            let known = ring.zip(follow.seen);
            let is_behind =
                known.as_ref().is_some_and(|(it, seen)| it.head().version < seen.version);
            let page =
                known.and_then(|(ring, seen)| self.recent.page(&ring, seen, follow.distrust));
            if let Some(mut news) = news.clone().filter(|_| is_behind) {
                // Who has proposed something is ahead of who reads for all.
                if timeout_at(deadline, news.changed()).await.is_ok() {
                    continue;
                }
            }
            let Some((page, mut news)) = page.zip(news) else {
                let answer = ask(&self.service, &follow, 0).await?;
                match (&answer, follow.seen) {
                    (GroupAnswer::Page(page), Some(seen)) if is_end(page) => {
                        self.begin(&follow, seen, page);
                    }
                    _ => return Ok(answer),
                }
                continue;
            };
            if !page.entries.is_empty() || timeout_at(deadline, news.changed()).await.is_err() {
                return Ok(GroupAnswer::Page(page));
            }
        }
    }

    /// Has the group read from a position on, which is the end of its log.
    fn begin(self: &Arc<Self>, follow: &Follow, seen: Seen, page: &GroupPage) {
        let ring = self.recent.find(&follow.group, follow.schema);
        if ring.is_some_and(|ring| ring.may_have(seen)) {
            // Another one who waits was faster. Each reader keeps a question open.
            return;
        }
        let newest = page.kept.map(heard);
        let ring = self.recent.begin(&follow.group, follow.schema, seen, newest.as_ref());
        let (name, schema) = (follow.group.clone(), follow.schema);
        let reader = Reader { followers: Arc::downgrade(self), name, schema, ring };
        tokio::spawn(reader.run());
    }
}

/// A kept value of which only version and hash are known. Its size counts as endless, so nobody is
/// sent to it.
fn heard(mark: KeptMark) -> Keep {
    let at = Seen { version: mark.version, chain: Chain::START };
    Keep { at, hash: mark.hash, bytes: u64::MAX, keeper: WriterId(Bin([0; 16])) }
}

/// Nothing to tell but that the log goes no further.
fn is_end(page: &GroupPage) -> bool {
    page.base.is_none() && page.entries.is_empty()
}

async fn ask(service: &Remote, follow: &Follow, wait_ms: u32) -> Result<GroupAnswer, Unavailable> {
    let follow = Follow { wait_ms, ..follow.clone() };
    service.ask(SyncRequest::Group(GroupRequest::Follow(follow))).await?.group()
}

/// Who reads what is new in a group, for as long as anybody waits for anything.
struct Reader {
    followers: Weak<Followers>,
    name: GroupName,
    schema: SchemaHash,
    ring: Arc<Ring>,
}

impl Reader {
    async fn run(self) {
        loop {
            let Some(followers) = self.followers.upgrade() else { return };
            let follow = Follow {
                group: self.name.clone(),
                schema: self.schema,
                seen: Some(self.ring.head()),
                distrust: None,
                wait_ms: ASK_MS,
            };
            let service = followers.service.clone();
            drop(followers);
            let answer = ask(&service, &follow, ASK_MS).await;
            let Some(followers) = self.followers.upgrade() else { return };
            let at_work = followers.recent.find(&self.name, self.schema);
            if !at_work.is_some_and(|ring| Arc::ptr_eq(&ring, &self.ring)) {
                return;
            }
            match answer {
                Ok(GroupAnswer::Page(page)) if page.base.is_none() => {
                    let idle = page.entries.is_empty();
                    let newest = page.kept.map(heard);
                    followers.recent.publish_to(&self.ring, page.entries, newest.as_ref());
                    if !idle || followers.waiting.load(Ordering::Relaxed) > 0 {
                        continue;
                    }
                }
                // Whoever waits asks by itself, and hears why.
                Ok(_) | Err(_) => {}
            }
            followers.recent.end(&self.name, &self.ring);
            return;
        }
    }
}
