//! A map whose keys only come and whose values only accumulate.

use crate::delta::fold;
use crate::lines::{read_lines, write_lines};
use crate::{Accumulate, Coalesce, Commuting, DecodeError, Delta, Idempotent, Key, Lane, Place};
use crate::{Reader, Reject, Run, Schema, Typed, Updatable, Wire, Writer};
use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// A grow-only map of accumulating values, in the order of its keys. A key whose value is what a
/// new one would be has no line.
///
/// ```
/// use ucore::prelude::*;
/// use ucore::{GMap, Max};
/// let mut totals: GMap<u64, Max> = GMap::default();
/// totals.at(3).raise_to(12)?;
/// assert_eq!(totals.get(&3), Some(&Max::of(12)));
/// # Ok::<(), ucore::Reject>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GMap<K, V> {
    lines: BTreeMap<K, V>,
}

impl<K, V> Default for GMap<K, V> {
    fn default() -> Self {
        Self { lines: BTreeMap::new() }
    }
}

impl<K: Ord, V> GMap<K, V> {
    /// The value of `key`.
    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.lines.get(key)
    }

    /// Keys and values in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.lines.iter()
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl<'a, K, V> IntoIterator for &'a GMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = std::collections::btree_map::Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.lines.iter()
    }
}

impl<K: Key, V: Commuting> FromIterator<(K, V)> for GMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(lines: I) -> Self {
        let (mut lines, fresh): (BTreeMap<K, V>, V) = (lines.into_iter().collect(), V::default());
        lines.retain(|_, value| *value != fresh);
        Self { lines }
    }
}

/// Deltas by key. The order in which lines are merged never matters.
///
/// ```
/// use ucore::{Counter, Delta, GMapDelta};
/// let mut gold = GMapDelta::line("ada".to_owned(), Counter::of(3));
/// gold.merge(GMapDelta::line("ada".to_owned(), Counter::of(4)));
/// assert_eq!(gold.get("ada"), Some(&Counter::of(7)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GMapDelta<K, D> {
    lines: BTreeMap<K, D>,
}

impl<K, D> Default for GMapDelta<K, D> {
    fn default() -> Self {
        Self { lines: BTreeMap::new() }
    }
}

impl<K: Key, D: Delta> GMapDelta<K, D> {
    /// A delta of one line.
    #[must_use]
    pub fn line(key: K, delta: D) -> Self {
        Self::from_iter([(key, delta)])
    }

    /// The delta of `key`.
    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&D>
    where
        K: Borrow<Q>,
    {
        self.lines.get(key)
    }

    /// Keys and deltas in the order of the keys; none of the deltas is an identity.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &D)> {
        self.lines.iter()
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl<K: Key, D: Delta> FromIterator<(K, D)> for GMapDelta<K, D> {
    fn from_iter<I: IntoIterator<Item = (K, D)>>(lines: I) -> Self {
        let mut lines: Vec<(K, D)> = lines.into_iter().collect();
        if lines.is_sorted_by(|a, b| a.0 < b.0) {
            // They become a tree without a search for each line.
            lines.retain(|(_, line)| !line.is_identity());
            return Self { lines: lines.into_iter().collect() };
        }
        let mut delta = Self::default();
        lines.into_iter().for_each(|(key, line)| delta.merge_line(key, line));
        delta
    }
}

impl<K: Key, D: Delta> GMapDelta<K, D> {
    /// A line that comes to nothing goes, so equal deltas are equal line by line.
    fn merge_line(&mut self, key: K, line: D) {
        match self.lines.entry(key) {
            Entry::Vacant(free) => {
                if !line.is_identity() {
                    free.insert(line);
                }
            }
            Entry::Occupied(mut taken) => {
                taken.get_mut().merge(line);
                if taken.get().is_identity() {
                    taken.remove();
                }
            }
        }
    }
}

impl<K: Key, D: Delta> Delta for GMapDelta<K, D> {
    fn merge(&mut self, other: Self) {
        if self.lines.is_empty() {
            self.lines = other.lines;
            return;
        }
        for (key, line) in other.lines {
            self.merge_line(key, line);
        }
    }

    fn is_identity(&self) -> bool {
        self.lines.is_empty()
    }

    fn fits_with(&self, other: &Self) -> bool {
        let fits = |(key, line)| self.lines.get(key).is_none_or(|own| own.fits_with(line));
        other.lines.iter().all(fits)
    }
}

impl<K: Key, D: Idempotent> Idempotent for GMapDelta<K, D> {}

impl<K: Key, D: Delta> Coalesce for GMapDelta<K, D> {
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        fold(self, later)
    }
}

/// The methods of a [`GMap`].
pub trait GMapOps<K: Key, V: Commuting>: Place<Value = GMap<K, V>> {
    /// The value of a key, which begins with this.
    fn at(self, key: K) -> impl Place<Value = V, Out = Self::Out> {
        self.within(|delta| GMapDelta::line(key, delta))
    }
}

impl<K: Key, V: Commuting, P: Place<Value = GMap<K, V>>> GMapOps<K, V> for P {}

impl<K: Key, V: Commuting> Updatable for GMap<K, V> {
    type Update = GMapDelta<K, V::Delta>;

    fn check(&self, update: &Self::Update) -> Result<(), Reject> {
        self.check_delta(update)
    }

    fn apply(&mut self, update: Self::Update) -> Result<(), Reject> {
        self.check(&update)?;
        self.absorb(update);
        Ok(())
    }

    fn lane(_: &Self::Update) -> Lane {
        Lane::Delta
    }
}

impl<K: Key, V: Commuting> Commuting for GMap<K, V> {}

impl<K: Key, V: Commuting> Accumulate for GMap<K, V> {
    type Delta = GMapDelta<K, V::Delta>;

    fn absorb(&mut self, delta: Self::Delta) {
        let fresh = V::default();
        for (key, line) in delta.lines {
            match self.lines.entry(key) {
                Entry::Vacant(free) => {
                    let mut value = V::default();
                    value.absorb(line);
                    if value != fresh {
                        free.insert(value);
                    }
                }
                Entry::Occupied(mut taken) => {
                    taken.get_mut().absorb(line);
                    if *taken.get() == fresh {
                        taken.remove();
                    }
                }
            }
        }
    }

    fn lift(delta: Self::Delta) -> Self::Update {
        delta
    }

    fn lower(update: Self::Update) -> Result<Self::Delta, Self::Update> {
        Ok(update)
    }

    fn check_delta(&self, delta: &Self::Delta) -> Result<(), Reject> {
        let fresh = V::default();
        for (key, line) in &delta.lines {
            key.fits()?;
            self.lines.get(key).unwrap_or(&fresh).check_delta(line)?;
        }
        Ok(())
    }
}

impl<K: Key, V: Commuting> Wire for GMap<K, V> {
    fn write(&self, run: Run, to: &mut Writer) {
        to.list(run, |to| write_lines(self.lines.iter(), to));
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (lines, fresh) = (from.list(run, read_lines)?, V::default());
        if lines.values().any(|value| *value == fresh) {
            return Err(DecodeError::NotCanonical);
        }
        Ok(Self { lines })
    }

    fn fits(&self) -> Result<(), Reject> {
        self.lines.iter().try_for_each(|(key, value)| key.fits().and_then(|()| value.fits()))
    }
}

impl<K: Key, D: Delta + Wire> Wire for GMapDelta<K, D> {
    fn write(&self, run: Run, to: &mut Writer) {
        to.list(run, |to| write_lines(self.lines.iter(), to));
    }

    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let lines: BTreeMap<K, D> = from.list(run, read_lines)?;
        if lines.values().any(Delta::is_identity) {
            return Err(DecodeError::NotCanonical);
        }
        Ok(Self { lines })
    }

    fn fits(&self) -> Result<(), Reject> {
        self.lines.iter().try_for_each(|(key, line)| key.fits().and_then(|()| line.fits()))
    }
}

impl<K: Key, V: Commuting> Typed for GMap<K, V> {
    const SCHEMA: &'static Schema = &Schema::GMap(K::SCHEMA, V::SCHEMA);
}

impl<K: Typed, D: Typed> Typed for GMapDelta<K, D> {
    const SCHEMA: &'static Schema = &Schema::Lines(K::SCHEMA, D::SCHEMA);
}
