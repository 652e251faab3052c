//! The command line. Every flag is also an environment variable `WORLDBOSS_*`.

use crate::authority::{
    bosses::BossesArgs, recover::RecoverArgs, replay::ReplayArgs, settle::SettleArgs,
    spawn::SpawnArgs, status::StatusArgs, tail::TailArgs, verify::VerifyArgs,
};
use crate::loadgen::LoadgenArgs;
use clap::{Args, Parser, Subcommand};
use protocol::GroupName;
use std::net::SocketAddr;
use std::path::PathBuf;

/// One boss, one health bar, more players than one server can hold.
#[derive(Debug, Parser)]
#[command(version, about, after_help = "worldboss play starts everything on this machine.")]
pub(crate) struct Cli {
    /// What is logged to stderr: off, error, warn, info, debug, trace, or target=level pairs.
    #[arg(
        long,
        global = true,
        env = "WORLDBOSS_LOG",
        default_value = "info",
        hide_env_values = true
    )]
    pub(crate) log: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play: an authority, a shard, a page and a dozen bots, in this process.
    Play(PlayArgs),
    /// Run one shard.
    Shard(ShardArgs),
    /// Run an authority for many shards, look at one, and give it bosses.
    #[command(subcommand)]
    Authority(AuthorityCommand),
    /// Simulate thousands of players, and check the books afterwards.
    #[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
    Loadgen(Box<LoadgenArgs>),
}

#[derive(Debug, Args)]
pub(crate) struct PlayArgs {
    /// Where to listen [default: 127.0.0.1:7777, or the next free port].
    #[arg(long, env = "WORLDBOSS_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where the fight is kept [default: worldboss in the user's data directory].
    #[arg(long, env = "WORLDBOSS_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The boss [default: the one that comes along].
    #[arg(long, env = "WORLDBOSS_SCENARIO", value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// How many bots attack.
    #[arg(long, env = "WORLDBOSS_BOTS", default_value_t = 12)]
    pub(crate) bots: u32,
    /// No bots.
    #[arg(long, env = "WORLDBOSS_NO_BOTS")]
    pub(crate) no_bots: bool,
    /// A shared structure that pages of this server may read and change, beside the boss's war
    /// room. Can be given several times.
    #[arg(long, env = "WORLDBOSS_SHARE", value_name = "GROUP", value_delimiter = ',',
        value_parser = group)]
    pub(crate) share: Vec<GroupName>,
    /// Open the page in the browser.
    #[arg(long, env = "WORLDBOSS_OPEN")]
    pub(crate) open: bool,
}

fn group(name: &str) -> Result<GroupName, String> {
    let group = GroupName(name.to_owned());
    group.check().map_err(|why| why.to_string())?;
    Ok(group)
}

#[derive(Debug, Args)]
pub(crate) struct ShardArgs {
    /// The shard's label.
    #[arg(long, env = "WORLDBOSS_SHARD_ID", value_name = "N")]
    pub(crate) shard_id: u16,
    /// Where to listen.
    #[arg(long, env = "WORLDBOSS_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: SocketAddr,
    /// The owner of the truth: `embedded:DIR` runs it in this process, `redis://HOST:PORT` keeps it
    /// in Redis (also `rediss://`, `redis+unix://`, `redis-cluster://HOST:PORT,HOST:PORT`), and
    /// `ws://HOST:PORT` is a `worldboss authority serve` or another shard.
    #[arg(long, env = "WORLDBOSS_AUTHORITY", value_name = "embedded:DIR|redis://...|ws://...")]
    pub(crate) authority: String,
    /// Where the shard's journal is kept.
    #[arg(long, env = "WORLDBOSS_DATA", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Let everybody in who asks.
    #[arg(long, env = "WORLDBOSS_GUESTS", required = true)]
    pub(crate) guests: bool,
    /// The boss [default: the one that comes along].
    #[arg(long, env = "WORLDBOSS_SCENARIO", value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// A shared structure that pages of this server may read and change, beside the boss's war
    /// room. Can be given several times.
    #[arg(long, env = "WORLDBOSS_SHARE", value_name = "GROUP", value_delimiter = ',',
        value_parser = group)]
    pub(crate) share: Vec<GroupName>,
    /// Threads that own the players' sockets [default: one per core].
    #[arg(long, env = "WORLDBOSS_WORKERS", value_name = "N")]
    pub(crate) workers: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuthorityCommand {
    /// Serve an authority to shards in other processes. Who reaches the port may change the truth:
    /// listen on loopback, or in a network that you trust.
    Serve(ServeArgs),
    /// Load the Function library into a Redis, on every master of a cluster. Loading it again
    /// changes nothing, and libraries of other builds stay beside it.
    Load(LoadArgs),
    /// Show a boss, and the journals that have damaged it.
    Status(StatusArgs),
    /// Tell what happens: the event feed.
    Tail(TailArgs),
    /// List the bosses.
    Bosses(BossesArgs),
    /// Begin a boss, or set what its next generation is.
    Spawn(SpawnArgs),
    /// Add the books up a second time, from the log. Exits with 1 at the first entry that is wrong.
    Verify(VerifyArgs),
    /// Show a boss as it was at a version.
    Replay(ReplayArgs),
    /// Settle a fallen boss by hand: for an authority that nobody runs, or whose steps wait for
    /// journals that will not come back.
    Settle(SettleArgs),
    /// Hand in what a shard had accepted that will not come back.
    Recover(RecoverArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen.
    #[arg(long, env = "WORLDBOSS_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: SocketAddr,
    /// Where the truth is kept; `memory` forgets it when the process ends.
    #[arg(long, env = "WORLDBOSS_STORE", value_name = "embedded:DIR|redis://...|memory")]
    pub(crate) store: String,
    /// A boss that begins, or whose next generation will be so [default: the one that comes
    /// along, if it has none].
    #[arg(long, env = "WORLDBOSS_SCENARIO", value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// The Redis, as a user who may run FUNCTION LOAD.
    #[arg(long, env = "WORLDBOSS_AUTHORITY", value_name = "redis://...")]
    pub(crate) authority: String,
}
