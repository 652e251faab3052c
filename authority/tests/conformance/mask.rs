//! What the answers of a run may differ in.

use crate::subject::Answer;
use protocol::{EnterAnswer, JoinAnswer, Progress, SpawnAnswer, SyncAnswer, SyncRequest, Truth};
use ucore::Version;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Mask {
    /// Players online, polls and leaderboards are hints that no log keeps: a restart loses them.
    pub(crate) hints: bool,
    /// A position before the kept log can't be told from another.
    pub(crate) kept_from: Version,
}

impl Mask {
    pub(crate) fn masked(self, answer: Answer, request: &SyncRequest) -> Answer {
        let mut answer = answer?;
        if self.hints {
            truth_of(&mut answer).into_iter().for_each(|truth| truth.players = 0);
            hide_hints(&mut answer);
        }
        if let (SyncAnswer::Push(push), SyncRequest::Push(request)) = (&mut answer, request)
            && request.seen.version <= self.kept_from
        {
            push.rolled_back = false;
        }
        Ok(answer)
    }
}

fn hide_hints(answer: &mut SyncAnswer) {
    let hide = |progress: &mut Progress| {
        progress.polls = 0;
        progress.open.iter_mut().for_each(|it| it.heard = 0);
    };
    match answer {
        SyncAnswer::Push(push) => push.standings = None,
        SyncAnswer::Reign(progress) => hide(progress),
        SyncAnswer::Settle(answer) => hide(&mut answer.progress),
        SyncAnswer::Spawn(_)
        | SyncAnswer::Join(_)
        | SyncAnswer::Enter(_)
        | SyncAnswer::Truth(_)
        | SyncAnswer::ReadLog(_)
        | SyncAnswer::Bosses(_)
        | SyncAnswer::Shares(_)
        | SyncAnswer::Group(_) => {}
    }
}

/// The truth in an answer, if there is one.
pub(crate) fn truth_of(answer: &mut SyncAnswer) -> Option<&mut Truth> {
    match answer {
        SyncAnswer::Push(push) => Some(&mut push.truth),
        SyncAnswer::Truth(truth)
        | SyncAnswer::Join(JoinAnswer::Joined { truth, .. })
        | SyncAnswer::Enter(EnterAnswer::Entered { truth, .. } | EnterAnswer::TooLate { truth })
        | SyncAnswer::Spawn(SpawnAnswer::Begun(truth) | SpawnAnswer::Next(truth)) => Some(truth),
        SyncAnswer::Reign(progress) => Some(&mut progress.truth),
        SyncAnswer::Settle(answer) => Some(&mut answer.progress.truth),
        SyncAnswer::Join(_)
        | SyncAnswer::Enter(_)
        | SyncAnswer::ReadLog(_)
        | SyncAnswer::Bosses(_)
        | SyncAnswer::Shares(_)
        | SyncAnswer::Group(_) => None,
    }
}
