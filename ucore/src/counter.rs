//! A number that anyone may add to.

use crate::delta::is_its_own_delta;
use crate::{DecodeError, Delta, INT_MAX, Place, Reader, Reject, Run, Schema, Typed, Wire, Writer};

/// A sum, from -[`INT_MAX`] to [`INT_MAX`]. Its delta is another `Counter`: what to add.
///
/// A sum is not [`crate::Idempotent`]: a delta must arrive once, so someone has to count its
/// deliveries, as [`crate::Sequencer`] does. Merging wraps around, because a sum that saturates
/// does not commute; [`crate::DeltaBuffer`] sends what it has before that happens, and what is
/// beyond the limits is refused where it is checked.
///
/// ```
/// use ucore::Counter;
/// use ucore::prelude::*;
/// let mut damage = Counter::default();
/// damage.add(30)?;
/// assert_eq!(damage.sub(5)?, Counter::of(-5));
/// assert_eq!(damage.get(), 25);
/// # Ok::<(), ucore::Reject>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter(i64);

impl Counter {
    /// A counter that starts at `value`.
    #[must_use]
    pub const fn of(value: i64) -> Self {
        Self(value)
    }

    /// The sum so far.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// The methods of a [`Counter`].
pub trait CounterOps: Place<Value = Counter> {
    /// Adds to the sum.
    fn add(self, more: i64) -> Self::Out {
        self.put(Counter(more))
    }

    /// Takes from the sum.
    fn sub(self, less: i64) -> Self::Out {
        self.put(Counter(less.wrapping_neg()))
    }
}

impl<P: Place<Value = Counter>> CounterOps for P {}

impl Delta for Counter {
    fn merge(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }

    fn is_identity(&self) -> bool {
        self.0 == 0
    }

    fn fits_with(&self, other: &Self) -> bool {
        self.0.checked_add(other.0).is_some_and(|sum| Self(sum).fits().is_ok())
    }
}

is_its_own_delta!(Counter, |sum, more| {
    more.fits()?;
    Counter(sum.0.checked_add(more.0).ok_or(Reject::TooLarge)?).fits()
});

impl Wire for Counter {
    fn write(&self, _: Run, to: &mut Writer) {
        to.int(self.0);
    }

    fn read(_: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.int().map(Self)
    }

    fn fits(&self) -> Result<(), Reject> {
        if self.0.unsigned_abs() <= INT_MAX { Ok(()) } else { Err(Reject::TooLarge) }
    }
}

impl Typed for Counter {
    const SCHEMA: &'static Schema = &Schema::Counter;
}
