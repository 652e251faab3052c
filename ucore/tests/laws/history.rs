//! The ordered lane is linearizable: each update happens at one moment between its proposal and its
//! answer. Small histories, searched exhaustively (Wing and Gong, "Testing and Verifying Concurrent
//! Objects", 1993).

use crate::check::{Case, Dice};
use crate::log::{Log, Proposed, Update, propose};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use ucore::{Expect, Outcome, Updatable, Verdict, Version};

/// Updates of one history: more make the search long, and show nothing else.
const OPS: usize = 6;
const WRITERS: u8 = 3;

/// One update as its writer saw it.
#[derive(Debug)]
struct Op<U> {
    update: U,
    proposed: usize,
    answered: usize,
    outcome: Outcome,
}

/// A writer with a proposal under way: where it is.
#[derive(Debug)]
enum Link<U> {
    Idle,
    ToLog { proposal: U, proposed: usize },
    ToWriter { proposal: U, proposed: usize, verdict: Verdict },
}

pub(crate) fn it_is_linearizable<L: Log>(case: &Case<L::Of>) -> TestCaseResult {
    let mut log = L::new(case.state.clone());
    let ops = history(&mut log, case);
    let mut taken = vec![false; ops.len()];
    let end = log.head();
    let found = explains(&ops, &mut taken, &case.state, Version(0), &end.value);
    prop_assert!(found, "no order explains {:?}", ops);
    Ok(())
}

/// Writers propose, requests and answers are late and repeated, until all have been answered.
fn history<L: Log>(log: &mut L, case: &Case<L::Of>) -> Vec<Op<Update<L>>> {
    let mut dice = Dice::new(&case.dice);
    let mut updates = case.updates.iter().take(OPS);
    let mut links: [Link<Proposed<L>>; WRITERS as usize] = std::array::from_fn(|_| Link::Idle);
    let (mut seqs, mut ops) = ([0; WRITERS as usize], Vec::new());
    // After the dice the writers take turns, so every answer arrives.
    for now in 0..32 + 3 * OPS * usize::from(WRITERS) {
        let by = if now < 32 { dice.below(WRITERS.into()) } else { now % usize::from(WRITERS) };
        links[by] = match std::mem::replace(&mut links[by], Link::Idle) {
            Link::Idle => match updates.next() {
                Some(update) => {
                    seqs[by] += 1;
                    let id = u8::try_from(by).expect("few");
                    let proposal = propose(id, seqs[by], Expect::Any, update.clone());
                    Link::ToLog { proposal, proposed: now }
                }
                None => Link::Idle,
            },
            Link::ToLog { proposal, proposed } => {
                let verdict = log.submit(proposal.clone());
                Link::ToWriter { proposal, proposed, verdict }
            }
            // The answer is lost: the writer proposes it again.
            Link::ToWriter { proposal, proposed, .. } if dice.one_in(4) => {
                Link::ToLog { proposal, proposed }
            }
            Link::ToWriter { proposal, proposed, verdict } => {
                if let Verdict::New(outcome) | Verdict::Duplicate(outcome) = verdict {
                    ops.push(Op { update: proposal.update, proposed, answered: now, outcome });
                }
                Link::Idle
            }
        };
    }
    ops
}

/// Whether the ops that are not taken can follow one after the other, and end with this value.
fn explains<S: Updatable>(
    ops: &[Op<S::Update>],
    taken: &mut [bool],
    state: &S,
    version: Version,
    end: &S,
) -> bool {
    let left = |taken: &[bool]| (0..ops.len()).filter(|idx| !taken[*idx]).collect::<Vec<_>>();
    let candidates = left(taken);
    let Some(deadline) = candidates.iter().map(|idx| ops[*idx].answered).min() else {
        return state == end;
    };
    for idx in candidates {
        let op = &ops[idx];
        // One that was proposed after another was answered comes after it.
        if op.proposed > deadline {
            continue;
        }
        let mut next = state.clone();
        let (outcome, at) = match next.apply(op.update.clone()) {
            Ok(()) => (Outcome::Committed(version.next()), version.next()),
            Err(reject) => (Outcome::Rejected(reject), version),
        };
        if outcome != op.outcome {
            continue;
        }
        taken[idx] = true;
        if explains(ops, taken, &next, at, end) {
            return true;
        }
        taken[idx] = false;
    }
    false
}
