//! What one request comes to. The same one to the same log comes to the same, so each is carried
//! out once, whatever else differs between the states in which it is asked.

use crate::executor;
use crate::met::Met;
use crate::process::{Process, Reply};
use crate::properties::{self, Broken};
use crate::shared::Shared;
use crate::truth::{By, Log};
use protocol::{EnterAnswer, Gen, JoinAnswer, SettleStep, SettleVerdict, Status, Verdict};
use shard::machine::{Answer, Request};
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

/// What a request comes to.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) log: Shared<Log>,
    pub(crate) broken: Option<Broken>,
    pub(crate) met: Vec<Met>,
    /// The answer of a shard's request.
    pub(crate) reply: Option<Reply>,
    /// The process after it.
    pub(crate) after: Option<Taken>,
}

/// A process that has taken an answer.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) process: Shared<Process>,
    pub(crate) broken: Option<Broken>,
    pub(crate) met: Vec<Met>,
}

/// The turns so far.
#[derive(Debug, Default)]
pub(crate) struct Turns(RwLock<BTreeMap<(u64, u64), Arc<Turn>>>);

impl Turns {
    /// The turn of somebody on a log, which is made if it is new.
    pub(crate) fn of(&self, who: u64, log: u64, make: impl FnOnce() -> Turn) -> Arc<Turn> {
        const WHOLE: &str = "no thread panics with the turns in its hands";
        let key = (who, log);
        if let Some(turn) = self.0.read().expect(WHOLE).get(&key) {
            return Arc::clone(turn);
        }
        let turn = Arc::new(make());
        Arc::clone(self.0.write().expect(WHOLE).entry(key).or_insert(turn))
    }
}

/// Takes an answer.
pub(crate) fn take(process: &Shared<Process>, reply: Reply) -> Taken {
    let is_old = reply.view.is_some_and(|view| view.lost);
    let mut broken = None;
    let process = process.after(|process| {
        process.late = None;
        broken = process.take(reply).err();
    });
    let is_late = process.told().is_some_and(|tallies| tallies.iter().any(|it| it.late > 0));
    let met = [(is_old, Met::OldAnswer), (is_late, Met::LateTold)];
    Taken { process, broken, met: only(met) }
}

/// A process asks what is due. `ahead` says whether the answer is about more than a replica has:
/// always, or if the log changes.
pub(crate) fn ask(process: &Shared<Process>, log: &Shared<Log>, ahead: [bool; 2]) -> Option<Turn> {
    let (sent, request) = process.request()?;
    let mut turn = deliver(log, &request, process.has_seen_more());
    let answer = turn.reply.take()?.answer;
    let mut reply = Reply::new(sent, answer);
    if let Some(view) = &mut reply.view {
        view.ahead = ahead[usize::from(turn.log != *log)];
    }
    turn.after = Some(take(process, reply.clone()));
    turn.reply = Some(reply);
    Some(turn)
}

/// A request arrives at the authority.
pub(crate) fn deliver(log: &Shared<Log>, request: &Request, has_seen_more: bool) -> Turn {
    let asked = log.answer(request.clone(), has_seen_more);
    let lies = properties::lies(request, &asked.answer, asked.log.boss());
    let met = noted(log, &asked.log, request, &asked.answer);
    let reply = Some(Reply::new(None, asked.answer));
    Turn { log: asked.log, broken: asked.broken.or(lies), met, reply, after: None }
}

fn noted(before: &Log, after: &Log, request: &Request, answer: &Answer) -> Vec<Met> {
    let changed = before.value.version < after.value.version;
    match (request, answer) {
        (Request::Push(push), Answer::Push(answer)) => {
            let grows = push.interval.from < push.interval.to;
            let died = before.stage().status == Status::Alive;
            match answer.verdict {
                Verdict::Counted => only([
                    (died && answer.truth.status == Status::Defeated, Met::Death),
                    (push.last, Met::LastWord),
                    (answer.truth.damage > answer.truth.hp_max, Met::Overkill),
                    (push.interval.generation == Gen(2), Met::SecondCounted),
                ]),
                Verdict::Duplicate => only([(grows, Met::Duplicate)]),
                Verdict::Closed => only([(changed && grows, Met::Late)]),
                Verdict::Gap => vec![Met::Gap],
                Verdict::Fenced => vec![Met::Fenced],
                Verdict::Unknown => vec![Met::Unknown],
                Verdict::NotEntered => vec![Met::NotEntered],
                Verdict::Refused => Vec::new(),
            }
        }
        (Request::Join(join), Answer::Join(answer)) => match answer {
            JoinAnswer::Gap { .. } => vec![Met::JoinGap],
            JoinAnswer::Ahead => vec![Met::Ahead],
            JoinAnswer::Joined { inherits: true, .. } if changed => vec![Met::Sealed],
            JoinAnswer::Joined { .. } if changed && join.lineage.is_empty() => {
                vec![Met::JoinedAgain]
            }
            JoinAnswer::Joined { .. }
            | JoinAnswer::Fenced
            | JoinAnswer::Refused
            | JoinAnswer::Full => Vec::new(),
        },
        (Request::Enter(_), Answer::Enter(EnterAnswer::Unknown)) => vec![Met::Unknown],
        (
            Request::Push(_) | Request::Join(_) | Request::Enter(_) | Request::Shares(_),
            Answer::Push(_) | Answer::Join(_) | Answer::Enter(_) | Answer::Shares(_),
        ) => Vec::new(),
    }
}

/// An executor begins the next term.
pub(crate) fn reign(log: &Shared<Log>, executor: u8) -> Turn {
    let before = log.boss().term().number;
    let reign = executor::reign(executor, before);
    let asked = log.ask(By::Executor, |machine| machine.handle_reign(reign));
    // Only a term that was taken back leaves the first one to the second executor.
    let met = only([(before > 0, Met::SecondTerm), (before == 0 && executor == 2, Met::TermTwice)]);
    Turn { log: asked.log, broken: asked.broken, met, reply: None, after: None }
}

/// Whoever reigns takes a step, after everybody who is too late has tried.
pub(crate) fn step(log: &Shared<Log>, step: SettleStep) -> Turn {
    let slow = log.ask(By::Slow, executor::ask_too_late);
    let settle = executor::settle(log.boss().term(), log.stage(), step);
    let asked = log.ask(By::Executor, |machine| machine.handle_settle(settle));
    let done = asked.answer.verdict == SettleVerdict::Done;
    let unfit = (!done).then_some(Broken::Refused);
    let current = log.boss().current();
    let open = current.is_some_and(|(_, life)| life.entered.any(|_, finished| !finished));
    let met = only([
        (slow.answer[0] > 0, Met::OldTerm),
        (slow.answer[1] > 0, Met::Passed),
        (step == SettleStep::Reward, Met::Settled),
        (step == SettleStep::Respawn, Met::Respawned),
        (step == SettleStep::Close && open, Met::ClosedEarly),
    ]);
    let broken = slow.broken.or(asked.broken).or(unfit);
    Turn { log: asked.log, broken, met, reply: None, after: None }
}

/// What happens of all this.
pub(crate) fn only<const N: usize>(met: [(bool, Met); N]) -> Vec<Met> {
    met.into_iter().filter(|(is, _)| *is).map(|(_, met)| met).collect()
}
