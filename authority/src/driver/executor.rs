//! An executor: drives the settlement saga of a boss, on whatever authority has it.

use super::complaint::Complaint;
use super::entropy;
use crate::client::Authority;
use crate::machine::{PATIENCE, Saga, SagaAnswer, SagaRequest};
use futures::FutureExt;
use futures::future::{BoxFuture, pending};
use protocol::{BossId, Micros, Progress, Truth, Unavailable};
use score::Clock;
use std::sync::Arc;

/// An executor of one boss's settlements.
#[derive(Debug)]
pub struct Executor {
    boss: BossId,
    authority: Arc<dyn Authority>,
    saga: Saga,
    /// The time of [`Executor::second`].
    now: Micros,
}

/// How often other signs are looked at.
const GLANCE: Micros = Micros::from_millis(100);

/// What other signs than its own polls tell an executor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sighting {
    /// The newest poll of whoever reigns.
    pub(crate) polls: u64,
    /// The truth of that time.
    pub(crate) truth: Truth,
}

type Asked = BoxFuture<'static, Result<SagaAnswer, Unavailable>>;

impl Executor {
    /// An executor that stands by: it reigns once nobody else seems to.
    #[must_use]
    pub fn new(authority: Arc<dyn Authority>, boss: BossId) -> Self {
        let saga = Saga::new(boss, entropy::executor(), PATIENCE);
        Self { boss, authority, saga, now: Micros(0) }
    }

    /// An executor that takes the next term at once.
    #[must_use]
    pub fn at_once(authority: Arc<dyn Authority>, boss: BossId) -> Self {
        let patient = Self::new(authority, boss);
        Self { saga: patient.saga.at_once(), ..patient }
    }

    /// Whether it reigned when it asked last.
    #[must_use]
    pub fn reigns(&self) -> bool {
        self.saga.reigns()
    }

    /// Polls and takes steps until it is dropped.
    pub(crate) async fn run(mut self, mut sighted: impl FnMut() -> Option<Sighting>) {
        let clock = Clock::start();
        let mut complaint = Complaint::default();
        let mut under_way = None;
        loop {
            if let Some(Sighting { polls, truth }) = sighted() {
                self.saga.handle_sighting(clock.now(), polls, &truth);
            }
            if let Some(request) = self.saga.poll_request(clock.now()) {
                under_way = Some(self.ask(request));
            }
            tokio::select! {
                answer = answer(&mut under_way) => {
                    complaint.hear(&answer, || format!("boss {} is not settled", self.boss));
                    match answer {
                        Ok(answer) => self.saga.handle_answer(clock.now(), &answer),
                        Err(_) => self.saga.handle_no_answer(clock.now()),
                    }
                }
                () = clock.sleep_until(clock.now() + GLANCE) => {}
            }
        }
    }

    /// Lets one second pass, whatever the clock says: a poll, and every step that is due after it.
    /// For tests and tools that decide when time passes.
    ///
    /// # Errors
    /// [`Unavailable`]; the next second goes on.
    pub async fn second(&mut self) -> Result<Progress, Unavailable> {
        self.now = self.now + Micros::from_millis(1_000);
        let mut progress = None;
        while let Some(request) = self.saga.poll_request(self.now) {
            match self.ask(request).await {
                Ok(answer) => {
                    self.saga.handle_answer(self.now, &answer);
                    progress = Some(match answer {
                        SagaAnswer::Reign(progress) => progress,
                        SagaAnswer::Settle(settled) => settled.progress,
                    });
                }
                Err(why) => {
                    self.saga.handle_no_answer(self.now);
                    return Err(why);
                }
            }
        }
        Ok(progress.expect("a poll is due a second after the one before"))
    }

    fn ask(&self, request: SagaRequest) -> Asked {
        match request {
            SagaRequest::Reign(reign) => {
                self.authority.reign(reign).map(|it| it.map(SagaAnswer::Reign)).boxed()
            }
            SagaRequest::Settle(settle) => {
                self.authority.settle(settle).map(|it| it.map(SagaAnswer::Settle)).boxed()
            }
        }
    }
}

/// Waits for an answer; for ever if none is under way. Cancel safe.
async fn answer(under_way: &mut Option<Asked>) -> Result<SagaAnswer, Unavailable> {
    let Some(asked) = under_way else { return pending().await };
    let answer = asked.await;
    *under_way = None;
    answer
}
