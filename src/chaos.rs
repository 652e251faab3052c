//! `worldboss loadgen chaos`: real processes among real faults.

use crate::{print, signals};
use anyhow::Context;
use clap::{Args, ValueEnum};
use lab::chaos::{self, ChaosReport, Plan, Setup, Truth};
use loadgen::driver::random_seed;
use protocol::mutants::Mutant;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// The file of faults is wrong, or the game can't be as it was asked for.
const EXIT_USAGE: u8 = 2;

#[derive(Debug, Args)]
pub(crate) struct ChaosArgs {
    /// What goes wrong, and when: see `lab/faults/`.
    #[arg(long, env = "WORLDBOSS_FAULTS", value_name = "FILE")]
    faults: PathBuf,
    /// Where the truth is.
    #[arg(long, env = "WORLDBOSS_TRUTH", value_enum, default_value_t = TruthArg::Embedded)]
    truth: TruthArg,
    /// How many shards, 1 to 16.
    #[arg(long, env = "WORLDBOSS_SHARDS", default_value_t = 3)]
    shards: usize,
    /// How many players, 1 to 20,000.
    #[arg(long, env = "WORLDBOSS_PLAYERS", default_value_t = 2_000)]
    players: u32,
    /// Hits per player and second, at most 8.
    #[arg(long, env = "WORLDBOSS_RATE", default_value_t = 2.0)]
    rate: f64,
    /// How long to hit, without ramp and drain: at most 24h. All planned faults are over by then.
    #[arg(long, env = "WORLDBOSS_DURATION", default_value = "5m")]
    #[arg(value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Repeats the faults that are drawn, and the players' arrivals [default: drawn, and printed].
    #[arg(long, env = "WORLDBOSS_SEED")]
    seed: Option<u64>,
    /// Write `report.json` and `report.html` into it, and the logs of the processes if something is
    /// wrong.
    #[arg(long, env = "WORLDBOSS_REPORT", value_name = "DIR")]
    report: Option<PathBuf>,
    /// Plant a fault in every process, in a build that has them. It has no variable: that would
    /// plant it in the lab, too.
    #[arg(long, value_name = "NAME", hide = true)]
    mutant: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TruthArg {
    /// In an authority with a disk of its own.
    Embedded,
    /// In a Redis with a replica, which can take over.
    Redis,
}

/// Plays, prints what was met, and judges it.
pub(crate) async fn run(args: ChaosArgs) -> anyhow::Result<ExitCode> {
    let setup = Setup {
        program: std::env::current_exe().context("this program can't find itself")?,
        truth: match args.truth {
            TruthArg::Embedded => Truth::Embedded,
            TruthArg::Redis => Truth::Redis,
        },
        shards: args.shards,
        players: args.players,
        rate: args.rate,
        duration: args.duration,
        seed: args.seed.unwrap_or_else(random_seed),
        mutant: args.mutant,
    };
    let plan = match plan(&args.faults, &setup) {
        Ok(plan) => plan,
        Err(error) => {
            tracing::error!(target: "worldboss", "{error:#}");
            return Ok(ExitCode::from(EXIT_USAGE));
        }
    };
    tracing::info!(
        target: "worldboss", "seed {}: {} faults are planned", setup.seed, plan.faults.len(),
    );
    let logs = args.report.as_ref().map(|dir| dir.join("logs"));
    let (asked, mut code) = (signals::asked(), 0);
    let stop = async { code = asked.await.map_or(1, signals::Asked::code) };
    let played = chaos::run(setup, plan, logs.as_deref(), stop).await;
    match played.map_err(anyhow::Error::msg)? {
        Some(report) => judge(&report, args.report.as_deref()),
        None => Ok(ExitCode::from(code)),
    }
}

fn plan(file: &Path, setup: &Setup) -> anyhow::Result<Plan> {
    setup.check().map_err(anyhow::Error::msg)?;
    check_mutant(setup.mutant.as_deref())?;
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("can't read the faults {}", file.display()))?;
    Plan::parse(&text, setup).with_context(|| format!("the faults {}", file.display()))
}

/// Whether every process will be what `--mutant` says.
fn check_mutant(name: Option<&str>) -> anyhow::Result<()> {
    let Some(name) = name else { return Ok(()) };
    anyhow::ensure!(
        cfg!(feature = "mutants"),
        "this build has no planted faults, so `--mutant {name}` would plant none: build with \
         `--features mutants`"
    );
    Mutant::parse(name)?;
    Ok(())
}

fn judge(report: &ChaosReport, dir: Option<&Path>) -> anyhow::Result<ExitCode> {
    if let Some(dir) = dir {
        let written = report.write(dir);
        written.with_context(|| format!("can't write the report to {}", dir.display()))?;
    }
    print(&report.summary());
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_no_process_would_have_is_refused() {
        let refused = |name| check_mutant(Some(name)).map_err(|error| error.to_string());
        assert!(check_mutant(None).is_ok());
        if cfg!(feature = "mutants") {
            assert_eq!(refused("no-dedupe"), Ok(()));
            assert!(refused("no-such-fault").expect_err("unknown").contains("no-dedupe"));
        } else {
            let cure = refused("no-dedupe").expect_err("it is not there");
            assert!(cure.contains("--features mutants"), "{cure}");
        }
    }
}
