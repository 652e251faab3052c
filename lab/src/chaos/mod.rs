//! The fault lab: real processes, a real network, and faults by a plan.
//!
//! [`Plan`] says what goes wrong and when. [`run`] starts the game, lets thousands of bots play,
//! carries the plan out, lets everything heal, and adds the books up. [`ChaosReport`] says what
//! was met and what is wrong.

mod setup;
mod fault;
mod plan;
mod agenda;
mod timeline;
mod judge;
mod report;
mod page;
mod process;
mod place;
mod victim;
mod link;
mod cluster;
mod nemesis;
mod sample;

pub use fault::{Deed, Fault, Kind, OnLink, OnProcess, Part, Who};
pub use plan::{Plan, PlanError};
pub use report::{ChaosReport, SCHEMA};
pub use setup::{Setup, Truth};
pub use timeline::{KindCount, Passed, Sample, ShardSample, Timeline};

use cluster::Cluster;
use judge::Evidence;
use loadgen::driver::{LoadConfig, run_beside};
use loadgen::machine::PlanConfig;
use nemesis::Nemesis;
use protocol::Micros;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use timeline::SharedTimeline;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How much longer than planned the load may last, until all faults have met something and
/// everything has healed.
const HEAL_MAX: Duration = Duration::from_secs(180);

/// Plays a game among faults; nothing if it was stopped. Whatever runs has ended afterwards.
/// What the processes have said is kept under `logs` if something is wrong.
///
/// # Errors
/// If the game did not begin, as a sentence.
pub async fn run(
    setup: Setup,
    plan: Plan,
    logs: Option<&Path>,
    stop: impl Future<Output = ()>,
) -> Result<Option<ChaosReport>, String> {
    let dir = TempDir::with_prefix("worldboss-chaos-")
        .map_err(|error| format!("no temporary directory can be made: {error}"))?;
    let mut stop = std::pin::pin!(stop);
    let started = tokio::select! {
        started = Cluster::start(&setup, dir.path()) => started,
        () = &mut stop => return Ok(None),
    };
    let mut cluster = started.map_err(|error| keep_from(dir.path(), logs, error))?;
    let played = tokio::select! {
        evidence = play(&setup, &plan, &mut cluster) => Some(evidence),
        () = &mut stop => None,
    };
    cluster.kill().await;
    let Some((evidence, timeline)) = played else { return Ok(None) };
    let mut report = ChaosReport::new(&setup, evidence, timeline);
    if !report.findings.is_empty() {
        let kept = keep(logs, |to| cluster.keep_logs(to));
        report.logs = kept.ok().map(|path| path.display().to_string());
    }
    Ok(Some(report))
}

/// The load with its faults, and what came of both.
async fn play(setup: &Setup, plan: &Plan, cluster: &mut Cluster) -> (Evidence, Timeline) {
    let config = LoadConfig {
        targets: cluster.targets(),
        plan: PlanConfig {
            players: setup.players,
            rate: setup.rate,
            duration: Micros::from(setup.duration + HEAL_MAX),
            seed: setup.seed,
            names: "chaos".to_owned(),
            ..PlanConfig::default()
        },
        ..LoadConfig::default()
    };
    let (timeline, addrs) = (SharedTimeline::default(), cluster.addrs());
    let (mut unready, mut samples) = (Vec::new(), JoinSet::new());
    let load = run_beside(config, async |gauge| {
        let start = Instant::now();
        samples.spawn(sample::watch(setup.clone(), addrs, timeline.clone(), gauge, start));
        Nemesis::new(cluster, plan, timeline.clone(), start).run(setup.lasts()).await;
        unready = cluster.unready().await;
    });
    let load = load.await.map_err(|error| error.to_string());
    drop(samples);
    cluster.replace_ended().await;
    let (ends, audit) = cluster.end().await;
    let timeline = timeline.lock().clone();
    let evidence = Evidence {
        load,
        planned: plan.faults.len(),
        faults: timeline.faults.clone(),
        incidents: std::mem::take(&mut cluster.incidents),
        unready,
        ends,
        audit,
    };
    (evidence, timeline)
}

/// Where logs are kept that were copied there.
fn keep(
    logs: Option<&Path>,
    copy: impl Fn(&Path) -> std::io::Result<()>,
) -> std::io::Result<PathBuf> {
    let to = match logs {
        Some(logs) => logs.to_owned(),
        None => TempDir::with_prefix("worldboss-chaos-logs-")?.keep(),
    };
    copy(&to)?;
    Ok(to)
}

/// An error of the start, with where the logs are.
fn keep_from(dir: &Path, logs: Option<&Path>, error: String) -> String {
    match keep(logs, |to| cluster::keep_logs(dir, to)) {
        Ok(kept) => format!("{error}; logs are in {}", kept.display()),
        Err(_) => error,
    }
}
