//! Requests and answers, as the trace tells them.

use super::core::Core;
use super::trace::Note;
use protocol::{JoinAnswer, SyncAnswer, SyncRequest};

impl Core {
    /// Notes what a process asks.
    pub(super) fn note_asked(&mut self, process: u32, call: u64, request: &SyncRequest) {
        let what = match request {
            SyncRequest::Push(push) => {
                let (it, last) = (&push.interval, push.last);
                let (generation, from, to) = (it.generation, it.from, it.to);
                return self.note(&Note::Pushed { process, call, generation, from, to, last });
            }
            SyncRequest::Join(_) => "may I join?",
            SyncRequest::Enter(_) => "may I enter?",
            SyncRequest::Shares(_) => "what did my players get?",
            SyncRequest::Spawn(_)
            | SyncRequest::Truth(_)
            | SyncRequest::ReadLog(_)
            | SyncRequest::Bosses
            | SyncRequest::Reign(_)
            | SyncRequest::Settle(_)
            | SyncRequest::Group(_) => return,
        };
        self.note(&Note::Asked { process, call, what });
    }

    /// Notes what a process hears.
    pub(super) fn note_answered(&mut self, process: u32, call: u64, answer: &SyncAnswer) {
        let what = match answer {
            SyncAnswer::Push(answer) => {
                let (verdict, applied) = (answer.verdict, answer.applied);
                let version = answer.truth.version;
                return self.note(&Note::Counted { process, call, verdict, applied, version });
            }
            SyncAnswer::Join(JoinAnswer::Joined { inherits: true, .. }) => {
                "joined, with the sessions"
            }
            SyncAnswer::Join(JoinAnswer::Joined { .. }) => "joined, without sessions",
            SyncAnswer::Join(JoinAnswer::Gap { .. }) => "a gap, tell more",
            SyncAnswer::Join(JoinAnswer::Ahead) => "ahead, come again",
            SyncAnswer::Join(JoinAnswer::Fenced) => "fenced",
            SyncAnswer::Join(JoinAnswer::Refused | JoinAnswer::Full) => "refused",
            SyncAnswer::Enter(_) => "an answer to entering",
            SyncAnswer::Shares(_) => "shares",
            SyncAnswer::Spawn(_)
            | SyncAnswer::Truth(_)
            | SyncAnswer::ReadLog(_)
            | SyncAnswer::Bosses(_)
            | SyncAnswer::Reign(_)
            | SyncAnswer::Settle(_)
            | SyncAnswer::Group(_) => return,
        };
        self.note(&Note::Answered { process, call, what });
    }
}
