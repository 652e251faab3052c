//! `worldboss shard`: one shard, with the authority that its flag names.

use crate::authority::Purpose;
use crate::cli::ShardArgs;
use crate::{authority, signals};
use ::authority::Authority;
use anyhow::{Context, bail};
use protocol::{Scenario, ShardId};
use shard::{Config, Exit};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Runs until it is asked to stop, or can't go on.
pub(crate) async fn run(args: ShardArgs) -> anyhow::Result<ExitCode> {
    let scenario = scenario(args.scenario.as_deref())?;
    let listener = bind(args.listen)?;
    let authority = authority::open(&args.authority, Purpose::Play)?;
    let boss = authority::begin(&authority, scenario, args.scenario.is_some()).await;
    let config = Config {
        shard: ShardId(args.shard_id),
        boss,
        listener,
        data: args.data,
        workers: args.workers.unwrap_or_else(cores),
        authority: Arc::clone(&authority),
        share: args.share,
    };
    let running = shard::start(config)?;
    tracing::info!(
        target: "worldboss",
        "shard {} listens on http://{}/", args.shard_id, running.addr(),
    );
    until_stopped(running, &*authority).await
}

/// Waits for the end of a shard and its authority, whatever comes first.
pub(crate) async fn until_stopped(
    mut running: shard::Running,
    authority: &dyn Authority,
) -> anyhow::Result<ExitCode> {
    let asked = tokio::select! {
        asked = signals::asked() => Some(asked?),
        exit = running.ended() => return ended(exit),
        reason = authority.stopped() => bail!("the authority has stopped: {reason}"),
    };
    running.stop();
    ended(running.ended().await)?;
    Ok(ExitCode::from(asked.map_or(0, signals::Asked::code)))
}

fn ended(exit: Exit) -> anyhow::Result<ExitCode> {
    match exit {
        Exit::Stopped => Ok(ExitCode::SUCCESS),
        Exit::Fenced => bail!(
            "another process took over this shard's journal; the data directory was copied or is \
             used twice. Its file is kept as it is"
        ),
        Exit::Abandoned(why) => {
            bail!("{why}; start again: the next process takes over from this one's journal")
        }
        Exit::Failed(reason) => bail!("a part of this process has failed: {reason}"),
        Exit::Disk(reason) => bail!("{reason}. Start again: the file is checked when it is opened"),
        Exit::Refused(reason) => bail!("{reason}"),
    }
}

/// The scenario of a file, or the one that comes along.
pub(crate) fn scenario(file: Option<&Path>) -> anyhow::Result<Scenario> {
    let Some(file) = file else { return Ok(Scenario::parse(Scenario::default_text())?) };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("can't read the scenario {}", file.display()))?;
    Scenario::parse(&text).with_context(|| format!("the scenario {}", file.display()))
}

/// Opens a port that somebody asked for.
pub(crate) fn bind(addr: SocketAddr) -> anyhow::Result<TcpListener> {
    shard::listen(addr).with_context(|| {
        format!("can't listen on {addr}; choose another --listen, or stop the program that uses it")
    })
}

/// One worker for each core.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
