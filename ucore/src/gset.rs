//! A set whose members only come.

use crate::Writer;
use crate::delta::is_its_own_delta;
use crate::lines::{read_keys, write_keys};
use crate::{DecodeError, Delta, Idempotent, Key, Place, Reader, Reject, Run, Schema, Typed, Wire};
use std::borrow::Borrow;
use std::collections::BTreeSet;

/// A grow-only set, in the order of its members. Its delta is another `GSet`.
///
/// ```
/// use ucore::GSet;
/// use ucore::prelude::*;
/// let mut seen: GSet<String> = GSet::default();
/// seen.insert("ada".to_owned())?;
/// assert!(seen.contains("ada"));
/// # Ok::<(), ucore::Reject>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GSet<T> {
    members: BTreeSet<T>,
}

impl<T> Default for GSet<T> {
    fn default() -> Self {
        Self { members: BTreeSet::new() }
    }
}

impl<T: Ord> GSet<T> {
    /// Whether this is a member.
    #[must_use]
    pub fn contains<Q: Ord + ?Sized>(&self, member: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.members.contains(member)
    }

    /// All members in their order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.members.iter()
    }

    /// The number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl<'a, T> IntoIterator for &'a GSet<T> {
    type Item = &'a T;
    type IntoIter = std::collections::btree_set::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.iter()
    }
}

impl<T: Ord> FromIterator<T> for GSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(members: I) -> Self {
        Self { members: members.into_iter().collect() }
    }
}

/// The methods of a [`GSet`].
pub trait GSetOps<T: Key>: Place<Value = GSet<T>> {
    /// Makes this a member.
    fn insert(self, member: T) -> Self::Out {
        self.put(GSet::from_iter([member]))
    }

    /// Makes all these members.
    fn extend<I: IntoIterator<Item = T>>(self, members: I) -> Self::Out {
        self.put(GSet::from_iter(members))
    }
}

impl<T: Key, P: Place<Value = GSet<T>>> GSetOps<T> for P {}

impl<T: Key> Delta for GSet<T> {
    fn merge(&mut self, other: Self) {
        self.members.extend(other.members);
    }

    fn is_identity(&self) -> bool {
        self.members.is_empty()
    }
}

impl<T: Key> Idempotent for GSet<T> {}

is_its_own_delta!(GSet<T>, |_members, more| more.fits(), T: Key);

impl<T: Key> Wire for GSet<T> {
    fn write(&self, run: Run, to: &mut Writer) {
        to.list(run, |to| write_keys(self.iter(), to));
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { members: from.list(run, read_keys)? })
    }

    fn fits(&self) -> Result<(), Reject> {
        self.iter().try_for_each(Wire::fits)
    }
}

impl<T: Key> Typed for GSet<T> {
    const SCHEMA: &'static Schema = &Schema::GSet(T::SCHEMA);
}
