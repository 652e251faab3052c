//! Mutants of the law of sizes.

use crate::sizes::{an_update_is_as_small_as_its_change, map};
use ucore::{Reg, Set, UMapUpdate, UVec};

#[test]
fn the_law_of_sizes_catches_an_update_that_carries_the_whole_value() {
    let of_len = |len: u32| Reg::new((0..len).collect::<Vec<u32>>());
    let change = |reg: &mut Reg<Vec<u32>>| {
        let mut values = reg.get().clone();
        values[0] = 7;
        Set(values)
    };
    assert!(an_update_is_as_small_as_its_change(of_len, change).is_err());
}

/// The path to what changes grows with the map.
#[test]
fn the_law_of_sizes_catches_an_update_that_names_every_key() {
    let change = |map: &mut ucore::UMap<u32, UVec<String>>| {
        let lines = map.iter().map(|(key, value)| (*key, value.clone()));
        UMapUpdate::Extend(lines.collect())
    };
    assert!(an_update_is_as_small_as_its_change(map, change).is_err());
}
