//! Parts of a state that many states share, each with its digest, which stands for the part where
//! states are compared.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// A part of a state.
pub(crate) trait Digest {
    /// Tells all that makes a difference.
    fn tell(&self, to: &mut DefaultHasher);
}

/// A part, and the digest of what it tells.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    part: Arc<T>,
    digest: u64,
}

impl<T: Digest> Shared<T> {
    pub(crate) fn new(part: T) -> Self {
        let mut hasher = DefaultHasher::new();
        part.tell(&mut hasher);
        Self { part: Arc::new(part), digest: hasher.finish() }
    }

    /// The part after a change.
    pub(crate) fn after(&self, change: impl FnOnce(&mut T)) -> Self
    where
        T: Clone,
    {
        let mut part = T::clone(&self.part);
        change(&mut part);
        Self::new(part)
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { part: Arc::clone(&self.part), digest: self.digest }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.part
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl<T> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, to: &mut H) {
        self.digest.hash(to);
    }
}
