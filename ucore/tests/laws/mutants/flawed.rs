//! A real structure with one method that is wrong.

use crate::check::{Case, holds};
use crate::sample::Sample;
use crate::{codec, updates};
use proptest::prelude::*;
use std::fmt::Debug;
use ucore::{
    Coalesce, DecodeError, Lane, Reader, Reject, Run, Schema, Typed, Updatable, Wire, Writer,
};

type UpdateOf<F> = <<F as Flaw>::Of as Updatable>::Update;

/// What is wrong. All methods are those of the real structure, but for the one that a flaw has.
pub(super) trait Flaw: 'static {
    type Of: Sample;

    fn check(state: &Self::Of, update: &UpdateOf<Self>) -> Result<(), Reject> {
        state.check(update)
    }

    fn apply(state: &mut Self::Of, update: UpdateOf<Self>) -> Result<(), Reject> {
        state.apply(update)
    }

    fn lane(update: &UpdateOf<Self>) -> Lane {
        Self::Of::lane(update)
    }

    fn coalesce(first: &mut UpdateOf<Self>, later: UpdateOf<Self>) -> Result<(), UpdateOf<Self>> {
        first.coalesce(later)
    }

    fn write(state: &Self::Of, run: Run, to: &mut Writer) {
        state.write(run, to);
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self::Of, DecodeError> {
        Wire::read(run, from)
    }

    fn write_update(update: &UpdateOf<Self>, run: Run, to: &mut Writer) {
        update.write(run, to);
    }

    fn read_update(run: Run, from: &mut Reader<'_>) -> Result<UpdateOf<Self>, DecodeError> {
        Wire::read(run, from)
    }

    fn equal(a: &Self::Of, b: &Self::Of) -> bool {
        a == b
    }
}

pub(super) struct Flawed<F: Flaw>(pub(super) F::Of);

pub(super) struct FlawedUpdate<F: Flaw>(pub(super) UpdateOf<F>);

impl<F: Flaw> Clone for Flawed<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Flaw> PartialEq for Flawed<F> {
    fn eq(&self, other: &Self) -> bool {
        F::equal(&self.0, &other.0)
    }
}

impl<F: Flaw> Debug for Flawed<F> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

impl<F: Flaw> Clone for FlawedUpdate<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<F: Flaw> PartialEq for FlawedUpdate<F> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<F: Flaw> Debug for FlawedUpdate<F> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

impl<F: Flaw> Coalesce for FlawedUpdate<F> {
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        F::coalesce(&mut self.0, later.0).map_err(Self)
    }
}

impl<F: Flaw> Wire for Flawed<F> {
    fn write(&self, run: Run, to: &mut Writer) {
        F::write(&self.0, run, to);
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        F::read(run, from).map(Self)
    }

    fn fits(&self) -> Result<(), Reject> {
        self.0.fits()
    }
}

impl<F: Flaw> Wire for FlawedUpdate<F> {
    fn write(&self, run: Run, to: &mut Writer) {
        F::write_update(&self.0, run, to);
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        F::read_update(run, from).map(Self)
    }

    fn fits(&self) -> Result<(), Reject> {
        self.0.fits()
    }
}

impl<F: Flaw> Typed for Flawed<F> {
    const SCHEMA: &'static Schema = <F::Of as Typed>::SCHEMA;
}

impl<F: Flaw> Updatable for Flawed<F> {
    type Update = FlawedUpdate<F>;

    fn check(&self, update: &Self::Update) -> Result<(), Reject> {
        F::check(&self.0, &update.0)
    }

    fn apply(&mut self, update: Self::Update) -> Result<(), Reject> {
        F::apply(&mut self.0, update.0)
    }

    fn lane(update: &Self::Update) -> Lane {
        F::lane(&update.0)
    }
}

impl<F: Flaw> Sample for Flawed<F> {
    fn state() -> BoxedStrategy<Self> {
        F::Of::state().prop_map(Self).boxed()
    }

    fn update() -> BoxedStrategy<Self::Update> {
        F::Of::update().prop_map(FlawedUpdate).boxed()
    }
}

/// Nothing is wrong.
struct Flawless;

impl Flaw for Flawless {
    type Of = ucore::UMap<u8, ucore::UVec<u8>>;
}

/// The wrapper itself is no mutant, so what the others show is their own fault.
#[test]
fn a_structure_without_a_flaw_passes() {
    type In = Case<Flawed<Flawless>>;
    holds::<In>(updates::coalesce_is_composition);
    holds::<In>(updates::compact_preserves);
    holds::<In>(updates::check_and_apply_agree);
    holds::<In>(codec::bytes_bring_it_back);
    holds::<In>(codec::it_has_one_spelling);
    holds::<In>(codec::garbage_is_refused_cheaply);
    holds::<In>(codec::equal_values_have_equal_bytes);
}
