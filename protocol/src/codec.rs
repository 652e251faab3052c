//! Records and control messages between programs of this repository: MessagePack by serde, as
//! compact arrays, with nothing behind the end, of bounded depth. What players, logs and journals
//! see has the bytes of `ucore` instead.

use crate::limits::DEPTH_MAX;
use serde::{Deserialize, Serialize};

/// Why bytes are not the expected value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not MessagePack, or not the fields that were expected.
    #[error("{0}")]
    Malformed(String),
    /// Bytes follow the value.
    #[error("{0} bytes follow the end of the message")]
    Trailing(usize),
}

/// The value's bytes.
///
/// # Panics
/// Never: the values of this project have no map key or length that MessagePack lacks.
#[must_use]
pub fn encode_record<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value
        .serialize(&mut rmp_serde::Serializer::new(&mut bytes))
        .expect("writing to a Vec can't fail, and every sequence knows its length");
    bytes
}

/// Reads one value that takes up all of `bytes`.
///
/// # Errors
/// [`RecordError`]. A list whose length is a lie reserves at most 1 MiB before that shows.
pub fn decode_record<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, RecordError> {
    let mut rest = bytes;
    let mut from = rmp_serde::Deserializer::new(&mut rest);
    from.set_max_depth(DEPTH_MAX);
    let value =
        T::deserialize(&mut from).map_err(|error| RecordError::Malformed(error.to_string()))?;
    if rest.is_empty() { Ok(value) } else { Err(RecordError::Trailing(rest.len())) }
}
