//! The tick: collects what arrived, drives the machine, the journal, the workers and the uplink.
#![expect(clippy::disallowed_methods, reason = "the driver owns the clock")]

use super::budget::{Budget, Stage};
use super::entropy;
use super::journal::Writer;
use super::metrics::Metrics;
use super::outbox::{BoardFrame, StateFrame};
use super::session::{Input, What};
use super::uplink::Uplink;
use super::worker::{Command, Delivery, Line, Personal};
use super::{Exit, told};
use crate::machine::{Answer, ConnId, Machine, Output, Reckoning};
use protocol::{CloseCode, Micros, State, Unavailable};
use score::Clock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep_until, timeout};

/// A frame waits this long for the journal's sync; then it leaves without acknowledgements.
const SYNC_PATIENCE: Duration = Duration::from_millis(20);
/// A stopping shard waits this long until the authority has everything.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);
/// Truths older than this make a shard unready.
const READY_AGE_MS: u64 = 10_000;

/// Everything that a tick moves.
pub(super) struct Ticker {
    pub(super) machine: Machine,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    pub(super) writer: Writer,
    pub(super) uplink: Uplink,
    pub(super) workers: Vec<Line>,
    pub(super) unready: watch::Sender<&'static str>,
    /// The state of the last frame.
    pub(super) shown: Option<State>,
    /// The states before it.
    pub(super) reckoning: Reckoning,
    /// The leaderboard of this moment.
    pub(super) board: Option<BoardFrame>,
    /// The record that is being synced, and since when.
    pub(super) syncing: Option<Syncing>,
}

/// A record on its way to the disk.
pub(super) struct Syncing {
    since: Instant,
    done: oneshot::Receiver<Result<(), String>>,
}

impl Ticker {
    /// Runs until the shard is told to stop, is fenced, or its disk fails.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>, open: &AtomicBool) -> Exit {
        let ended = self.run_until(&mut stop).await;
        open.store(false, Ordering::Relaxed);
        let exit = match ended {
            Err(exit) => exit,
            Ok(()) => self.drain().await.err().unwrap_or(Exit::Stopped),
        };
        self.unready.send_replace("this shard has stopped");
        for worker in &self.workers {
            let why = "this server is going away";
            worker.tell(Command::Stop(CloseCode::Restart, why)).await;
        }
        exit
    }

    async fn run_until(&mut self, stop: &mut watch::Receiver<bool>) -> Result<(), Exit> {
        let (mut due, mut next) = (Instant::now(), Instant::now());
        loop {
            tokio::select! {
                () = sleep_until(next.into()) => {
                    self.tick(due).await?;
                    due = next + self.period();
                    // Who is late does not hurry.
                    next = due.max(Instant::now());
                }
                synced = synced(&mut self.syncing) => {
                    self.synced(synced)?;
                    self.answer_players(None).await?;
                }
                answer = self.uplink.answer() => {
                    self.answered(answer);
                    self.answer_players(None).await?;
                }
                () = told(stop) => return Ok(()),
            }
        }
    }

    /// From this tick to the next.
    fn period(&self) -> Duration {
        // A scenario says at least 20, and an authority may say anything.
        Duration::from_millis(self.machine.tick_ms().max(1).into())
    }

    async fn tick(&mut self, due: Instant) -> Result<(), Exit> {
        let mut budget = Budget::begin(due);
        let batches = self.collect().await;
        budget.spend(Stage::Collect);
        // What the workers were told a tick ago, they have done by now. The wait for that is
        // counted already.
        let fanout = self.workers.iter().map(|worker| worker.took.get()).max().unwrap_or_default();
        budget.add(Stage::FanOut, fanout.saturating_sub(budget.of(Stage::Collect)));
        batches.into_iter().flatten().for_each(|input| self.take(input));
        self.machine.handle_tick();
        let mut deliveries = self.outputs()?;
        budget.spend(Stage::Machine);
        if self.syncing.is_some()
            && let Ok(done) = timeout(SYNC_PATIENCE, synced(&mut self.syncing)).await
        {
            budget.spend(Stage::Journal);
            self.synced(done)?;
            for (all, more) in deliveries.iter_mut().zip(self.outputs()?) {
                all.personal.extend(more.personal);
            }
            budget.spend(Stage::Machine);
        }
        budget.spend(Stage::Journal);
        let now = self.clock.now();
        let state = self.machine.state(now);
        let board = self.machine.board(now);
        self.board = board.map(|board| BoardFrame::new(board, self.board.take()));
        self.send(deliveries, Some(&state)).await;
        budget.spend(Stage::Encode);
        if let Some(request) = self.machine.poll_request(now) {
            self.uplink.send(request);
        }
        budget.spend(Stage::Machine);
        self.machine.handle_worked(Micros::from(budget.total()));
        self.report(&budget, &state);
        Ok(())
    }

    /// The batches of all workers.
    async fn collect(&mut self) -> Vec<Vec<Input>> {
        let mut replies = Vec::with_capacity(self.workers.len());
        for worker in &self.workers {
            let (reply, batch) = oneshot::channel();
            worker.tell(Command::Collect(reply)).await;
            replies.push(batch);
        }
        // A worker that has ended has no batch.
        futures::future::join_all(replies).await.into_iter().flatten().collect()
    }

    fn take(&mut self, input: Input) {
        let Input { conn, at, what } = input;
        match what {
            What::Hello(hello) => self.machine.handle_hello(conn, hello, entropy::fresh()),
            What::Hit(hit) => self.machine.handle_hit(at, conn, hit),
            What::Gone => self.machine.handle_gone(conn),
        }
    }

    /// The record is durable; or the disk failed, and then nothing more may be accepted.
    fn synced(&mut self, done: (Duration, Result<(), String>)) -> Result<(), Exit> {
        let (took, result) = done;
        self.metrics.synced(took);
        result.map_err(Exit::Disk)?;
        self.machine.handle_synced();
        Ok(())
    }

    fn answered(&mut self, answer: Result<Answer, Unavailable>) {
        let now = self.clock.now();
        match answer {
            Ok(answer) => self.machine.handle_answer(now, answer),
            Err(error) => {
                tracing::warn!(
                    target: "worldboss::shard",
                    "{error}; players go on, and the next push carries everything",
                );
                self.machine.handle_no_answer(now);
            }
        }
    }

    async fn answer_players(&mut self, state: Option<&State>) -> Result<(), Exit> {
        let deliveries = self.outputs()?;
        self.send(deliveries, state).await;
        Ok(())
    }

    /// Drains the machine: records leave for the disk, answers are sorted by worker.
    fn outputs(&mut self) -> Result<Vec<Delivery>, Exit> {
        let mut deliveries: Vec<_> = self.workers.iter().map(|_| Delivery::default()).collect();
        let mut answer = |conn: ConnId, personal| {
            if let Some(delivery) = deliveries.get_mut(conn.worker()) {
                delivery.personal.push((conn, personal));
            }
        };
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Journal(record) => {
                    let done = self.writer.append(record, self.machine.journal());
                    self.syncing = Some(Syncing { since: Instant::now(), done });
                }
                Output::Welcome(conn, welcome, card) => {
                    answer(conn, Personal::Welcome(welcome, card));
                }
                Output::Card(conn, card) => answer(conn, Personal::Card(card)),
                Output::Ack(conn, ack) => answer(conn, Personal::Ack(ack)),
                Output::Spoils(conn, spoils) => answer(conn, Personal::Spoils(spoils)),
                Output::Close(conn, code, why) => answer(conn, Personal::Close(code, why)),
                Output::Fenced => return Err(Exit::Fenced),
                Output::Abandoned(why) => return Err(Exit::Abandoned(why)),
            }
        }
        Ok(deliveries)
    }

    async fn send(&mut self, deliveries: Vec<Delivery>, state: Option<&State>) {
        let state = state.map(|state| {
            let dues = self.reckoning.learn(self.clock.now(), *state);
            StateFrame::new(state, self.shown.replace(*state).as_ref(), dues)
        });
        for (worker, mut delivery) in self.workers.iter().zip(deliveries) {
            delivery.state.clone_from(&state);
            delivery.board.clone_from(&self.board);
            if delivery.state.is_some() || !delivery.personal.is_empty() {
                worker.tell(Command::Deliver(delivery)).await;
            }
        }
    }

    fn report(&self, budget: &Budget, state: &State) {
        let why = if !self.machine.is_ready() {
            "hits are not taken at the moment"
        } else if state.age_ms > READY_AGE_MS {
            "the authority has not answered for a while"
        } else {
            ""
        };
        self.unready.send_if_modified(|now| std::mem::replace(now, why) != why);
        self.metrics.worked(budget, self.machine.tick_ms());
        self.metrics.ticked(self.machine.counts(), state, why.is_empty());
        self.metrics.looked(&self.machine);
    }

    /// Answers and pushes everything that was admitted.
    async fn drain(&mut self) -> Result<(), Exit> {
        self.unready.send_replace("this shard is stopping");
        self.machine.handle_stop();
        let deadline = Instant::now() + DRAIN_PATIENCE;
        loop {
            self.tick(Instant::now()).await?;
            if self.machine.is_drained() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                tracing::warn!(
                    target: "worldboss::shard",
                    "the authority did not take everything; the journal keeps the rest",
                );
                return Ok(());
            }
            tokio::select! {
                answer = self.uplink.answer() => self.answered(answer),
                () = tokio::time::sleep(SYNC_PATIENCE) => {}
            }
        }
    }
}

/// Waits for the record under way; for ever if there is none. Cancel safe.
async fn synced(syncing: &mut Option<Syncing>) -> (Duration, Result<(), String>) {
    let Some(Syncing { since, done }) = syncing else {
        return std::future::pending().await;
    };
    let result = done.await.unwrap_or_else(|_| Err("the journal's thread has ended".to_owned()));
    let took = since.elapsed();
    *syncing = None;
    (took, result)
}
