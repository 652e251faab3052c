//! A vector of updatable values.

use crate::{
    Coalesce, DecodeError, Place, Reader, Reject, Run, Schema, Typed, Updatable, Wire, Writer,
};

/// A vector whose values are updatable too. It can be read like a slice.
///
/// ```
/// use ucore::UVec;
/// use ucore::prelude::*;
/// let mut names: UVec<String> = UVec::default();
/// names.push("ada".to_owned())?;
/// names.push("bob".to_owned())?;
/// names.at(1).set("eve".to_owned())?;
/// assert_eq!(names[..], ["ada", "eve"]);
/// assert_eq!(names.remove(2), Err(ucore::Reject::Missing));
/// # Ok::<(), ucore::Reject>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct UVec<T> {
    values: Vec<T>,
}

/// An update of a [`UVec`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UVecUpdate<T, U> {
    /// One more at the end.
    Push(T),
    /// The last one goes. There must be one.
    Pop,
    /// This one comes to stand at the index, which must not be beyond the end.
    Insert(u32, T),
    /// The one at the index goes, and those behind it move up. It must be there.
    Remove(u32),
    /// The one at the index changes. It must be there.
    At(u32, U),
    /// Two change places. Both must be there.
    Swap(u32, u32),
    /// Those from this index on go. There may be none.
    Truncate(u32),
    /// More at the end.
    Extend(Vec<T>),
    /// All go.
    Clear,
    /// Another value stands at the index, where there must be one.
    Replace(u32, T),
}

impl<T: std::fmt::Debug> std::fmt::Debug for UVec<T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.values.fmt(out)
    }
}

impl<T> Default for UVec<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<T> std::ops::Deref for UVec<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.values
    }
}

impl<T> FromIterator<T> for UVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self { values: values.into_iter().collect() }
    }
}

impl<T> From<Vec<T>> for UVec<T> {
    fn from(values: Vec<T>) -> Self {
        Self { values }
    }
}

impl<'a, T> IntoIterator for &'a UVec<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter()
    }
}

/// The methods of a [`UVec`].
pub trait UVecOps<T: Updatable>: Place<Value = UVec<T>> {
    /// Puts one more at the end.
    fn push(self, value: T) -> Self::Out {
        self.put(UVecUpdate::Push(value))
    }

    /// Removes the last one. There must be one.
    fn pop(self) -> Self::Out {
        self.put(UVecUpdate::Pop)
    }

    /// Puts one at an index, which must not be beyond the end.
    fn insert(self, index: u32, value: T) -> Self::Out {
        self.put(UVecUpdate::Insert(index, value))
    }

    /// Removes the one at an index. It must be there.
    fn remove(self, index: u32) -> Self::Out {
        self.put(UVecUpdate::Remove(index))
    }

    /// Puts another one at an index where there must be one.
    fn replace(self, index: u32, value: T) -> Self::Out {
        self.put(UVecUpdate::Replace(index, value))
    }

    /// Lets two change places. Both must be there.
    fn swap(self, a: u32, b: u32) -> Self::Out {
        self.put(UVecUpdate::Swap(a, b))
    }

    /// Removes those from an index on, if there are any.
    fn truncate(self, len: u32) -> Self::Out {
        self.put(UVecUpdate::Truncate(len))
    }

    /// Puts all these at the end.
    fn extend<I: IntoIterator<Item = T>>(self, values: I) -> Self::Out {
        self.put(UVecUpdate::Extend(values.into_iter().collect()))
    }

    /// Removes all.
    fn clear(self) -> Self::Out {
        self.put(UVecUpdate::Clear)
    }

    /// The one at an index. It must be there.
    fn at(self, index: u32) -> impl Place<Value = T, Out = Self::Out> {
        self.within(move |update| UVecUpdate::At(index, update))
    }
}

impl<T: Updatable, P: Place<Value = UVec<T>>> UVecOps<T> for P {}

fn index(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

impl<T> UVec<T> {
    fn has(&self, at: u32) -> Result<(), Reject> {
        if index(at) < self.values.len() { Ok(()) } else { Err(Reject::Missing) }
    }
}

impl<T: Updatable> Updatable for UVec<T> {
    type Update = UVecUpdate<T, T::Update>;

    fn check(&self, update: &Self::Update) -> Result<(), Reject> {
        match update {
            UVecUpdate::Push(value) => value.fits(),
            UVecUpdate::Pop if self.values.is_empty() => Err(Reject::Missing),
            UVecUpdate::Insert(at, _) if index(*at) > self.values.len() => Err(Reject::Missing),
            UVecUpdate::Insert(_, value) => value.fits(),
            UVecUpdate::Remove(at) => self.has(*at),
            UVecUpdate::At(at, update) => {
                self.values.get(index(*at)).ok_or(Reject::Missing)?.check(update)
            }
            UVecUpdate::Swap(a, b) => self.has(*a).and_then(|()| self.has(*b)),
            UVecUpdate::Extend(values) => values.iter().try_for_each(Wire::fits),
            UVecUpdate::Replace(at, value) => self.has(*at).and_then(|()| value.fits()),
            UVecUpdate::Pop | UVecUpdate::Truncate(_) | UVecUpdate::Clear => Ok(()),
        }
    }

    fn apply(&mut self, update: Self::Update) -> Result<(), Reject> {
        if let UVecUpdate::At(at, update) = update {
            return self.values.get_mut(index(at)).ok_or(Reject::Missing)?.apply(update);
        }
        self.check(&update)?;
        match update {
            UVecUpdate::Push(value) => self.values.push(value),
            UVecUpdate::Pop => {
                self.values.pop();
            }
            UVecUpdate::Insert(at, value) => self.values.insert(index(at), value),
            UVecUpdate::Remove(at) => {
                self.values.remove(index(at));
            }
            UVecUpdate::Swap(a, b) => self.values.swap(index(a), index(b)),
            UVecUpdate::Truncate(len) => self.values.truncate(index(len)),
            UVecUpdate::Extend(values) => self.values.extend(values),
            UVecUpdate::Clear => self.values.clear(),
            UVecUpdate::Replace(at, value) => self.values[index(at)] = value,
            UVecUpdate::At(..) => {}
        }
        Ok(())
    }
}

impl<T: Updatable> Coalesce for UVecUpdate<T, T::Update> {
    /// What comes to the end folds, and so do updates of one index that move nothing.
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        match (&mut *self, later) {
            (this, Self::Clear) => *this = Self::Clear,
            (Self::Extend(values), Self::Push(value)) => values.push(value),
            (Self::Extend(values), Self::Extend(more)) => values.extend(more),
            (this @ Self::Push(_), Self::Push(value)) => this.extend([value]),
            (this @ Self::Push(_), Self::Extend(values)) => this.extend(values),
            (Self::At(at, update), Self::At(same, later)) if *at == same => {
                return update.coalesce(later).map_err(|later| Self::At(same, later));
            }
            (Self::Replace(at, value), Self::At(same, update)) if *at == same => {
                return value.apply(update.clone()).map_err(|_| Self::At(same, update));
            }
            (this @ (Self::At(..) | Self::Replace(..)), Self::Replace(same, value))
                if this.index() == Some(same) =>
            {
                *this = Self::Replace(same, value);
            }
            (_, later) => return Err(later),
        }
        Ok(())
    }
}

impl<T, U> UVecUpdate<T, U> {
    /// Where it changes something that stays where it is.
    const fn index(&self) -> Option<u32> {
        match self {
            Self::At(at, _) | Self::Replace(at, _) => Some(*at),
            Self::Push(_)
            | Self::Pop
            | Self::Insert(..)
            | Self::Remove(_)
            | Self::Swap(..)
            | Self::Truncate(_)
            | Self::Extend(_)
            | Self::Clear => None,
        }
    }

    fn extend(&mut self, more: impl IntoIterator<Item = T>) {
        if let Self::Push(first) = std::mem::replace(self, Self::Clear) {
            *self = Self::Extend(std::iter::once(first).chain(more).collect());
        }
    }
}

impl<T: Wire> Wire for UVec<T> {
    fn write(&self, run: Run, to: &mut Writer) {
        self.values.write(run, to);
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { values: Wire::read(run, from)? })
    }

    fn fits(&self) -> Result<(), Reject> {
        self.values.fits()
    }
}

impl<T: Wire, U: Wire> Wire for UVecUpdate<T, U> {
    fn write(&self, run: Run, to: &mut Writer) {
        match self {
            Self::Push(value) => {
                to.uint(0);
                value.write(run, to);
            }
            Self::Pop => to.uint(1),
            Self::Insert(at, value) => {
                to.uint(2);
                at.write(Run::Closed, to);
                value.write(run, to);
            }
            Self::Remove(at) => {
                to.uint(3);
                at.write(Run::Closed, to);
            }
            Self::At(at, update) => {
                to.uint(4);
                at.write(Run::Closed, to);
                update.write(run, to);
            }
            Self::Swap(a, b) => {
                to.uint(5);
                a.write(Run::Closed, to);
                b.write(Run::Closed, to);
            }
            Self::Truncate(len) => {
                to.uint(6);
                len.write(Run::Closed, to);
            }
            Self::Extend(values) => {
                to.uint(7);
                values.write(run, to);
            }
            Self::Clear => to.uint(8),
            Self::Replace(at, value) => {
                to.uint(9);
                at.write(Run::Closed, to);
                value.write(run, to);
            }
        }
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match from.uint()? {
            0 => Self::Push(Wire::read(run, from)?),
            1 => Self::Pop,
            2 => Self::Insert(u32::read(Run::Closed, from)?, Wire::read(run, from)?),
            3 => Self::Remove(u32::read(Run::Closed, from)?),
            4 => Self::At(u32::read(Run::Closed, from)?, Wire::read(run, from)?),
            5 => Self::Swap(u32::read(Run::Closed, from)?, u32::read(Run::Closed, from)?),
            6 => Self::Truncate(u32::read(Run::Closed, from)?),
            7 => Self::Extend(Wire::read(run, from)?),
            8 => Self::Clear,
            9 => Self::Replace(u32::read(Run::Closed, from)?, Wire::read(run, from)?),
            tag => return Err(DecodeError::UnknownTag(tag)),
        })
    }

    fn fits(&self) -> Result<(), Reject> {
        match self {
            Self::Push(value) | Self::Insert(_, value) | Self::Replace(_, value) => value.fits(),
            Self::At(_, update) => update.fits(),
            Self::Extend(values) => values.fits(),
            Self::Pop | Self::Remove(_) | Self::Swap(..) | Self::Truncate(_) | Self::Clear => {
                Ok(())
            }
        }
    }
}

impl<T: Typed> Typed for UVec<T> {
    const SCHEMA: &'static Schema = &Schema::UVec(T::SCHEMA);
}
