//! An executor elsewhere: the real saga, which asks the truth over a way that fails.

use super::process::Env;
use super::wire::{Answer, Caller};
use super::world::Event;
use authority::machine::{PATIENCE, Saga, SagaAnswer, SagaRequest};
use protocol::{BossId, ExecutorId, Micros, SyncAnswer, SyncRequest};
use ucore::Bin;

/// How long an answer is waited for.
const ANSWER_MAX: Micros = Micros::from_millis(5_000);

/// An executor's process.
#[derive(Debug)]
pub(super) struct Executor {
    pub(super) id: u32,
    saga: Saga,
    pub(super) ahead: Micros,
    pub(super) paused_until: Micros,
    call: Option<u64>,
    calls: u64,
}

impl Executor {
    pub(super) fn new(env: &mut Env, boss: BossId, id: u32) -> Self {
        let executor = ExecutorId(Bin(env.core.random.u128(1..).to_be_bytes()));
        let saga = Saga::new(boss, executor, PATIENCE);
        env.core.after_ms(0..=1_000, Event::Executor(id));
        Self { id, saga, ahead: Micros(0), paused_until: Micros(0), call: None, calls: 0 }
    }

    /// Asks if something is due.
    pub(super) fn wake(&mut self, env: &mut Env) {
        let now = env.core.now + self.ahead;
        let Some(request) = self.saga.poll_request(now) else { return };
        let request = match request {
            SagaRequest::Reign(reign) => SyncRequest::Reign(reign),
            SagaRequest::Settle(settle) => SyncRequest::Settle(settle),
        };
        self.calls += 1;
        self.call = Some(self.calls);
        let caller = (Caller::Executor(self.id), self.calls);
        env.wire.ask(&mut env.core, caller, &request, ANSWER_MAX);
    }

    pub(super) fn handle_answer(&mut self, env: &mut Env, call: u64, answer: Answer) {
        if self.call != Some(call) {
            return;
        }
        self.call = None;
        let now = env.core.now + self.ahead;
        match answer {
            Ok(SyncAnswer::Reign(progress)) => {
                self.saga.handle_answer(now, &SagaAnswer::Reign(progress));
            }
            Ok(SyncAnswer::Settle(settled)) => {
                self.saga.handle_answer(now, &SagaAnswer::Settle(settled));
            }
            Ok(_) => env.core.fail("an executor gets an answer to another question"),
            Err(_) => self.saga.handle_no_answer(now),
        }
        self.plan(env);
    }

    pub(super) fn handle_time_out(&mut self, env: &mut Env, call: u64) {
        if self.call == Some(call) {
            self.call = None;
            self.saga.handle_no_answer(env.core.now + self.ahead);
            self.plan(env);
        }
    }

    fn plan(&mut self, env: &mut Env) {
        self.wake(env);
        if self.call.is_none() {
            let at = Micros(self.saga.poll_timeout().0.saturating_sub(self.ahead.0));
            env.core.at(at, Event::Executor(self.id));
        }
    }
}
