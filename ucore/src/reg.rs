//! A register: one value, replaced as a whole, in the order of the log.

use crate::{DecodeError, Reader, Reject, Run, Schema, Set, Typed, Updatable, Wire, Writer};
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

impl<T: Wire> Wire for Reg<T> {
    const NIL: bool = T::NIL;

    fn write(&self, run: Run, to: &mut Writer) {
        self.0.write(run, to);
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        T::read(run, from).map(Self)
    }

    fn fits(&self) -> Result<(), Reject> {
        self.0.fits()
    }
}

impl<T: Typed> Typed for Reg<T> {
    const SCHEMA: &'static Schema = &Schema::Reg(T::SCHEMA);
}
