//! Laws of updates: what fits, what folds, what commutes.

use crate::check::Case;
use crate::sample::Sample;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use ucore::{Coalesce, Lane, Wire, compact, encode};

/// Where both fit one after the other, the fold fits and makes the same value. What does not fold
/// comes back, and nothing has changed.
pub(crate) fn coalesce_is_composition<S: Sample>(case: &Case<S>) -> TestCaseResult {
    let mut state = case.state.clone();
    for pair in case.updates.windows(2) {
        composes(&state, &pair[0], &pair[1])?;
        let _unfit = state.apply(pair[0].clone());
    }
    Ok(())
}

fn composes<S: Sample>(state: &S, first: &S::Update, later: &S::Update) -> TestCaseResult {
    let mut both = first.clone();
    if let Err(back) = both.coalesce(later.clone()) {
        prop_assert_eq!(encode(&back), encode(later), "what does not fold comes back");
        prop_assert_eq!(encode(&both), encode(first), "and leaves the first one as it was");
        return Ok(());
    }
    let (mut stepwise, mut at_once) = (state.clone(), state.clone());
    if stepwise.apply(first.clone()).is_ok() && stepwise.apply(later.clone()).is_ok() {
        prop_assert_eq!(at_once.apply(both), Ok(()), "{:?} then {:?}", first, later);
        prop_assert_eq!(at_once, stepwise, "{:?} then {:?}", first, later);
    }
    Ok(())
}

/// The updates that fit one after the other, and the value that they make.
pub(crate) fn run<S: Sample>(case: &Case<S>) -> (Vec<S::Update>, S) {
    let mut state = case.state.clone();
    let fits = |update: &&S::Update| state.apply((*update).clone()).is_ok();
    let updates = case.updates.iter().filter(fits).cloned().collect();
    (updates, state)
}

/// A compacted run makes the same value with no more updates.
pub(crate) fn compact_preserves<S: Sample>(case: &Case<S>) -> TestCaseResult {
    let (updates, end) = run(case);
    let before = updates.len();
    let updates = compact(updates);
    prop_assert!(updates.len() <= before);
    let mut state = case.state.clone();
    for update in updates {
        prop_assert_eq!(state.apply(update.clone()), Ok(()), "{:?}", update);
    }
    prop_assert_eq!(state, end);
    Ok(())
}

/// `apply` refuses what `check` refuses, for the same reason, and then nothing has changed. What is
/// taken can be sent, and leaves a value that can be sent.
pub(crate) fn check_and_apply_agree<S: Sample>(case: &Case<S>) -> TestCaseResult {
    let mut state = case.state.clone();
    for update in &case.updates {
        let before = state.clone();
        let checked = state.check(update);
        prop_assert_eq!(state.apply(update.clone()), checked, "{:?}", update);
        if checked.is_err() {
            prop_assert_eq!(&state, &before, "{:?} was refused", update);
        } else {
            prop_assert_eq!(update.fits(), Ok(()), "{:?} was taken", update);
            prop_assert_eq!(state.fits(), Ok(()), "after {:?}", update);
        }
    }
    Ok(())
}

/// Two updates of the delta lane may change places.
pub(crate) fn deltas_commute<S: Sample>(case: &Case<S>) -> TestCaseResult {
    let deltas = case.updates.iter().filter(|update| S::lane(update) == Lane::Delta);
    for pair in deltas.collect::<Vec<_>>().windows(2) {
        let in_order = |order: [&S::Update; 2]| {
            let mut state = case.state.clone();
            let taken = order.map(|update| state.apply(update.clone()).is_ok());
            (taken == [true; 2]).then_some(state)
        };
        let (one, other) = (in_order([pair[0], pair[1]]), in_order([pair[1], pair[0]]));
        if let (Some(one), Some(other)) = (one, other) {
            prop_assert_eq!(one, other, "{:?} and {:?}", pair[0], pair[1]);
        }
    }
    Ok(())
}
