//! Mutants of the law of models.

use super::flawed::{Flaw, Flawed, FlawedUpdate};
use crate::check::{Case, is_caught};
use crate::models::{Modelled, it_does_what_its_model_does};
use ucore::{Reject, Set, UMap, UMapUpdate, UVec, UVecUpdate, Updatable};

impl<F: Flaw<Of: Modelled>> Modelled for Flawed<F> {
    fn model(&self, FlawedUpdate(update): &Self::Update) -> Result<Self, Reject> {
        self.0.model(update).map(Self)
    }
}

/// To remove what is not there is no fault, for `check` and for `apply`.
struct RemovesWhatIsNotThere;

impl Flaw for RemovesWhatIsNotThere {
    type Of = UMap<u8, u8>;

    fn apply(state: &mut Self::Of, update: UMapUpdate<u8, u8, Set<u8>>) -> Result<(), Reject> {
        match update {
            UMapUpdate::Remove(key) if !state.contains_key(&key) => Ok(()),
            other => state.apply(other),
        }
    }
}

/// The hole is filled by the last one.
struct RemovesBySwapping;

impl Flaw for RemovesBySwapping {
    type Of = UVec<u8>;

    fn apply(state: &mut UVec<u8>, update: UVecUpdate<u8, Set<u8>>) -> Result<(), Reject> {
        match (update, u32::try_from(state.len())) {
            (UVecUpdate::Remove(at), Ok(len)) if at < len => {
                state.apply(UVecUpdate::Swap(at, len - 1))?;
                state.apply(UVecUpdate::Pop)
            }
            (other, _) => state.apply(other),
        }
    }
}

#[test]
fn the_law_of_models_catches_a_map_that_removes_what_is_not_there() {
    is_caught::<Case<Flawed<RemovesWhatIsNotThere>>>(it_does_what_its_model_does);
}

#[test]
fn the_law_of_models_catches_a_vec_that_removes_by_swapping() {
    is_caught::<Case<Flawed<RemovesBySwapping>>>(it_does_what_its_model_does);
}
