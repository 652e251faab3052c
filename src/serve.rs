//! `worldboss authority serve`: an authority on a port of its own, for shards in other processes.

use crate::cli::ServeArgs;
use crate::shard::{bind, scenario};
use crate::{authority, signals};
use ::authority::sync;
use anyhow::bail;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs until it is asked to stop, or can't go on.
pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let scenario = scenario(args.scenario.as_deref())?;
    let listener = bind(args.listen)?;
    let authority = authority::open_store(&args.store)?;
    let boss = authority::begin(&authority, scenario, args.scenario.is_some()).await;
    let server = sync::serve(listener, Arc::clone(&authority))?;
    tracing::info!(
        target: "worldboss",
        "the authority of boss {boss} listens on ws://{}/", server.addr(),
    );
    let asked = tokio::select! {
        asked = signals::asked() => asked?,
        reason = authority.stopped() => bail!("the authority has stopped: {reason}"),
    };
    server.stop().await;
    Ok(ExitCode::from(asked.code()))
}
