//! The authority in Redis: shards push to it directly, one round trip per shard and tick.
//!
//! The rules run in Redis as Functions (`functions/`), which append to the same log as the machine
//! in [`crate::machine`]. What needs players' totals, which are opaque to Redis, is folded from that
//! log here: late damage by player, and the values at which generations begin.

mod target;
mod library;
mod link;
mod fault;
mod reply;
mod log;
mod executor;

use crate::client::{Answered, Authority};
use crate::driver::Follower;
use executor::Executor;
use futures::FutureExt;
use library::{Function, Library};
use link::Link;
use protocol::{
    BossId, BossSpec, Enter, EnterAnswer, Interval, Join, JoinAnswer, JournalId, LateLine, Line,
    Push, PushAnswer, Spawn, SpawnAnswer, SyncAnswer, SyncRequest, Truth, Unavailable, Verdict,
};
use redis::{Cmd, Value, cmd};
use reply::{Reply, Seen, odd};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use ucore::encode;

pub use target::AddressError;

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
    library: Library,
    /// Bosses that journals of this process have joined, and the polls that were last seen there.
    played: Mutex<BTreeMap<BossId, u64>>,
    /// Folds of bosses that were needed. A fold is asked for by one at a time.
    folds: tokio::sync::Mutex<BTreeMap<BossId, Follower>>,
}

/// The set of all bosses, in a slot of its own.
const BOSSES: &str = "worldboss:bosses";

impl Redis {
    /// The Redis at `url`: `redis://`, `rediss://`, `redis+unix://` or `redis-cluster://`. It
    /// connects when it is first asked something.
    ///
    /// # Errors
    /// [`AddressError`] if `url` names none.
    pub fn new(url: &str) -> Result<Self, AddressError> {
        let library = Library::new();
        let link = Arc::new(Link::new(url, library.clone())?);
        let (played, folds) = (Mutex::default(), tokio::sync::Mutex::default());
        let shared = Arc::new(Shared { link, library, played, folds });
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
        Ok(self.shared.library.name())
    }

    /// Takes one step of a boss's life cycle, unless another process does.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn poll(&self, boss: BossId) -> Result<(), Unavailable> {
        let seen = self.seen(boss).await?;
        self.step(boss, seen.polls).await.map(drop)
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
        let mut command = cmd(name);
        command.arg(self.shared.library.function(function)).arg(KEYS.len());
        for key in KEYS {
            command.arg(key_of(boss, key));
        }
        args(&mut command);
        Reply::open(boss, self.shared.link.call(command).await?)
    }

    /// Notes how many polls a boss has had, if it is played here.
    fn note(&self, boss: BossId, seen: Seen) -> Truth {
        let mut played = self.shared.played.lock().unwrap_or_else(PoisonError::into_inner);
        played.entry(boss).and_modify(|polls| *polls = seen.polls);
        seen.truth
    }

    async fn spawn(&self, spawn: Spawn) -> Result<SpawnAnswer, Unavailable> {
        let boss = spawn.boss;
        let mut register = cmd("SADD");
        register.arg(BOSSES).arg(boss.0);
        self.shared.link.call(register).await?;
        let base = protocol::encode_record(&protocol::Snapshot::default());
        let (word, reply) = self
            .call(boss, Function::Spawn, |command| {
                write_spec(&spawn.spec, command);
                command.arg(base);
            })
            .await?;
        let truth = reply.seen()?.truth;
        Ok(if word == "begun" { SpawnAnswer::Begun(truth) } else { SpawnAnswer::Next(truth) })
    }

    async fn join(&self, join: Join) -> Result<JoinAnswer, Unavailable> {
        let boss = join.boss;
        let called = self.call(boss, Function::Join, |command| write_join(&join, command));
        let (word, mut reply) = called.await?;
        Ok(match word.as_str() {
            "joined" => {
                let (inherits, is_late, spec) = (reply.flag()?, reply.flag()?, reply.spec()?);
                let seen = reply.seen()?;
                self.shared
                    .played
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(boss, seen.polls);
                let late = if is_late { self.late_of_lineage(&join).await? } else { Vec::new() };
                JoinAnswer::Joined { inherits, late, spec, truth: seen.truth }
            }
            "gap" => {
                let journal = JournalId(reply.number()?);
                let (generation, applied) = (protocol::Gen(reply.number()?), reply.number()?);
                JoinAnswer::Gap { journal, generation, applied }
            }
            "fenced" => JoinAnswer::Fenced,
            "refused" => JoinAnswer::Refused,
            "full" => JoinAnswer::Full,
            _ => return Err(odd(&word)),
        })
    }

    async fn enter(&self, enter: Enter) -> Result<EnterAnswer, Unavailable> {
        let (boss, journal, generation) = (enter.boss, enter.journal, enter.generation);
        let called = self.call(boss, Function::Enter, |command| {
            command.arg(journal.to_string()).arg(generation.0);
        });
        let (word, mut reply) = called.await?;
        Ok(match word.as_str() {
            "entered" => {
                let spec = reply.spec()?;
                EnterAnswer::Entered { spec, truth: self.note(boss, reply.seen()?) }
            }
            "too_late" => EnterAnswer::TooLate { truth: self.note(boss, reply.seen()?) },
            "fenced" => EnterAnswer::Fenced,
            "unknown" => EnterAnswer::Unknown,
            _ => return Err(odd(&word)),
        })
    }

    async fn push(&self, push: Push) -> Result<PushAnswer, Unavailable> {
        let boss = push.boss;
        let called = self.call(boss, Function::Push, |command| write_push(&push, command));
        let (word, mut reply) = called.await?;
        let verdict = verdict(&word).ok_or_else(|| odd(&word))?;
        let (applied, rolled_back, is_late) = (reply.number()?, reply.flag()?, reply.flag()?);
        let truth = self.note(boss, reply.seen()?);
        let late = if verdict == Verdict::Closed && is_late {
            self.late_of_push(&push).await?
        } else {
            Vec::new()
        };
        Ok(PushAnswer { verdict, applied, late, rolled_back, truth })
    }

    /// Each named player's damage that came late.
    async fn late_of_push(&self, push: &Push) -> Result<Vec<Line>, Unavailable> {
        let value = self.folded(push.boss).await?;
        let Some(life) = value.boss.book(push.interval.generation) else { return Ok(Vec::new()) };
        let late = push.interval.players.iter().filter_map(|(player, _)| {
            let total = life.late_of(push.journal, *player);
            (total > 0).then_some(Line { player: *player, total })
        });
        Ok(late.collect())
    }

    /// The late damage of the journals before a new one.
    async fn late_of_lineage(&self, join: &Join) -> Result<Vec<LateLine>, Unavailable> {
        let value = self.folded(join.boss).await?;
        let line: Vec<_> = join.lineage.iter().map(|claim| claim.journal).collect();
        let late = value.boss.books().flat_map(|(generation, life)| {
            let lines = line.iter().flat_map(|journal| life.late_lines(*journal));
            lines.map(move |line| LateLine { generation, line })
        });
        Ok(late.collect())
    }

    /// The boss as its log tells it, now.
    async fn folded(&self, boss: BossId) -> Result<Arc<protocol::Snapshot>, Unavailable> {
        let mut folds = self.shared.folds.lock().await;
        let fold = folds.entry(boss).or_insert_with(|| {
            // A handle without folds of its own, or they would keep each other alive.
            let shared = Shared {
                link: Arc::clone(&self.shared.link),
                library: self.shared.library.clone(),
                played: Mutex::default(),
                folds: tokio::sync::Mutex::default(),
            };
            Follower::new(Arc::new(Self { shared: Arc::new(shared), _executor: None }), boss)
        });
        fold.catch_up().await.map_err(|error| Unavailable::Unknown(error.to_string()))
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
const KEYS: [&str; 7] = ["state", "log", "journals", "totals", "online", "bases", "ledgers"];

/// A key of a boss. Its hash tag keeps all of them in one slot.
fn key_of(boss: BossId, kind: &str) -> String {
    format!("{{boss:{boss}}}:{kind}")
}

fn write_spec(spec: &BossSpec, to: &mut Cmd) {
    // The largest HP at which each phase is reached; in Lua the product could be inexact.
    let phases = spec.phases.iter().map(|phase| {
        let hp = u128::from(spec.hp_max) * u128::from(phase.percent) / 100;
        hp.to_string()
    });
    let phases = phases.collect::<Vec<_>>().join(" ");
    let (collect, respawn) = (spec.timing.collect_s, spec.timing.respawn_s);
    to.arg(encode(spec)).arg(spec.hp_max).arg(phases).arg(collect).arg(respawn);
}

fn write_join(join: &Join, to: &mut Cmd) {
    to.arg(join.journal.to_string()).arg(join.shard.0);
    for claim in &join.lineage {
        to.arg(claim.journal.to_string()).arg(claim.rests.len());
        for rest in &claim.rests {
            write_interval(rest, to);
            to.arg(rest.blob());
        }
    }
}

fn write_push(push: &Push, to: &mut Cmd) {
    to.arg(push.journal.to_string());
    write_interval(&push.interval, to);
    to.arg(u8::from(push.last)).arg(push.interval.blob()).arg(push.online);
    to.arg(push.seen.version.0).arg(push.seen.chain.to_string());
}

fn write_interval(interval: &Interval, to: &mut Cmd) {
    to.arg(interval.generation.0).arg(interval.from).arg(interval.to);
}

fn verdict(word: &str) -> Option<Verdict> {
    Some(match word {
        "counted" => Verdict::Counted,
        "duplicate" => Verdict::Duplicate,
        "gap" => Verdict::Gap,
        "closed" => Verdict::Closed,
        "not_entered" => Verdict::NotEntered,
        "fenced" => Verdict::Fenced,
        "unknown" => Verdict::Unknown,
        "refused" => Verdict::Refused,
        _ => return None,
    })
}

impl Redis {
    /// All bosses that were ever spawned here, ascending.
    async fn list(&self) -> Result<Vec<BossId>, Unavailable> {
        let mut command = cmd("SMEMBERS");
        command.arg(BOSSES);
        let Value::Array(members) = self.shared.link.read(command).await? else {
            return Err(odd("no list of bosses"));
        };
        let ids = members.iter().map(redis::from_redis_value_ref::<u32>);
        let mut bosses = Vec::new();
        for id in ids {
            let boss = BossId(id.map_err(|_| odd("a boss without a number"))?);
            // A spawn that died between the list and the boss has left none.
            match self.seen(boss).await {
                Ok(_) => bosses.push(boss),
                Err(Unavailable::NoBoss(_)) => {}
                Err(why) => return Err(why),
            }
        }
        bosses.sort_unstable();
        Ok(bosses)
    }
}
