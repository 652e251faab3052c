//! A register: one value, replaced as a whole, in the order of the log.

use crate::{Reject, Schema, Set, Typed, Updatable, Wire};
use serde::{Deserialize, Serialize};

/// A value of the ordered lane, of any type that has bytes. The last write of the log wins.
///
/// ```
/// use ucore::{Reg, Set, Updatable};
/// let mut phase = Reg::new((1_u8, "calm".to_owned()));
/// phase.apply(Set((2, "angry".to_owned())))?;
/// assert_eq!(phase.get().0, 2);
/// # Ok::<(), ucore::Reject>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reg<T>(T);

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

impl<T: Clone + PartialEq + Wire + Typed> Updatable for Reg<T> {
    type Update = Set<T>;

    fn check(&self, update: &Set<T>) -> Result<(), Reject> {
        update.fits()
    }

    fn apply(&mut self, update: Set<T>) -> Result<(), Reject> {
        update.fits()?;
        self.0 = update.0;
        Ok(())
    }
}

crate::bytes_of_its_field!(Reg<T>, T, T);

impl<T: Typed> Typed for Reg<T> {
    const SCHEMA: &'static Schema = &Schema::Reg(T::SCHEMA);
}
