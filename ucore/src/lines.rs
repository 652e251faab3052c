//! Runs of keys, and of keys with values, in strictly ascending order.

use crate::{DecodeError, Key, Reader, Run, Wire, Writer};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn write_keys<'a, K: Key + 'a>(keys: impl Iterator<Item = &'a K>, to: &mut Writer) {
    let mut previous = None;
    for key in keys {
        key.write_after(previous, to);
        previous = Some(key);
    }
}

pub(crate) fn read_keys<K: Key>(from: &mut Reader<'_>) -> Result<BTreeSet<K>, DecodeError> {
    let mut keys: Vec<K> = Vec::new();
    while from.has_more() {
        keys.push(read_key(keys.last(), from)?);
    }
    Ok(keys.into_iter().collect())
}

pub(crate) fn write_lines<'a, K: Key + 'a, V: Wire + 'a>(
    lines: impl Iterator<Item = (&'a K, &'a V)>,
    to: &mut Writer,
) {
    let mut previous = None;
    for (key, value) in lines {
        key.write_after(previous, to);
        value.write(Run::Closed, to);
        previous = Some(key);
    }
}

pub(crate) fn read_lines<K: Key, V: Wire>(
    from: &mut Reader<'_>,
) -> Result<BTreeMap<K, V>, DecodeError> {
    if !from.has_more() {
        return Ok(BTreeMap::new());
    }
    let first = (read_key(None, from)?, V::read(Run::Closed, from)?);
    if !from.has_more() {
        return Ok(BTreeMap::from([first]));
    }
    let mut lines = vec![first];
    while from.has_more() {
        let key = read_key(lines.last().map(|(key, _)| key), from)?;
        lines.push((key, V::read(Run::Closed, from)?));
    }
    // What is in order becomes a tree without a search for each line.
    Ok(lines.into_iter().collect())
}

fn read_key<K: Key>(previous: Option<&K>, from: &mut Reader<'_>) -> Result<K, DecodeError> {
    let key = K::read_after(previous, from)?;
    if previous < Some(&key) { Ok(key) } else { Err(DecodeError::NotCanonical) }
}
