//! `worldboss authority bosses`: one line for each boss.

use super::status::{Status, percent};
use super::tools::{ToolArgs, reach};
use crate::print;
use clap::Args;
use loadgen::machine::grouped;
use protocol::{BossId, Gen};
use serde::Serialize;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct BossesArgs {
    #[command(flatten)]
    tool: ToolArgs,
}

/// One line of JSON.
#[derive(Debug, Serialize)]
struct Line<'a> {
    boss: BossId,
    name: &'a str,
    generation: Gen,
    status: &'a str,
    hp: u64,
    hp_max: u64,
}

/// Prints the bosses, ascending.
pub(crate) async fn run(args: BossesArgs) -> anyhow::Result<ExitCode> {
    let authority = reach(&args.tool.authority)?;
    for boss in authority.bosses().await? {
        let it = Status::of(&authority, boss).await?;
        print(&if args.tool.json { json(&it)? } else { line(&it) });
    }
    Ok(ExitCode::SUCCESS)
}

fn json(it: &Status) -> serde_json::Result<String> {
    let Status { boss, ref name, generation, status, hp, hp_max, .. } = *it;
    let line = Line { boss, name, generation, status, hp, hp_max };
    Ok(serde_json::to_string(&line)? + "\n")
}

fn line(it: &Status) -> String {
    let (hp, hp_max, percent) = (grouped(it.hp), grouped(it.hp_max), percent(it.hp, it.hp_max));
    format!(
        "{:>5}  {}, generation {}, {}, {hp} of {hp_max} HP, {percent}\n",
        it.boss, it.name, it.generation, it.status
    )
}
