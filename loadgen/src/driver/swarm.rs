//! A whole run: ramp, load, drain, the ledger, and the report.

use super::crowd::{Crowd, Phase, Shared};
use super::target::Target;
use super::watch::Watch;
use super::{LoadConfig, LoadError, http};
use crate::machine::{CONNECT_GAP, Plan, PlanConfig, Pulse, Recorder, Report, RunInfo};
use protocol::{Gen, Micros};
use rustix::time::{ClockId, clock_gettime};
use score::Clock;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::{sleep, timeout};
use ucore::Version;

/// How long the ramp waits for the last players after it started them.
const RAMP_MAX: Duration = Duration::from_secs(30);
/// How long the ramp waits for the very first player.
const UNREACHABLE_MAX: Duration = Duration::from_secs(10);
/// A player who is not in after this is missing.
const MISSING_AFTER: Duration = Duration::from_secs(2);
/// How long hits may stay unanswered or uncounted after the load.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// How long the ledger may lack what players were told.
const LEDGER_MAX: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
/// How long players have to close their books, and their connections.
const CLOSE_MAX: Duration = Duration::from_secs(5);
/// How often the run looks whether all players are where they should be.
const LOOK: Duration = Duration::from_millis(50);

/// Generates a load and compares what the players were told with the ledger. Ctrl-C ends the load
/// early; a second one ends the drain.
///
/// # Errors
/// [`LoadError`] when the load makes no sense or nobody could connect. What goes wrong later is in
/// the report.
pub async fn run(config: LoadConfig) -> Result<Report, LoadError> {
    run_beside(config, |_| std::future::pending()).await
}

/// As [`run`], with something beside the load that begins with it. The load ends when that does, at
/// the latest after its duration.
///
/// # Errors
/// As [`run`].
pub async fn run_beside<F: Future<Output = ()>>(
    config: LoadConfig,
    beside: impl FnOnce(Gauge) -> F,
) -> Result<Report, LoadError> {
    let plan = PlanConfig { targets: config.targets.len(), ..config.plan.clone() };
    let plan = Plan::new(&plan).map_err(|error| LoadError::Config(error.to_string()))?;
    let mut targets = Vec::new();
    for target in &config.targets {
        targets.push(Target::look_up(target).await?);
    }
    let targets: Arc<[_]> = targets.into();
    let mut swarm = Swarm::start(config, plan, Arc::clone(&targets)).await?;
    let follow = tokio::spawn(follow(targets, swarm.recorder.clone()));
    let report = swarm.play(beside).await;
    follow.abort();
    report
}

/// Shows how a run does, while it lasts.
#[derive(Debug, Clone)]
pub struct Gauge(Shared);

impl Gauge {
    /// How it does at the moment.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.0.lock().pulse()
    }
}

struct Swarm {
    config: LoadConfig,
    plan: Arc<Plan>,
    targets: Arc<[Target]>,
    clock: Clock,
    began_unix_ms: u64,
    watch: Watch,
    recorder: Shared,
    crowd: Crowd,
    interrupted: bool,
}

/// What the load itself was, without ramp and drain.
#[derive(Debug, Clone, Copy)]
struct Loaded {
    lasted: Micros,
    /// Processor time of this process, in seconds, and the frames that came in it.
    cpu_s: f64,
    frames: u64,
}

impl Swarm {
    /// Seats all players; each connects when its turn comes.
    async fn start(
        config: LoadConfig,
        plan: Plan,
        targets: Arc<[Target]>,
    ) -> Result<Self, LoadError> {
        let recorder = Shared::new(Recorder::new(targets.len()));
        let (clock, began_unix_ms, plan) = (Clock::start(), unix_ms(), Arc::new(plan));
        let watch = Watch::start(&config, clock, recorder.clone(), Arc::clone(&plan)).await?;
        let seats = plan.seats().to_vec();
        let crowd = Crowd::start(seats, Arc::clone(&targets), clock, Some(recorder.clone()));
        let crowd = crowd.map_err(|error| LoadError::System(error.to_string()))?;
        let interrupted = false;
        Ok(Self {
            config,
            plan,
            targets,
            clock,
            began_unix_ms,
            watch,
            recorder,
            crowd,
            interrupted,
        })
    }

    fn turn(&self, phase: Phase) {
        self.watch.turn(phase);
        self.crowd.turn(phase);
    }

    fn players(&self) -> u32 {
        u32::try_from(self.plan.seats().len()).unwrap_or(u32::MAX)
    }

    async fn play<F: Future<Output = ()>>(
        &mut self,
        beside: impl FnOnce(Gauge) -> F,
    ) -> Result<Report, LoadError> {
        if !self.plan.begins_at_once() {
            self.ramp().await?;
        }
        let loaded = self.load(beside).await;
        let joins = self.recorder.lock().pulse().joins;
        if joins == 0 {
            return Err(if self.interrupted { LoadError::Interrupted } else { self.unreachable() });
        }
        self.drain().await;
        self.settle().await;
        let ledger = tokio::select! {
            ledger = self.ledger() => ledger,
            _ = tokio::signal::ctrl_c() => None,
        };
        self.close().await;
        let servers = self.watch.stop().await;
        let mut report = Report::new(self.info(loaded.lasted), &self.recorder.lock(), ledger);
        report.servers = servers;
        report.cpu_s = cpu_s();
        report.cpu_us_per_frame = loaded.cpu_s * 1e6 / loaded.frames.max(1) as f64;
        for (shard, target) in report.shards.iter_mut().zip(&self.config.targets) {
            shard.target.clone_from(target);
        }
        report.check(Micros::from(self.config.lag_max));
        Ok(report)
    }

    fn info(&self, lasted: Micros) -> RunInfo {
        let plan = &self.config.plan;
        RunInfo {
            seed: plan.seed,
            targets: self.config.targets.clone(),
            players: self.players(),
            rate_per_s: plan.mean_rate(),
            duration_s: lasted.0 as f64 / 1_000_000.0,
            interrupted: self.interrupted,
            began_unix_ms: self.began_unix_ms,
            arrivals: plan.arrivals().to_string(),
            plan: self.plan.fingerprint(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: self.config.command.clone(),
        }
    }

    fn unreachable(&self) -> LoadError {
        let errors = self.recorder.lock().errors();
        let error = errors.first().map_or("it took too long", |line| line.error.as_str());
        LoadError::Unreachable(error.to_owned())
    }

    async fn ramp(&mut self) -> Result<(), LoadError> {
        let players = self.players();
        let turns = u64::from(players) / self.targets.len() as u64;
        let max = Duration::from_micros(CONNECT_GAP.0 * turns) + RAMP_MAX;
        if self.wait(UNREACHABLE_MAX, |pulse| pulse.live > 0).await {
            self.wait(max, |pulse| pulse.live == players).await;
        }
        let live = self.recorder.lock().pulse().live;
        match live {
            0 if !self.interrupted => return Err(self.unreachable()),
            live if live < players => {
                let missing = players - live;
                let text = format!("{missing} of {players} players missed the start of the load");
                self.recorder.lock().note_trouble(text);
            }
            _ => {}
        }
        Ok(())
    }

    /// Lets the players hit.
    async fn load<F: Future<Output = ()>>(&mut self, beside: impl FnOnce(Gauge) -> F) -> Loaded {
        let cpu = cpu_s();
        // Stages count from where connections do.
        let start = if self.plan.begins_at_once() { Micros(0) } else { self.clock.now() };
        let frames = self.recorder.lock().pulse().frames;
        if !self.interrupted {
            self.turn(Phase::Load { start });
            let gauge = Gauge(self.recorder.clone());
            let duration = Duration::from_micros(self.plan.duration().0);
            tokio::select! {
                _ = self.wait_for_load(duration) => {}
                () = beside(gauge) => {}
            }
        }
        let lasted = self.clock.now().since(start);
        let mut recorder = self.recorder.lock();
        let pulse = recorder.pulse();
        // Who was meant to come a moment ago is on the way.
        let meant = self.plan.begun(lasted.since(Micros::from(MISSING_AFTER)));
        recorder.note_missing(meant.saturating_sub(u32::try_from(pulse.joins).unwrap_or(0)), meant);
        Loaded { lasted, cpu_s: cpu_s() - cpu, frames: pulse.frames - frames }
    }

    /// Waits until the load is over, or until it is plain that nobody gets in.
    async fn wait_for_load(&mut self, duration: Duration) {
        let first = self.plan.seats().first().map_or(Micros(0), |seat| seat.config.connects);
        let late = first + Micros::from(UNREACHABLE_MAX);
        let clock = self.clock;
        self.wait(duration, |pulse| pulse.joins == 0 && clock.now() > late).await;
    }

    async fn drain(&mut self) {
        self.turn(Phase::Drain);
        let players = self.players();
        if !self.wait(DRAIN_MAX, |pulse| pulse.drained == players).await {
            let late = players.saturating_sub(self.recorder.lock().pulse().drained);
            self.recorder.lock().note_undrained(late, players);
        }
    }

    async fn settle(&mut self) {
        self.turn(Phase::Settle);
        let players = self.players();
        if !self.look(CLOSE_MAX, |pulse| pulse.over == players).await {
            let open = players.saturating_sub(self.recorder.lock().pulse().over);
            let text = format!("{open} of {players} players did not close their books");
            self.recorder.lock().note_fault(text);
        }
    }

    /// Waits until all players are where they should be; false after `max`.
    async fn look(&self, max: Duration, is_done: impl Fn(Pulse) -> bool) -> bool {
        let looking = async {
            while !is_done(self.recorder.lock().pulse()) {
                sleep(LOOK).await;
            }
        };
        timeout(max, looking).await.is_ok()
    }

    /// The same, and false at Ctrl-C, too.
    async fn wait(&mut self, max: Duration, is_done: impl Fn(Pulse) -> bool) -> bool {
        let interrupt = tokio::signal::ctrl_c();
        tokio::select! {
            done = self.look(max, is_done) => return done,
            _ = interrupt => {}
        }
        self.interrupted = true;
        false
    }

    /// Reads the ledger until it has everything that the players were told, or there is no more
    /// time; answers which version was read last.
    async fn ledger(&self) -> Option<Version> {
        let end = self.clock.now() + Micros::from(LEDGER_MAX);
        let (mut newest, targets) = (None, Arc::clone(&self.targets));
        // The books are the same everywhere, and any target may be gone.
        for target in targets.iter().cycle() {
            match http::ledger(target).await {
                Ok(ledger) => {
                    newest = Some(ledger.version);
                    let mut recorder = self.recorder.lock();
                    recorder.handle_ledger(ledger);
                    let balance = recorder.oracle().balance();
                    if balance.lost == 0 && balance.late_untold == 0 {
                        return newest;
                    }
                }
                Err(error) => self.recorder.lock().note_trouble(error),
            }
            if self.clock.now() >= end {
                break;
            }
            sleep(Duration::from_millis(200)).await;
        }
        newest
    }

    async fn close(&mut self) {
        self.turn(Phase::Close);
        // Who has not closed by then is cut when the crowd drops.
        drop(timeout(CLOSE_MAX, self.crowd.over()).await);
    }
}

/// Reads the ledger whenever a generation begins: it shows the newest ones alone, and the run may
/// see many. What can't be read now is read a little later, from any target.
async fn follow(targets: Arc<[Target]>, recorder: Shared) {
    let mut read = Gen(0);
    for target in targets.iter().cycle() {
        loop {
            sleep(LOOK).await;
            let newest = recorder.lock().generation();
            if newest == read {
                continue;
            }
            let Ok(ledger) = http::ledger(target).await else { break };
            recorder.lock().handle_ledger(ledger);
            read = newest;
        }
    }
}

/// The time of the wall clock, which alone is the same for processes that play at once.
#[expect(clippy::disallowed_methods, reason = "the driver owns the clock")]
fn unix_ms() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// Processor time that this process has used, in seconds.
fn cpu_s() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}
