//! Parts of an update that holds one for each of several values. The derive writes calls of these.

pub use crate::delta::fold;
use crate::{
    Accumulate, Coalesce, Commuting, DecodeError, Delta, Idempotent, Lane, Reader, Reject,
};
use crate::{Run, Updatable, Wire, Writer};

/// Compiles if the type has a delta lane and nothing else.
pub const fn commutes<T: Commuting>() {}

/// The update of a value that has nothing else than a delta lane, as its delta.
pub const fn delta<T: Commuting>(update: T::Update) -> T::Delta {
    update
}

/// Compiles if the type's deltas may come twice.
pub const fn is_idempotent<T: Accumulate<Delta: Idempotent>>() {}

/// Whether a part fits.
///
/// # Errors
/// [`Reject`]
pub fn check<T: Updatable>(part: &T, update: Option<&T::Update>) -> Result<(), Reject> {
    update.map_or(Ok(()), |update| part.check(update))
}

/// Applies a part that was checked.
///
/// # Errors
/// [`Reject`]
pub fn apply<T: Updatable>(part: &mut T, update: Option<T::Update>) -> Result<(), Reject> {
    update.map_or(Ok(()), |update| part.apply(update))
}

/// The lane of a part. One that does not change disturbs nobody.
#[must_use]
pub fn lane<T: Updatable>(update: Option<&T::Update>) -> Lane {
    update.map_or(Lane::Delta, T::lane)
}

/// Folds a part. False if it can't be done; then both are as they were.
pub fn coalesce<U: Coalesce>(first: &mut Option<U>, later: &mut Option<U>) -> bool {
    match (first.as_mut(), later.take()) {
        (Some(first), Some(part)) => {
            *later = first.coalesce(part).err();
            later.is_none()
        }
        (None, part) => {
            *first = part;
            true
        }
        (Some(_), None) => true,
    }
}

/// Whether the numbers of a part fit.
///
/// # Errors
/// [`Reject`]
pub fn fits<U: Wire>(update: Option<&U>) -> Result<(), Reject> {
    update.map_or(Ok(()), Wire::fits)
}

/// The run of the part with this tag: only the last part of a mask is open.
#[must_use]
pub const fn run(mask: u64, tag: u32, run: Run) -> Run {
    if mask >> tag == 1 { run } else { Run::Closed }
}

/// Appends a part, if there is one.
pub fn write<U: Wire>(update: Option<&U>, run: Run, to: &mut Writer) {
    if let Some(update) = update {
        update.write(run, to);
    }
}

/// Takes a mask of tags.
///
/// # Errors
/// [`DecodeError::UnknownTag`] for a tag that is not one of `all`.
pub fn read_mask(all: u64, from: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let mask = from.uint()?;
    match mask & !all {
        0 => Ok(mask),
        unknown => Err(DecodeError::UnknownTag(unknown.trailing_zeros().into())),
    }
}

/// Takes the delta of a field, which would not be there if it changed nothing.
///
/// # Errors
/// [`DecodeError`]
pub fn read_delta<T: Accumulate<Delta: Wire>>(
    run: Run,
    from: &mut Reader<'_>,
) -> Result<T::Delta, DecodeError> {
    let delta = T::Delta::read(run, from)?;
    if delta.is_identity() { Err(DecodeError::NotCanonical) } else { Ok(delta) }
}
