//! A map of updatable values.
#![allow(clippy::disallowed_types, reason = "hash order never leaves this file")]

use crate::Writer;
use crate::lines::{read_lines, write_lines};
use crate::{
    Coalesce, DecodeError, Key, Place, Reader, Reject, Run, Schema, Typed, Updatable, Wire,
};
use rustc_hash::FxBuildHasher;
use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

/// A hash map whose values are updatable too. A look-up costs what it costs in std's map with the
/// same hasher.
///
/// The order in which it is iterated and encoded is that of the keys, so it costs a sort.
///
/// The default hasher is fast and the same everywhere. Where strangers choose the keys, take a
/// keyed one, `UMap<K, V, std::hash::RandomState>`, against keys that collide on purpose.
///
/// ```
/// use ucore::UMap;
/// use ucore::prelude::*;
/// let mut prices: UMap<String, u32> = UMap::default();
/// prices.insert("sword".to_owned(), 300)?;
/// prices.at("sword".to_owned()).set(280)?;
/// assert_eq!(prices.get("sword"), Some(&280));
/// assert_eq!(prices.remove("shield".to_owned()), Err(ucore::Reject::Missing));
/// # Ok::<(), ucore::Reject>(())
/// ```
#[derive(Clone)]
pub struct UMap<K, V, S = FxBuildHasher> {
    entries: HashMap<K, V, S>,
}

/// An update of a [`UMap`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UMapUpdate<K, V, U> {
    /// The key has this value now.
    Insert(K, V),
    /// The key goes. It must be there.
    Remove(K),
    /// The key's value changes. It must be there.
    At(K, U),
    /// Each of these keys has this value now.
    Extend(BTreeMap<K, V>),
    /// All keys go.
    Clear,
}

impl<K, V, S: Default> Default for UMap<K, V, S> {
    fn default() -> Self {
        Self { entries: HashMap::default() }
    }
}

impl<K: Eq + Hash, V: PartialEq, S: BuildHasher> PartialEq for UMap<K, V, S> {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl<K: Eq + Hash, V: Eq, S: BuildHasher> Eq for UMap<K, V, S> {}

impl<K: Ord + std::fmt::Debug, V: std::fmt::Debug, S> std::fmt::Debug for UMap<K, V, S> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_map().entries(self.iter()).finish()
    }
}

impl<K, V, S> UMap<K, V, S> {
    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keys and values in the order of the keys, which are sorted for that.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)>
    where
        K: Ord,
    {
        self.sorted().into_iter()
    }

    fn sorted(&self) -> Vec<(&K, &V)>
    where
        K: Ord,
    {
        let mut lines: Vec<_> = self.entries.iter().collect();
        lines.sort_unstable_by_key(|(key, _)| *key);
        lines
    }

    /// Whether this is true of some key and value. In no order, so it costs no sort.
    pub fn any(&self, mut is: impl FnMut(&K, &V) -> bool) -> bool {
        self.entries.iter().any(|(key, value)| is(key, value))
    }

    /// All keys in their order, for which they are sorted.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &K>
    where
        K: Ord,
    {
        self.iter().map(|(key, _)| key)
    }

    /// All values in the order of their keys, which are sorted for that.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V>
    where
        K: Ord,
    {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> UMap<K, V, S> {
    /// The value of `key`.
    #[must_use]
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key)
    }

    /// Whether `key` has a value.
    #[must_use]
    pub fn contains_key<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.entries.contains_key(key)
    }
}

impl<K, V, S, Q> std::ops::Index<&Q> for UMap<K, V, S>
where
    K: Eq + Hash + Borrow<Q>,
    S: BuildHasher,
    Q: Eq + Hash + ?Sized,
{
    type Output = V;

    /// The value of a key.
    ///
    /// # Panics
    /// If the key has none, as with std's map. [`UMap::get`] does not panic.
    fn index(&self, key: &Q) -> &V {
        &self.entries[key]
    }
}

impl<'a, K: Ord, V, S> IntoIterator for &'a UMap<K, V, S> {
    type Item = (&'a K, &'a V);
    type IntoIter = std::vec::IntoIter<(&'a K, &'a V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.sorted().into_iter()
    }
}

impl<K: Eq + Hash, V, S: BuildHasher + Default> FromIterator<(K, V)> for UMap<K, V, S> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(lines: I) -> Self {
        Self { entries: lines.into_iter().collect() }
    }
}

/// The methods of a [`UMap`].
pub trait UMapOps<K: Key, V: Updatable, S>: Place<Value = UMap<K, V, S>>
where
    S: BuildHasher + Default + Clone,
{
    /// Gives a key this value, whether or not it had another one.
    fn insert(self, key: K, value: V) -> Self::Out {
        self.put(UMapUpdate::Insert(key, value))
    }

    /// Removes a key. It must be there.
    fn remove(self, key: K) -> Self::Out {
        self.put(UMapUpdate::Remove(key))
    }

    /// Gives each of these keys this value.
    fn extend<I: IntoIterator<Item = (K, V)>>(self, lines: I) -> Self::Out {
        self.put(UMapUpdate::Extend(lines.into_iter().collect()))
    }

    /// Removes all keys.
    fn clear(self) -> Self::Out {
        self.put(UMapUpdate::Clear)
    }

    /// The value of a key. It must be there.
    fn at(self, key: K) -> impl Place<Value = V, Out = Self::Out> {
        self.within(|update| UMapUpdate::At(key, update))
    }
}

impl<K: Key, V: Updatable, S, P> UMapOps<K, V, S> for P
where
    S: BuildHasher + Default + Clone,
    P: Place<Value = UMap<K, V, S>>,
{
}

impl<K: Key, V: Updatable, S: BuildHasher + Default + Clone> Updatable for UMap<K, V, S> {
    type Update = UMapUpdate<K, V, V::Update>;

    fn check(&self, update: &Self::Update) -> Result<(), Reject> {
        match update {
            UMapUpdate::Insert(key, value) => key.fits().and_then(|()| value.fits()),
            UMapUpdate::Remove(key) if self.entries.contains_key(key) => Ok(()),
            UMapUpdate::Remove(_) => Err(Reject::Missing),
            UMapUpdate::At(key, update) => {
                self.entries.get(key).ok_or(Reject::Missing)?.check(update)
            }
            UMapUpdate::Extend(lines) => fit(lines.iter()),
            UMapUpdate::Clear => Ok(()),
        }
    }

    fn apply(&mut self, update: Self::Update) -> Result<(), Reject> {
        if let UMapUpdate::At(key, update) = update {
            return self.entries.get_mut(&key).ok_or(Reject::Missing)?.apply(update);
        }
        self.check(&update)?;
        match update {
            UMapUpdate::Insert(key, value) => {
                self.entries.insert(key, value);
            }
            UMapUpdate::Remove(key) => {
                self.entries.remove(&key);
            }
            UMapUpdate::Extend(lines) => self.entries.extend(lines),
            UMapUpdate::Clear => self.entries.clear(),
            UMapUpdate::At(..) => {}
        }
        Ok(())
    }
}

fn fit<'a, K: Wire + 'a, V: Wire + 'a>(
    mut lines: impl Iterator<Item = (&'a K, &'a V)>,
) -> Result<(), Reject> {
    lines.try_for_each(|(key, value)| key.fits().and_then(|()| value.fits()))
}

impl<K: Key, V: Updatable> Coalesce for UMapUpdate<K, V, V::Update> {
    /// Updates of one key fold where the later one does not depend on whether the key was there;
    /// so do any two that only insert.
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        match (&mut *self, later) {
            (this, Self::Clear) => *this = Self::Clear,
            (this @ (Self::Insert(..) | Self::Extend(_)), Self::Insert(key, value)) => {
                if !matches!(this, Self::Insert(same, _) if *same == key) {
                    this.extend([(key, value)]);
                } else {
                    *this = Self::Insert(key, value);
                }
            }
            (this @ (Self::Insert(..) | Self::Extend(_)), Self::Extend(lines)) => {
                this.extend(lines);
            }
            (Self::Insert(key, value), Self::At(same, update)) if *key == same => {
                value.check(&update).map_err(|_| Self::At(same.clone(), update.clone()))?;
                return value.apply(update.clone()).map_err(|_| Self::At(same, update));
            }
            (Self::At(key, update), Self::At(same, later)) if *key == same => {
                return update.coalesce(later).map_err(|later| Self::At(same, later));
            }
            (this @ (Self::At(..) | Self::Remove(_)), Self::Insert(key, value))
                if this.key() == Some(&key) =>
            {
                *this = Self::Insert(key, value);
            }
            (this @ Self::At(..), Self::Remove(key)) if this.key() == Some(&key) => {
                *this = Self::Remove(key);
            }
            (_, later) => return Err(later),
        }
        Ok(())
    }
}

impl<K: Ord + Clone, V: Clone, U> UMapUpdate<K, V, U> {
    fn key(&self) -> Option<&K> {
        match self {
            Self::Insert(key, _) | Self::Remove(key) | Self::At(key, _) => Some(key),
            Self::Extend(_) | Self::Clear => None,
        }
    }

    fn extend(&mut self, more: impl IntoIterator<Item = (K, V)>) {
        let mut lines = match std::mem::replace(self, Self::Clear) {
            Self::Insert(key, value) => BTreeMap::from([(key, value)]),
            Self::Extend(lines) => lines,
            Self::Remove(_) | Self::At(..) | Self::Clear => BTreeMap::new(),
        };
        lines.extend(more);
        *self = Self::Extend(lines);
    }
}

impl<K: Key, V: Updatable, S: BuildHasher + Default> Wire for UMap<K, V, S> {
    fn write(&self, run: Run, to: &mut Writer) {
        to.list(run, |to| write_lines(self.iter(), to));
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(from.list(run, read_lines)?.into_iter().collect())
    }

    fn fits(&self) -> Result<(), Reject> {
        fit(self.entries.iter())
    }
}

impl<K: Key, V: Wire, U: Wire> Wire for UMapUpdate<K, V, U> {
    fn write(&self, run: Run, to: &mut Writer) {
        match self {
            Self::Insert(key, value) => {
                to.uint(0);
                key.write(Run::Closed, to);
                value.write(run, to);
            }
            Self::Remove(key) => {
                to.uint(1);
                key.write(Run::Closed, to);
            }
            Self::At(key, update) => {
                to.uint(2);
                key.write(Run::Closed, to);
                update.write(run, to);
            }
            Self::Extend(lines) => {
                to.uint(3);
                to.list(run, |to| write_lines(lines.iter(), to));
            }
            Self::Clear => to.uint(4),
        }
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match from.uint()? {
            0 => Self::Insert(K::read(Run::Closed, from)?, Wire::read(run, from)?),
            1 => Self::Remove(K::read(Run::Closed, from)?),
            2 => Self::At(K::read(Run::Closed, from)?, Wire::read(run, from)?),
            3 => Self::Extend(from.list(run, read_lines)?),
            4 => Self::Clear,
            tag => return Err(DecodeError::UnknownTag(tag)),
        })
    }

    fn fits(&self) -> Result<(), Reject> {
        match self {
            Self::Insert(key, value) => key.fits().and_then(|()| value.fits()),
            Self::Remove(key) => key.fits(),
            Self::At(key, update) => key.fits().and_then(|()| update.fits()),
            Self::Extend(lines) => fit(lines.iter()),
            Self::Clear => Ok(()),
        }
    }
}

impl<K: Typed, V: Typed, S> Typed for UMap<K, V, S> {
    const SCHEMA: &'static Schema = &Schema::UMap(K::SCHEMA, V::SCHEMA);
}
