//! What histories have met: one that met nothing proves nothing.

use crate::subject::Answer;
use protocol::{
    EnterAnswer, JoinAnswer, PushAnswer, SettleStep, SettleVerdict, SharesAnswer, SyncAnswer,
    SyncRequest, Verdict,
};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(crate) struct Met(BTreeMap<&'static str, u32>);

/// What every kind of history meets.
pub(crate) const USUAL: &[&str] = &[
    "counted",
    "duplicate",
    "gap",
    "closed",
    "late lines",
    "not entered",
    "fenced",
    "unknown",
    "refused",
    "inherited",
    "joined",
    "gap of a claim",
    "join fenced",
    "entered",
    "too late",
    "rolled back",
    "no boss",
    "standings",
    "a look",
    "a term taken over",
    "step taken",
    "step passed",
    "step fenced",
    "credited",
    "rewarded",
    "shares",
    "no shares",
];

impl Met {
    pub(crate) fn note(&mut self, request: &SyncRequest, answer: &Answer) {
        let what = match (request, answer) {
            (_, Ok(SyncAnswer::Push(push))) => self.push(push),
            (_, Ok(SyncAnswer::Join(JoinAnswer::Joined { inherits: true, .. }))) => "inherited",
            (_, Ok(SyncAnswer::Join(JoinAnswer::Joined { .. }))) => "joined",
            (_, Ok(SyncAnswer::Join(JoinAnswer::Gap { .. }))) => "gap of a claim",
            (_, Ok(SyncAnswer::Join(JoinAnswer::Fenced))) => "join fenced",
            (_, Ok(SyncAnswer::Join(JoinAnswer::Ahead))) => "claim ahead",
            (_, Ok(SyncAnswer::Enter(EnterAnswer::Entered { .. }))) => "entered",
            (_, Ok(SyncAnswer::Enter(EnterAnswer::TooLate { .. }))) => "too late",
            (SyncRequest::Reign(reign), Ok(SyncAnswer::Reign(progress))) => {
                let next = reign.supersedes.map(|number| number + 1);
                let is_taken =
                    next == Some(progress.term.number) && progress.term.executor == reign.executor;
                if is_taken { "a term taken over" } else { "a look" }
            }
            (SyncRequest::Settle(settle), Ok(SyncAnswer::Settle(answer))) => {
                match (answer.verdict, settle.step) {
                    (SettleVerdict::Done, SettleStep::Credit) => "credited",
                    (SettleVerdict::Done, SettleStep::Reward) => "rewarded",
                    (SettleVerdict::Done, _) => "step taken",
                    (SettleVerdict::Passed, _) => "step passed",
                    (SettleVerdict::Fenced, _) => "step fenced",
                }
            }
            (_, Ok(SyncAnswer::Shares(SharesAnswer::Shared { .. }))) => "shares",
            (_, Ok(SyncAnswer::Shares(SharesAnswer::Unknown))) => "no shares",
            (_, Ok(_)) => "other",
            (_, Err(_)) => "no boss",
        };
        self.count(what);
    }

    fn push(&mut self, push: &PushAnswer) -> &'static str {
        let more = [
            ("rolled back", push.rolled_back),
            ("a sixth generation", push.truth.generation.0 > 5),
            ("late lines", !push.late.is_empty()),
            ("standings", push.standings.is_some()),
        ];
        for (what, _) in more.into_iter().filter(|(_, is_met)| *is_met) {
            self.count(what);
        }
        match push.verdict {
            Verdict::Counted => "counted",
            Verdict::Duplicate => "duplicate",
            Verdict::Gap => "gap",
            Verdict::Closed => "closed",
            Verdict::NotEntered => "not entered",
            Verdict::Fenced => "fenced",
            Verdict::Unknown => "unknown",
            Verdict::Refused => "refused",
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    pub(crate) fn require(&self, whats: &[&str]) {
        eprintln!("met: {:?}", self.0);
        for what in whats {
            assert!(self.0.contains_key(what), "no history met `{what}`: {:?}", self.0);
        }
    }
}
