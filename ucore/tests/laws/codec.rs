//! Laws of the bytes.

use crate::check::{Case, Dice};
use crate::sample::Sample;
use crate::structs::Boss;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::fmt::Debug;
use ucore::{Counter, DecodeError, UMap, UStack, UVec, Wire, decode, encode, state_hash};

/// How much decoding holds at most: this much, and a multiple of the input.
///
/// The first line of a map costs most: a node of a tree with room for eleven lines, then a table
/// with room for four. Lines of the structs here have up to about 100 bytes, so that is the base.
pub(crate) const ALLOCATED_BASE: u64 = 2 << 10;
/// A map of one line in a list takes three bytes, and in memory a table of its own and two places
/// in a list that has grown: 70 for each byte. Nothing here needs more, see
/// [`many_small_maps_are_the_worst`].
pub(crate) const ALLOCATED_PER_BYTE: u64 = 1 << 7;

#[test]
fn many_small_maps_are_the_worst() -> TestCaseResult {
    for len in [10, 100, 1_000, 5_000] {
        let map = || [(1_u8, UStack::<Counter>::default())].into_iter().collect();
        let maps: UVec<UMap<u8, UStack<Counter>>> = (0..len).map(|_| map()).collect();
        is_cheap::<UVec<UMap<u8, UStack<Counter>>>>(&encode(&maps))?;
        let structs: UMap<u32, Boss> = (0..len).map(|key| (key, Boss::default())).collect();
        is_cheap::<UMap<u32, Boss>>(&encode(&structs))?;
    }
    Ok(())
}

/// Decoding gives back what fits.
pub(crate) fn bytes_bring_it_back<S: Sample>(case: &Case<S>) -> TestCaseResult {
    let mut state = case.state.clone();
    for update in &case.updates {
        prop_assert_eq!(decode::<S>(&encode(&state)), Ok(state.clone()));
        if update.fits().is_ok() {
            prop_assert_eq!(decode::<S::Update>(&encode(update)), Ok(update.clone()));
        }
        let _unfit = state.apply(update.clone());
    }
    Ok(())
}

/// What has a number beyond the limits can be written, but no reader takes it.
pub(crate) fn what_does_not_fit_has_no_reader<S: Sample>(case: &Case<S>) -> TestCaseResult {
    for update in case.updates.iter().filter(|update| update.fits().is_err()) {
        prop_assert!(decode::<S::Update>(&encode(update)).is_err(), "{:?}", update);
        prop_assert!(case.state.check(update).is_err(), "{:?}", update);
    }
    Ok(())
}

/// Any bytes that are a value are its only bytes.
pub(crate) fn it_has_one_spelling<S: Sample>(case: &Case<S>) -> TestCaseResult {
    for (bytes, dice) in near_misses(case) {
        is_the_spelling::<S>(&bytes, dice)?;
        is_the_spelling::<S::Update>(&bytes, dice)?;
    }
    Ok(())
}

fn is_the_spelling<T: Wire + Debug>(bytes: &[u8], dice: &[u16]) -> TestCaseResult {
    if let Ok(value) = decode::<T>(bytes) {
        prop_assert_eq!(encode(&value), bytes, "another spelling of {:?}, {:?}", value, dice);
        prop_assert_eq!(value.fits(), Ok(()));
    }
    Ok(())
}

/// Any bytes are refused or taken, at a cost that their number bounds.
pub(crate) fn garbage_is_refused_cheaply<S: Sample>(case: &Case<S>) -> TestCaseResult {
    for (bytes, _) in near_misses(case) {
        is_cheap::<S>(&bytes)?;
        is_cheap::<S::Update>(&bytes)?;
    }
    Ok(())
}

fn is_cheap<T: Wire>(bytes: &[u8]) -> TestCaseResult {
    let mut decoded: Option<Result<T, DecodeError>> = None;
    let cost = allocation_counter::measure(|| decoded = Some(decode(bytes)));
    let max = ALLOCATED_BASE + ALLOCATED_PER_BYTE * u64::try_from(bytes.len()).expect("short");
    prop_assert!(cost.bytes_max <= max, "{} bytes for {:02x?}", cost.bytes_max, bytes);
    Ok(())
}

/// Bytes of values and updates, most with something changed, and bytes of nothing.
fn near_misses<S: Sample>(case: &Case<S>) -> Vec<(Vec<u8>, &[u16])> {
    let mut all = vec![(case.dice.iter().map(|number| number.to_le_bytes()[0]).collect(), &[][..])];
    let values = [encode(&case.state)].into_iter().chain(case.updates.iter().map(encode));
    for (value, dice) in values.zip(case.dice.chunks(3).cycle()) {
        all.push((change(value.clone(), &mut Dice::new(dice)), dice));
        all.push((value, &[]));
    }
    all
}

/// Bytes that begin something, are the next longer form of it, or are the least and the largest.
const MARKS: [u8; 24] = [
    0x00, 0x01, 0x7f, 0x80, 0x90, 0x91, 0x92, 0x9f, 0xa0, 0xa1, 0xc0, 0xc3, 0xc4, 0xca, 0xcb, 0xcc,
    0xcd, 0xcf, 0xd0, 0xd3, 0xd9, 0xdc, 0xdd, 0xff,
];

fn change(mut bytes: Vec<u8>, dice: &mut Dice<'_>) -> Vec<u8> {
    let (how, at) = (dice.below(6), dice.below(bytes.len()));
    let mark = MARKS[dice.below(MARKS.len())];
    match how {
        0 => bytes.truncate(at),
        1 => bytes[at] = mark,
        2 => bytes[at] = bytes[at].wrapping_add(1),
        3 => bytes.insert(at, mark),
        4 => {
            bytes.remove(at);
        }
        _ => bytes.push(mark),
    }
    bytes
}

/// Two values are equal if and only if their bytes are, whatever way they came to be.
pub(crate) fn equal_values_have_equal_bytes<S: Sample>(case: &Case<S>) -> TestCaseResult {
    let mut states = vec![case.state.clone(), decode(&encode(&case.state)).expect("it fits")];
    for update in &case.updates {
        // Once after those before it, and once alone.
        for from in [states.len() - 1, 0] {
            let mut next = states[from].clone();
            if next.apply(update.clone()).is_ok() {
                states.push(next);
            }
        }
    }
    for (idx, a) in states.iter().enumerate() {
        for b in &states[idx..] {
            prop_assert_eq!(a == b, encode(a) == encode(b), "{:?} and {:?}", a, b);
            prop_assert_eq!(a == b, state_hash(a) == state_hash(b), "{:?} and {:?}", a, b);
        }
    }
    Ok(())
}
