//! Answers and sightings of any content for an executor.

use super::STEPS_MAX;
use crate::anything::{self, BOSS};
use crate::check::{answered, received};
use crate::draw::Draw;
use authority::machine::{Saga, SagaAnswer, SagaRequest};
use protocol::{Micros, Progress, Settle, SettleAnswer, SettleVerdict, SyncAnswer, SyncRequest};

/// It has one request under way, and takes no step under a term that is not its own, or one that
/// does not belong where it has seen the settlement.
pub(crate) fn saga(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let me = anything::executor(&mut draw);
    let mut saga = Saga::new(BOSS, me, draw.below(4).into());
    if draw.flag() {
        saga = saga.at_once();
    }
    let (mut now, mut newest, mut asked) = (Micros(0), None::<Progress>, None);
    for _ in 0..STEPS_MAX {
        if draw.is_over() {
            break;
        }
        match draw.below(6) {
            0 => now = now + Micros::from_millis(draw.pick(&[1_000, 1, 3_001, u64::MAX / 1_000])),
            1 => saga.handle_sighting(now, draw.number(), &anything::truth(&mut draw)),
            2 if asked.take().is_some() => saga.handle_no_answer(now),
            3 | 4 => {
                let Some(request) = asked.take() else { continue };
                let (answer, progress) = answer(&mut draw, &request, newest.as_ref());
                saga.handle_answer(now, &answer);
                newest = Some(progress);
            }
            _ => {
                let request = saga.poll_request(now);
                assert!(request.is_none() || asked.is_none(), "one request at a time");
                let Some(request) = request else { continue };
                if let SagaRequest::Settle(settle) = &request {
                    check(settle, newest.as_ref().expect("it was told where it is"));
                    assert!(saga.reigns() && settle.term.executor == me);
                }
                asked = Some(request);
            }
        }
        answered(saga.poll_timeout());
    }
}

fn check(settle: &Settle, progress: &Progress) {
    assert_eq!(settle.term, progress.term);
    assert_eq!(settle.at, progress.truth.stage());
    assert!(settle.step.fits(settle.at.status), "{settle:?}");
    let request = SyncRequest::Settle(*settle);
    assert_eq!(received(&request).as_ref(), Ok(&request));
}

/// An answer to what was asked, and what it says of the settlement: near what was said before, or
/// of any content.
fn answer(
    draw: &mut Draw<'_>,
    request: &SagaRequest,
    newest: Option<&Progress>,
) -> (SagaAnswer, Progress) {
    let mut progress = anything::progress(draw);
    if let Some(newest) = newest.filter(|_| draw.flag()) {
        progress.term = newest.term;
    }
    let sent = received(&SyncAnswer::Reign(progress.clone()));
    assert_eq!(sent.ok(), Some(SyncAnswer::Reign(progress.clone())), "it can have been said");
    let answer = match request {
        SagaRequest::Reign(_) => SagaAnswer::Reign(progress.clone()),
        SagaRequest::Settle(_) => {
            let verdicts = [SettleVerdict::Done, SettleVerdict::Passed, SettleVerdict::Fenced];
            let verdict = draw.pick(&verdicts);
            SagaAnswer::Settle(SettleAnswer { verdict, progress: progress.clone() })
        }
    };
    (answer, progress)
}
