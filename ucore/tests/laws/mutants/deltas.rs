//! Mutants of the laws of the delta lane.

use super::wrong_sum::{Right, Rule, Sum};
use crate::check::{Case, Deltas, holds, is_caught};
use crate::deltas::{
    Buffer, a_fold_stays_small, any_partition_in_any_order_is_the_same, lift_is_absorb,
    lower_takes_the_delta_lane, merge_is_a_commutative_monoid, merge_is_idempotent,
    totals_survive_any_delivery,
};
use proptest::prelude::*;
use ucore::{Counter, Delta, DeltaBuffer, Lane, Max};

struct Saturating;

impl Rule for Saturating {
    fn merge(a: i64, b: i64) -> i64 {
        a.saturating_add(b)
    }
}

/// Hit points that never fall below nothing.
struct Clamped;

impl Rule for Clamped {
    fn absorb(state: i64, delta: i64) -> i64 {
        state.wrapping_add(delta).max(0)
    }

    fn deltas() -> BoxedStrategy<i64> {
        (-9..9_i64).boxed()
    }
}

/// A sum of floating-point numbers, of which the bits are shown.
struct Float;

impl Rule for Float {
    fn merge(a: i64, b: i64) -> i64 {
        let float = |bits: i64| f64::from_bits(bits.cast_unsigned());
        (float(a) + float(b)).to_bits().cast_signed()
    }

    fn deltas() -> BoxedStrategy<i64> {
        let bits = |float: f64| float.to_bits().cast_signed();
        proptest::sample::select([0.1, 0.2, 0.3].map(bits).to_vec()).boxed()
    }
}

struct KeepsTheLast;

impl Rule for KeepsTheLast {
    fn merge(_: i64, b: i64) -> i64 {
        b
    }
}

/// A delta that changes something is not sent.
struct HidesOnes;

impl Rule for HidesOnes {
    fn is_identity(delta: i64) -> bool {
        delta == 0 || delta == 1
    }
}

struct LiftNegates;

impl Rule for LiftNegates {
    fn lift(delta: i64) -> i64 {
        delta.wrapping_neg()
    }
}

/// The log adds, and the way beside it overwrites.
struct AbsorbOverwrites;

impl Rule for AbsorbOverwrites {
    fn absorb(_: i64, delta: i64) -> i64 {
        delta
    }
}

struct SaysItIsOrdered;

impl Rule for SaysItIsOrdered {
    fn lane(_: i64) -> Lane {
        Lane::Ordered
    }
}

/// What comes while something is there is lost.
#[derive(Debug, Default)]
struct Forgets<D>(Option<D>);

impl<D: Delta> Buffer<D> for Forgets<D> {
    fn add(&mut self, delta: D) -> Option<D> {
        self.0.get_or_insert(delta);
        None
    }

    fn drain(&mut self) -> Vec<D> {
        self.0.take().into_iter().collect()
    }
}

/// What was sent once is sent again with the rest.
#[derive(Debug, Default)]
struct Repeats<D>(D);

impl<D: Delta> Buffer<D> for Repeats<D> {
    fn add(&mut self, delta: D) -> Option<D> {
        self.0.merge(delta);
        None
    }

    fn drain(&mut self) -> Vec<D> {
        vec![self.0.clone()]
    }
}

#[derive(Debug, Default)]
struct Queues<D>(Vec<D>);

impl<D: Delta> Buffer<D> for Queues<D> {
    fn add(&mut self, delta: D) -> Option<D> {
        self.0.push(delta);
        None
    }

    fn drain(&mut self) -> Vec<D> {
        std::mem::take(&mut self.0)
    }
}

/// The sum itself is no mutant, so what the others show is their own fault.
#[test]
fn the_sum_without_a_wrong_rule_passes() {
    type Right_ = DeltaBuffer<Sum<Right>>;
    holds::<Deltas<Sum<Right>>>(merge_is_a_commutative_monoid);
    holds::<Deltas<_>>(any_partition_in_any_order_is_the_same::<Sum<Right>, Right_>);
    holds::<Deltas<Sum<Right>>>(lift_is_absorb);
    holds::<Deltas<_>>(a_fold_stays_small::<Sum<Right>, Right_>);
}

#[test]
fn the_law_of_monoids_catches_a_sum_that_saturates() {
    is_caught::<Deltas<Sum<Saturating>>>(merge_is_a_commutative_monoid);
}

#[test]
fn the_law_of_monoids_catches_a_sum_of_floating_point_numbers() {
    is_caught::<Deltas<Sum<Float>>>(merge_is_a_commutative_monoid);
}

#[test]
fn the_law_of_monoids_catches_a_register_that_keeps_the_last_write() {
    is_caught::<Deltas<Sum<KeepsTheLast>>>(merge_is_a_commutative_monoid);
}

#[test]
fn the_law_of_monoids_catches_a_sum_that_hides_a_change() {
    is_caught::<Deltas<Sum<HidesOnes>>>(merge_is_a_commutative_monoid);
}

#[test]
fn the_law_of_idempotence_catches_a_sum_that_is_marked() {
    is_caught::<Deltas<Sum<Right>>>(merge_is_idempotent);
}

#[test]
fn the_law_of_partitions_catches_a_sum_that_saturates() {
    type Mutant = Sum<Saturating>;
    is_caught::<Deltas<_>>(any_partition_in_any_order_is_the_same::<Mutant, DeltaBuffer<Mutant>>);
}

#[test]
fn the_law_of_partitions_catches_a_value_that_is_clamped() {
    type Mutant = Sum<Clamped>;
    is_caught::<Deltas<_>>(any_partition_in_any_order_is_the_same::<Mutant, DeltaBuffer<Mutant>>);
}

#[test]
fn the_law_of_partitions_catches_a_buffer_that_forgets() {
    is_caught::<Deltas<_>>(any_partition_in_any_order_is_the_same::<Counter, Forgets<Counter>>);
}

#[test]
fn the_law_of_partitions_catches_a_buffer_that_repeats() {
    is_caught::<Deltas<_>>(any_partition_in_any_order_is_the_same::<Counter, Repeats<Counter>>);
}

/// What may be delivered twice bears such a buffer.
#[test]
fn the_law_of_partitions_passes_a_maximum_in_a_buffer_that_repeats() {
    holds::<Deltas<_>>(any_partition_in_any_order_is_the_same::<Max, Repeats<Max>>);
}

#[test]
fn the_law_of_lifting_catches_a_lift_that_negates() {
    is_caught::<Deltas<Sum<LiftNegates>>>(lift_is_absorb);
}

#[test]
fn the_law_of_lifting_catches_an_absorb_that_overwrites() {
    is_caught::<Deltas<Sum<AbsorbOverwrites>>>(lift_is_absorb);
}

#[test]
fn the_law_of_lifting_catches_a_delta_that_says_it_is_ordered() {
    is_caught::<Deltas<Sum<SaysItIsOrdered>>>(lift_is_absorb);
}

#[test]
fn the_law_of_lowering_catches_one_that_takes_the_ordered_lane() {
    is_caught::<Case<Sum<SaysItIsOrdered>>>(lower_takes_the_delta_lane);
}

#[test]
fn the_law_of_folds_catches_a_buffer_that_queues() {
    is_caught::<Deltas<_>>(a_fold_stays_small::<Counter, Queues<Counter>>);
}

#[test]
fn the_law_of_totals_catches_a_delta_that_adds_instead_of_taking_the_larger() {
    is_caught::<Deltas<Sum<Right>>>(totals_survive_any_delivery);
}
