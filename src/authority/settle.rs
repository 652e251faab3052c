//! `worldboss authority settle`: takes a fallen boss to the end of its settlement, by hand.

use super::tail::{json_lines, line, note};
use super::tools::{ToolArgs, boss_id, choose, reach};
use crate::{print, signals};
use ::authority::{Authority, Executor, Tail};
use anyhow::anyhow;
use clap::Args;
use clap::builder::FalseyValueParser;
use loadgen::driver::random_seed;
use loadgen::machine::grouped;
use protocol::{BossId, FeedEvent, Gen, Happened, Progress, Settle, SettleStep, Status, Truth};
use score::FeedStart;
use serde::Serialize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use ucore::Version;

#[derive(Debug, Args)]
pub(crate) struct SettleArgs {
    #[command(flatten)]
    tool: ToolArgs,
    /// The boss [default: the only one].
    #[arg(long, env = "WORLDBOSS_BOSS", value_name = "N", value_parser = boss_id)]
    boss: Option<BossId>,
    /// Close the books without waiting for journals that have not said all: what they still bring
    /// is late.
    #[arg(long, env = "WORLDBOSS_NOW", value_parser = FalseyValueParser::new())]
    now: bool,
}

/// The last line of JSON.
#[derive(Debug, Serialize)]
struct Settled {
    boss: BossId,
    generation: Gen,
    status: &'static str,
}

/// Takes the next term, and the steps of it.
pub(crate) async fn run(args: SettleArgs) -> anyhow::Result<ExitCode> {
    let authority = reach(&args.tool.authority)?;
    let boss = choose(&*authority, args.boss).await?;
    let truth = authority.truth(boss).await?;
    let (generation, is_alive) = (truth.generation, truth.status == Status::Alive);
    if !is_alive && truth.status != Status::Rewarded {
        let again = |error| anyhow!("{error:#}; settle again: it goes on where this one stopped");
        tokio::select! {
            settled = settle(&authority, boss, &truth, &args) => settled.map_err(again)?,
            asked = signals::asked() => return Ok(ExitCode::from(asked?.code())),
        }
    }
    print(&if args.tool.json {
        let status = if is_alive { Status::Alive } else { Status::Rewarded }.name();
        serde_json::to_string(&Settled { boss, generation, status })? + "\n"
    } else if is_alive {
        let (hp, hp_max) = (grouped(truth.hp()), grouped(truth.hp_max));
        format!(
            "generation {generation} of boss {boss} is alive, {hp} of {hp_max} HP: there is \
             nothing to settle\n"
        )
    } else {
        format!("generation {generation} of boss {boss} is settled\n")
    });
    Ok(ExitCode::SUCCESS)
}

/// A second for each look, until the generation is settled.
async fn settle(
    authority: &Arc<dyn Authority>,
    boss: BossId,
    truth: &Truth,
    args: &SettleArgs,
) -> anyhow::Result<()> {
    let mut executor = Executor::at_once(Arc::clone(authority), boss);
    let mut from = truth.version.next();
    loop {
        let progress = executor.second().await?;
        from = tell(authority, boss, from, args.tool.json).await?;
        if args.now && executor.reigns() && progress.truth.status == Status::Collecting {
            close(&**authority, boss, progress, args.tool.json).await?;
            // What follows from closed books need not wait for the next second.
            continue;
        }
        let now = &progress.truth;
        if now.generation > truth.generation || now.status == Status::Rewarded {
            return Ok(());
        }
        tokio::time::sleep(SECOND).await;
    }
}

/// Between two looks.
const SECOND: Duration = Duration::from_secs(1);

/// Closes the books as they are.
async fn close(
    authority: &dyn Authority,
    boss: BossId,
    progress: Progress,
    json: bool,
) -> anyhow::Result<()> {
    let Progress { term, open, truth, .. } = progress;
    for it in open.iter().filter(|_| !json) {
        print(&format!("{:>8}  journal {} is not waited for\n", truth.version, it.journal));
    }
    let (at, step) = (truth.stage(), SettleStep::Close);
    // Whatever came of it, the next look shows it.
    authority.settle(Settle { boss, term, at, step }).await?;
    Ok(())
}

/// Prints the steps from a version on, and gives back the version with which the next ones begin.
async fn tell(
    authority: &Arc<dyn Authority>,
    boss: BossId,
    mut from: Version,
    json: bool,
) -> anyhow::Result<Version> {
    let mut tail = Tail::new(Arc::clone(authority), boss, FeedStart::At(from), random_seed());
    loop {
        let events = tail.next().await?;
        let Some(last) = events.last() else { return Ok(from) };
        from = last.version.next();
        events.iter().for_each(note);
        let steps: Vec<_> = events.into_iter().filter(is_step).collect();
        print(&if json { json_lines(&steps)? } else { steps.iter().map(line).collect() });
    }
}

fn is_step(event: &FeedEvent) -> bool {
    match event.happened {
        Happened::Term { .. }
        | Happened::Collect { .. }
        | Happened::Wait { .. }
        | Happened::Close { .. }
        | Happened::Credit { .. }
        | Happened::Reward { .. }
        | Happened::Spawn { .. }
        | Happened::RolledBack { .. } => true,
        Happened::Join { .. }
        | Happened::Enter { .. }
        | Happened::Push { .. }
        | Happened::Late { .. }
        | Happened::Gone { .. } => false,
    }
}
