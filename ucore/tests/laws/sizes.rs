//! An update is as small as its change: its bytes don't depend on the size of the value.

use crate::structs::{Boss, BossOps, LineOps};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use ucore::prelude::*;
use ucore::{Counter, GMap, UMap, UStack, UVec, encode};

/// How many parts a value has.
const LENGTHS: [u32; 3] = [1, 100, 2_000];
const FEW: usize = 16;

/// A change of one place has few bytes, and the same ones in a large value as in a small one.
pub(crate) fn an_update_is_as_small_as_its_change<S: Updatable>(
    of_len: fn(u32) -> S,
    change: fn(&mut S) -> S::Update,
) -> TestCaseResult {
    let updates = LENGTHS.map(|len| encode(&change(&mut of_len(len))));
    for update in &updates {
        prop_assert!(update.len() <= FEW, "{} bytes", update.len());
        prop_assert_eq!(update, &updates[0]);
    }
    Ok(())
}

pub(crate) fn map(len: u32) -> UMap<u32, UVec<String>> {
    (0..len).map(|key| (key, [String::new()].into_iter().collect())).collect()
}

macro_rules! holds {
    ($($name:ident: $of_len:expr, $change:expr;)+) => {$(
        #[test]
        fn $name() -> TestCaseResult {
            an_update_is_as_small_as_its_change($of_len, $change)
        }
    )+};
}

const FITS: &str = "the place is there";

holds! {
    an_update_of_a_map_is_as_small_as_its_change:
        map, |map| map.at(0).push("hello".to_owned()).expect(FITS);
    an_update_of_a_vec_is_as_small_as_its_change:
        |len| (0..len).collect::<UVec<u32>>(), |vec| vec.at(0).set(7).expect(FITS);
    a_push_is_as_small_as_what_it_pushes:
        |len| (0..len).collect::<UVec<u32>>(), |vec| vec.push(7).expect(FITS);
    an_update_of_a_stack_is_as_small_as_its_change:
        |len| (0..len).collect::<UStack<u32>>(), |stack| stack.top().set(7).expect(FITS);
    an_update_of_a_grow_only_map_is_as_small_as_its_change:
        |len| (0..len).map(|key| (key, Counter::of(1))).collect::<GMap<u32, Counter>>(),
        |map| map.at(0).add(7).expect(FITS);
    an_update_of_a_struct_is_as_small_as_its_change:
        |len| Boss { loot: (0..len).map(|_| 9).collect(), ..Boss::default() },
        |boss| boss.board().at(3).damage().add(7).expect(FITS);
}
