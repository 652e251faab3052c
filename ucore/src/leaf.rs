//! Values without parts: numbers, texts and the like. Their update is the new value.

use crate::{Coalesce, DecodeError, INT_MAX, Place, Reader, Reject, Schema, Typed, Updatable};
use crate::{Run, Wire, Writer};
use std::hash::Hash;

/// The update of a value that is replaced as a whole: its new value.
///
/// ```
/// use ucore::{Set, Updatable};
/// let mut level = 1_u8;
/// level.apply(Set(2))?;
/// assert_eq!(level, 2);
/// # Ok::<(), ucore::Reject>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Set<T>(pub T);

impl<T> Coalesce for Set<T> {
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        *self = later;
        Ok(())
    }
}

crate::bytes_of_its_field!(Set<T>, T, T);

/// The methods of a value that is replaced as a whole.
pub trait SetOps<T>: Place<Value: Updatable<Update = Set<T>>> {
    /// Replaces it.
    fn set(self, value: T) -> Self::Out {
        self.put(Set(value))
    }
}

impl<T, P: Place<Value: Updatable<Update = Set<T>>>> SetOps<T> for P {}

#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a key",
    note = "`impl ucore::Key for ..  {{}}` is enough for what has an order, a hash and bytes"
)]
/// A value that can be the key of a map or the member of a set.
///
/// Keys travel in ascending order, so one that is near the key before it can be short.
pub trait Key: Ord + Clone + Hash + Wire + Typed {
    /// Appends this key's run, which stands behind that of `previous`.
    fn write_after(&self, _previous: Option<&Self>, to: &mut Writer) {
        self.write(Run::Closed, to);
    }

    /// Takes the run of a key that stands behind that of `previous`.
    ///
    /// # Errors
    /// [`DecodeError`]
    fn read_after(_previous: Option<&Self>, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::read(Run::Closed, from)
    }
}

macro_rules! leaf {
    ($type:ty, $schema:expr, |$to:ident, $value:ident| $write:expr, |$from:ident| $read:expr) => {
        impl Wire for $type {
            const NIL: bool = matches!($schema, Schema::Nil);

            fn write(&self, _: Run, $to: &mut Writer) {
                let $value = self;
                $write;
            }

            fn read(_: Run, $from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                $read
            }

            fn fits(&self) -> Result<(), Reject> {
                Limited::limited(self)
            }
        }

        impl Typed for $type {
            const SCHEMA: &'static Schema = &$schema;
        }

        crate::replaced_whole!($type);
    };
}

/// [`Wire::fits`] of a leaf.
trait Limited {
    fn limited(&self) -> Result<(), Reject> {
        Ok(())
    }
}

macro_rules! unsigned {
    ($($type:ty),+) => {$(
        leaf!(
            $type,
            Schema::Unsigned(<$type>::MAX as u64),
            |to, value| to.uint(u64::from(*value)),
            |from| from.uint()?.try_into().map_err(|_| DecodeError::Range)
        );

        /// The gap to the key before it is what travels.
        impl Key for $type {
            fn write_after(&self, previous: Option<&Self>, to: &mut Writer) {
                let gap = previous.map_or(*self, |previous| self.wrapping_sub(*previous) - 1);
                to.uint(gap.into());
            }

            fn read_after(
                previous: Option<&Self>,
                from: &mut Reader<'_>,
            ) -> Result<Self, DecodeError> {
                let gap = Self::read(Run::Closed, from)?;
                let next = previous.map_or(Some(gap), |it| it.checked_add(gap)?.checked_add(1));
                next.filter(|key| u64::from(*key) <= INT_MAX).ok_or(DecodeError::Range)
            }
        }
    )+};
}

macro_rules! signed {
    ($($type:ty),+) => {$(
        leaf!(
            $type,
            Schema::Signed(<$type>::BITS),
            |to, value| to.int(i64::from(*value)),
            |from| from.int()?.try_into().map_err(|_| DecodeError::Range)
        );

        impl Key for $type {}
    )+};
}

macro_rules! unlimited {
    ($($type:ty),+) => {$( impl Limited for $type {} )+};
}

unsigned!(u8, u16, u32, u64);
signed!(i8, i16, i32, i64);
// There is one zero: adding 0.0 turns -0.0 into it.
leaf!(f32, Schema::Float(32), |to, value| to.f32(*value + 0.0), |from| from.f32());
leaf!(f64, Schema::Float(64), |to, value| to.f64(*value + 0.0), |from| from.f64());
leaf!(bool, Schema::Bool, |to, value| to.bool(*value), |from| from.bool());
leaf!((), Schema::Nil, |to, _value| to.nil(), |from| {
    if from.take_nil() { Ok(()) } else { Err(DecodeError::Expected("nil")) }
});
leaf!(char, Schema::Char, |to, value| to.text(value.encode_utf8(&mut [0; 4])), |from| {
    let mut chars = from.text()?.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(DecodeError::Expected("one character")),
    }
});
leaf!(String, Schema::Text, |to, value| to.text(value), |from| from.text().map(str::to_owned));

impl Key for bool {}
impl Key for char {}
impl Key for String {}

unlimited!(u8, u16, u32, i8, i16, i32, bool, (), char, String);

impl Limited for u64 {
    fn limited(&self) -> Result<(), Reject> {
        if *self <= INT_MAX { Ok(()) } else { Err(Reject::TooLarge) }
    }
}

impl Limited for i64 {
    fn limited(&self) -> Result<(), Reject> {
        self.unsigned_abs().limited()
    }
}

impl Limited for f32 {
    fn limited(&self) -> Result<(), Reject> {
        if self.is_nan() { Err(Reject::TooLarge) } else { Ok(()) }
    }
}

impl Limited for f64 {
    fn limited(&self) -> Result<(), Reject> {
        if self.is_nan() { Err(Reject::TooLarge) } else { Ok(()) }
    }
}
