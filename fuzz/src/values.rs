//! What the fuzz targets do with bytes, for them and for the replay of their corpus.
#![allow(dead_code, reason = "each fuzz target uses one of both")]

mod types;

use std::fmt::Debug;
use types::{Board, Notes, Vault, World};
use ucore::{Coalesce, Updatable, Wire, decode as value_of, encode, state_hash};

/// Decodes bytes as values and as updates of each type. Whatever they are has no other bytes, and
/// an update is applied or refused.
pub(crate) fn decode(bytes: &[u8]) {
    decode_as::<Notes>(bytes, &types::notes());
    decode_as::<Vault>(bytes, &types::vault());
    decode_as::<Board>(bytes, &types::board());
    decode_as::<World>(bytes, &types::world());
}

fn decode_as<S>(bytes: &[u8], sample: &S)
where
    S: Updatable<Update: Debug> + Default + Debug,
{
    if let Some(value) = spelled::<S>(bytes) {
        assert_eq!(value_of::<S>(&encode(&value)), Ok(value));
    }
    if let Some(update) = spelled::<S::Update>(bytes) {
        put(&mut S::default(), &update);
        put(&mut sample.clone(), &update);
    }
}

/// The value whose bytes these are, if there is one.
fn spelled<T: Wire + Debug>(bytes: &[u8]) -> Option<T> {
    let value = value_of::<T>(bytes).ok()?;
    assert_eq!(encode(&value), bytes, "another spelling of {value:?}");
    assert_eq!(value.fits(), Ok(()), "{value:?} was decoded");
    Some(value)
}

/// Applies an update where it fits, and changes nothing where it does not.
fn put<S: Updatable + Debug>(state: &mut S, update: &S::Update) -> bool {
    let before = state.clone();
    let checked = state.check(update);
    assert_eq!(state.apply(update.clone()), checked);
    if checked.is_err() {
        assert_eq!(*state, before, "it was refused");
    }
    assert_eq!(state.fits(), Ok(()));
    checked.is_ok()
}

/// Takes the first byte for the type, and the rest for a value and updates of it, each behind its
/// length. Copies that follow by bytes, and by folds of two updates, end up the same.
pub(crate) fn apply(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind % 4 {
        0 => apply_as::<Notes>(rest, types::notes()),
        1 => apply_as::<Vault>(rest, types::vault()),
        2 => apply_as::<Board>(rest, types::board()),
        _ => apply_as::<World>(rest, types::world()),
    }
}

fn apply_as<S>(bytes: &[u8], sample: S)
where
    S: Updatable<Update: Debug> + Default + Debug,
{
    let mut chunks = chunks(bytes);
    let mut state = chunks.next().and_then(|chunk| value_of(chunk).ok()).unwrap_or(sample);
    let mut copy = state.clone();
    let mut folded: Option<(S, S::Update)> = None;
    for update in chunks.filter_map(|chunk| value_of::<S::Update>(chunk).ok()) {
        let before = state.clone();
        if !put(&mut state, &update) {
            continue;
        }
        let sent = value_of::<S::Update>(&encode(&update)).expect("it was decoded before");
        assert_eq!(copy.apply(sent), Ok(()));
        folded = Some(fold(folded, (before, update), &state));
    }
    assert_eq!(copy, state);
    assert_eq!(state_hash(&copy), state_hash(&state));
}

/// An update folded into those before it, with the value before all of them.
fn fold<S>(
    earlier: Option<(S, S::Update)>,
    (before, update): (S, S::Update),
    after: &S,
) -> (S, S::Update)
where
    S: Updatable + Debug,
{
    let Some((start, mut all)) = earlier else { return (before, update) };
    match all.coalesce(update) {
        Ok(()) => {
            let mut at_once = start.clone();
            assert_eq!(at_once.apply(all.clone()), Ok(()));
            assert_eq!(at_once, *after);
            (start, all)
        }
        Err(update) => (before, update),
    }
}

/// Pieces of bytes, each behind a byte with its length. The last one may be shorter.
fn chunks(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, behind) = rest.split_first()?;
        let (chunk, next) = behind.split_at(usize::from(*len).min(behind.len()));
        rest = next;
        Some(chunk)
    })
}
