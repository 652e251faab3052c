//! Integers end at 2^53 - 1, everywhere: `check`, `apply` and `decode` refuse the next one.

use crate::structs::{Best, BestDelta, Boss, BossUpdate, Item, Player};
use std::fmt::Debug;
use ucore::{Accumulate, Counter, Delta, GMap, GMapDelta, GSet, INT_MAX, Max, Min, OptionUpdate};
use ucore::{Reg, Reject, Set, TupleUpdate, UMap, UMapUpdate, UStack, UStackUpdate, UVec};
use ucore::{UVecUpdate, Updatable, Wire, decode, encode};

const SIGNED_MAX: i64 = INT_MAX.cast_signed();

/// The update of the largest number passes everywhere, that of the next one nowhere.
fn ends_there<S>(state: &S, update: impl Fn(u64) -> S::Update)
where
    S: Updatable<Update: Debug + PartialEq> + Debug,
{
    let (last, beyond) = (update(INT_MAX), update(INT_MAX + 1));
    let mut value = state.clone();
    assert_eq!(value.check(&last), Ok(()));
    assert_eq!(value.apply(last.clone()), Ok(()));
    assert_eq!(decode::<S::Update>(&encode(&last)).as_ref(), Ok(&last));
    assert_eq!(decode::<S>(&encode(&value)).as_ref(), Ok(&value));

    let mut value = state.clone();
    assert_eq!(value.check(&beyond), Err(Reject::TooLarge));
    assert_eq!(value.apply(beyond.clone()), Err(Reject::TooLarge));
    assert_eq!(&value, state);
    assert_eq!(beyond.fits(), Err(Reject::TooLarge));
    assert!(decode::<S::Update>(&encode(&beyond)).is_err());
}

fn signed(number: u64) -> i64 {
    number.cast_signed()
}

#[test]
fn a_number_ends_at_the_limit() {
    ends_there(&0_u64, Set);
    ends_there(&0_i64, |number| Set(signed(number)));
    ends_there(&0_i64, |number| Set(-signed(number)));
    ends_there(&Player(0), |number| Set(Player(number)));
    ends_there(&Reg::new(vec![0_u64]), |number| Set(vec![1, number]));
    ends_there(&Item::default(), |run| Set(Item { run, ..Item::default() }));
}

#[test]
fn a_delta_ends_at_the_limit() {
    ends_there(&Counter::of(0), |number| Counter::of(signed(number)));
    ends_there(&Counter::of(0), |number| Counter::of(-signed(number)));
    ends_there(&Max::of(0), Max::of);
    ends_there(&GSet::<u64>::default(), |number| [1, number].into_iter().collect());
    ends_there(&GMap::<u8, Max>::default(), |number| GMapDelta::line(1, Max::of(number)));
    ends_there(&GMap::<u64, Max>::default(), |number| GMapDelta::line(number, Max::of(1)));
    ends_there(&Best::default(), |number| BestDelta {
        totals: GMapDelta::line(1, Max::of(number)),
        ..BestDelta::default()
    });
}

#[test]
fn a_smallest_value_ends_at_the_limit() {
    assert_eq!(Min::of(3).check(&Min::of(INT_MAX)), Ok(()));
    assert_eq!(Min::of(3).check(&Min::of(INT_MAX + 1)), Err(Reject::TooLarge));
}

/// Each part of the sum is inside the limits.
#[test]
fn a_sum_ends_at_the_limit() {
    for sign in [1, -1] {
        let mut sum = Counter::of(sign * (SIGNED_MAX - 3));
        assert_eq!(sum.check(&Counter::of(sign * 4)), Err(Reject::TooLarge));
        assert_eq!(sum.apply(Counter::of(sign * 4)), Err(Reject::TooLarge));
        assert_eq!(sum.apply(Counter::of(sign * 3)), Ok(()));
        assert_eq!(sum.get(), sign * SIGNED_MAX);
    }
}

/// Two updates, each of which fits, whose sum does not.
#[test]
fn a_fold_beyond_the_limit_is_refused() {
    use ucore::Coalesce;
    let most = Counter::of(SIGNED_MAX);
    let mut one = most;
    assert_eq!(one.coalesce(most), Err(most));
    assert_eq!(one, most);
    let line = || GMapDelta::line(1_u8, most);
    let mut one = line();
    assert_eq!(one.coalesce(line()), Err(line()));
    assert_eq!(one, line());
    let boss = || Boss::lift(crate::structs::BossDelta { taken: most, ..Default::default() });
    let mut one: BossUpdate = boss();
    assert_eq!(one.coalesce(boss()), Err(boss()));
    assert_eq!(one, boss());
    // A buffer folds them all the same: it is refused where it arrives.
    let mut sum = most;
    sum.merge(most);
    assert_eq!(Counter::of(0).check(&sum), Err(Reject::TooLarge));
}

#[test]
fn a_value_that_comes_whole_ends_at_the_limit() {
    let map: UMap<u64, u64> = [(1, 1)].into_iter().collect();
    ends_there(&map, |number| UMapUpdate::Insert(1, number));
    ends_there(&map, |number| UMapUpdate::Insert(number, 1));
    ends_there(&map, |number| UMapUpdate::At(1, Set(number)));
    ends_there(&map, |number| UMapUpdate::Extend([(1, 1), (number, 1)].into()));
    let vec: UVec<u64> = [1].into_iter().collect();
    ends_there(&vec, UVecUpdate::Push);
    ends_there(&vec, |number| UVecUpdate::Insert(0, number));
    ends_there(&vec, |number| UVecUpdate::At(0, Set(number)));
    ends_there(&vec, |number| UVecUpdate::Extend(vec![1, number]));
    ends_there(&vec, |number| UVecUpdate::Replace(0, number));
    let stack: UStack<u64> = [1].into_iter().collect();
    ends_there(&stack, UStackUpdate::Push);
    ends_there(&stack, |number| UStackUpdate::Top(Set(number)));
    ends_there(&Some(1_u64), OptionUpdate::Put);
    ends_there(&Some(1_u64), |number| OptionUpdate::Some(Set(number)));
    ends_there(&(1_u8, 1_u64), |number| TupleUpdate((Some(Set(2)), Some(Set(number)))));
}
