//! Bytes that nobody in between looks at.

use crate::{DecodeError, Reader, Run, Schema, Typed, Wire, Writer};
use serde::{Serialize, Serializer};
use std::fmt::Write;
use std::sync::Arc;

/// Any number of bytes: `bin` in MessagePack, lower-case hexadecimal for people. Cloning it copies
/// none of them.
///
/// ```
/// use ucore::{Blob, decode, encode};
/// let sealed = Blob::of(&vec![1_u8, 2]);
/// assert_eq!(encode(&sealed), [0x91, 0xc4, 3, 0x92, 1, 2]);
/// assert_eq!(sealed.open::<Vec<u8>>(), Ok(vec![1, 2]));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob(pub Arc<[u8]>);

impl Blob {
    /// A value's bytes.
    #[must_use]
    pub fn of<T: Wire>(value: &T) -> Self {
        Self(crate::encode(value).into())
    }

    /// The value that these are the bytes of.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn open<T: Wire>(&self) -> Result<T, DecodeError> {
        crate::decode(&self.0)
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl std::ops::Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Wire for Blob {
    fn write(&self, _: Run, to: &mut Writer) {
        to.bin(&self.0);
    }

    fn read(_: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        from.bin().map(|bytes| Self(bytes.into()))
    }
}

impl Typed for Blob {
    const SCHEMA: &'static Schema = &Schema::Blob;
}

crate::replaced_whole!(Blob);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(2 * self.0.len());
        for byte in self.0.iter() {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        to.serialize_str(&text)
    }
}
