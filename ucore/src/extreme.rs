//! Numbers that only grow, and numbers that only fall.

use crate::delta::is_its_own_delta;
use crate::{DecodeError, Delta, INT_MAX, Idempotent, Place, Reader, Reject, Run, Schema, Typed};
use crate::{Wire, Writer, int53};
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
pub struct Max(#[serde(with = "int53")] u64);

/// The smallest value ever seen, from 0 to [`INT_MAX`], with which it begins. Its delta is another
/// `Min`.
///
/// ```
/// use ucore::Min;
/// use ucore::prelude::*;
/// let mut best_ms = Min::default();
/// best_ms.lower_to(310)?;
/// best_ms.lower_to(450)?;
/// assert_eq!(best_ms.get(), 310);
/// # Ok::<(), ucore::Reject>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Min(u64);

impl Default for Min {
    fn default() -> Self {
        Self(INT_MAX)
    }
}

/// The methods of a [`Max`].
pub trait MaxOps: Place<Value = Max> {
    /// Makes it at least this large.
    fn raise_to(self, value: u64) -> Self::Out {
        self.put(Max(value))
    }
}

impl<P: Place<Value = Max>> MaxOps for P {}

/// The methods of a [`Min`].
pub trait MinOps: Place<Value = Min> {
    /// Makes it at most this large.
    fn lower_to(self, value: u64) -> Self::Out {
        self.put(Min(value))
    }
}

impl<P: Place<Value = Min>> MinOps for P {}

macro_rules! extreme {
    ($name:ident, $keep:ident, $identity:expr) => {
        impl $name {
            /// One that starts at `value`.
            #[must_use]
            pub const fn of(value: u64) -> Self {
                Self(value)
            }

            /// The value so far.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl Delta for $name {
            fn merge(&mut self, other: Self) {
                self.0 = self.0.$keep(other.0);
            }

            fn is_identity(&self) -> bool {
                self.0 == $identity
            }
        }

        impl Idempotent for $name {}

        is_its_own_delta!($name, |_value, other| other.fits());

        impl Wire for $name {
            fn write(&self, _: Run, to: &mut Writer) {
                to.uint(self.0);
            }

            fn read(_: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                from.uint().map(Self)
            }

            fn fits(&self) -> Result<(), Reject> {
                self.0.fits()
            }
        }

        impl Typed for $name {
            const SCHEMA: &'static Schema = &Schema::$name;
        }
    };
}

extreme!(Max, max, 0);
extreme!(Min, min, INT_MAX);
