//! Values as bytes: a flat run of MessagePack items, with one spelling for each value.
//!
//! A message is one MessagePack array. What is in it is a *run*: its types say how many items
//! belong to each value, so paths need no arrays of their own. Structs and lists do, unless an
//! update or a message ends with them. Decoding refuses every other spelling, hence equal values
//! have equal bytes and equal bytes are equal values.

mod reader;
mod writer;

use crate::Reject;
pub use reader::{DecodeError, Reader};
pub use writer::Writer;

/// Where a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// It must show where it ends, because something may follow.
    Closed,
    /// It is the last of its array and ends with it, so a list needs no array of its own.
    Open,
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` has no bytes",
    note = "for a struct: `#[derive(Wire)]`; around one value: `ucore::newtype!`; for an enum \
            without data: `ucore::codes!`"
)]
/// A value that has bytes.
///
/// Derive it for structs of plain data, with `#[derive(Wire)]`: their fields become an array in the
/// order in which they are declared.
///
/// ```
/// use ucore::{DecodeError, Wire, decode, encode};
///
/// #[derive(Debug, PartialEq, Wire)]
/// struct Item {
///     name: String,
///     price: u32,
/// }
///
/// let sword = Item { name: "sword".to_owned(), price: 300 };
/// let bytes = encode(&sword);
/// assert_eq!(bytes, b"\x92\xa5sword\xcd\x01\x2c");
/// assert_eq!(decode::<Item>(&bytes), Ok(sword));
/// assert_eq!(decode::<Item>(b"\x91\xa5sword"), Err(DecodeError::TooFew));
/// ```
pub trait Wire: Sized {
    /// Whether the closed run of some value may begin with nil.
    const NIL: bool = false;

    /// Appends the value's run.
    fn write(&self, run: Run, to: &mut Writer);

    /// Takes the run of one value.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that [`Wire::write`] would not have written.
    fn read(run: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError>;

    /// Whether its numbers are such that every reader holds them exactly. What does not fit still
    /// has bytes, but no reader takes them.
    ///
    /// # Errors
    /// [`Reject::TooLarge`] for an integer beyond [`crate::INT_MAX`] in magnitude, or a number that
    /// is none.
    fn fits(&self) -> Result<(), Reject> {
        Ok(())
    }
}

/// The bytes of a value: one MessagePack array.
#[must_use]
pub fn encode<T: Wire>(value: &T) -> Vec<u8> {
    // Most updates fit, and take one allocation.
    let mut bytes = Vec::with_capacity(16);
    encode_into(value, &mut bytes);
    bytes
}

/// Appends the bytes of a value.
pub fn encode_into<T: Wire>(value: &T, bytes: &mut Vec<u8>) {
    let mut to = Writer::appending(std::mem::take(bytes));
    to.array(|to| value.write(Run::Open, to));
    *bytes = to.into_bytes();
}

/// The value whose bytes these are. What it allocates is bounded by their number: each item of a
/// list stands for at least one byte.
///
/// # Errors
/// [`DecodeError`] for any bytes that [`encode`] would not have written.
pub fn decode<T: Wire>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut from = Reader::new(bytes);
    let value = from.array(|from| T::read(Run::Open, from))?;
    from.end()?;
    Ok(value)
}
