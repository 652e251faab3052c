//! Plain values with parts: lists, lines, tuples, options, strings of bytes.

use crate::lines::{read_lines, write_lines};
use crate::{
    Bin, Coalesce, DecodeError, Key, Lane, Place, Reader, Reject, Run, Schema, Typed, part,
};
use crate::{Updatable, Wire, Writer};
use arrayvec::ArrayVec;
use std::collections::BTreeMap;

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, run: Run, to: &mut Writer) {
        to.list(run, |to| self.iter().for_each(|value| value.write(Run::Closed, to)));
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.list(run, |from| {
            let mut values = Self::new();
            while from.has_more() {
                values.push(T::read(Run::Closed, from)?);
            }
            Ok(values)
        })
    }

    fn fits(&self) -> Result<(), Reject> {
        self.iter().try_for_each(Wire::fits)
    }
}

impl<T: Typed> Typed for Vec<T> {
    const SCHEMA: &'static Schema = &Schema::List(T::SCHEMA);
}

/// A list with a bound. Its bytes are those of a `Vec`; one that is too long is no value.
impl<T: Wire, const N: usize> Wire for ArrayVec<T, N> {
    fn write(&self, run: Run, to: &mut Writer) {
        to.list(run, |to| self.iter().for_each(|value| value.write(Run::Closed, to)));
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.list(run, |from| {
            let mut values = Self::new();
            while from.has_more() {
                let value = T::read(Run::Closed, from)?;
                values.try_push(value).map_err(|_| DecodeError::Range)?;
            }
            Ok(values)
        })
    }

    fn fits(&self) -> Result<(), Reject> {
        self.iter().try_for_each(Wire::fits)
    }
}

impl<T: Typed, const N: usize> Typed for ArrayVec<T, N> {
    const SCHEMA: &'static Schema = &Schema::List(T::SCHEMA);
}

impl<K: Key, V: Wire> Wire for BTreeMap<K, V> {
    fn write(&self, run: Run, to: &mut Writer) {
        to.list(run, |to| write_lines(self.iter(), to));
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.list(run, read_lines)
    }

    fn fits(&self) -> Result<(), Reject> {
        self.iter().try_for_each(|(key, value)| key.fits().and_then(|()| value.fits()))
    }
}

impl<K: Typed, V: Typed> Typed for BTreeMap<K, V> {
    const SCHEMA: &'static Schema = &Schema::Lines(K::SCHEMA, V::SCHEMA);
}

impl<const N: usize> Wire for Bin<N> {
    fn write(&self, _: Run, to: &mut Writer) {
        to.bin(&self.0);
    }

    fn read(_: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.bin()?.try_into().map(Self).map_err(|_| DecodeError::Range)
    }
}

impl<const N: usize> Typed for Bin<N> {
    const SCHEMA: &'static Schema = &Schema::Bytes(N);
}

impl<const N: usize> Key for Bin<N> {}

impl<T: Wire> Wire for Option<T> {
    const NIL: bool = true;

    /// Nil, or the value; in an array of its own if it could itself begin with nil. So could a list
    /// in an open run, by its first value: here it is closed.
    fn write(&self, _: Run, to: &mut Writer) {
        match self {
            None => to.nil(),
            Some(value) if T::NIL => to.array(|to| value.write(Run::Open, to)),
            Some(value) => value.write(Run::Closed, to),
        }
    }

    fn read(_: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if from.take_nil() {
            Ok(None)
        } else if T::NIL {
            from.array(|from| T::read(Run::Open, from)).map(Some)
        } else {
            T::read(Run::Closed, from).map(Some)
        }
    }

    fn fits(&self) -> Result<(), Reject> {
        self.as_ref().map_or(Ok(()), Wire::fits)
    }
}

impl<T: Typed> Typed for Option<T> {
    const SCHEMA: &'static Schema = &Schema::Option(T::SCHEMA);
}

/// An update of an `Option`.
///
/// ```
/// use ucore::prelude::*;
/// let mut target: Option<u32> = None;
/// target.put_some(7)?;
/// target.some().set(8)?;
/// assert_eq!(target, Some(8));
/// target.clear()?;
/// assert_eq!(target.some().set(9), Err(ucore::Reject::Missing));
/// # Ok::<(), ucore::Reject>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionUpdate<T, U> {
    /// It is this value now.
    Put(T),
    /// It is nothing now.
    Clear,
    /// Its value changes. It must have one.
    Some(U),
}

/// The methods of an `Option`.
pub trait OptionOps<T: Updatable>: Place<Value = Option<T>> {
    /// Makes it this value.
    fn put_some(self, value: T) -> Self::Out {
        self.put(OptionUpdate::Put(value))
    }

    /// Makes it nothing.
    fn clear(self) -> Self::Out {
        self.put(OptionUpdate::Clear)
    }

    /// Its value. It must have one.
    fn some(self) -> impl Place<Value = T, Out = Self::Out> {
        self.within(OptionUpdate::Some)
    }
}

impl<T: Updatable, P: Place<Value = Option<T>>> OptionOps<T> for P {}

impl<T: Updatable> Updatable for Option<T> {
    type Update = OptionUpdate<T, T::Update>;

    fn check(&self, update: &Self::Update) -> Result<(), Reject> {
        match update {
            OptionUpdate::Put(value) => value.fits(),
            OptionUpdate::Clear => Ok(()),
            OptionUpdate::Some(update) => self.as_ref().ok_or(Reject::Missing)?.check(update),
        }
    }

    fn apply(&mut self, update: Self::Update) -> Result<(), Reject> {
        self.check(&update)?;
        match update {
            OptionUpdate::Put(value) => *self = Some(value),
            OptionUpdate::Clear => *self = None,
            OptionUpdate::Some(update) => self.as_mut().ok_or(Reject::Missing)?.apply(update)?,
        }
        Ok(())
    }
}

impl<T: Updatable> Coalesce for OptionUpdate<T, T::Update> {
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        match (&mut *self, later) {
            (this, later @ (Self::Put(_) | Self::Clear)) => *this = later,
            (Self::Put(value), Self::Some(update)) => {
                return value.apply(update.clone()).map_err(|_| Self::Some(update));
            }
            (Self::Some(update), Self::Some(later)) => {
                return update.coalesce(later).map_err(Self::Some);
            }
            (Self::Clear, later) => return Err(later),
        }
        Ok(())
    }
}

impl<T: Wire, U: Wire> Wire for OptionUpdate<T, U> {
    fn write(&self, run: Run, to: &mut Writer) {
        match self {
            Self::Put(value) => {
                to.uint(0);
                value.write(run, to);
            }
            Self::Clear => to.uint(1),
            Self::Some(update) => {
                to.uint(2);
                update.write(run, to);
            }
        }
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match from.uint()? {
            0 => Self::Put(T::read(run, from)?),
            1 => Self::Clear,
            2 => Self::Some(U::read(run, from)?),
            tag => return Err(DecodeError::UnknownTag(tag)),
        })
    }

    fn fits(&self) -> Result<(), Reject> {
        match self {
            Self::Put(value) => value.fits(),
            Self::Clear => Ok(()),
            Self::Some(update) => update.fits(),
        }
    }
}

/// The update of a tuple: one of each part that changes, all or none.
///
/// ```
/// use ucore::{Set, TupleUpdate, Updatable};
/// let mut pair = (1_u8, "one".to_owned());
/// pair.apply(TupleUpdate((Some(Set(2)), Some(Set("two".to_owned())))))?;
/// assert_eq!(pair, (2, "two".to_owned()));
/// # Ok::<(), ucore::Reject>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TupleUpdate<T>(pub T);

crate::bytes_of_its_field!(TupleUpdate<T>, T, T);

macro_rules! tuple {
    ($first:ident $first_idx:tt $(, $part:ident $idx:tt)* ; $last:ident $last_idx:tt) => {
        impl<$first: Wire, $($part: Wire,)* $last: Wire> Wire for ($first, $($part,)* $last) {
            const NIL: bool = $first::NIL;

            fn write(&self, _: Run, to: &mut Writer) {
                self.$first_idx.write(Run::Closed, to);
                $( self.$idx.write(Run::Closed, to); )*
                self.$last_idx.write(Run::Closed, to);
            }

            fn read(_: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok((
                    $first::read(Run::Closed, from)?,
                    $( $part::read(Run::Closed, from)?, )*
                    $last::read(Run::Closed, from)?,
                ))
            }

            fn fits(&self) -> Result<(), Reject> {
                self.$first_idx.fits()?;
                $( self.$idx.fits()?; )*
                self.$last_idx.fits()
            }
        }

        impl<$first: Key, $($part: Key,)* $last: Key> Key for ($first, $($part,)* $last) {}

        impl<$first: Typed, $($part: Typed,)* $last: Typed> Typed for ($first, $($part,)* $last) {
            const SCHEMA: &'static Schema =
                &Schema::Tuple(&[$first::SCHEMA, $($part::SCHEMA,)* $last::SCHEMA]);
        }

        impl<$first: Updatable, $($part: Updatable,)* $last: Updatable> Updatable
            for ($first, $($part,)* $last)
        {
            type Update = TupleUpdate<(
                Option<$first::Update>,
                $(Option<$part::Update>,)*
                Option<$last::Update>,
            )>;

            fn check(&self, TupleUpdate(update): &Self::Update) -> Result<(), Reject> {
                part::check(&self.$first_idx, update.$first_idx.as_ref())?;
                $( part::check(&self.$idx, update.$idx.as_ref())?; )*
                part::check(&self.$last_idx, update.$last_idx.as_ref())
            }

            fn apply(&mut self, update: Self::Update) -> Result<(), Reject> {
                self.check(&update)?;
                let TupleUpdate(update) = update;
                part::apply(&mut self.$first_idx, update.$first_idx)?;
                $( part::apply(&mut self.$idx, update.$idx)?; )*
                part::apply(&mut self.$last_idx, update.$last_idx)
            }

            fn lane(TupleUpdate(update): &Self::Update) -> Lane {
                let lanes = [
                    part::lane::<$first>(update.$first_idx.as_ref()),
                    $( part::lane::<$part>(update.$idx.as_ref()), )*
                    part::lane::<$last>(update.$last_idx.as_ref()),
                ];
                if lanes.contains(&Lane::Ordered) { Lane::Ordered } else { Lane::Delta }
            }
        }

        impl<$first, $($part,)* $last> Coalesce
            for TupleUpdate<(Option<$first>, $(Option<$part>,)* Option<$last>)>
        where
            $first: Coalesce + Clone,
            $($part: Coalesce + Clone,)*
            $last: Coalesce + Clone,
        {
            fn coalesce(&mut self, later: Self) -> Result<(), Self> {
                let parts = u32::from(later.0.$first_idx.is_some())
                    $( + u32::from(later.0.$idx.is_some()) )*
                    + u32::from(later.0.$last_idx.is_some());
                // One part refuses before anything has changed.
                let before = (parts > 1).then(|| (self.clone(), later.clone()));
                let mut later = later;
                let folded = part::coalesce(&mut self.0.$first_idx, &mut later.0.$first_idx)
                    $( && part::coalesce(&mut self.0.$idx, &mut later.0.$idx) )*
                    && part::coalesce(&mut self.0.$last_idx, &mut later.0.$last_idx);
                if folded {
                    return Ok(());
                }
                if let Some((first, rest)) = before {
                    *self = first;
                    later = rest;
                }
                Err(later)
            }
        }
    };
}

tuple!(A 0; B 1);
tuple!(A 0, B 1; C 2);
tuple!(A 0, B 1, C 2; D 3);
tuple!(A 0, B 1, C 2, D 3; E 4);
tuple!(A 0, B 1, C 2, D 3, E 4; F 5);

/// The methods of a pair.
pub trait PairOps<A: Updatable, B: Updatable>: Place<Value = (A, B)> {
    /// Its first part.
    fn first(self) -> impl Place<Value = A, Out = Self::Out> {
        self.within(|update| TupleUpdate((Some(update), None)))
    }

    /// Its second part.
    fn second(self) -> impl Place<Value = B, Out = Self::Out> {
        self.within(|update| TupleUpdate((None, Some(update))))
    }
}

impl<A: Updatable, B: Updatable, P: Place<Value = (A, B)>> PairOps<A, B> for P {}

#[cfg(test)]
mod tests {
    use crate::{DecodeError, decode, encode};
    use arrayvec::ArrayVec;

    #[test]
    fn a_list_with_a_bound_has_the_bytes_of_any_list_and_no_room_for_one_more() {
        let full = encode(&vec![1_u8, 2, 3]);
        assert_eq!(encode(&ArrayVec::from([1_u8, 2, 3])), full);
        assert_eq!(decode(&full), Ok(ArrayVec::from([1_u8, 2, 3])));
        assert_eq!(decode::<ArrayVec<u8, 2>>(&full), Err(DecodeError::Range));
    }

    #[test]
    fn an_option_of_a_list_that_begins_with_nil_is_something() {
        for value in [None, Some(vec![]), Some(vec![None]), Some(vec![Some(7), None])] {
            let bytes = encode::<Option<Vec<Option<u8>>>>(&value);
            assert_eq!(decode(&bytes), Ok(value));
        }
    }
}
