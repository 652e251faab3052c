//! What the tools of `worldboss authority` share: the flags, the way to an authority, the boss.

use crate::authority::{self, Purpose};
use crate::play;
use ::authority::disk::DiskError;
use ::authority::{Authority, Embedded, Follower, FollowerError};
use anyhow::bail;
use clap::Args;
use clap::builder::FalseyValueParser;
use protocol::{BossId, Entry, ReadLog, Snapshot};
use std::path::Path;
use std::sync::Arc;
use ucore::{INT_MAX, Version};

/// The flags of every tool.
#[derive(Debug, Args)]
pub(crate) struct ToolArgs {
    /// The authority: `ws://HOST:PORT` is that of a game, a shard or a `worldboss authority serve`
    /// that runs there, `redis://...` is one in Redis, and `embedded:DIR` one that nobody runs.
    #[arg(long, env = "WORLDBOSS_AUTHORITY", value_name = "URL")]
    pub(crate) authority: String,
    /// Print JSON.
    #[arg(long, env = "WORLDBOSS_JSON", value_parser = FalseyValueParser::new())]
    pub(crate) json: bool,
}

/// Opens an authority that must be there already.
pub(super) fn reach(flag: &str) -> anyhow::Result<Arc<dyn Authority>> {
    if let Some(dir) = flag.strip_prefix("embedded:").filter(|dir| !dir.is_empty()) {
        let dir = Path::new(dir);
        if !Embedded::is_in(dir) {
            // The data directory of a game has it one level deeper.
            let below = dir.join("authority");
            let cure = if Embedded::is_in(&below) {
                format!("it is in {}", below.display())
            } else {
                "name the directory that has one, or begin a boss there with \
                 `worldboss authority spawn FILE`"
                    .to_owned()
            };
            bail!("there is no authority in {}; {cure}", dir.display());
        }
    }
    open(flag)
}

/// Opens an authority, which is made if it is an embedded one that is not there.
pub(super) fn open(flag: &str) -> anyhow::Result<Arc<dyn Authority>> {
    authority::open(flag, Purpose::Look).map_err(|error| match error.downcast_ref() {
        Some(DiskError::Locked(file)) => anyhow::Error::msg(locked(file)),
        _ => error,
    })
}

/// Where the game is that has this file open.
fn locked(file: &Path) -> String {
    let data = file.parent().map(|dir| dir.join(".."));
    let url = data.and_then(|data| play::noted_url(&data));
    let url = url.map_or_else(
        || "ws://HOST:PORT, where it listens".to_owned(),
        |url| url.trim_end_matches('/').replacen("http", "ws", 1),
    );
    format!("{} is in use by a running process; reach it by --authority {url}", file.display())
}

/// The boss that was named, or the only one.
pub(super) async fn choose(
    authority: &dyn Authority,
    named: Option<BossId>,
) -> anyhow::Result<BossId> {
    let bosses = authority.bosses().await?;
    match (named, bosses.as_slice()) {
        (Some(boss), all) if all.contains(&boss) => Ok(boss),
        (None, [only]) => Ok(*only),
        (_, []) => bail!(
            "the authority has no boss; begin one with `worldboss authority spawn FILE`, in which \
             FILE is a scenario"
        ),
        (Some(boss), all) => bail!("the authority has no boss {boss}; it has {}", list(all)),
        (None, all) => {
            bail!("the authority has several bosses; choose one by --boss: {}", list(all))
        }
    }
}

fn list(bosses: &[BossId]) -> String {
    let names: Vec<_> = bosses.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// The boss at the end of its log.
pub(super) async fn fold(
    authority: &Arc<dyn Authority>,
    boss: BossId,
) -> Result<Arc<Snapshot>, FollowerError> {
    Follower::new(Arc::clone(authority), boss).catch_up().await
}

/// Reads a boss's log up to a version, from the oldest value that can be shown.
pub(super) async fn read<T, E>(
    authority: &dyn Authority,
    boss: BossId,
    to: Version,
    begin: fn(Snapshot) -> Result<T, E>,
    step: fn(&mut T, &Entry) -> Result<(), E>,
) -> anyhow::Result<T>
where
    T: Send + 'static,
    E: Into<anyhow::Error> + Send + 'static,
{
    let first = authority.read_log(ReadLog { boss, after: Version(0), wait_ms: 0 }).await?;
    let base = first.base.map(|base| *base).unwrap_or_default();
    let Some(mut left) = to.0.checked_sub(base.version.0) else {
        bail!("version {to} can't be shown any more; the oldest is {}", base.version);
    };
    let (mut after, mut entries) = (base.version, first.entries);
    let mut value = begin(base).map_err(Into::into)?;
    while left > 0 {
        let Some(last) = entries.last() else {
            bail!(
                "the log ends at version {after}, and the truth was at {to}: the authority was \
                 rolled back meanwhile, or its newest entries are missing; ask again"
            );
        };
        after = last.version;
        entries.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= entries.len() as u64;
        // A page may hold a megabyte, whose hashing must not hold up a runtime's worker.
        let folding = tokio::task::spawn_blocking(move || {
            entries.iter().try_for_each(|entry| step(&mut value, entry)).map(|()| value)
        });
        value = folding.await?.map_err(Into::into)?;
        if left == 0 {
            break;
        }
        let page = authority.read_log(ReadLog { boss, after, wait_ms: 0 }).await?;
        if page.base.is_some() {
            bail!("a generation was forgotten while its log was read; ask again");
        }
        entries = page.entries;
    }
    Ok(value)
}

/// Reads the number of a boss.
pub(crate) fn boss_id(text: &str) -> Result<BossId, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number
        .map(BossId)
        .ok_or_else(|| "bosses are numbers from 1; `worldboss authority bosses` lists them".into())
}

/// Reads a version.
pub(super) fn version(text: &str) -> Result<Version, String> {
    let number = text.parse().ok().filter(|number| (1..=INT_MAX).contains(number));
    let cure = "versions are numbers from 1; `worldboss authority status` shows the newest";
    number.map(Version).ok_or_else(|| cure.to_owned())
}
