//! Where the report of a load goes, and what its exit code says.

use crate::print;
use anyhow::Context;
use clap::Args;
use loadgen::machine::{Report, Threshold};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A threshold was missed or a figure became worse, and nothing else is wrong.
const EXIT_THRESHOLD: u8 = 99;
pub(super) const EXIT_INTERRUPTED: u8 = 130;

#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Write the report as JSON; `-` is stdout.
    #[arg(long, env = "WORLDBOSS_JSON", value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write what happened second by second as CSV; `-` is stdout.
    #[arg(long, env = "WORLDBOSS_CSV", value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the report as a page with plots.
    #[arg(long, env = "WORLDBOSS_HTML", value_name = "FILE")]
    html: Option<PathBuf>,
    /// Fail with exit code 99 unless it holds, such as 'ack_ms.p99<250'. Repeatable.
    #[arg(long, env = "WORLDBOSS_THRESHOLD", value_name = "METRIC<VALUE", value_delimiter = ',')]
    threshold: Vec<String>,
    /// Compare with an earlier report, the JSON of another run, and fail with exit code 99 if a
    /// figure became worse.
    #[arg(long, env = "WORLDBOSS_BASELINE", value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// By how much a figure may be worse than the baseline's.
    #[arg(long, env = "WORLDBOSS_FAIL_ON_REGRESSION", value_name = "PERCENT",
        value_parser = percent, default_value = "10%")]
    fail_on_regression: f64,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok();
    let number = number.filter(|it: &f64| (0.0..=1_000.0).contains(it));
    number.ok_or_else(|| format!("`{text}` is no percentage from 0% to 1000%, as in `10%`"))
}

/// Where a report is to go, and what it is to be held against.
#[derive(Debug)]
pub(crate) struct Wish {
    args: OutputArgs,
    thresholds: Vec<Threshold>,
    baseline: Option<Report>,
}

/// The same, with places that can be written to.
#[derive(Debug)]
pub(crate) struct Output(Wish);

impl Wish {
    /// Reads what there is to read.
    pub(crate) fn read(args: OutputArgs) -> anyhow::Result<Self> {
        let thresholds =
            args.threshold.iter().map(|text| Threshold::parse(text)).collect::<Result<_, _>>()?;
        let baseline = args.baseline.as_deref().map(read).transpose()?;
        let to_stdout = args.files().filter(|file| is_stdout(file)).count();
        anyhow::ensure!(
            to_stdout <= 1,
            "only one of --json, --csv and --html can be `-`, the standard output"
        );
        let files: Vec<_> = args.files().collect();
        let twice = files.iter().enumerate().find(|(idx, file)| files[..*idx].contains(file));
        if let Some((_, file)) = twice {
            anyhow::bail!("{} is named twice, and can hold one report alone", file.display());
        }
        Ok(Self { args, thresholds, baseline })
    }

    /// Tries whether all that is wished can be written, before a load has begun.
    pub(crate) fn open(self) -> anyhow::Result<Output> {
        for file in self.args.files().filter(|file| !is_stdout(file)) {
            let is_new = !file.exists();
            // What is there stays until there is something to replace it with.
            let opened = std::fs::File::options().create(true).append(true).open(file);
            opened.with_context(|| format!("can't write to {}", file.display()))?;
            if is_new {
                std::fs::remove_file(file).ok();
            }
        }
        Ok(Output(self))
    }
}

impl OutputArgs {
    fn files(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.json, &self.csv, &self.html].into_iter().flatten()
    }
}

impl Output {
    /// Judges the report, prints and writes it.
    pub(crate) fn finish(self, mut report: Report) -> anyhow::Result<ExitCode> {
        let Self(Wish { args, thresholds, baseline }) = self;
        report.judge(&thresholds);
        if let Some(baseline) = &baseline {
            report.judge_against(baseline, args.fail_on_regression);
        }
        let OutputArgs { json, csv, html, .. } = &args;
        // The summary first: a full disk must not take it away.
        if !args.files().any(|file| is_stdout(file)) {
            print(&report.summary());
        }
        let written = [
            write(json.as_deref(), || report.to_json() + "\n"),
            write(csv.as_deref(), || report.to_csv()),
            write(html.as_deref(), || report.to_html()),
        ];
        let code = judge(&report);
        written.into_iter().collect::<Result<(), _>>()?;
        Ok(code)
    }
}

/// What is wrong with the books outweighs everything else, an interruption included.
fn judge(report: &Report) -> ExitCode {
    let failures = report.verdict();
    let errors = failures.iter().chain(&report.invalid);
    errors.for_each(|error| tracing::error!(target: "worldboss", "{error}"));
    if !failures.is_empty() {
        ExitCode::FAILURE
    } else if report.info.interrupted {
        ExitCode::from(EXIT_INTERRUPTED)
    } else if !report.is_valid() {
        ExitCode::FAILURE
    } else if !report.thresholds_passed() || !report.baseline_held() {
        ExitCode::from(EXIT_THRESHOLD)
    } else {
        ExitCode::SUCCESS
    }
}

fn is_stdout(file: &Path) -> bool {
    file == Path::new("-")
}

fn write(file: Option<&Path>, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    match file {
        Some(file) if is_stdout(file) => print(&text()),
        Some(file) => std::fs::write(file, text())
            .with_context(|| format!("can't write the report to {}", file.display()))?,
        None => {}
    }
    Ok(())
}

/// The report in a file.
pub(super) fn read(file: &Path) -> anyhow::Result<Report> {
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("can't read the report {}", file.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is no report of `worldboss loadgen --json`", file.display()))
}
