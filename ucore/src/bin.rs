//! Fixed-size byte strings: ids and digests.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `N` bytes: `bin` in MessagePack, lower-case hexadecimal in text and JSON.
///
/// ```
/// let id: ucore::Bin<2> = "0aff".parse().expect("four hex digits");
/// assert_eq!(id, ucore::Bin([10, 255]));
/// assert_eq!(id.to_string(), "0aff");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bin<const N: usize>(pub [u8; N]);

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The text is not exactly two hexadecimal digits per byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotHex;

impl std::fmt::Display for NotHex {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("expected two lower-case hexadecimal digits for each byte")
    }
}

impl std::error::Error for NotHex {}

impl<const N: usize> std::fmt::Display for Bin<N> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hex = self.0.map(|byte| [byte >> 4, byte & 15].map(|it| DIGITS[usize::from(it)]));
        // As one text: each entry of a log formats the 20 bytes of a chain.
        out.write_str(std::str::from_utf8(hex.as_flattened()).map_err(|_| std::fmt::Error)?)
    }
}

impl<const N: usize> std::fmt::Debug for Bin<N> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, out)
    }
}

/// All zeros.
impl<const N: usize> Default for Bin<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> std::str::FromStr for Bin<N> {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Self, NotHex> {
        let digits = text.as_bytes();
        if digits.len() != 2 * N {
            return Err(NotHex);
        }
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

/// Upper case is refused, so that every id has one spelling.
fn digit(ascii: u8) -> Result<u8, NotHex> {
    match ascii {
        b'0'..=b'9' => Ok(ascii - b'0'),
        b'a'..=b'f' => Ok(ascii - b'a' + 10),
        _ => Err(NotHex),
    }
}

impl<const N: usize> Serialize for Bin<N> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.collect_str(self) } else { to.serialize_bytes(&self.0) }
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bin<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            String::deserialize(from)?.parse().map_err(D::Error::custom)
        } else {
            from.deserialize_bytes(BinVisitor::<N>)
        }
    }
}

struct BinVisitor<const N: usize>;

impl<const N: usize> Visitor<'_> for BinVisitor<N> {
    type Value = Bin<N>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{N} bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Bin<N>, E> {
        bytes.try_into().map(Bin).map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}
