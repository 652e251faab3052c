//! `worldboss loadgen`: a load, its report, and what its exit code says.

pub(crate) mod merge;
mod output;

use crate::{chaos::ChaosArgs, fail, sim::SimArgs};
use anyhow::Context;
use clap::builder::FalseyValueParser;
use clap::{Args, Subcommand, ValueEnum};
use loadgen::driver::{LoadConfig, LoadError, View, random_seed, run as generate};
use loadgen::machine::{Arrivals, Frames, PlanConfig, Stages};
use merge::MergeArgs;
use output::{EXIT_INTERRUPTED, OutputArgs, Wish};
use protocol::Micros;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Debug, Args)]
pub(crate) struct LoadgenArgs {
    #[command(subcommand)]
    pub(crate) command: Option<LoadgenCommand>,
    /// A shard's WebSocket address. Repeat it to spread the players.
    #[arg(
        long,
        env = "WORLDBOSS_TARGET",
        value_name = "ws://HOST:PORT/ws",
        required = true,
        value_delimiter = ','
    )]
    target: Vec<String>,
    /// How many players.
    #[arg(long, env = "WORLDBOSS_PLAYERS", default_value_t = 100)]
    players: u32,
    /// Hits per player and second.
    #[arg(long, env = "WORLDBOSS_RATE", default_value_t = 2.0)]
    rate: f64,
    /// How long to hit, without ramp and drain.
    #[arg(long, env = "WORLDBOSS_DURATION", default_value = "30s")]
    #[arg(value_parser = humantime::parse_duration)]
    duration: Duration,
    /// How hits come: `poisson` plans them whether or not anybody answers, `closed` waits for each
    /// answer and hides so what players wait for, `every:5s` hits with everybody at once.
    #[arg(
        long,
        env = "WORLDBOSS_ARRIVALS",
        value_name = "poisson|closed|every:TIME",
        default_value = "poisson"
    )]
    arrivals: Arrivals,
    /// Which skills players use: the basic one, or those with a cooldown, too.
    #[arg(long, env = "WORLDBOSS_SKILLS", value_enum, default_value_t = SkillsArg::Basic)]
    skills: SkillsArg,
    /// Which state frames the players ask for. With `seen` a few ask for all of them, and the
    /// report says by how much the bars of the others were wrong: `bar_error_px`.
    #[arg(long, env = "WORLDBOSS_FRAMES", value_enum, default_value_t = FramesArg::Every)]
    frames: FramesArg,
    /// Players that come and go over time, and what they are like: see docs/loadgen.md. Stages have
    /// durations and players of their own.
    #[arg(long, env = "WORLDBOSS_STAGES", value_name = "FILE",
        conflicts_with_all = ["players", "duration"])]
    stages: Option<PathBuf>,
    /// What players' names begin with. Processes that play at once should have different ones.
    #[arg(long, env = "WORLDBOSS_NAMES", value_name = "NAME", default_value = "load")]
    names: String,
    /// Repeats a run's plan [default: drawn, and printed].
    #[arg(long, env = "WORLDBOSS_SEED")]
    seed: Option<u64>,
    /// A server's page of metrics, which is read once a second: the report says what a player costs
    /// it. Repeatable.
    #[arg(
        long,
        env = "WORLDBOSS_SCRAPE",
        value_name = "http://HOST:PORT/metrics",
        value_delimiter = ','
    )]
    scrape: Vec<String>,
    /// The run is invalid if one hit of a hundred leaves later than this after its plan.
    #[arg(long, env = "WORLDBOSS_LAG_MAX", value_name = "TIME", default_value = "100ms")]
    #[arg(value_parser = humantime::parse_duration)]
    lag_max: Duration,
    /// A line a second instead of the dashboard. So it is anyway where there is no terminal.
    #[arg(long, env = "WORLDBOSS_PLAIN", value_parser = FalseyValueParser::new())]
    plain: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FramesArg {
    /// One in every tick.
    Every,
    /// What can be seen, as the page.
    Seen,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SkillsArg {
    /// The first skill of the boss.
    Basic,
    /// Those with a cooldown now and then.
    Mix,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LoadgenCommand {
    /// Make one report of those of several processes.
    Merge(MergeArgs),
    /// Play whole worlds of machines on simulated time, links and disks, each from one seed, and
    /// check them at every step.
    Sim(SimArgs),
    /// Play with real processes among real faults, and check the books afterwards.
    Chaos(ChaosArgs),
}

/// Generates the load, prints the summary, and judges it.
pub(crate) async fn run(args: LoadgenArgs) -> anyhow::Result<ExitCode> {
    let wished = Wish::read(args.output.clone()).and_then(|wish| Ok((wish, args.config()?)));
    let (wish, config) = match wished {
        Ok(wished) => wished,
        Err(error) => return Ok(usage(&error)),
    };
    args.check_files(&config)?;
    let output = wish.open()?;
    match generate(config).await {
        Ok(report) => output.finish(report),
        Err(error @ LoadError::Interrupted) => {
            fail(&error.into());
            Ok(ExitCode::from(EXIT_INTERRUPTED))
        }
        Err(error @ (LoadError::Config(_) | LoadError::Target { .. })) => Ok(usage(&error.into())),
        Err(error) => Err(error.into()),
    }
}

/// What was asked for makes no sense, and nothing was done.
fn usage(error: &anyhow::Error) -> ExitCode {
    fail(error);
    ExitCode::from(EXIT_USAGE)
}

impl LoadgenArgs {
    fn config(&self) -> anyhow::Result<LoadConfig> {
        let stages = self.stages.as_deref().map(stages).transpose()?;
        anyhow::ensure!(
            self.duration >= DURATION_MIN,
            "the duration is {:?}, expected at least {DURATION_MIN:?}",
            self.duration
        );
        let plan = PlanConfig {
            targets: self.target.len(),
            players: self.players,
            rate: self.rate,
            duration: Micros::from(self.duration),
            arrivals: self.arrivals,
            mix: matches!(self.skills, SkillsArg::Mix),
            frames: match self.frames {
                FramesArg::Every => Frames::Every,
                FramesArg::Seen => Frames::Seen,
            },
            names: self.names.clone(),
            seed: self.seed.unwrap_or_else(random_seed),
            stages,
        };
        Ok(LoadConfig {
            targets: self.target.clone(),
            command: self.command_again(plan.seed),
            plan,
            scrape: self.scrape.clone(),
            lag_max: self.lag_max,
            view: self.view(),
        })
    }

    /// The command of this run, with its seed: the variables that it heeds, and its words.
    fn command_again(&self, seed: u64) -> String {
        let text = |it: OsString| it.to_string_lossy().into_owned();
        let set = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        let set = set.filter(|(name, _)| name.starts_with("WORLDBOSS_") && name != SEED_VARIABLE);
        let mut words: Vec<_> = set.map(|(name, value)| name + "=" + &quoted(&value)).collect();
        words.sort();
        words.push("worldboss".to_owned());
        let mut given = std::env::args_os().skip(1).map(text);
        while let Some(word) = given.next() {
            if word == "--seed" {
                given.next();
            } else if !word.starts_with("--seed=") {
                words.push(quoted(&word));
            }
        }
        words.push(format!("--seed {seed}"));
        words.join(" ")
    }

    fn view(&self) -> View {
        #[cfg(feature = "dashboard")]
        if !self.plain && std::io::IsTerminal::is_terminal(&std::io::stderr()) {
            return View::Dashboard;
        }
        View::Lines
    }

    /// Refuses what this process has too few files for. The run of who gets in would say nothing of
    /// the run that was asked for.
    fn check_files(&self, config: &LoadConfig) -> anyhow::Result<()> {
        let players = config.plan.most_players();
        let wanted = players + OTHER_FILES;
        let (allowed, _) = rlimit::getrlimit(rlimit::Resource::NOFILE)?;
        anyhow::ensure!(
            wanted <= allowed,
            "{players} players need {wanted} open files, and this process may have {allowed}: \
             raise the limit (`ulimit -Hn {wanted}` as root), or let several processes play \
             fewer players each, and merge their reports"
        );
        Ok(())
    }
}

const EXIT_USAGE: u8 = 2;
const SEED_VARIABLE: &str = "WORLDBOSS_SEED";

/// A shorter load says nothing.
const DURATION_MIN: Duration = Duration::from_secs(1);

/// Files that are no player's socket: the runtime's, the reports', the pages that are read.
const OTHER_FILES: u64 = 64;

fn stages(file: &Path) -> anyhow::Result<Stages> {
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("can't read the stages in {}", file.display()))?;
    Stages::parse(&text).with_context(|| format!("the stages in {} are wrong", file.display()))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
