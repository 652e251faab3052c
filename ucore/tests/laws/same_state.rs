//! Equal values built along different ways have the same hash.

use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use ucore::prelude::*;
use ucore::{Counter, GMap, GSet, UMap, UVec, encode, state_hash};

type Map = UMap<u16, UVec<u8>>;

fn lines() -> impl Strategy<Value = Vec<(u16, u8)>> {
    vec((0..200_u16, any::<u8>()), 0..40)
}

proptest! {
    /// In the order of the keys and in that of their arrival, with keys that went again, in a
    /// table that was larger once.
    #[test]
    fn a_map_has_one_hash_whatever_its_history(lines in lines(), gone in lines()) {
        let target: BTreeMap<u16, u8> = lines.iter().copied().collect();
        let value = |byte: u8| [byte].into_iter().collect::<UVec<u8>>();
        let sorted: Map = target.iter().map(|(key, byte)| (*key, value(*byte))).collect();
        let mut grown = Map::default();
        for (key, byte) in gone.iter().chain(&lines) {
            grown.insert(*key, value(*byte)).expect("it fits");
        }
        for (key, _) in gone.iter().rev() {
            if !target.contains_key(key) && grown.contains_key(key) {
                grown.remove(*key).expect("it is there");
            }
        }
        prop_assert_eq!(&grown, &sorted);
        prop_assert_eq!(encode(&grown), encode(&sorted));
        prop_assert_eq!(state_hash(&grown), state_hash(&sorted));
    }

    /// A sum that came back to nothing leaves no line.
    #[test]
    fn a_grow_only_map_has_one_hash_whatever_its_history(
        lines in vec((0..8_u8, -3..4_i64), 0..20)
    ) {
        let mut sums = BTreeMap::<u8, i64>::new();
        let (mut there, mut back) = (GMap::<u8, Counter>::default(), GMap::default());
        for (key, more) in &lines {
            *sums.entry(*key).or_default() += more;
            there.at(*key).add(*more).expect("it fits");
        }
        for (key, more) in lines.iter().rev() {
            back.at(*key).add(*more).expect("it fits");
        }
        let folded = sums.into_iter().map(|(key, sum)| (key, Counter::of(sum))).collect();
        prop_assert_eq!(&there, &folded);
        prop_assert_eq!(state_hash(&there), state_hash(&back));
        prop_assert_eq!(state_hash(&there), state_hash(&folded));
    }

    #[test]
    fn a_set_has_one_hash_whatever_its_history(members in vec(0..50_u32, 0..30)) {
        let forth: GSet<u32> = members.iter().copied().collect();
        let mut back = GSet::default();
        for member in members.iter().rev() {
            GSetOps::insert(&mut back, *member).expect("it fits");
        }
        prop_assert_eq!(state_hash(&forth), state_hash(&back));
    }
}
