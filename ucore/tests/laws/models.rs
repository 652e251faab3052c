//! Containers do what those of the standard library do, and miss what is not there.

use crate::check::{Case, holds};
use crate::sample::Sample;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::collections::BTreeMap;
use ucore::{
    GMap, Max, OptionUpdate, Reject, Set, UMap, UMapUpdate, UStack, UStackUpdate, UVec, UVecUpdate,
};

/// A structure whose updates are known by what they do to a container of the standard library.
pub(crate) trait Modelled: Sample {
    /// What the update makes of the value.
    fn model(&self, update: &Self::Update) -> Result<Self, Reject>;
}

/// A value is what its model is, after each update.
pub(crate) fn it_does_what_its_model_does<S: Modelled>(case: &Case<S>) -> TestCaseResult {
    let mut state = case.state.clone();
    for update in &case.updates {
        let expected = state.model(update);
        let outcome = state.apply(update.clone());
        prop_assert_eq!(outcome, expected.as_ref().map(|_| ()).map_err(|reject| *reject));
        if let Ok(expected) = expected {
            prop_assert_eq!(&state, &expected, "after {:?}", update);
        }
    }
    Ok(())
}

impl Modelled for UMap<u8, u8> {
    fn model(&self, update: &Self::Update) -> Result<Self, Reject> {
        let mut map: BTreeMap<u8, u8> = self.iter().map(|(key, value)| (*key, *value)).collect();
        match update {
            UMapUpdate::Insert(key, value) => {
                map.insert(*key, *value);
            }
            UMapUpdate::Remove(key) => {
                map.remove(key).ok_or(Reject::Missing)?;
            }
            UMapUpdate::At(key, Set(value)) => {
                *map.get_mut(key).ok_or(Reject::Missing)? = *value;
            }
            UMapUpdate::Extend(lines) => map.extend(lines),
            UMapUpdate::Clear => map.clear(),
        }
        Ok(map.into_iter().collect())
    }
}

impl Modelled for UVec<u8> {
    fn model(&self, update: &Self::Update) -> Result<Self, Reject> {
        let mut vec = self.to_vec();
        let at = |at: u32| usize::try_from(at).expect("an index");
        let there =
            |idx: u32| if at(idx) < self.len() { Ok(at(idx)) } else { Err(Reject::Missing) };
        match update {
            UVecUpdate::Push(value) => vec.push(*value),
            UVecUpdate::Pop => {
                vec.pop().ok_or(Reject::Missing)?;
            }
            UVecUpdate::Insert(idx, value) => {
                if at(*idx) > vec.len() {
                    return Err(Reject::Missing);
                }
                vec.insert(at(*idx), *value);
            }
            UVecUpdate::Remove(idx) => {
                vec.remove(there(*idx)?);
            }
            UVecUpdate::At(idx, Set(value)) | UVecUpdate::Replace(idx, value) => {
                vec[there(*idx)?] = *value;
            }
            UVecUpdate::Swap(a, b) => vec.swap(there(*a)?, there(*b)?),
            UVecUpdate::Truncate(len) => vec.truncate(at(*len)),
            UVecUpdate::Extend(values) => vec.extend(values),
            UVecUpdate::Clear => vec.clear(),
        }
        Ok(vec.into_iter().collect())
    }
}

impl Modelled for UStack<u8> {
    fn model(&self, update: &Self::Update) -> Result<Self, Reject> {
        let mut vec: Vec<u8> = self.iter().copied().collect();
        match update {
            UStackUpdate::Push(value) => vec.push(*value),
            UStackUpdate::Pop => {
                vec.pop().ok_or(Reject::Missing)?;
            }
            UStackUpdate::Top(Set(value)) => *vec.last_mut().ok_or(Reject::Missing)? = *value,
            UStackUpdate::Clear => vec.clear(),
        }
        Ok(vec.into_iter().collect())
    }
}

impl Modelled for Option<u32> {
    fn model(&self, update: &Self::Update) -> Result<Self, Reject> {
        match update {
            OptionUpdate::Put(value) => Ok(Some(*value)),
            OptionUpdate::Clear => Ok(None),
            OptionUpdate::Some(Set(value)) => self.map(|_| Some(*value)).ok_or(Reject::Missing),
        }
    }
}

impl Modelled for GMap<u8, Max> {
    fn model(&self, update: &Self::Update) -> Result<Self, Reject> {
        let number = |max: &Max| if max.get() <= ucore::INT_MAX { Ok(max.get()) } else { Err(()) };
        let mut map: BTreeMap<u8, u64> = self.iter().map(|(key, max)| (*key, max.get())).collect();
        for (key, max) in update.iter() {
            let value = map.entry(*key).or_default();
            *value = number(max).map_err(|()| Reject::TooLarge)?.max(*value);
        }
        Ok(map.into_iter().map(|(key, value)| (key, Max::of(value))).collect())
    }
}

#[test]
fn a_map_does_what_its_model_does() {
    holds::<Case<UMap<u8, u8>>>(it_does_what_its_model_does);
}

#[test]
fn a_vec_does_what_its_model_does() {
    holds::<Case<UVec<u8>>>(it_does_what_its_model_does);
}

#[test]
fn a_stack_does_what_its_model_does() {
    holds::<Case<UStack<u8>>>(it_does_what_its_model_does);
}

#[test]
fn an_option_does_what_its_model_does() {
    holds::<Case<Option<u32>>>(it_does_what_its_model_does);
}

#[test]
fn a_grow_only_map_does_what_its_model_does() {
    holds::<Case<GMap<u8, Max>>>(it_does_what_its_model_does);
}
