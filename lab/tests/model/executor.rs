//! Executors. What one asks follows from the newest term and stage that it was told; whoever was
//! told of older ones asks what the authority must pass over, which is tried at every step.

use crate::truth::{BOSS, executor};
use authority::machine::Machine;
use protocol::{Gen, Reign, Settle, SettleStep, SettleVerdict, Stage, Status, Term};

/// A poll of an executor that begins a term.
pub(crate) fn reign(number: u8, supersedes: u64) -> Reign {
    let (executor, suspects) = (executor(number), Vec::new());
    Reign { boss: BOSS, executor, supersedes: Some(supersedes), suspects }
}

/// What whoever reigns may ask. Whether anybody is still waited for depends on what it has heard,
/// so it may wait for nobody.
pub(crate) fn steps(at: Stage) -> &'static [SettleStep] {
    use SettleStep::{Close, Collect, Credit, Respawn, Reward, Wait};
    let waited = at.waited > 0;
    match at.status {
        Status::Alive => &[],
        Status::Defeated => &[Collect],
        Status::Collecting if waited => &[Close],
        Status::Collecting => &[Wait, Close],
        Status::Closed => &[Credit],
        Status::Credited => &[Reward],
        Status::Rewarded if waited => &[Respawn],
        Status::Rewarded => &[Wait],
    }
}

pub(crate) fn settle(term: Term, at: Stage, step: SettleStep) -> Settle {
    Settle { boss: BOSS, term, at, step }
}

/// Asks for every step in every other term, and at every other stage, as slow executors do. Says
/// how many of them were fenced and passed over; nothing may be done.
pub(crate) fn ask_too_late(machine: &mut Machine) -> [usize; 2] {
    use SettleStep::{Close, Collect, Credit, Respawn, Reward, Wait};
    let (term, at) = (machine.boss().term(), machine.truth().stage());
    let mut met = [0, 0];
    for step in [Collect, Wait, Close, Credit, Reward, Respawn] {
        for other in terms(term) {
            let verdict = machine.handle_settle(settle(other, at, step)).verdict;
            met[0] += usize::from(verdict == SettleVerdict::Fenced);
        }
        for other in stages(at).filter(|other| step.fits(other.status)) {
            let verdict = machine.handle_settle(settle(term, other, step)).verdict;
            met[1] += usize::from(verdict == SettleVerdict::Passed);
        }
    }
    met
}

/// Terms that an executor may believe in, but for the one that is.
fn terms(now: Term) -> impl Iterator<Item = Term> {
    let numbers = now.number.saturating_sub(1)..=now.number + 1;
    let all = numbers.flat_map(|number| [1, 2].map(|it| Term { number, executor: executor(it) }));
    all.filter(move |term| *term != now)
}

/// Stages that it may believe in, but for the one that is.
fn stages(now: Stage) -> impl Iterator<Item = Stage> {
    let generations = [now.generation, Gen(now.generation.0 + 1), Gen(now.generation.0 - 1)];
    let all = generations.into_iter().flat_map(|generation| {
        let stage = move |status: &Status| {
            [0, 1].map(|waited| Stage { generation, status: *status, waited })
        };
        Status::ALL.iter().flat_map(stage)
    });
    all.filter(move |stage| *stage != now)
}
