//! What does not commute, shown by numbers. None of these can be a delta.

use ucore::{Delta, GMapDelta, Max, Set};

#[test]
fn a_sum_that_saturates_is_not_associative() {
    let one_side = i64::MAX.saturating_add(1).saturating_add(-1);
    let other_side = i64::MAX.saturating_add(1_i64.saturating_add(-1));
    assert_ne!(one_side, other_side);
}

#[test]
fn a_value_clamped_while_it_is_summed_depends_on_the_order() {
    let hit = |hp: i32, change: i32| (hp + change).max(0);
    assert_eq!(hit(hit(10, -20), 5), 5);
    assert_eq!(hit(hit(10, 5), -20), 0);
    assert_eq!(hit(10, -20 + 5), 0, "nor can the two be folded");
}

#[test]
fn a_sum_of_floating_point_numbers_is_not_associative() {
    let one_side = (0.1_f64 + 0.2) + 0.3;
    let other_side = 0.1_f64 + (0.2 + 0.3);
    assert_ne!(one_side.to_bits(), other_side.to_bits());
}

#[test]
fn a_reset_without_a_generation_depends_on_the_order() {
    let (hit, reset) = (|taken: i64| taken + 5, |_: i64| 0);
    assert_ne!(hit(reset(3)), reset(hit(3)));
}

/// With a generation as the key, a hit of an old fight stays with the old fight.
#[test]
fn a_reset_with_a_generation_commutes() {
    let hit = || GMapDelta::line(1_u8, Max::of(5));
    let fresh = || GMapDelta::line(2_u8, Max::of(1));
    let (mut one, mut other) = (hit(), fresh());
    one.merge(fresh());
    other.merge(hit());
    assert_eq!(one, other);
}

/// A register folds, but only in the order of the log, so it is no delta.
#[test]
fn the_last_write_of_a_register_depends_on_the_order() {
    use ucore::Coalesce;
    let folded = |mut first: Set<u8>, later: Set<u8>| {
        assert_eq!(first.coalesce(later), Ok(()));
        first
    };
    assert_ne!(folded(Set(1), Set(2)), folded(Set(2), Set(1)));
}
