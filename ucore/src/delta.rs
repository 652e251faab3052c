//! The commuting lane: deltas, and the buffer that folds them on their way.

use crate::{Reject, Updatable, Wire};

/// A commutative monoid: `merge` is associative and commutative, `Default` is its identity.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no delta",
    label = "this can't be folded in any order",
    note = "only deltas can be folded on their way: of an update that touches `delta` fields only, \
            `Accumulate::lower` gives the delta; any other one goes to the log as it is"
)]
pub trait Delta: Clone + Default {
    /// Folds `other` in. The order of merges never matters.
    fn merge(&mut self, other: Self);

    /// Whether absorbing this delta changes nothing. Identities are not sent.
    fn is_identity(&self) -> bool;

    /// Whether the fold with `other` stays inside the limits if both do. What grows beyond them
    /// can't be one update: no reader takes it.
    fn fits_with(&self, _other: &Self) -> bool {
        true
    }
}

/// Marks a delta that may be delivered any number of times: `merge(a, a) == a`.
///
/// Source: state-based replicated data types are join-semilattices (Shapiro, Preguica, Baquero
/// and Zawirski, "Conflict-free Replicated Data Types", 2011); sending only what changed keeps
/// that property (Almeida, Shoker and Baquero, "Delta State Replicated Data Types", 2018).
#[diagnostic::on_unimplemented(
    message = "`{Self}` may not be delivered twice",
    label = "counts each delivery",
    note = "leave `#[update(idempotent)]` out, or use `Max`, `Min`, `GSet`, a `GMap` of these, or \
            a struct of these that is idempotent too"
)]
pub trait Idempotent: Delta {}

/// An [`Updatable`] with a commuting lane.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no delta lane",
    label = "changes in the ordered lane only",
    note = "make it an `ordered` field; what only accumulates is a `Counter`, `Max`, `Min`, \
            `GSet`, `GMap`, or a struct with `delta` fields"
)]
pub trait Accumulate: Updatable {
    /// What commutes.
    type Delta: Delta + Wire;

    /// Takes a delta in without a check, as a fold does. Where it fits, applying `lift(delta)` does
    /// the same; from outside, apply that.
    fn absorb(&mut self, delta: Self::Delta);

    /// The delta as an update for the log.
    fn lift(delta: Self::Delta) -> Self::Update;

    /// The delta that an update of the delta lane is.
    ///
    /// # Errors
    /// Gives an update of the ordered lane back.
    fn lower(update: Self::Update) -> Result<Self::Delta, Self::Update>;

    /// Whether the delta's numbers stay inside the limits.
    ///
    /// # Errors
    /// [`Reject::TooLarge`] for a number beyond [`crate::INT_MAX`].
    fn check_delta(&self, delta: &Self::Delta) -> Result<(), Reject>;
}

/// An [`Accumulate`] without an ordered lane: its update *is* its delta.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has an ordered lane, or no delta lane at all",
    label = "does not only accumulate",
    note = "in a `delta` field and in a `GMap` nothing is ordered: use `Counter`, `Max`, `Min`, \
            `GSet`, `GMap`, or a struct with `delta` fields only",
    note = "anything else fits in an `ordered` field or a `UMap`"
)]
pub trait Commuting:
    Accumulate<Delta = <Self as Updatable>::Update> + Updatable<Update: Delta> + Default
{
}

/// [`crate::Coalesce`] of an update that is a delta.
///
/// # Errors
/// Gives `later` back if the fold does not stay inside the limits.
pub fn fold<D: Delta>(first: &mut D, later: D) -> Result<(), D> {
    if !first.fits_with(&later) {
        return Err(later);
    }
    first.merge(later);
    Ok(())
}

/// Implements all traits of a value whose update, delta and self are one type, from its `Delta`.
macro_rules! is_its_own_delta {
    ($name:ty, |$state:ident, $delta:ident| $check:expr $(, $param:ident: $bound:ident)?) => {
        impl$(<$param: $bound>)? $crate::Coalesce for $name {
            fn coalesce(&mut self, later: Self) -> Result<(), Self> {
                $crate::delta::fold(self, later)
            }
        }

        impl$(<$param: $bound>)? $crate::Updatable for $name {
            type Update = Self;

            fn check(&self, update: &Self) -> Result<(), $crate::Reject> {
                $crate::Accumulate::check_delta(self, update)
            }

            fn apply(&mut self, update: Self) -> Result<(), $crate::Reject> {
                self.check(&update)?;
                $crate::Delta::merge(self, update);
                Ok(())
            }

            fn lane(_: &Self) -> $crate::Lane {
                $crate::Lane::Delta
            }
        }

        impl$(<$param: $bound>)? $crate::Commuting for $name {}

        impl$(<$param: $bound>)? $crate::Accumulate for $name {
            type Delta = Self;

            fn absorb(&mut self, delta: Self) {
                $crate::Delta::merge(self, delta);
            }

            fn lift(delta: Self) -> Self {
                delta
            }

            fn lower(update: Self) -> Result<Self, Self> {
                Ok(update)
            }

            fn check_delta(&self, delta: &Self) -> Result<(), $crate::Reject> {
                let ($state, $delta) = (self, delta);
                $check
            }
        }
    };
}
pub(crate) use is_its_own_delta;

/// Folds deltas until someone takes the sum. Its size is that of one delta, however many it folds.
///
/// ```
/// use ucore::{Counter, DeltaBuffer};
/// let mut buffer = DeltaBuffer::default();
/// assert_eq!(buffer.add(Counter::of(30)), Ok(None));
/// assert_eq!(buffer.add(Counter::of(-10)), Ok(None));
/// assert!(buffer.add(Counter::of(1 << 53)).is_err(), "one that nobody takes spoils nothing");
/// assert_eq!(buffer.folded(), 2);
/// assert_eq!(buffer.take(), Some(Counter::of(20)));
/// assert_eq!(buffer.take(), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeltaBuffer<D> {
    sum: D,
    folded: u64,
}

impl<D: Delta + Wire> DeltaBuffer<D> {
    /// Folds one more delta in. Where the sum would leave the limits, that so far comes back, to be
    /// sent, and the next one begins.
    ///
    /// # Errors
    /// [`Reject::TooLarge`] for a delta that nobody would take by itself; the sum goes on without.
    pub fn add(&mut self, delta: D) -> Result<Option<D>, Reject> {
        delta.fits()?;
        if self.sum.fits_with(&delta) {
            self.sum.merge(delta);
            self.folded += 1;
            return Ok(None);
        }
        let full = self.take();
        self.sum = delta;
        self.folded = 1;
        Ok(full)
    }

    /// How many deltas were folded since the last [`DeltaBuffer::take`].
    #[must_use]
    pub const fn folded(&self) -> u64 {
        self.folded
    }

    /// The fold of everything since the last call, or nothing when that is the identity.
    pub fn take(&mut self) -> Option<D> {
        self.folded = 0;
        let sum = std::mem::take(&mut self.sum);
        (!sum.is_identity()).then_some(sum)
    }
}
