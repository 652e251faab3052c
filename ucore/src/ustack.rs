//! A stack of updatable values.

use crate::{
    Coalesce, DecodeError, Place, Reader, Reject, Run, Schema, Typed, Updatable, Wire, Writer,
};

/// A stack whose values are updatable too. All of it can be read, and only its top changes.
///
/// ```
/// use ucore::UStack;
/// use ucore::prelude::*;
/// let mut moves: UStack<u32> = UStack::default();
/// moves.push(1)?;
/// moves.push(2)?;
/// moves.top().set(3)?;
/// assert_eq!(moves.peek(), Some(&3));
/// moves.pop()?;
/// assert_eq!(moves.iter().collect::<Vec<_>>(), [&1]);
/// # Ok::<(), ucore::Reject>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct UStack<T> {
    values: Vec<T>,
}

/// An update of a [`UStack`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UStackUpdate<T, U> {
    /// One more on top.
    Push(T),
    /// The top goes. There must be one.
    Pop,
    /// The top changes. There must be one.
    Top(U),
    /// All go.
    Clear,
}

impl<T: std::fmt::Debug> std::fmt::Debug for UStack<T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.values.fmt(out)
    }
}

impl<T> Default for UStack<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<T> UStack<T> {
    /// The top.
    #[must_use]
    #[inline]
    pub fn peek(&self) -> Option<&T> {
        self.values.last()
    }

    /// All, from the bottom to the top.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.values.iter()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// The last one is the top.
impl<T> From<Vec<T>> for UStack<T> {
    fn from(values: Vec<T>) -> Self {
        Self { values }
    }
}

impl<'a, T> IntoIterator for &'a UStack<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.values.iter()
    }
}

/// From the bottom to the top.
impl<T> FromIterator<T> for UStack<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self { values: values.into_iter().collect() }
    }
}

/// The methods of a [`UStack`].
pub trait UStackOps<T: Updatable>: Place<Value = UStack<T>> {
    /// Puts one more on top.
    fn push(self, value: T) -> Self::Out {
        self.put(UStackUpdate::Push(value))
    }

    /// Removes the top. There must be one.
    fn pop(self) -> Self::Out {
        self.put(UStackUpdate::Pop)
    }

    /// Removes all.
    fn clear(self) -> Self::Out {
        self.put(UStackUpdate::Clear)
    }

    /// The top. There must be one.
    fn top(self) -> impl Place<Value = T, Out = Self::Out> {
        self.within(UStackUpdate::Top)
    }
}

impl<T: Updatable, P: Place<Value = UStack<T>>> UStackOps<T> for P {}

impl<T: Updatable> Updatable for UStack<T> {
    type Update = UStackUpdate<T, T::Update>;

    fn check(&self, update: &Self::Update) -> Result<(), Reject> {
        match update {
            UStackUpdate::Push(value) => value.fits(),
            UStackUpdate::Pop => self.peek().map(|_| ()).ok_or(Reject::Missing),
            UStackUpdate::Top(update) => self.peek().ok_or(Reject::Missing)?.check(update),
            UStackUpdate::Clear => Ok(()),
        }
    }

    fn apply(&mut self, update: Self::Update) -> Result<(), Reject> {
        match update {
            UStackUpdate::Push(value) => {
                value.fits()?;
                self.values.push(value);
            }
            UStackUpdate::Pop => {
                self.values.pop().ok_or(Reject::Missing)?;
            }
            UStackUpdate::Top(update) => {
                self.values.last_mut().ok_or(Reject::Missing)?.apply(update)?;
            }
            UStackUpdate::Clear => self.values.clear(),
        }
        Ok(())
    }
}

impl<T: Updatable> Coalesce for UStackUpdate<T, T::Update> {
    /// Updates of one top fold, as long as it stays the top or goes.
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        match (&mut *self, later) {
            (this, Self::Clear) => *this = Self::Clear,
            (this @ Self::Top(_), Self::Pop) => *this = Self::Pop,
            (Self::Push(value), Self::Top(update)) => {
                return value.apply(update.clone()).map_err(|_| Self::Top(update));
            }
            (Self::Top(update), Self::Top(later)) => {
                return update.coalesce(later).map_err(Self::Top);
            }
            (_, later) => return Err(later),
        }
        Ok(())
    }
}

impl<T: Wire> Wire for UStack<T> {
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

impl<T: Wire, U: Wire> Wire for UStackUpdate<T, U> {
    fn write(&self, run: Run, to: &mut Writer) {
        match self {
            Self::Push(value) => {
                to.uint(0);
                value.write(run, to);
            }
            Self::Pop => to.uint(1),
            Self::Top(update) => {
                to.uint(2);
                update.write(run, to);
            }
            Self::Clear => to.uint(3),
        }
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match from.uint()? {
            0 => Self::Push(Wire::read(run, from)?),
            1 => Self::Pop,
            2 => Self::Top(Wire::read(run, from)?),
            3 => Self::Clear,
            tag => return Err(DecodeError::UnknownTag(tag)),
        })
    }

    fn fits(&self) -> Result<(), Reject> {
        match self {
            Self::Push(value) => value.fits(),
            Self::Top(update) => update.fits(),
            Self::Pop | Self::Clear => Ok(()),
        }
    }
}

impl<T: Typed> Typed for UStack<T> {
    const SCHEMA: &'static Schema = &Schema::UStack(T::SCHEMA);
}
