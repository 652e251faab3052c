//! A number of the delta lane with one rule that is wrong.

use crate::sample::{Sample, SampleDelta};
use proptest::prelude::*;
use std::fmt::Debug;
use std::marker::PhantomData;
use ucore::{
    Accumulate, Coalesce, Counter, DecodeError, Delta, Idempotent, Lane, Reader, Reject, Run,
    Schema, Typed, Updatable, Wire, Writer,
};

/// The rules of a sum, but for the one that a mutant has.
pub(super) trait Rule: 'static {
    fn merge(a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    fn absorb(state: i64, delta: i64) -> i64 {
        Self::merge(state, delta)
    }

    fn lift(delta: i64) -> i64 {
        delta
    }

    fn lane(_update: i64) -> Lane {
        Lane::Delta
    }

    fn is_identity(delta: i64) -> bool {
        delta == 0
    }

    /// The deltas to try it with.
    fn deltas() -> BoxedStrategy<i64> {
        prop_oneof![3 => -9..9_i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN)].boxed()
    }
}

/// No rule is wrong.
pub(super) struct Right;

impl Rule for Right {}

pub(super) struct Sum<R>(pub(super) i64, PhantomData<R>);

impl<R> Sum<R> {
    pub(super) fn of(value: i64) -> Self {
        Self(value, PhantomData)
    }
}

impl<R> Clone for Sum<R> {
    fn clone(&self) -> Self {
        Self::of(self.0)
    }
}

impl<R> Default for Sum<R> {
    fn default() -> Self {
        Self::of(0)
    }
}

impl<R> PartialEq for Sum<R> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<R> Debug for Sum<R> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

impl<R: Rule> Delta for Sum<R> {
    fn merge(&mut self, other: Self) {
        self.0 = R::merge(self.0, other.0);
    }

    fn is_identity(&self) -> bool {
        R::is_identity(self.0)
    }
}

/// All of them say so.
impl<R: Rule> Idempotent for Sum<R> {}

impl<R: Rule> Coalesce for Sum<R> {
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        self.merge(later);
        Ok(())
    }
}

impl<R: Rule> Wire for Sum<R> {
    fn write(&self, _: Run, to: &mut Writer) {
        to.int(self.0);
    }

    fn read(_: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.int().map(Self::of)
    }
}

impl<R> Typed for Sum<R> {
    const SCHEMA: &'static Schema = <Counter as Typed>::SCHEMA;
}

impl<R: Rule> Updatable for Sum<R> {
    type Update = Self;

    fn check(&self, _: &Self) -> Result<(), Reject> {
        Ok(())
    }

    fn apply(&mut self, update: Self) -> Result<(), Reject> {
        self.merge(update);
        Ok(())
    }

    fn lane(update: &Self) -> Lane {
        R::lane(update.0)
    }
}

impl<R: Rule> Accumulate for Sum<R> {
    type Delta = Self;

    fn absorb(&mut self, delta: Self) {
        self.0 = R::absorb(self.0, delta.0);
    }

    fn lift(delta: Self) -> Self {
        Self::of(R::lift(delta.0))
    }

    fn lower(update: Self) -> Result<Self, Self> {
        Ok(update)
    }

    fn check_delta(&self, _: &Self) -> Result<(), Reject> {
        Ok(())
    }
}

impl<R: Rule> Sample for Sum<R> {
    fn state() -> BoxedStrategy<Self> {
        R::deltas().prop_map(Self::of).boxed()
    }

    fn update() -> BoxedStrategy<Self> {
        Self::state()
    }
}

impl<R: Rule> SampleDelta for Sum<R> {
    fn delta() -> BoxedStrategy<Self> {
        Self::state()
    }
}
