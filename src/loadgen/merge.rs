//! `worldboss loadgen merge`: one report of those of several processes.

use super::output::{OutputArgs, Wish, read};
use clap::Args;
use loadgen::machine::Report;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Reports of `worldboss loadgen --json`, of processes that played at once.
    #[arg(required = true, value_name = "FILE")]
    reports: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Merges, prints the summary, and judges it.
pub(crate) fn run(args: MergeArgs) -> anyhow::Result<ExitCode> {
    let wish = Wish::read(args.output)?;
    let reports: Vec<_> = args.reports.iter().map(|it| read(it)).collect::<Result<_, _>>()?;
    let merged = Report::merge(reports)?;
    wish.open()?.finish(merged)
}
