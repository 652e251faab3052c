//! A whole run: ramp, load, drain, the ledger, and the report.

use super::player::{Phase, Player, Seat, Shared};
use super::target::Target;
use super::{LoadConfig, LoadError, http, progress};
use crate::machine::{Bot, BotConfig, Pulse, Recorder, Report, RunInfo};
use protocol::{Gen, Micros};
use score::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use ucore::Version;

/// From one new connection to a target to the next: 500 a second.
const RAMP_GAP: Micros = Micros::from_millis(2);
/// How long the ramp waits for the last players after it started them.
const RAMP_MAX: Duration = Duration::from_secs(30);
/// How long the ramp waits for the very first player.
const UNREACHABLE_MAX: Duration = Duration::from_secs(10);
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
    config.check()?;
    let mut targets = Vec::new();
    for target in &config.targets {
        targets.push(Arc::new(Target::look_up(target).await?));
    }
    let mut swarm = Swarm::start(config, targets);
    let progress = swarm.watch();
    let follow = tokio::spawn(follow(swarm.targets.clone(), swarm.recorder.clone()));
    let report = swarm.play(beside).await;
    progress.into_iter().chain([follow]).for_each(|task| task.abort());
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
    targets: Vec<Arc<Target>>,
    clock: Clock,
    phase: watch::Sender<Phase>,
    recorder: Shared,
    players: JoinSet<()>,
    interrupted: bool,
}

impl Swarm {
    /// Seats all players; each connects when its turn comes.
    fn start(config: LoadConfig, targets: Vec<Arc<Target>>) -> Self {
        let clock = Clock::start();
        let (phase, receiver) = watch::channel(Phase::Ramp);
        let recorder = Shared::new(Recorder::new(targets.len()));
        let mut seeds = fastrand::Rng::with_seed(config.seed);
        let mut players = JoinSet::new();
        let seats = (0..u32::MAX).flat_map(|index| {
            let from = Micros(RAMP_GAP.0 * u64::from(index));
            targets.iter().enumerate().map(move |(target_idx, target)| {
                let target = Arc::clone(target);
                Seat { target, target_idx, index, from }
            })
        });
        for (number, seat) in (0..config.players).zip(seats) {
            let bot = BotConfig {
                name: config.name(number),
                rate_per_s: config.rate,
                every: config.frames.every(seat.index),
                mix: config.mix,
            };
            let bot = Bot::new(bot, seeds.u64(..));
            let recorder = Some(recorder.clone());
            players.spawn(Player::new(bot, seat, clock, receiver.clone(), recorder).play());
        }
        Self { config, targets, clock, phase, recorder, players, interrupted: false }
    }

    fn watch(&self) -> Option<tokio::task::JoinHandle<()>> {
        let (recorder, phase) = (self.recorder.clone(), self.phase.subscribe());
        let lines = progress::report(self.clock, recorder, phase, self.config.players);
        self.config.progress.then(|| tokio::spawn(lines))
    }

    async fn play<F: Future<Output = ()>>(
        &mut self,
        beside: impl FnOnce(Gauge) -> F,
    ) -> Result<Report, LoadError> {
        self.ramp().await?;
        let load = self.load(beside).await;
        self.drain().await;
        self.settle().await;
        let ledger = self.ledger().await;
        self.close().await;
        let info = RunInfo {
            seed: self.config.seed,
            targets: self.config.targets.clone(),
            players: self.config.players,
            rate_per_s: self.config.rate,
            duration_s: load.0 as f64 / 1_000_000.0,
            interrupted: self.interrupted,
        };
        Ok(Report::new(info, &self.recorder.lock(), ledger))
    }

    async fn ramp(&mut self) -> Result<(), LoadError> {
        let players = self.config.players;
        let turns = u64::from(players) / self.targets.len() as u64;
        let max = Duration::from_micros(RAMP_GAP.0 * turns) + RAMP_MAX;
        if self.wait(UNREACHABLE_MAX, |pulse| pulse.live > 0).await {
            self.wait(max, |pulse| pulse.live == players).await;
        }
        let mut recorder = self.recorder.lock();
        match recorder.pulse().live {
            0 if !self.interrupted => {
                let errors = recorder.errors();
                let error = errors.first().map_or("it took too long", |line| line.error.as_str());
                return Err(LoadError::Unreachable(error.to_owned()));
            }
            live if live < players => {
                let missing = players - live;
                let text = format!("{missing} of {players} players missed the start of the load");
                recorder.note_trouble(text);
            }
            _ => {}
        }
        Ok(())
    }

    /// Lets the players hit; answers how long.
    async fn load<F: Future<Output = ()>>(&mut self, beside: impl FnOnce(Gauge) -> F) -> Micros {
        let start = self.clock.now();
        if !self.interrupted {
            self.phase.send_replace(Phase::Load { start });
            let (duration, gauge) = (self.config.duration, Gauge(self.recorder.clone()));
            tokio::select! {
                _ = self.wait(duration, |_| false) => {}
                () = beside(gauge) => {}
            }
        }
        self.clock.now().since(start)
    }

    async fn drain(&mut self) {
        self.phase.send_replace(Phase::Drain);
        let players = self.config.players;
        if !self.wait(DRAIN_MAX, |pulse| pulse.drained == players).await {
            let late = players.saturating_sub(self.recorder.lock().pulse().drained);
            self.recorder.lock().note_undrained(late, players);
        }
    }

    async fn settle(&mut self) {
        self.phase.send_replace(Phase::Settle);
        let players = self.config.players;
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
    async fn ledger(&mut self) -> Option<Version> {
        let end = self.clock.now() + micros(LEDGER_MAX);
        let mut newest = None;
        loop {
            match http::ledger(&self.targets[0]).await {
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
                return newest;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    async fn close(&mut self) {
        self.phase.send_replace(Phase::Close);
        let closing = async { while self.players.join_next().await.is_some() {} };
        if timeout(CLOSE_MAX, closing).await.is_err() {
            self.players.abort_all();
        }
    }
}

/// Reads the ledger whenever a generation begins: it shows the newest ones alone, and the run may
/// see many. What can't be read now is read a little later, from any target.
async fn follow(targets: Vec<Arc<Target>>, recorder: Shared) {
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

fn micros(duration: Duration) -> Micros {
    Micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}
