//! The authority in Redis: shards push to it directly, one round trip per shard and tick.
//!
//! The rules run in Redis as Functions (`functions/`), which append to the same log as the machine
//! in [`crate::machine`]. What needs players' totals, which are opaque to Redis, is folded from
//! that log here: late damage by player, the leaderboard, credits and rewards, and the values at
//! which generations begin.

mod target;
mod library;
mod link;
mod fault;
mod reply;
mod request;
mod log;
mod stable;
mod settlement;
mod ranking;
mod executors;
mod groups;
mod hostile;

use crate::client::{Answered, Authority};
use crate::driver::Follower;
use crate::machine::group::Bounds;
use executors::Executors;
use futures::FutureExt;
use groups::News;
use library::{Function, Library};
use link::Link;
use protocol::{BossId, Snapshot, SyncAnswer, SyncRequest, Truth, Unavailable};
use ranking::Ranking;
use redis::{Cmd, cmd};
use reply::{Reply, Seen};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use hostile::read_redis_answer;
pub use target::{AddressError, without_password};

/// The authority in a Redis or a Redis Cluster. Cloning it gives another handle to the same
/// connection.
#[derive(Debug, Clone)]
pub struct Redis {
    shared: Arc<Shared>,
    /// Who takes the steps of settlements in this process, if anybody does. Ends with the last
    /// handle.
    executors: Option<Arc<Executors>>,
}

#[derive(Debug)]
struct Shared {
    link: Arc<Link>,
    functions: Library,
    /// Those of groups.
    bounds: Bounds,
    /// The newest answers to shards, until this process's executors have looked at them.
    sighted: Mutex<BTreeMap<BossId, Seen>>,
    /// Folds of bosses that were needed.
    folds: tokio::sync::Mutex<BTreeMap<BossId, Fold>>,
    /// Leaderboards of bosses whose executor reigns here.
    rankings: Mutex<BTreeMap<BossId, Ranking>>,
    /// What is new in the groups that somebody here waits for.
    news: News,
}

/// One boss's fold, which one at a time reads on.
type Fold = Arc<tokio::sync::Mutex<Option<Follower>>>;

impl Redis {
    /// The Redis at `url`: `redis://`, `rediss://`, `redis+unix://` or `redis-cluster://`. It
    /// connects when it is first asked something.
    ///
    /// # Errors
    /// [`AddressError`] if `url` names none.
    pub fn new(url: &str) -> Result<Self, AddressError> {
        Self::new_within(url, Bounds::default())
    }

    /// The same, with bounds of shared structures that a test can meet.
    ///
    /// # Errors
    /// [`AddressError`] if `url` names none.
    pub fn new_within(url: &str, bounds: Bounds) -> Result<Self, AddressError> {
        let functions = Library::new(&bounds);
        let link = Arc::new(Link::new(url, functions.clone())?);
        let shared = Arc::new(Shared::new(link, functions, bounds));
        Ok(Self { shared, executors: None })
    }

    /// Takes its part in the settlements of the bosses that shards play through this handle, as
    /// every process may: one of them reigns.
    #[must_use]
    pub fn with_executor(self) -> Self {
        Self { executors: Some(Arc::default()), ..self }
    }

    /// Loads the Function library on every master, and gives back its name. Where it is already,
    /// nothing changes.
    ///
    /// # Errors
    /// [`Unavailable`], with the cure.
    pub async fn load(&self) -> Result<String, Unavailable> {
        self.shared.link.load().await?;
        Ok(self.shared.functions.name())
    }

    async fn seen(&self, boss: BossId) -> Result<Seen, Unavailable> {
        self.call(boss, Function::Truth, |_| {}).await?.1.seen()
    }

    async fn truth_of(&self, boss: BossId) -> Result<Truth, Unavailable> {
        Ok(self.seen(boss).await?.truth)
    }

    /// Calls a function about a boss.
    async fn call(
        &self,
        boss: BossId,
        function: Function,
        args: impl FnOnce(&mut Cmd),
    ) -> Result<(String, Reply), Unavailable> {
        let command = self.command(boss, function, args);
        Reply::open(boss, self.shared.link.call(&command).await?)
    }

    /// The call of a function about a boss.
    fn command(&self, boss: BossId, function: Function, args: impl FnOnce(&mut Cmd)) -> Cmd {
        self.command_on(function, |idx| key_of(boss, KEYS[idx]), args)
    }

    /// The call of a function on the keys that have these places.
    fn command_on(
        &self,
        function: Function,
        key: impl Fn(usize) -> String,
        args: impl FnOnce(&mut Cmd),
    ) -> Cmd {
        let mut command = cmd(function.command());
        command.arg(self.shared.functions.function(function)).arg(function.keys());
        for idx in 0..function.keys() {
            command.arg(key(idx));
        }
        args(&mut command);
        command
    }

    /// The boss as its log tells it, now. Who gives up waiting leaves what was read to the next.
    async fn folded(&self, boss: BossId) -> Result<Arc<Snapshot>, Unavailable> {
        let redis = self.clone();
        let folding = tokio::spawn(async move {
            let fold = Arc::clone(redis.shared.folds.lock().await.entry(boss).or_default());
            let mut fold = fold.lock().await;
            let follower = match &mut *fold {
                Some(follower) => follower,
                None => match redis.follower(boss).await {
                    Ok(follower) => fold.insert(follower),
                    Err(why) => {
                        // Whoever asks for bosses that are none must leave nothing behind.
                        redis.shared.folds.lock().await.remove(&boss);
                        return Err(why);
                    }
                },
            };
            Ok(follower.catch_up().await?)
        });
        folding.await.unwrap_or_else(|error| Err(Unavailable::Unknown(error.to_string())))
    }

    /// A follower from the newest kept value on, which has all books that still count.
    async fn follower(&self, boss: BossId) -> Result<Follower, Unavailable> {
        let base = self.newest_base(boss).await?;
        // A handle without folds of its own, or they would keep each other alive.
        let (link, functions) = (Arc::clone(&self.shared.link), self.shared.functions.clone());
        let shared = Arc::new(Shared::new(link, functions, self.shared.bounds));
        let handle = Arc::new(Self { shared, executors: None });
        Ok(Follower::from(handle, boss, base))
    }
}

impl Shared {
    fn new(link: Arc<Link>, functions: Library, bounds: Bounds) -> Self {
        let (sighted, folds, rankings) = Default::default();
        let news = News::new(&bounds);
        Self { link, functions, bounds, sighted, folds, rankings, news }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Authority for Redis {
    fn ask(&self, request: SyncRequest) -> Answered<SyncAnswer> {
        let redis = self.clone();
        async move {
            Ok(match request {
                SyncRequest::Spawn(spawn) => SyncAnswer::Spawn(redis.spawn(spawn).await?),
                SyncRequest::Join(join) => SyncAnswer::Join(redis.join(join).await?),
                SyncRequest::Enter(enter) => SyncAnswer::Enter(redis.enter(enter).await?),
                SyncRequest::Push(push) => SyncAnswer::Push(redis.push(push).await?),
                SyncRequest::Truth(boss) => SyncAnswer::Truth(redis.truth_of(boss).await?),
                SyncRequest::ReadLog(page) => SyncAnswer::ReadLog(redis.page(page).await?),
                SyncRequest::Bosses => SyncAnswer::Bosses(redis.list().await?),
                SyncRequest::Reign(reign) => SyncAnswer::Reign(redis.reign(reign).await?),
                SyncRequest::Settle(settle) => SyncAnswer::Settle(redis.settle(settle).await?),
                SyncRequest::Shares(asked) => SyncAnswer::Shares(redis.shares(&asked).await?),
                SyncRequest::Group(request) => SyncAnswer::Group(redis.group(request).await?),
            })
        }
        .boxed()
    }
}

/// The kinds of a boss's keys, in the order in which the functions take them.
const KEYS: [&str; 3] = ["state", "log", "bases"];

/// A key of a boss. Its hash tag keeps all of them in one slot.
fn key_of(boss: BossId, kind: &str) -> String {
    format!("{{boss:{boss}}}:{kind}")
}
