//! A register: one value, replaced as a whole, in the order of the log.

use crate::{Coalesce, Reject, Updatable};
use serde::{Deserialize, Serialize};

/// A value of the ordered lane. The last write of the log wins.
///
/// ```
/// use ucore::{Reg, Set, Updatable};
/// let mut phase = Reg::new(0_u8);
/// phase.apply(Set(2)).expect("a register takes every value");
/// assert_eq!(*phase.get(), 2);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reg<T>(T);

/// The update of a [`Reg`]: its new value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set<T>(pub T);

impl<T> Reg<T> {
    /// A register that starts with `value`.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value.
    #[must_use]
    pub const fn get(&self) -> &T {
        &self.0
    }
}

impl<T> Coalesce for Set<T> {
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        *self = later;
        Ok(())
    }
}

impl<T: Clone> Updatable for Reg<T> {
    type Update = Set<T>;

    fn check(&self, _: &Set<T>) -> Result<(), Reject> {
        Ok(())
    }

    fn apply(&mut self, update: Set<T>) -> Result<(), Reject> {
        self.0 = update.0;
        Ok(())
    }
}
