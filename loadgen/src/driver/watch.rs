//! Looks at the run once a second: what the players did, what the servers say of themselves, and a
//! line for whoever waits.

use super::crowd::{Phase, Shared};
#[cfg(feature = "dashboard")]
use super::dashboard;
use super::target::Target;
use super::{LoadConfig, LoadError, View, http};
use crate::machine::{
    ErrorCount, Plan, Reading, Readings, Second, ServerCost, ServerSecond, grouped,
};
use futures::future::join_all;
use protocol::Micros;
use score::Clock;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

/// How long a page of metrics may take.
const PAGE_MAX: Duration = Duration::from_millis(500);

/// A page of metrics, for who names none.
pub(super) const PAGE: &str = "http://127.0.0.1:7777/metrics";

/// The watch over a run.
#[derive(Debug)]
pub(super) struct Watch {
    phase: watch::Sender<Phase>,
    task: JoinHandle<Vec<ServerCost>>,
    #[cfg(feature = "dashboard")]
    dashboard: Option<dashboard::Dashboard>,
}

impl Watch {
    /// Begins to watch.
    pub(super) async fn start(
        config: &LoadConfig,
        clock: Clock,
        recorder: Shared,
        plan: Arc<Plan>,
    ) -> Result<Self, LoadError> {
        let mut pages = Vec::new();
        for url in &config.scrape {
            let target = Target::page(url).await?;
            let read = http::page_of(&target, PAGE_MAX).await;
            let is_metrics = |page: String| match Reading::parse(Micros(0), &page) {
                Some(_) => Ok(()),
                None => Err("it says nothing of a process".to_owned()),
            };
            let refuse = |why| LoadError::Target { target: url.clone(), why, example: PAGE };
            read.and_then(is_metrics).map_err(refuse)?;
            pages.push((target, Readings::new(url.clone())));
        }
        let (phase, phases) = watch::channel(Phase::Ramp);
        #[cfg(feature = "dashboard")]
        let dashboard = (config.view == View::Dashboard)
            .then(|| dashboard::Dashboard::start(config, clock, recorder.clone(), phases.clone()))
            .flatten();
        #[cfg(feature = "dashboard")]
        let has_lines = config.view != View::Nobody && dashboard.is_none();
        #[cfg(not(feature = "dashboard"))]
        let has_lines = config.view != View::Nobody;
        let watcher = Watcher { clock, recorder, plan, phases, pages, has_lines };
        Ok(Self {
            phase,
            task: tokio::spawn(watcher.run()),
            #[cfg(feature = "dashboard")]
            dashboard,
        })
    }

    /// The run goes on to this phase.
    pub(super) fn turn(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Ends the watch; what the servers cost.
    pub(super) async fn stop(&mut self) -> Vec<ServerCost> {
        #[cfg(feature = "dashboard")]
        if let Some(dashboard) = self.dashboard.take() {
            dashboard.stop().await;
        }
        // The watcher ends with its sender.
        self.phase = watch::channel(Phase::Close).0;
        (&mut self.task).await.unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Watcher {
    clock: Clock,
    recorder: Shared,
    plan: Arc<Plan>,
    phases: watch::Receiver<Phase>,
    pages: Vec<(Target, Readings)>,
    has_lines: bool,
}

impl Watcher {
    async fn run(mut self) -> Vec<ServerCost> {
        let mut seconds = interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
        seconds.tick().await;
        let mut load = None;
        loop {
            let turned = tokio::select! {
                _ = seconds.tick() => None,
                changed = self.phases.changed() => match changed {
                    Ok(()) => Some(*self.phases.borrow_and_update()),
                    Err(_) => break,
                },
            };
            match turned {
                // Costs are those of the load alone, from its first moment to its last.
                Some(phase @ (Phase::Load { .. } | Phase::Drain)) => {
                    if let Phase::Load { start } = phase {
                        load = Some(start);
                    }
                    self.read().await;
                }
                Some(Phase::Ramp | Phase::Settle | Phase::Close) => {}
                None => self.second(load).await,
            }
        }
        self.roll(load);
        self.pages.iter().map(|(_, readings)| readings.cost()).collect()
    }

    async fn second(&mut self, load: Option<Micros>) {
        self.roll(load);
        let is_load = matches!(*self.phases.borrow(), Phase::Load { .. });
        // A slow page must not make the second longer.
        let servers =
            if is_load { self.read().await } else { self.pages.iter().map(|_| None).collect() };
        let mut recorder = self.recorder.lock();
        recorder.handle_servers(servers);
        let second = recorder.series().last().filter(|_| self.has_lines);
        let line = second.map(|second| line(second, &recorder.errors()));
        drop(recorder);
        // Nobody may be listening, and the run goes on all the same.
        line.into_iter().for_each(|line| drop(writeln!(std::io::stderr().lock(), "{line}")));
    }

    /// The second ends, or the part of one with which the run ends.
    fn roll(&self, load: Option<Micros>) {
        let now = self.clock.now();
        let players = self.plan.expected(load.map_or(Micros(0), |start| now.since(start)));
        let phase = self.phases.borrow().name();
        self.recorder.lock().handle_second(now.0 as f64 / 1e6, phase, players);
    }

    /// Reads all pages.
    async fn read(&mut self) -> Vec<Option<ServerSecond>> {
        let clock = self.clock;
        let reads = self.pages.iter().map(async |(target, _)| {
            let page = http::page_of(target, PAGE_MAX).await.ok()?;
            Reading::parse(clock.now(), &page)
        });
        let reads = join_all(reads).await;
        let pages = self.pages.iter_mut().zip(reads);
        pages.map(|((_, readings), reading)| readings.take(reading)).collect()
    }
}

/// A line for a second, with the error that there are most of.
fn line(second: &Second, errors: &[ErrorCount]) -> String {
    let Second { at_s, phase, players, live, hits_sent, hits_answered, frames, .. } = second;
    let (hits, answers, frames) = (grouped(*hits_sent), grouped(*hits_answered), grouped(*frames));
    let ack = &second.ack_ms;
    let ack = match ack.count {
        0 => String::new(),
        _ => format!(", ack p50 {:.0} p99 {:.0} ms", ack.p50, ack.p99),
    };
    let lag = &second.generator_lag_ms;
    let lag = match lag.count {
        0 => String::new(),
        _ => format!(", lag p99 {:.1} ms", lag.p99),
    };
    let boss = second.boss.map_or_else(String::new, |boss| {
        let hp = 100.0 * boss.hp as f64 / boss.hp_max.max(1) as f64;
        format!(", boss {} at {hp:.1} %", boss.generation)
    });
    let mut line = format!(
        "{at_s:>4.0} s {phase:<6} {live}/{players} players, {hits} hits/s, {answers} answers/s, \
         {frames} frames/s{ack}{lag}{boss}"
    );
    if second.reconnects > 0 {
        line += &format!(", {} reconnects", second.reconnects);
    }
    if second.connect_failures > 0 {
        let error = errors.first().map_or("", |line| line.error.as_str());
        line += &format!(", {} connect failures: {error}", second.connect_failures);
    }
    line
}
