//! The contract of a value that changes by updates.

use crate::{Typed, Wire};

/// Why an update does not fit the value it was meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reject {
    /// A number is beyond [`crate::INT_MAX`], or is not a number.
    TooLarge,
    /// The key, index or member that the update names does not exist.
    Missing,
    /// The update would create what already exists.
    Exists,
    /// The value is in a state in which this update is not allowed.
    OutOfOrder,
    /// The parts of the update contradict each other.
    Unbalanced,
}

impl std::fmt::Display for Reject {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::TooLarge => "a number is beyond 2^53 - 1, or is not a number",
            Self::Missing => "it names something that does not exist",
            Self::Exists => "it creates something that exists already",
            Self::OutOfOrder => "it is not allowed in this state",
            Self::Unbalanced => "its parts contradict each other",
        })
    }
}

impl std::error::Error for Reject {}

/// Sequential composition of two updates of the same value, where that is possible.
pub trait Coalesce: Sized {
    /// Folds `later` into `self`: wherever both fit, one after the other, the result fits and does
    /// the same.
    ///
    /// # Errors
    /// Gives `later` back, with `self` unchanged, when the two can't be one update.
    fn coalesce(&mut self, later: Self) -> Result<(), Self>;
}

/// Folds each update into the one before it where that is possible. What remains does the same, in
/// the same order, and is never more.
///
/// ```
/// use ucore::{Set, compact};
/// assert_eq!(compact(vec![Set(1), Set(2), Set(3)]), [Set(3)]);
/// ```
#[must_use]
pub fn compact<U: Coalesce>(updates: Vec<U>) -> Vec<U> {
    let mut folded: Vec<U> = Vec::new();
    for update in updates {
        let rest = match folded.last_mut() {
            Some(last) => last.coalesce(update).err(),
            None => Some(update),
        };
        folded.extend(rest);
    }
    folded
}

/// How an update relates to those beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// It makes sense only where it was proposed.
    Ordered,
    /// It commutes with every other one of this lane.
    Delta,
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` is not updatable",
    note = "a struct whose fields change singly: `#[derive(Updatable)]`; plain data: \
            `#[derive(Wire)]` and `ucore::replaced_whole!`, or `Reg<..>` around it",
    note = "instead of `usize` use `u32` or `u64`, of `Vec` `UVec`, of a std map `UMap`"
)]
/// A value that is its initial state plus a series of atomic updates.
///
/// `apply` is deterministic: no clock, no random source, no hash order. Derive this trait for
/// structs with `#[derive(Updatable)]`; the [crate's page](crate#structs) shows how.
pub trait Updatable: Clone + PartialEq + Wire + Typed {
    /// One atomic change. Its encoded size is proportional to the change, not to the value.
    type Update: Clone + Coalesce + Wire;

    /// Whether `update` fits the value as it is now.
    ///
    /// # Errors
    /// The reason why it does not fit.
    fn check(&self, update: &Self::Update) -> Result<(), Reject>;

    /// Applies `update` as a whole, or refuses it and leaves the value as it was. Never panics.
    ///
    /// # Errors
    /// The same reason that [`Updatable::check`] gives.
    fn apply(&mut self, update: Self::Update) -> Result<(), Reject>;

    /// The lane of an update.
    fn lane(_update: &Self::Update) -> Lane {
        Lane::Ordered
    }
}
