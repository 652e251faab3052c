//! Mutants of the laws of the bytes.

use super::flawed::{Flaw, Flawed};
use crate::check::{Case, is_caught};
use crate::codec::{
    bytes_bring_it_back, equal_values_have_equal_bytes, garbage_is_refused_cheaply,
    it_has_one_spelling, what_does_not_fit_has_no_reader,
};
use ucore::{
    DecodeError, GSet, OptionUpdate, Reader, Reject, Run, Set, UMap, UMapUpdate, UVec, UVecUpdate,
    Updatable, Wire, Writer,
};

/// What is cleared comes back as what is put, and the other way round.
struct SwapsTags;

impl Flaw for SwapsTags {
    type Of = Option<u8>;

    fn write_update(update: &OptionUpdate<u8, Set<u8>>, run: Run, to: &mut Writer) {
        match update {
            OptionUpdate::Put(value) => OptionUpdate::<u8, _>::Some(Set(*value)).write(run, to),
            OptionUpdate::Some(Set(value)) => {
                OptionUpdate::<_, Set<u8>>::Put(*value).write(run, to)
            }
            OptionUpdate::Clear => update.write(run, to),
        }
    }
}

/// The second part of a pair does not travel.
struct LeavesAPartOut;

impl Flaw for LeavesAPartOut {
    type Of = (u8, u8);

    fn write(state: &(u8, u8), run: Run, to: &mut Writer) {
        state.0.write(run, to);
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<(u8, u8), DecodeError> {
        Ok((u8::read(run, from)?, 0))
    }
}

/// A list in an open run looks like nothing at all.
struct ConfusesNoneAndNil;

impl Flaw for ConfusesNoneAndNil {
    type Of = Option<UVec<()>>;

    fn write(state: &Self::Of, run: Run, to: &mut Writer) {
        match state {
            Some(values) => values.write(run, to),
            None => to.nil(),
        }
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self::Of, DecodeError> {
        if from.take_nil() { Ok(None) } else { UVec::read(run, from).map(Some) }
    }
}

/// Members may come in any order, and twice.
struct TakesAnyOrder;

impl Flaw for TakesAnyOrder {
    type Of = GSet<u8>;

    fn write(state: &GSet<u8>, run: Run, to: &mut Writer) {
        state.iter().copied().collect::<Vec<u8>>().write(run, to);
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<GSet<u8>, DecodeError> {
        Ok(Vec::<u8>::read(run, from)?.into_iter().collect())
    }
}

/// Any number but nothing is true.
struct TakesAnyTruth;

impl Flaw for TakesAnyTruth {
    type Of = bool;

    fn write(state: &bool, _: Run, to: &mut Writer) {
        to.uint(u64::from(*state));
    }

    fn read(_: Run, from: &mut Reader<'_>) -> Result<bool, DecodeError> {
        Ok(from.uint()? != 0)
    }
}

/// The limit is kept on the way out only: a number beyond it travels as another one.
struct WrapsAtTheLimit;

impl Flaw for WrapsAtTheLimit {
    type Of = u64;

    fn write_update(update: &Set<u64>, _: Run, to: &mut Writer) {
        to.uint(update.0 & ucore::INT_MAX);
    }
}

/// The number of members is believed before they are there.
struct BelievesTheLength;

impl Flaw for BelievesTheLength {
    type Of = UVec<u8>;

    fn write_update(update: &UVecUpdate<u8, Set<u8>>, run: Run, to: &mut Writer) {
        to.uint(7);
        update.write(run, to);
    }

    fn read_update(
        run: Run,
        from: &mut Reader<'_>,
    ) -> Result<UVecUpdate<u8, Set<u8>>, DecodeError> {
        let len = usize::try_from(from.uint()?).map_err(|_| DecodeError::Range)?;
        let room = Vec::<u8>::with_capacity(len.min(1 << 20) * 16);
        let update = Wire::read(run, from);
        drop(room);
        update
    }
}

struct PanicsOnGarbage;

impl Flaw for PanicsOnGarbage {
    type Of = String;

    fn read(_: Run, from: &mut Reader<'_>) -> Result<String, DecodeError> {
        Ok(from.text().expect("nobody sends anything else").to_owned())
    }
}

/// Two keys whose values were swapped are the same for the comparison.
struct ComparesKeysOnly;

impl Flaw for ComparesKeysOnly {
    type Of = UMap<u8, u8>;

    fn equal(a: &Self::Of, b: &Self::Of) -> bool {
        a.keys().eq(b.keys())
    }
}

/// The members stand in the order in which they came, and are compared as a set.
struct WritesInOrderOfArrival;

impl Flaw for WritesInOrderOfArrival {
    type Of = UVec<u8>;

    fn equal(a: &UVec<u8>, b: &UVec<u8>) -> bool {
        let set = |values: &UVec<u8>| values.iter().copied().collect::<GSet<u8>>();
        set(a) == set(b)
    }
}

/// A key that was removed leaves a line behind.
struct KeepsEmptyLines;

impl Flaw for KeepsEmptyLines {
    type Of = UMap<u8, u8>;

    fn apply(state: &mut Self::Of, update: UMapUpdate<u8, u8, Set<u8>>) -> Result<(), Reject> {
        match update {
            UMapUpdate::Remove(key) if state.contains_key(&key) => {
                state.apply(UMapUpdate::Insert(key, 0))
            }
            other => state.apply(other),
        }
    }

    fn equal(a: &Self::Of, b: &Self::Of) -> bool {
        let lines = |map: &Self::Of| -> UMap<u8, u8> {
            map.iter()
                .filter(|(_, value)| **value != 0)
                .map(|(key, value)| (*key, *value))
                .collect()
        };
        lines(a) == lines(b)
    }
}

#[test]
fn the_law_of_coming_back_catches_an_option_whose_tags_are_swapped() {
    is_caught::<Case<Flawed<SwapsTags>>>(bytes_bring_it_back);
}

#[test]
fn the_law_of_coming_back_catches_a_pair_that_leaves_a_part_out() {
    is_caught::<Case<Flawed<LeavesAPartOut>>>(bytes_bring_it_back);
}

#[test]
fn the_law_of_coming_back_catches_an_option_that_confuses_none_and_nil() {
    is_caught::<Case<Flawed<ConfusesNoneAndNil>>>(bytes_bring_it_back);
}

#[test]
fn the_law_of_one_spelling_catches_a_set_that_takes_any_order() {
    is_caught::<Case<Flawed<TakesAnyOrder>>>(it_has_one_spelling);
}

#[test]
fn the_law_of_one_spelling_catches_a_truth_that_is_any_number() {
    is_caught::<Case<Flawed<TakesAnyTruth>>>(it_has_one_spelling);
}

#[test]
fn the_law_of_limits_catches_a_number_that_wraps() {
    is_caught::<Case<Flawed<WrapsAtTheLimit>>>(what_does_not_fit_has_no_reader);
}

#[test]
fn the_law_of_garbage_catches_a_length_that_is_not_bounded() {
    is_caught::<Case<Flawed<BelievesTheLength>>>(garbage_is_refused_cheaply);
}

#[test]
fn the_law_of_garbage_catches_a_reader_that_panics() {
    is_caught::<Case<Flawed<PanicsOnGarbage>>>(garbage_is_refused_cheaply);
}

#[test]
fn the_law_of_equal_bytes_catches_a_map_that_compares_its_keys_only() {
    is_caught::<Case<Flawed<ComparesKeysOnly>>>(equal_values_have_equal_bytes);
}

#[test]
fn the_law_of_equal_bytes_catches_a_set_in_its_order_of_arrival() {
    is_caught::<Case<Flawed<WritesInOrderOfArrival>>>(equal_values_have_equal_bytes);
}

#[test]
fn the_law_of_equal_bytes_catches_a_map_that_keeps_empty_lines() {
    is_caught::<Case<Flawed<KeepsEmptyLines>>>(equal_values_have_equal_bytes);
}
