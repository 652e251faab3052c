//! Shared maps, vectors and stacks: the methods that look at what they change.

use crate::{Error, Shared};
use std::borrow::Borrow;
use std::hash::Hash;
use ucore::{Key, UMap, UMapOps, UStack, UStackOps, UVec, UVecOps, Updatable, plan};

/// A map that many programs share. See [`Shared`] and [`UMap`].
pub type SMap<K, V> = Shared<UMap<K, V>>;

/// A vector that many programs share. See [`Shared`] and [`UVec`].
///
/// Another program may move what stands at an index. Who acts on what it has read uses
/// [`transact`](Shared::transact).
pub type SVec<T> = Shared<UVec<T>>;

/// A stack that many programs share. See [`Shared`] and [`UStack`].
pub type SStack<T> = Shared<UStack<T>>;

impl<K, V> SMap<K, V>
where
    K: Key + Send + Sync + 'static,
    V: Updatable + Send + Sync + 'static,
    V::Update: Send + Sync,
{
    /// Gives a key a value, and gives back the one that it had.
    ///
    /// # Errors
    /// [`Error`]
    pub fn insert(&self, key: K, value: V) -> Result<Option<V>, Error> {
        let looked_up = key.clone();
        let update = plan::<UMap<K, V>>().insert(key, value);
        self.propose_and_look(update, move |map| map.get(&looked_up).cloned()).wait()
    }

    /// Removes a key, and gives back its value.
    ///
    /// # Errors
    /// [`Error`]; a key that is not there changes nothing.
    pub fn remove(&self, key: K) -> Result<Option<V>, Error> {
        let looked_up = key.clone();
        let update = plan::<UMap<K, V>>().remove(key);
        let look = move |map: &UMap<K, V>| map.get(&looked_up).cloned();
        none_if_missing(self.propose_and_look(update, look).wait())
    }

    /// A copy of a key's value. [`read`](Self::read) shows it without one.
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.read().get(key).cloned()
    }
}

impl<T> SVec<T>
where
    T: Updatable + Send + Sync + 'static,
    T::Update: Send + Sync,
{
    /// Removes the last value, and gives it back.
    ///
    /// # Errors
    /// [`Error`]
    pub fn pop(&self) -> Result<Option<T>, Error> {
        let look = |values: &UVec<T>| values.last().cloned();
        none_if_missing(self.propose_and_look(plan::<UVec<T>>().pop(), look).wait())
    }
}

impl<T> SStack<T>
where
    T: Updatable + Send + Sync + 'static,
    T::Update: Send + Sync,
{
    /// Removes the value on top, and gives it back.
    ///
    /// # Errors
    /// [`Error`]
    pub fn pop(&self) -> Result<Option<T>, Error> {
        let look = |values: &UStack<T>| values.peek().cloned();
        none_if_missing(self.propose_and_look(plan::<UStack<T>>().pop(), look).wait())
    }
}

/// What was not there was not removed, and that is no mistake.
fn none_if_missing<T>(removed: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match removed {
        Err(Error::Rejected(ucore::Reject::Missing)) => Ok(None),
        removed => removed,
    }
}
