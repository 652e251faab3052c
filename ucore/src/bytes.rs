//! A value's own bytes inside a message of serde: `#[serde(with = "ucore::bytes")]`.

use crate::{Wire, decode, encode};
use serde::de::{Error, Visitor};
use serde::{Deserializer, Serializer};
use std::marker::PhantomData;

/// Writes the value's bytes as one string of bytes.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Wire, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(&encode(value))
}

/// Reads the value from a string of bytes, or from a list of numbers, which is what JSON makes of
/// one.
///
/// # Errors
/// Those of the deserializer, and bytes that are not a value's.
pub fn deserialize<'de, T: Wire, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    from.deserialize_bytes(Bytes(PhantomData))
}

struct Bytes<T>(PhantomData<T>);

impl<'de, T: Wire> Visitor<'de> for Bytes<T> {
    type Value = T;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a string of bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        decode(bytes).map_err(E::custom)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut from: A) -> Result<T, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = from.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
