//! A map whose keys only come and whose values only accumulate.

use crate::{Accumulate, Coalesce, Delta, Idempotent, Reject, Updatable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A grow-only map of accumulating values, in the order of its keys.
///
/// ```
/// use ucore::{Accumulate, GMap, Max};
/// let mut totals: GMap<u64, Max> = GMap::default();
/// totals.absorb(GMap::<u64, Max>::line(3, Max::of(12)));
/// assert_eq!(totals.get(&3), Some(&Max::of(12)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[serde(bound(
    serialize = "K: Serialize, V: Serialize",
    deserialize = "K: Deserialize<'de> + Ord, V: Deserialize<'de>"
))]
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
    pub fn get(&self, key: &K) -> Option<&V> {
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

    /// Whether no key came yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl<K: Ord + Clone, V: Accumulate + Default> GMap<K, V> {
    /// A delta of one line.
    #[must_use]
    pub fn line(key: K, delta: V::Delta) -> GMapDelta<K, V::Delta> {
        GMapDelta { lines: BTreeMap::from([(key, delta)]) }
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for GMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(lines: I) -> Self {
        Self { lines: lines.into_iter().collect() }
    }
}

/// Deltas by key. The order in which lines are merged never matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[serde(bound(
    serialize = "K: Serialize, D: Serialize",
    deserialize = "K: Deserialize<'de> + Ord, D: Deserialize<'de>"
))]
pub struct GMapDelta<K, D> {
    lines: BTreeMap<K, D>,
}

impl<K, D> Default for GMapDelta<K, D> {
    fn default() -> Self {
        Self { lines: BTreeMap::new() }
    }
}

impl<K: Ord, D> GMapDelta<K, D> {
    /// Keys and deltas in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &D)> {
        self.lines.iter()
    }
}

impl<K: Ord + Clone, D: Delta> FromIterator<(K, D)> for GMapDelta<K, D> {
    fn from_iter<I: IntoIterator<Item = (K, D)>>(lines: I) -> Self {
        let mut delta = Self::default();
        for (key, line) in lines {
            delta.lines.entry(key).or_default().merge(line);
        }
        delta
    }
}

impl<K: Ord + Clone, D: Delta> Delta for GMapDelta<K, D> {
    fn merge(&mut self, other: Self) {
        for (key, line) in other.lines {
            self.lines.entry(key).or_default().merge(line);
        }
    }

    fn is_identity(&self) -> bool {
        self.lines.values().all(Delta::is_identity)
    }
}

impl<K: Ord + Clone, D: Idempotent> Idempotent for GMapDelta<K, D> {}

impl<K: Ord + Clone, D: Delta> Coalesce for GMapDelta<K, D> {
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        self.merge(later);
        Ok(())
    }
}

impl<K: Ord + Clone, V: Accumulate + Default> Updatable for GMap<K, V> {
    type Update = GMapDelta<K, V::Delta>;

    fn check(&self, update: &Self::Update) -> Result<(), Reject> {
        self.check_delta(update)
    }

    fn apply(&mut self, update: Self::Update) -> Result<(), Reject> {
        self.check(&update)?;
        self.absorb(update);
        Ok(())
    }
}

impl<K: Ord + Clone, V: Accumulate + Default> Accumulate for GMap<K, V> {
    type Delta = GMapDelta<K, V::Delta>;

    /// Lines whose delta is an identity leave no trace, so folding never changes the result.
    fn absorb(&mut self, delta: Self::Delta) {
        for (key, line) in delta.lines {
            if !line.is_identity() {
                self.lines.entry(key).or_default().absorb(line);
            }
        }
    }

    fn lift(delta: Self::Delta) -> Self::Update {
        delta
    }

    fn check_delta(&self, delta: &Self::Delta) -> Result<(), Reject> {
        let fresh = V::default();
        for (key, line) in &delta.lines {
            self.lines.get(key).unwrap_or(&fresh).check_delta(line)?;
        }
        Ok(())
    }
}
