//! Laws of the delta lane.

use crate::check::{Case, Deltas, Dice};
use crate::sample::SampleDelta;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use ucore::{Accumulate, Delta, DeltaBuffer, Idempotent, Lane, encode};

/// Where deltas are kept on their way. [`DeltaBuffer`], or a mutant of it.
pub(crate) trait Buffer<D>: Default {
    /// Gives back what is full.
    fn add(&mut self, delta: D) -> Option<D>;

    /// What has to be sent.
    fn drain(&mut self) -> Vec<D>;
}

impl<D: Delta + ucore::Wire> Buffer<D> for DeltaBuffer<D> {
    fn add(&mut self, delta: D) -> Option<D> {
        // A law draws deltas beyond the limits, too: they come back like a full sum.
        Self::add(self, delta.clone()).unwrap_or(Some(delta))
    }

    fn drain(&mut self) -> Vec<D> {
        self.take().into_iter().collect()
    }
}

fn merged<D: Delta>(a: &D, b: &D) -> D {
    let mut merged = a.clone();
    merged.merge(b.clone());
    merged
}

pub(crate) fn merge_is_a_commutative_monoid<S: SampleDelta>(case: &Deltas<S>) -> TestCaseResult {
    for [a, b, c] in case.deltas.windows(3).filter_map(<[_]>::first_chunk) {
        prop_assert_eq!(merged(&merged(a, b), c), merged(a, &merged(b, c)), "associative");
        prop_assert_eq!(merged(a, b), merged(b, a), "commutative");
        let nothing = S::Delta::default();
        prop_assert_eq!(&merged(a, &nothing), a, "the default is the identity");
        prop_assert_eq!(&merged(&nothing, a), a, "the default is the identity");
        prop_assert_eq!(a.is_identity(), *a == nothing);
        prop_assert!(nothing.is_identity());
    }
    Ok(())
}

/// A delta that came before changes nothing.
pub(crate) fn merge_is_idempotent<S>(case: &Deltas<S>) -> TestCaseResult
where
    S: SampleDelta + Accumulate<Delta: Idempotent>,
{
    let mut all = S::Delta::default();
    for delta in &case.deltas {
        all.merge(delta.clone());
    }
    for delta in &case.deltas {
        prop_assert_eq!(&merged(&all, delta), &all);
    }
    let mut state = case.state.clone();
    state.absorb(all.clone());
    let once = state.clone();
    state.absorb(all);
    prop_assert_eq!(state, once);
    Ok(())
}

/// However deltas are spread over buffers, and in whatever order those are emptied.
pub(crate) fn any_partition_in_any_order_is_the_same<S, B>(case: &Deltas<S>) -> TestCaseResult
where
    S: SampleDelta,
    B: Buffer<S::Delta>,
{
    let mut dice = Dice::new(&case.dice);
    let (mut direct, mut folded) = (case.state.clone(), case.state.clone());
    let mut buffers: [B; 3] = std::array::from_fn(|_| B::default());
    for delta in &case.deltas {
        direct.absorb(delta.clone());
        let full = buffers[dice.below(3)].add(delta.clone());
        full.into_iter().for_each(|delta| folded.absorb(delta));
        if dice.one_in(4) {
            let early = buffers[dice.below(3)].drain();
            early.into_iter().for_each(|delta| folded.absorb(delta));
        }
    }
    buffers.rotate_left(dice.below(3));
    for buffer in &mut buffers {
        buffer.drain().into_iter().for_each(|delta| folded.absorb(delta));
    }
    prop_assert_eq!(folded, direct);
    Ok(())
}

/// A delta does in the log what it does at once, and comes out of the log as it went in.
pub(crate) fn lift_is_absorb<S: SampleDelta>(case: &Deltas<S>) -> TestCaseResult {
    for delta in &case.deltas {
        let update = S::lift(delta.clone());
        prop_assert_eq!(S::lane(&update), Lane::Delta);
        prop_assert_eq!(case.state.check_delta(delta), case.state.check(&update));
        let back = S::lower(update.clone()).ok();
        prop_assert_eq!(back.as_ref(), Some(delta));
        let (mut applied, mut absorbed) = (case.state.clone(), case.state.clone());
        if applied.apply(update).is_ok() {
            absorbed.absorb(delta.clone());
            prop_assert_eq!(applied, absorbed);
        }
    }
    Ok(())
}

/// Only an update of the delta lane is a delta; another one comes back.
pub(crate) fn lower_takes_the_delta_lane<S: SampleDelta>(case: &Case<S>) -> TestCaseResult {
    for update in &case.updates {
        match S::lower(update.clone()) {
            Ok(delta) => {
                prop_assert_eq!(S::lane(update), Lane::Delta);
                prop_assert_eq!(encode(&S::lift(delta)), encode(update));
            }
            Err(back) => {
                prop_assert_eq!(S::lane(update), Lane::Ordered);
                prop_assert_eq!(encode(&back), encode(update));
            }
        }
    }
    Ok(())
}

/// A fold is no larger than its parts, and bounded by what they touch, not by how many they are.
pub(crate) fn a_fold_stays_small<S, B>(case: &Deltas<S>) -> TestCaseResult
where
    S: SampleDelta,
    B: Buffer<S::Delta>,
{
    /// Longer headers of arrays, and carries.
    const SLACK: usize = 16;
    /// Each item has a byte at least, and a number nine at most.
    const NUMBER_LEN_MAX: usize = 9;
    let len = |deltas: &[S::Delta]| deltas.iter().map(|delta| encode(delta).len()).sum();
    let (mut buffers, mut once, mut often) = ([B::default(), B::default()], vec![], vec![]);
    for delta in &case.deltas {
        once.extend(buffers[0].add(delta.clone()));
        often.extend((0..40).filter_map(|_| buffers[1].add(delta.clone())));
    }
    // Only a sum at its limit ends a fold.
    let folds = 1 + often.len();
    once.extend(buffers[0].drain());
    often.extend(buffers[1].drain());
    let parts: usize = len(&case.deltas);
    let (once, often): (usize, usize) = (len(&once), len(&often));
    prop_assert!(once <= parts + SLACK * folds, "{} bytes for {}", once, parts);
    let bound = folds * (NUMBER_LEN_MAX * parts + SLACK);
    prop_assert!(often <= bound, "{} bytes for {} in {} folds", often, parts, folds);
    Ok(())
}

/// Running totals may be lost, repeated and late, as long as the last one comes.
pub(crate) fn totals_survive_any_delivery<S>(case: &Deltas<S>) -> TestCaseResult
where
    S: SampleDelta + Accumulate<Delta: Idempotent>,
{
    let mut dice = Dice::new(&case.dice);
    let mut totals = vec![S::Delta::default()];
    for delta in &case.deltas {
        totals.push(merged(&totals[totals.len() - 1], delta));
    }
    let last = totals[totals.len() - 1].clone();
    let mut deliveries: Vec<_> =
        (0..12).map(|_| totals[dice.below(totals.len())].clone()).collect();
    deliveries.insert(dice.below(deliveries.len()), last.clone());
    let (mut state, mut expected) = (case.state.clone(), case.state.clone());
    deliveries.into_iter().for_each(|total| state.absorb(total));
    expected.absorb(last);
    prop_assert_eq!(state, expected);
    Ok(())
}
