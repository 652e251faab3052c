//! Runs all servers in turn, and tells what they have spent.

mod contender;
mod cores;
mod process;
mod swarm;
mod usage;
mod measure;
mod soak;
mod figures;
mod tables;
mod clients;

use contender::Contender;
use cores::Cores;
use figures::{Figures, Run};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use soak::Soak;
use std::path::{Path, PathBuf};

/// What to compare, and how long.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many players, one after the other; 1000,5000 if not said, in a soak 1000
    #[arg(long, value_delimiter = ',')]
    players: Vec<usize>,
    /// How long each run is counted
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How often all servers take turns
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// These servers alone
    #[arg(long, value_delimiter = ',')]
    only: Vec<Contender>,
    /// What clients spend: loadgen beside the one of all servers, on worldboss; with --only beside
    /// these servers, without it nothing else
    #[arg(long)]
    clients: bool,
    /// 50 players, two seconds, one round: does everything still work?
    #[arg(long, conflicts_with_all = ["players", "seconds", "rounds"])]
    quick: bool,
    /// Plays this long without a pause, in seconds, to see whether memory grows; worldboss if not
    /// said
    #[arg(long, conflicts_with_all = ["quick", "rounds", "seconds", "clients"],
          value_parser = clap::value_parser!(u64).range(10..))]
    soak: Option<u64>,
    /// A release build of worldboss
    #[arg(long, default_value_os_t = target("release/worldboss"))]
    worldboss: PathBuf,
    /// The Node of three servers
    #[arg(long, default_value = "node")]
    node: PathBuf,
    /// The Redis of one server
    #[arg(long, default_value = "redis-server")]
    redis_server: PathBuf,
    /// Where the raw figures go
    #[arg(long, default_value_os_t = target("bench/peers.json"))]
    json: PathBuf,
}

/// Compares. The error says which runs did not work; limits that are missed are no error, because
/// machines are noisy.
pub(crate) fn run(mut options: Options) -> Result<(), String> {
    if options.quick {
        (options.players, options.seconds, options.rounds) = (vec![50], 2, 1);
    }
    raise_files()?;
    let cores = Cores::choose()?;
    let figures = match options.soak {
        Some(seconds) => soak(&options, &cores, seconds)?,
        None => compare(&mut options, &cores),
    };
    write_json(&options.json, &figures)?;
    match figures.failures() {
        0 => Ok(()),
        failures => Err(format!("{failures} runs did not work; their sentences are above")),
    }
}

fn soak(options: &Options, cores: &Cores, seconds: u64) -> Result<Figures, String> {
    let players = match options.players[..] {
        [] => 1_000,
        [players] => players,
        [..] => return Err("a soak has one number of players; name one".to_owned()),
    };
    let only = if options.only.is_empty() { &[Contender::Worldboss][..] } else { &options.only };
    let soaks =
        only.iter().map(|contender| Soak::run(options, cores, *contender, players, seconds));
    let figures = Figures { soaks: soaks.collect(), ..Figures::default() };
    print!("{}", soak::table(&figures.soaks));
    Ok(figures)
}

fn compare(options: &mut Options, cores: &Cores) -> Figures {
    if options.players.is_empty() {
        options.players = vec![1_000, 5_000];
    }
    let is_all = options.only.is_empty() && !options.clients;
    let contenders = if is_all { Contender::all() } else { options.only.clone() };
    let mut figures = Figures::default();
    for &players in &options.players {
        if is_all || options.clients {
            figures.clients.extend(clients::compare(options, cores, players));
        }
        for round in 0..options.rounds {
            for turn in 0..contenders.len() {
                let contender = contenders[(turn + round) % contenders.len()];
                let measured = measure::measure(options, cores, contender, players);
                let run = Run { contender, players, round: round + 1, measured };
                eprintln!("{}", run.line());
                figures.runs.push(run);
            }
        }
    }
    if !contenders.is_empty() {
        print!("{}", tables::all(&figures, options));
    }
    if !figures.clients.is_empty() {
        print!("{}", clients::table(&figures.clients, !options.quick));
    }
    figures
}

/// A file in the project's target directory.
fn target(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target").join(file)
}

/// Lets this process and its children open as many files as they may.
fn raise_files() -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .map_err(|error| format!("can't raise the limit of open files: {error}"))
}

fn write_json(path: &Path, figures: &Figures) -> Result<(), String> {
    let text = serde_json::to_string_pretty(figures).map_err(|error| error.to_string())?;
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|error| format!("can't write {}: {error}", path.display()))
}
