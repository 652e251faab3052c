//! Integers that every reader holds exactly: `#[serde(with = "ucore::int53")]`.

use crate::INT_MAX;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes the number.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(value: &u64, to: S) -> Result<S::Ok, S::Error> {
    value.serialize(to)
}

/// Reads a number from 0 to [`INT_MAX`].
///
/// # Errors
/// Those of the deserializer, and a number beyond the limit.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let value = u64::deserialize(from)?;
    if value <= INT_MAX {
        Ok(value)
    } else {
        Err(D::Error::invalid_value(Unexpected::Unsigned(value), &"an integer up to 2^53 - 1"))
    }
}
