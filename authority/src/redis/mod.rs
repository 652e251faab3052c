//! The authority in Redis: shards push to it directly, one round trip per shard and tick.
//!
//! The rules run in Redis as Functions (`functions/`), which append to the same log as the machine
//! in [`crate::machine`]. What needs players' totals, which are opaque to Redis, is folded from
//! that log here: late damage by player, and the values at which generations begin.

mod target;
mod library;
mod link;
mod fault;
mod reply;
mod request;
mod log;
mod executor;

use crate::client::{Answered, Authority};
use crate::driver::Follower;
use executor::Executor;
use futures::FutureExt;
use library::{Function, Library};
use link::Link;
use protocol::{BossId, Snapshot, SyncAnswer, SyncRequest, Truth, Unavailable};
use redis::{Cmd, cmd};
use reply::{Reply, Seen};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use target::{AddressError, without_password};

/// The authority in a Redis or a Redis Cluster. Cloning it gives another handle to the same
/// connection.
#[derive(Debug, Clone)]
pub struct Redis {
    shared: Arc<Shared>,
    /// Ends with the last handle.
    _executor: Option<Arc<Executor>>,
}

#[derive(Debug)]
struct Shared {
    link: Arc<Link>,
    functions: Library,
    /// Bosses that journals of this process have joined, and the polls that were last seen there.
    played: Mutex<BTreeMap<BossId, u64>>,
    /// Folds of bosses that were needed.
    folds: tokio::sync::Mutex<BTreeMap<BossId, Fold>>,
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
        let functions = Library::new();
        let link = Arc::new(Link::new(url, functions.clone())?);
        let (played, folds) = (Mutex::default(), tokio::sync::Mutex::default());
        let shared = Arc::new(Shared { link, functions, played, folds });
        Ok(Self { shared, _executor: None })
    }

    /// Takes its part in the life cycles of the bosses that are joined through this handle, as
    /// every process may: one of them takes each step.
    #[must_use]
    pub fn with_executor(self) -> Self {
        let executor = Executor::start(&self);
        Self { _executor: Some(Arc::new(executor)), ..self }
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
        let name = if function == Function::Truth { "FCALL_RO" } else { "FCALL" };
        let keys = &KEYS[..function.keys()];
        let mut command = cmd(name);
        command.arg(self.shared.functions.function(function)).arg(keys.len());
        for key in keys {
            command.arg(key_of(boss, key));
        }
        args(&mut command);
        Reply::open(boss, self.shared.link.call(&command).await?)
    }

    fn played(&self) -> MutexGuard<'_, BTreeMap<BossId, u64>> {
        self.shared.played.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how many polls a boss has had, if it is played here.
    fn note(&self, boss: BossId, seen: Seen) -> Truth {
        self.played().entry(boss).and_modify(|polls| *polls = seen.polls);
        seen.truth
    }

    /// The boss as its log tells it, now. Who gives up waiting leaves what was read to the next.
    async fn folded(&self, boss: BossId) -> Result<Arc<Snapshot>, Unavailable> {
        let redis = self.clone();
        let folding = tokio::spawn(async move {
            let fold = Arc::clone(redis.shared.folds.lock().await.entry(boss).or_default());
            let mut fold = fold.lock().await;
            let follower = match &mut *fold {
                Some(follower) => follower,
                None => fold.insert(redis.follower(boss).await?),
            };
            Ok(follower.catch_up().await?)
        });
        folding.await.unwrap_or_else(|error| Err(Unavailable::Unknown(error.to_string())))
    }

    /// A follower from the current generation's beginning on, which has all books that still count.
    async fn follower(&self, boss: BossId) -> Result<Follower, Unavailable> {
        let base = self.newest_base(boss).await?;
        // A handle without folds of its own, or they would keep each other alive.
        let (link, functions) = (Arc::clone(&self.shared.link), self.shared.functions.clone());
        let (played, folds) = (Mutex::default(), tokio::sync::Mutex::default());
        let shared = Arc::new(Shared { link, functions, played, folds });
        let handle = Arc::new(Self { shared, _executor: None });
        Ok(Follower::from(handle, boss, base))
    }
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
            })
        }
        .boxed()
    }
}

/// The kinds of a boss's keys, in the order in which the functions take them.
const KEYS: [&str; 4] = ["state", "log", "bases", "ledgers"];

/// A key of a boss. Its hash tag keeps all of them in one slot.
fn key_of(boss: BossId, kind: &str) -> String {
    format!("{{boss:{boss}}}:{kind}")
}
