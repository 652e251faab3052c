//! The commuting lane: deltas, and the buffer that folds them on their way.

use crate::{Reject, Updatable};

/// A commutative monoid: `merge` is associative and commutative, `Default` is its identity.
pub trait Delta: Clone + Default {
    /// Folds `other` in. The order of merges never matters.
    fn merge(&mut self, other: Self);

    /// Whether absorbing this delta changes nothing. Identities are not sent.
    fn is_identity(&self) -> bool;
}

/// Marks a delta that may be delivered any number of times: `merge(a, a) == a`.
///
/// Source: state-based replicated data types are join-semilattices (Shapiro, Preguica, Baquero
/// and Zawirski, "Conflict-free Replicated Data Types", 2011); sending only what changed keeps
/// that property (Almeida, Shoker and Baquero, "Delta State Replicated Data Types", 2018).
pub trait Idempotent: Delta {}

/// An [`Updatable`] with a commuting lane.
pub trait Accumulate: Updatable {
    /// What commutes.
    type Delta: Delta;

    /// Takes a delta in. Applying `lift(delta)` does the same.
    fn absorb(&mut self, delta: Self::Delta);

    /// The delta as an update for the log.
    fn lift(delta: Self::Delta) -> Self::Update;

    /// Whether the delta's numbers are inside the limits.
    ///
    /// # Errors
    /// [`Reject::TooLarge`] for a number beyond [`crate::INT_MAX`].
    fn check_delta(&self, delta: &Self::Delta) -> Result<(), Reject>;
}

/// Folds deltas until someone takes the sum. Its size is that of one delta, however many it folds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeltaBuffer<D> {
    sum: D,
    folded: u64,
}

impl<D: Delta> DeltaBuffer<D> {
    /// Folds one more delta in.
    pub fn add(&mut self, delta: D) {
        self.sum.merge(delta);
        self.folded += 1;
    }

    /// How many deltas were folded since the last [`DeltaBuffer::take`].
    #[must_use]
    pub fn folded(&self) -> u64 {
        self.folded
    }

    /// The fold of everything since the last call, or nothing when that is the identity.
    pub fn take(&mut self) -> Option<D> {
        self.folded = 0;
        let sum = std::mem::take(&mut self.sum);
        (!sum.is_identity()).then_some(sum)
    }
}
