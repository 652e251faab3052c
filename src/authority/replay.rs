//! `worldboss authority replay`: the boss as it was at a version.

use super::status::Status;
use super::tools::{ToolArgs, boss_id, choose, reach, read, version};
use crate::print;
use anyhow::{Context, bail};
use clap::Args;
use protocol::{BossId, FollowError, Snapshot};
use serde::Serialize;
use std::process::ExitCode;
use ucore::{Version, state_hash};

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    tool: ToolArgs,
    /// The boss [default: the only one].
    #[arg(long, env = "WORLDBOSS_BOSS", value_name = "N", value_parser = boss_id)]
    boss: Option<BossId>,
    /// The version.
    #[arg(long, env = "WORLDBOSS_AT", value_name = "VERSION", value_parser = version)]
    at: Version,
}

#[derive(Debug, Serialize)]
struct Replayed {
    #[serde(flatten)]
    status: Status,
    /// Two folds of the same log have the same one.
    state_hash: String,
}

/// Prints the boss at a version.
pub(crate) async fn run(args: ReplayArgs) -> anyhow::Result<ExitCode> {
    let authority = reach(&args.tool.authority)?;
    let boss = choose(&*authority, args.boss).await?;
    let newest = authority.truth(boss).await?.version;
    if args.at > newest {
        bail!("version {} is not there yet; the newest is {newest}", args.at);
    }
    let value = read(&*authority, boss, args.at, Ok::<_, FollowError>, Snapshot::follow).await?;
    let state_hash = format!("{:016x}", state_hash(&value.boss));
    let status = Status::at(boss, &value).context("at this version no generation has begun")?;
    print(&if args.tool.json {
        serde_json::to_string(&Replayed { status, state_hash })? + "\n"
    } else {
        format!("{}\n  state hash  {state_hash}\n", status.text()?)
    });
    Ok(ExitCode::SUCCESS)
}
