//! What a transaction changes: a value of its own, and the updates that change it so.

use std::ops::{Deref, DerefMut};
use ucore::{Place, Reject, Updatable};

/// The value that the closure of a transaction sees and changes. It is read like the value itself;
/// the methods of [`ucore::prelude`] change it.
pub struct Transaction<'a, T: Updatable>(Draft<'a, T>);

/// The place behind a [`Transaction`]. They are two, so that a closure can use its transaction many
/// times: a `&mut` that is a place itself would be used up by the first update.
pub struct Draft<'a, T: Updatable> {
    value: &'a mut T,
    updates: &'a mut Vec<T::Update>,
}

impl<'a, T: Updatable> Transaction<'a, T> {
    pub(crate) fn new(value: &'a mut T, updates: &'a mut Vec<T::Update>) -> Self {
        Self(Draft { value, updates })
    }
}

impl<'a, T: Updatable> Deref for Transaction<'a, T> {
    type Target = Draft<'a, T>;

    fn deref(&self) -> &Draft<'a, T> {
        &self.0
    }
}

impl<'a, T: Updatable> DerefMut for Transaction<'a, T> {
    fn deref_mut(&mut self) -> &mut Draft<'a, T> {
        &mut self.0
    }
}

impl<T: Updatable> Deref for Draft<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value
    }
}

impl<T: Updatable> Place for &mut Draft<'_, T> {
    type Value = T;
    type Out = Result<(), Reject>;

    fn put(self, update: T::Update) -> Self::Out {
        self.value.apply(update.clone())?;
        self.updates.push(update);
        Ok(())
    }
}

impl<T: Updatable> std::fmt::Debug for Transaction<'_, T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Transaction")
            .field("updates", &self.updates.len())
            .finish_non_exhaustive()
    }
}

impl<T: Updatable> std::fmt::Debug for Draft<'_, T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Draft").field("updates", &self.updates.len()).finish_non_exhaustive()
    }
}
