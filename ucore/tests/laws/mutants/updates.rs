//! Mutants of the laws of updates.

use super::flawed::{Flaw, Flawed};
use crate::check::{Case, is_caught};
use crate::updates::{check_and_apply_agree, coalesce_is_composition};
use crate::updates::{compact_preserves, deltas_commute};
use ucore::{Coalesce, Counter, Delta, Lane, Reject, Set, TupleUpdate, UMap, UMapUpdate, UVec};
use ucore::{UVecUpdate, Updatable};

type MapUpdate = UMapUpdate<u8, u8, Set<u8>>;
type VecUpdate = UVecUpdate<u8, Set<u8>>;
type PairUpdate = TupleUpdate<(Option<Set<u8>>, Option<VecUpdate>)>;

/// Remove and then at, whichever their keys, becomes an insert.
struct FusesRemoveAndAt;

impl Flaw for FusesRemoveAndAt {
    type Of = UMap<u8, u8>;

    fn coalesce(first: &mut MapUpdate, later: MapUpdate) -> Result<(), MapUpdate> {
        match (&*first, later) {
            (UMapUpdate::Remove(_), UMapUpdate::At(key, Set(value))) => {
                *first = UMapUpdate::Insert(key, value);
                Ok(())
            }
            (_, later) => first.coalesce(later),
        }
    }
}

/// Remove and then insert another key forgets the removal.
struct ForgetsTheRemoval;

impl Flaw for ForgetsTheRemoval {
    type Of = UMap<u8, u8>;

    fn coalesce(first: &mut MapUpdate, later: MapUpdate) -> Result<(), MapUpdate> {
        match (&*first, later) {
            (UMapUpdate::Remove(_), UMapUpdate::Insert(key, value)) => {
                *first = UMapUpdate::Insert(key, value);
                Ok(())
            }
            (_, later) => first.coalesce(later),
        }
    }
}

/// An update at one index takes in that of a larger one.
struct FusesAnyIndex;

impl Flaw for FusesAnyIndex {
    type Of = UVec<u8>;

    fn coalesce(first: &mut VecUpdate, later: VecUpdate) -> Result<(), VecUpdate> {
        match (&mut *first, later) {
            (UVecUpdate::At(at, update), UVecUpdate::At(other, later)) if *at <= other => {
                *update = later;
                Ok(())
            }
            (_, later) => first.coalesce(later),
        }
    }
}

struct KeepsTheFirstWrite;

impl Flaw for KeepsTheFirstWrite {
    type Of = u8;

    fn coalesce(_: &mut Set<u8>, _: Set<u8>) -> Result<(), Set<u8>> {
        Ok(())
    }
}

struct FoldsBeyondTheLimit;

impl Flaw for FoldsBeyondTheLimit {
    type Of = Counter;

    fn coalesce(first: &mut Counter, later: Counter) -> Result<(), Counter> {
        first.merge(later);
        Ok(())
    }
}

/// The first part of a pair stays folded although the second part can't be.
struct KeepsHalfOfARefusal;

impl Flaw for KeepsHalfOfARefusal {
    type Of = (u8, UVec<u8>);

    fn coalesce(first: &mut PairUpdate, later: PairUpdate) -> Result<(), PairUpdate> {
        let (number, back) = (later.0.0, later.clone());
        first.coalesce(later).map_err(|_| {
            first.0.0 = number.or(first.0.0);
            back
        })
    }
}

struct DropsTheBoundsTest;

impl Flaw for DropsTheBoundsTest {
    type Of = UVec<u8>;

    fn apply(state: &mut UVec<u8>, update: VecUpdate) -> Result<(), Reject> {
        match update {
            UVecUpdate::Remove(at) => {
                let mut values = state.to_vec();
                values.remove(usize::try_from(at).expect("an index"));
                *state = values.into_iter().collect();
                Ok(())
            }
            other => state.apply(other),
        }
    }
}

/// A pair whose second part does not fit has changed its first one.
struct AppliesTheFirstHalf;

impl Flaw for AppliesTheFirstHalf {
    type Of = (u8, UVec<u8>);

    fn apply(state: &mut Self::Of, update: PairUpdate) -> Result<(), Reject> {
        let TupleUpdate((first, second)) = update;
        state.apply(TupleUpdate((first, None)))?;
        state.apply(TupleUpdate((None, second)))
    }
}

struct GivesAnotherReason;

impl Flaw for GivesAnotherReason {
    type Of = UMap<u8, u8>;

    fn check(state: &Self::Of, update: &MapUpdate) -> Result<(), Reject> {
        state.check(update).map_err(|_| Reject::OutOfOrder)
    }
}

/// What is taken can't be sent.
struct TakesWhatDoesNotFit;

impl Flaw for TakesWhatDoesNotFit {
    type Of = u64;

    fn check(_: &u64, _: &Set<u64>) -> Result<(), Reject> {
        Ok(())
    }

    fn apply(state: &mut u64, update: Set<u64>) -> Result<(), Reject> {
        *state = update.0;
        Ok(())
    }
}

/// A register says that it commutes.
struct OrderedAsDelta;

impl Flaw for OrderedAsDelta {
    type Of = u8;

    fn lane(_: &Set<u8>) -> Lane {
        Lane::Delta
    }
}

#[test]
fn the_law_of_folding_catches_a_map_that_fuses_remove_and_insert_of_two_keys() {
    is_caught::<Case<Flawed<ForgetsTheRemoval>>>(coalesce_is_composition);
}

#[test]
fn the_law_of_folding_catches_a_map_that_fuses_remove_and_at() {
    is_caught::<Case<Flawed<FusesRemoveAndAt>>>(coalesce_is_composition);
}

#[test]
fn the_law_of_folding_catches_a_vec_that_fuses_two_indices() {
    is_caught::<Case<Flawed<FusesAnyIndex>>>(coalesce_is_composition);
}

#[test]
fn the_law_of_folding_catches_a_register_that_keeps_the_first_write() {
    is_caught::<Case<Flawed<KeepsTheFirstWrite>>>(coalesce_is_composition);
}

#[test]
fn the_law_of_folding_catches_a_counter_that_folds_beyond_the_limit() {
    is_caught::<Case<Flawed<FoldsBeyondTheLimit>>>(coalesce_is_composition);
}

#[test]
fn the_law_of_folding_catches_a_pair_that_keeps_half_of_a_refusal() {
    is_caught::<Case<Flawed<KeepsHalfOfARefusal>>>(coalesce_is_composition);
}

#[test]
fn the_law_of_compaction_catches_a_map_that_fuses_remove_and_insert_of_two_keys() {
    is_caught::<Case<Flawed<ForgetsTheRemoval>>>(compact_preserves);
}

#[test]
fn the_law_of_compaction_catches_a_map_that_fuses_remove_and_at() {
    is_caught::<Case<Flawed<FusesRemoveAndAt>>>(compact_preserves);
}

#[test]
fn the_law_of_compaction_catches_a_register_that_keeps_the_first_write() {
    is_caught::<Case<Flawed<KeepsTheFirstWrite>>>(compact_preserves);
}

#[test]
fn the_law_of_agreement_catches_a_vec_that_drops_the_bounds_test() {
    is_caught::<Case<Flawed<DropsTheBoundsTest>>>(check_and_apply_agree);
}

#[test]
fn the_law_of_agreement_catches_a_pair_that_applies_the_first_half() {
    is_caught::<Case<Flawed<AppliesTheFirstHalf>>>(check_and_apply_agree);
}

#[test]
fn the_law_of_agreement_catches_a_map_that_gives_another_reason() {
    is_caught::<Case<Flawed<GivesAnotherReason>>>(check_and_apply_agree);
}

#[test]
fn the_law_of_agreement_catches_a_number_that_takes_what_does_not_fit() {
    is_caught::<Case<Flawed<TakesWhatDoesNotFit>>>(check_and_apply_agree);
}

#[test]
fn the_law_of_commuting_catches_a_register_that_says_it_is_of_the_delta_lane() {
    is_caught::<Case<Flawed<OrderedAsDelta>>>(deltas_commute);
}
