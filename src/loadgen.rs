//! `worldboss loadgen`: a load, its report, and what its exit code says.

use crate::cli::{FramesArg, LoadgenArgs};
use crate::print;
use anyhow::Context;
use loadgen::driver::{Frames, LoadConfig, random_seed, run as generate};
use loadgen::machine::{Report, Threshold};
use std::path::Path;
use std::process::ExitCode;

/// A threshold was missed, and nothing worse.
const EXIT_THRESHOLD: u8 = 99;
const EXIT_INTERRUPTED: u8 = 130;

impl From<FramesArg> for Frames {
    fn from(arg: FramesArg) -> Self {
        match arg {
            FramesArg::Every => Self::Every,
            FramesArg::Seen => Self::Seen,
        }
    }
}

/// Generates the load, prints the summary, and judges it.
pub(crate) async fn run(args: LoadgenArgs) -> anyhow::Result<ExitCode> {
    let thresholds: Vec<_> =
        args.threshold.iter().map(|text| Threshold::parse(text)).collect::<Result<_, _>>()?;
    let config = LoadConfig {
        targets: args.target,
        players: args.players,
        rate: args.rate,
        duration: args.duration,
        seed: args.seed.unwrap_or_else(random_seed),
        mix: false,
        frames: args.frames.into(),
        names: "load".to_owned(),
        progress: true,
    };
    let mut report = generate(config).await?;
    report.judge(&thresholds);
    write(&report, args.json.as_deref())?;
    Ok(judge(&report))
}

fn write(report: &Report, json: Option<&Path>) -> anyhow::Result<()> {
    match json {
        Some(file) if file == Path::new("-") => print(&(report.to_json() + "\n")),
        Some(file) => {
            std::fs::write(file, report.to_json() + "\n")
                .with_context(|| format!("can't write the report to {}", file.display()))?;
            print(&report.summary());
        }
        None => print(&report.summary()),
    }
    Ok(())
}

fn judge(report: &Report) -> ExitCode {
    let failures = report.verdict();
    failures.iter().for_each(|failure| tracing::error!(target: "worldboss", "{failure}"));
    if !failures.is_empty() {
        ExitCode::FAILURE
    } else if report.info.interrupted {
        ExitCode::from(EXIT_INTERRUPTED)
    } else if !report.thresholds_passed() {
        ExitCode::from(EXIT_THRESHOLD)
    } else {
        ExitCode::SUCCESS
    }
}
