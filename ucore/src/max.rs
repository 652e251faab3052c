//! A number that only grows.

use crate::{Accumulate, Coalesce, Delta, INT_MAX, Idempotent, Reject, Updatable};
use serde::{Deserialize, Serialize};

/// The largest value ever seen, from 0 to [`INT_MAX`]. Its delta is another `Max`.
///
/// ```
/// use ucore::{Accumulate, Max};
/// let mut total = Max::of(40);
/// total.absorb(Max::of(25));
/// assert_eq!(total.get(), 40);
/// ```
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Max(#[serde(with = "crate::int53")] u64);

impl Max {
    /// A maximum that starts at `value`.
    #[must_use]
    pub const fn of(value: u64) -> Self {
        Self(value)
    }

    /// The largest value so far.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl Delta for Max {
    fn merge(&mut self, other: Self) {
        self.0 = self.0.max(other.0);
    }

    fn is_identity(&self) -> bool {
        self.0 == 0
    }
}

impl Idempotent for Max {}

impl Coalesce for Max {
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        self.merge(later);
        Ok(())
    }
}

impl Updatable for Max {
    type Update = Self;

    fn check(&self, update: &Self) -> Result<(), Reject> {
        if update.0 <= INT_MAX { Ok(()) } else { Err(Reject::TooLarge) }
    }

    fn apply(&mut self, update: Self) -> Result<(), Reject> {
        self.check(&update)?;
        self.absorb(update);
        Ok(())
    }
}

impl Accumulate for Max {
    type Delta = Self;

    fn absorb(&mut self, delta: Self) {
        self.merge(delta);
    }

    fn lift(delta: Self) -> Self {
        delta
    }

    fn check_delta(&self, delta: &Self) -> Result<(), Reject> {
        self.check(delta)
    }
}
