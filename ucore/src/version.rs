//! Position in a log, and the chain that makes two logs comparable.

use crate::{Bin, Wire, encode, int53};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// Position in a log. The first entry is version 1; version 0 is the value before it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(#[serde(with = "int53")] pub u64);

impl Version {
    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// A digest over a log up to a version. Two logs with the same chain are the same log.
///
/// Each link is SHA-1 over `"<previous, hex> <version> <fields>\n"` and the blob. SHA-1 because it
/// is what a Redis Function can compute; it guards against lost and forked writes, not against
/// someone who forges entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Chain(pub Bin<20>);

impl Chain {
    /// The chain before the first entry.
    pub const START: Self = Self(Bin([0; 20]));

    /// The chain after the entry `version` with these fields and this blob.
    #[must_use]
    pub fn link(self, version: Version, fields: &str, blob: &[u8]) -> Self {
        let mut hash = Sha1::new();
        hash.update(format!("{self} {version} {fields}\n"));
        hash.update(blob);
        Self(Bin(hash.finalize().into()))
    }
}

impl std::fmt::Display for Chain {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// Someone who writes to a log, as long as its session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WriterId(pub Bin<16>);

crate::newtype!(Version(u64));
crate::newtype!(WriterId(Bin<16>));
crate::newtype!(Chain(Bin<20>));

/// The hash of a value's canonical bytes: XXH64, which browsers have too. Copies that agree have
/// the same hash, whatever way they came to be.
///
/// ```
/// use ucore::{UMap, state_hash};
/// let (mut a, mut b): (UMap<u8, u8>, UMap<u8, u8>) = Default::default();
/// a = [(1, 2), (3, 4)].into_iter().collect();
/// b = [(3, 4), (1, 2)].into_iter().collect();
/// assert_eq!(state_hash(&a), state_hash(&b));
/// ```
#[must_use]
pub fn state_hash<T: Wire>(value: &T) -> u64 {
    bytes_hash(&encode(value))
}

/// The [`state_hash`] of the value that has these bytes.
#[must_use]
pub fn bytes_hash(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh64::xxh64(bytes, 0)
}
