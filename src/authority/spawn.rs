//! `worldboss authority spawn`: begins a boss, or says what its next generations are.

use super::tools::{ToolArgs, open};
use crate::print;
use crate::shard::scenario;
use clap::Args;
use protocol::{Scenario, Spawn, SpawnAnswer};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct SpawnArgs {
    /// The scenario, a TOML file, which names the boss by its id.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    tool: ToolArgs,
}

#[derive(Debug, Serialize)]
struct Spawned<'a> {
    boss: protocol::BossId,
    name: &'a str,
    /// Whether its first generation has begun. If not, the boss was there.
    begun: bool,
    /// The first generation that is as the file says.
    generation: protocol::Gen,
}

/// Spawns the boss of a file.
pub(crate) async fn run(args: SpawnArgs) -> anyhow::Result<ExitCode> {
    let Scenario { id: boss, spec } = scenario(Some(&args.file))?;
    let authority = open(&args.tool.authority)?;
    let name = spec.name.clone();
    let answer = authority.spawn(Spawn { boss, spec: Box::new(spec) }).await?;
    let now = answer.truth().generation;
    let (begun, generation) = match answer {
        SpawnAnswer::Begun(_) => (true, now),
        SpawnAnswer::Next(_) => (false, now.next()),
    };
    if args.tool.json {
        let spawned = Spawned { boss, name: &name, begun, generation };
        print(&(serde_json::to_string(&spawned)? + "\n"));
    } else if begun {
        print(&format!("boss {boss} has begun its generation {generation}: {name}\n"));
    } else {
        print(&format!(
            "boss {boss} fights on in generation {now}; from generation {generation} on it is as \
             {} says: {name}\n",
            args.file.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}
