//! The one binary: parses the command line, composes the crates, dispatches.

mod cli;
mod authority;
mod play;
mod shard;
mod serve;
mod loadgen;
mod sim;
mod chaos;
#[cfg(feature = "mutants")]
mod mutants;
mod signals;

use authority::{bosses, recover, replay, settle, spawn, status, tail, verify};
use clap::Parser;
use cli::{AuthorityCommand, Cli, Command};
use loadgen::LoadgenCommand;
use std::io::Write;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&cli.log).unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .compact()
        .init();
    #[cfg(feature = "mutants")]
    if let Err(unknown) = mutants::choose() {
        return fail(&unknown.into());
    }
    // Thousands of sockets; a system that allows fewer still works with fewer.
    drop(rlimit::increase_nofile_limit(u64::MAX));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let done = runtime.block_on(async {
        match cli.command {
            Command::Play(args) => play::run(args).await,
            Command::Shard(args) => shard::run(args).await,
            Command::Authority(command) => on_authority(command).await,
            Command::Loadgen(mut args) => match args.command.take() {
                Some(LoadgenCommand::Merge(args)) => loadgen::merge::run(args),
                Some(LoadgenCommand::Sim(args)) => Ok(sim::run(&args)),
                Some(LoadgenCommand::Chaos(args)) => chaos::run(args).await,
                None => loadgen::run(*args).await,
            },
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    done.unwrap_or_else(|error| fail(&error))
}

async fn on_authority(command: AuthorityCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuthorityCommand::Serve(args) => serve::run(args).await,
        AuthorityCommand::Load(args) => authority::load(&args).await,
        AuthorityCommand::Status(args) => status::run(args).await,
        AuthorityCommand::Tail(args) => tail::run(args).await,
        AuthorityCommand::Bosses(args) => bosses::run(args).await,
        AuthorityCommand::Spawn(args) => spawn::run(args).await,
        AuthorityCommand::Verify(args) => verify::run(args).await,
        AuthorityCommand::Replay(args) => replay::run(args).await,
        AuthorityCommand::Settle(args) => settle::run(args).await,
        AuthorityCommand::Recover(args) => recover::run(args).await,
    }
}

/// Writes a command's output. A reader that has gone away wants no more of it.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// One sentence on stderr, with its causes behind it.
#[expect(clippy::print_stderr, reason = "this is the program's own error report")]
fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}
