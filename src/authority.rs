//! `--authority`: the owner of the truth, wherever it runs.

pub(crate) mod bosses;
pub(crate) mod recover;
pub(crate) mod replay;
pub(crate) mod settle;
pub(crate) mod spawn;
pub(crate) mod status;
pub(crate) mod tail;
pub(crate) mod verify;
mod tools;

use crate::cli::LoadArgs;
use crate::print;
use ::authority::{Authority, Embedded, Redis, Remote, Steps, without_password};
use anyhow::bail;
use protocol::{BossId, Micros, Scenario, Spawn, Unavailable};
use score::Backoff;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// What a command does with its authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It lets people play, and takes its part in the bosses' settlements.
    Play,
    /// It looks, or changes something once.
    Look,
}

/// Opens the authority that a flag names.
pub(crate) fn open(flag: &str, purpose: Purpose) -> anyhow::Result<Arc<dyn Authority>> {
    if let Some(dir) = flag.strip_prefix("embedded:").filter(|dir| !dir.is_empty()) {
        let steps = match purpose {
            Purpose::Play => Steps::ByItself,
            Purpose::Look => Steps::ByHand,
        };
        return Ok(Arc::new(Embedded::open_with(Path::new(dir), steps)?));
    }
    if flag.starts_with("ws:") || flag.starts_with("wss:") {
        return Ok(Arc::new(Remote::new(flag)?));
    }
    if flag.starts_with("redis") {
        let redis = Redis::new(flag)?;
        return Ok(Arc::new(match purpose {
            Purpose::Play => redis.with_executor(),
            Purpose::Look => redis,
        }));
    }
    let flag = without_password(flag);
    bail!("`{flag}` names no authority; write embedded:DIR, redis://HOST:PORT or ws://HOST:PORT")
}

/// Opens the authority that `--store` names: one of those, or one that is kept nowhere.
pub(crate) fn open_store(flag: &str) -> anyhow::Result<Arc<dyn Authority>> {
    if flag != "memory" {
        return open(flag, Purpose::Play);
    }
    tracing::warn!(
        target: "worldboss",
        "nothing of this authority outlives its process; --store embedded:DIR keeps it on a disk",
    );
    Ok(Arc::new(Embedded::in_memory()?))
}

/// `worldboss authority load`: puts the Function library where shards call it.
pub(crate) async fn load(args: &LoadArgs) -> anyhow::Result<ExitCode> {
    if !args.authority.starts_with("redis") {
        let flag = without_password(&args.authority);
        bail!("--authority is `{flag}`; functions are loaded into a redis://HOST:PORT");
    }
    let library = Redis::new(&args.authority)?.load().await?;
    print(&format!("{library}\n"));
    Ok(ExitCode::SUCCESS)
}

/// Sees to it that the boss of a scenario begins, if the authority does not have it, and gives back
/// its id. A scenario that was named also becomes that of its next generation; the one that comes
/// along changes nothing. An authority that is away is asked again until it comes back.
pub(crate) async fn begin(
    authority: &Arc<dyn Authority>,
    scenario: Scenario,
    named: bool,
) -> BossId {
    let boss = scenario.id;
    if let Err(error) = try_begin(&**authority, &scenario, named).await {
        warn(boss, &error);
        let authority = Arc::clone(authority);
        tokio::spawn(async move {
            let (first, max) = (Micros::from_millis(500), Micros::from_millis(5_000));
            let mut backoff = Backoff::new(std::process::id().into(), first, max);
            loop {
                tokio::time::sleep(Duration::from_micros(backoff.next_delay().0)).await;
                match try_begin(&*authority, &scenario, named).await {
                    Ok(()) => return,
                    Err(error) => warn(boss, &error),
                }
            }
        });
    }
    boss
}

fn warn(boss: BossId, error: &Unavailable) {
    tracing::warn!(target: "worldboss", "boss {boss} has to wait: {error}");
}

async fn try_begin(
    authority: &dyn Authority,
    scenario: &Scenario,
    named: bool,
) -> Result<(), Unavailable> {
    let boss = scenario.id;
    let missing = match authority.truth(boss).await {
        Ok(_) => false,
        Err(Unavailable::NoBoss(_)) => true,
        Err(error) => return Err(error),
    };
    if missing || named {
        let spec = Box::new(scenario.spec.clone());
        authority.spawn(Spawn { boss, spec }).await?;
    }
    Ok(())
}
