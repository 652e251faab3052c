//! MessagePack in: nothing but the one spelling that [`super::Writer`] has.
#![expect(clippy::wildcard_enum_match_arm, reason = "every other marker is of another kind")]

use super::Run;
use crate::INT_MAX;
use rmp::Marker;

/// Why bytes are not the expected value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before the value does.
    Truncated,
    /// Bytes follow the value.
    Trailing(usize),
    /// An array has fewer items than its values need.
    TooFew,
    /// An array has more items than its values need.
    TooMany,
    /// An item is of another kind than the one named.
    Expected(&'static str),
    /// An integer is outside its type's range, or beyond [`INT_MAX`] in magnitude.
    Range,
    /// Something is spelled otherwise than it would be written.
    NotCanonical,
    /// The number stands for no field and no operation.
    UnknownTag(u64),
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated => out.write_str("the bytes end before the value does"),
            Self::Trailing(bytes) => write!(out, "{bytes} bytes follow the end of the value"),
            Self::TooFew => out.write_str("an array has fewer items than its values need"),
            Self::TooMany => out.write_str("an array has more items than its values need"),
            Self::Expected(kind) => write!(out, "expected {kind}"),
            Self::Range => out.write_str("an integer is out of range"),
            Self::NotCanonical => out.write_str("a value is not in its one canonical spelling"),
            Self::UnknownTag(tag) => write!(out, "{tag} stands for no field and no operation"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Takes MessagePack items off a string of bytes.
///
/// ```
/// use ucore::{DecodeError, Reader};
/// let mut from = Reader::new(b"\x92\x07\xa3hit");
/// let both = from.array(|from| Ok((from.uint()?, from.text()?)));
/// assert_eq!(both, Ok((7, "hit")));
/// assert_eq!(from.end(), Ok(()));
/// // 7 in two bytes is not how it is written.
/// assert_eq!(Reader::new(b"\x91\xcc\x07").array(Reader::uint), Err(DecodeError::NotCanonical));
/// ```
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// Items left in the innermost open array.
    items: u32,
}

impl<'a> Reader<'a> {
    /// Reads one item, which should be an array.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, items: 1 }
    }

    /// Whether the innermost open array has more items.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.items > 0
    }

    /// Whether all bytes were read.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] if not.
    pub const fn end(&self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing(self.rest.len())) }
    }

    /// An unsigned integer up to [`INT_MAX`].
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn uint(&mut self) -> Result<u64, DecodeError> {
        let marker = self.marker()?;
        self.positive(marker, "an unsigned integer")
    }

    fn positive(&mut self, marker: Marker, kind: &'static str) -> Result<u64, DecodeError> {
        let value = match marker {
            Marker::FixPos(value) => return Ok(value.into()),
            Marker::U8 => shortest(self.bytes::<1>()?[0].into(), 1 << 7)?,
            Marker::U16 => shortest(u16::from_be_bytes(self.bytes()?).into(), 1 << 8)?,
            Marker::U32 => shortest(u32::from_be_bytes(self.bytes()?).into(), 1 << 16)?,
            Marker::U64 => shortest(u64::from_be_bytes(self.bytes()?), 1 << 32)?,
            _ => return Err(DecodeError::Expected(kind)),
        };
        if value <= INT_MAX { Ok(value) } else { Err(DecodeError::Range) }
    }

    /// A signed integer up to [`INT_MAX`] in magnitude.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn int(&mut self) -> Result<i64, DecodeError> {
        let marker = self.marker()?;
        let value = match marker {
            Marker::FixNeg(value) => return Ok(value.into()),
            Marker::I8 | Marker::I16 | Marker::I32 | Marker::I64 => self.negative(marker)?,
            _ => self.positive(marker, "an integer")?.cast_signed(),
        };
        if value.unsigned_abs() <= INT_MAX { Ok(value) } else { Err(DecodeError::Range) }
    }

    fn negative(&mut self, marker: Marker) -> Result<i64, DecodeError> {
        let (value, below): (i64, i64) = match marker {
            Marker::I8 => (i8::from_be_bytes(self.bytes()?).into(), -32),
            Marker::I16 => (i16::from_be_bytes(self.bytes()?).into(), i8::MIN.into()),
            Marker::I32 => (i32::from_be_bytes(self.bytes()?).into(), i16::MIN.into()),
            _ => (i64::from_be_bytes(self.bytes()?), i32::MIN.into()),
        };
        if value < below { Ok(value) } else { Err(DecodeError::NotCanonical) }
    }

    /// A floating-point number of 32 bits, but no NaN and no negative zero.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn f32(&mut self) -> Result<f32, DecodeError> {
        match self.marker()? {
            Marker::F32 => {
                Some(f32::from_be_bytes(self.bytes()?)).filter(|it| is_number(f64::from(*it)))
            }
            _ => None,
        }
        .ok_or(DecodeError::Expected("a 32-bit floating-point number"))
    }

    /// A floating-point number of 64 bits, but no NaN and no negative zero.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        match self.marker()? {
            Marker::F64 => Some(f64::from_be_bytes(self.bytes()?)).filter(|it| is_number(*it)),
            _ => None,
        }
        .ok_or(DecodeError::Expected("a 64-bit floating-point number"))
    }

    /// True or false.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        match self.marker()? {
            Marker::True => Ok(true),
            Marker::False => Ok(false),
            _ => Err(DecodeError::Expected("true or false")),
        }
    }

    /// Takes a nil if one is next.
    pub fn take_nil(&mut self) -> bool {
        let next = self.items > 0 && self.rest.first() == Some(&Marker::Null.to_u8());
        if next {
            self.rest = &self.rest[1..];
            self.items -= 1;
        }
        next
    }

    /// A text.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        let len = match self.marker()? {
            Marker::FixStr(len) => len.into(),
            Marker::Str8 => shortest(self.bytes::<1>()?[0].into(), 1 << 5)?,
            Marker::Str16 => shortest(u16::from_be_bytes(self.bytes()?).into(), 1 << 8)?,
            Marker::Str32 => shortest(u32::from_be_bytes(self.bytes()?).into(), 1 << 16)?,
            _ => return Err(DecodeError::Expected("a text")),
        };
        std::str::from_utf8(self.slice(len)?).map_err(|_| DecodeError::Expected("UTF-8"))
    }

    /// A string of bytes.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn bin(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = match self.marker()? {
            Marker::Bin8 => self.bytes::<1>()?[0].into(),
            Marker::Bin16 => shortest(u16::from_be_bytes(self.bytes()?).into(), 1 << 8)?,
            Marker::Bin32 => shortest(u32::from_be_bytes(self.bytes()?).into(), 1 << 16)?,
            _ => return Err(DecodeError::Expected("a string of bytes")),
        };
        self.slice(len)
    }

    /// An array, all of whose items `items` takes.
    ///
    /// # Errors
    /// [`DecodeError`], also that of `items`.
    pub fn array<T>(
        &mut self,
        items: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let len = match self.marker()? {
            Marker::FixArray(len) => len.into(),
            Marker::Array16 => shortest(u16::from_be_bytes(self.bytes()?).into(), 1 << 4)?,
            Marker::Array32 => shortest(u32::from_be_bytes(self.bytes()?).into(), 1 << 16)?,
            _ => return Err(DecodeError::Expected("an array")),
        };
        // Each item takes a byte at least.
        let len = u32::try_from(len).map_err(|_| DecodeError::Truncated)?;
        if usize::try_from(len).is_ok_and(|len| len > self.rest.len()) {
            return Err(DecodeError::Truncated);
        }
        let outer = std::mem::replace(&mut self.items, len);
        let value = items(self)?;
        if self.items > 0 {
            return Err(DecodeError::TooMany);
        }
        self.items = outer;
        Ok(value)
    }

    /// A list: an array of its own, unless the run is open.
    ///
    /// # Errors
    /// [`DecodeError`], also that of `items`.
    pub fn list<T>(
        &mut self,
        run: Run,
        items: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        match run {
            Run::Closed => self.array(items),
            Run::Open => items(self),
        }
    }

    fn marker(&mut self) -> Result<Marker, DecodeError> {
        self.items = self.items.checked_sub(1).ok_or(DecodeError::TooFew)?;
        let (first, rest) = self.rest.split_first().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(Marker::from_u8(*first))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn slice(&mut self, len: u64) -> Result<&'a [u8], DecodeError> {
        let len = usize::try_from(len).map_err(|_| DecodeError::Truncated)?;
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }
}

/// A number in a form that only begins at `least`.
fn shortest(value: u64, least: u64) -> Result<u64, DecodeError> {
    if value < least { Err(DecodeError::NotCanonical) } else { Ok(value) }
}

fn is_number(value: f64) -> bool {
    !value.is_nan() && (value != 0.0 || value.is_sign_positive())
}
