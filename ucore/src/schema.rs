//! What a type looks like on the wire, as data: for the handshake, and for other languages.

use crate::Lane;
use xxhash_rust::xxh64::xxh64;

/// A type whose layout is known at compile time.
pub trait Typed {
    /// Its layout.
    const SCHEMA: &'static Schema;
}

/// A layout. Its text is one line with one spelling, so equal layouts have equal hashes.
///
/// ```
/// use ucore::{Typed, UMap, UVec};
/// let schema = <UMap<i32, UVec<String>>>::SCHEMA;
/// assert_eq!(schema.to_string(), "map<i32, vec<text>>");
/// assert_ne!(schema.hash(), <UMap<i32, UVec<bool>>>::SCHEMA.hash());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schema {
    /// An integer from 0 to this, or to [`crate::INT_MAX`] if that is less.
    Unsigned(u64),
    /// An integer of that many bits with its sign, up to [`crate::INT_MAX`] in magnitude.
    Signed(u32),
    /// A floating-point number of that many bits.
    Float(u32),
    /// True or false.
    Bool,
    /// Nothing.
    Nil,
    /// One character.
    Char,
    /// A text.
    Text,
    /// That many bytes.
    Bytes(usize),
    /// Any number of bytes.
    Blob,
    /// A type of its own that looks like another one.
    Named(&'static str, &'static Self),
    /// A name for each of some integers from 0 to this.
    Codes(&'static str, u64, &'static [(&'static str, u64)]),
    /// Maybe a value.
    Option(&'static Self),
    /// Several values.
    Tuple(&'static [&'static Self]),
    /// Any number of values, replaced as a whole.
    List(&'static Self),
    /// Values by key, replaced as a whole.
    Lines(&'static Self, &'static Self),
    /// [`crate::Reg`].
    Reg(&'static Self),
    /// [`crate::Counter`].
    Counter,
    /// [`crate::Max`].
    Max,
    /// [`crate::Min`].
    Min,
    /// [`crate::GSet`].
    GSet(&'static Self),
    /// [`crate::GMap`].
    GMap(&'static Self, &'static Self),
    /// [`crate::UMap`].
    UMap(&'static Self, &'static Self),
    /// [`crate::UVec`].
    UVec(&'static Self),
    /// [`crate::UStack`].
    UStack(&'static Self),
    /// A struct of plain data.
    Record(&'static str, &'static [Field]),
    /// A struct with `#[derive(Updatable)]`, its fields in the order of their tags.
    Struct(&'static str, &'static [Field]),
}

/// A field of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its number: in updates of a struct the bit that stands for it.
    pub tag: u32,
    /// Its lane; none in a struct of plain data.
    pub lane: Option<Lane>,
    /// Its layout.
    pub schema: &'static Schema,
}

impl Schema {
    /// A hash of the layout, for two sides to compare before they talk: XXH64 of its text.
    #[must_use]
    pub fn hash(&self) -> u64 {
        xxh64(self.to_string().as_bytes(), 0)
    }
}

impl std::fmt::Display for Schema {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsigned(max) => write!(out, "u{}", 64 - max.leading_zeros()),
            Self::Signed(bits) => write!(out, "i{bits}"),
            Self::Float(bits) => write!(out, "f{bits}"),
            Self::Bool => out.write_str("bool"),
            Self::Nil => out.write_str("nil"),
            Self::Char => out.write_str("char"),
            Self::Text => out.write_str("text"),
            Self::Bytes(len) => write!(out, "bytes{len}"),
            Self::Blob => out.write_str("blob"),
            Self::Named(name, of) => write!(out, "{name}({of})"),
            Self::Codes(name, max, codes) => {
                write!(out, "{name}({})", Self::Unsigned(*max))?;
                list(out, codes.iter().map(|(name, code)| format!("{code} {name}")), ["[", "]"])
            }
            Self::Option(of) => write!(out, "option<{of}>"),
            Self::Tuple(parts) => list(out, parts.iter(), ["(", ")"]),
            Self::List(of) => write!(out, "list<{of}>"),
            Self::Lines(key, value) => write!(out, "lines<{key}, {value}>"),
            Self::Reg(of) => write!(out, "reg<{of}>"),
            Self::Counter => out.write_str("counter"),
            Self::Max => out.write_str("max"),
            Self::Min => out.write_str("min"),
            Self::GSet(of) => write!(out, "gset<{of}>"),
            Self::GMap(key, value) => write!(out, "gmap<{key}, {value}>"),
            Self::UMap(key, value) => write!(out, "map<{key}, {value}>"),
            Self::UVec(of) => write!(out, "vec<{of}>"),
            Self::UStack(of) => write!(out, "stack<{of}>"),
            Self::Record(name, fields) => {
                write!(out, "record {name}")?;
                list(out, fields.iter(), ["{", "}"])
            }
            Self::Struct(name, fields) => {
                write!(out, "{name}")?;
                list(out, fields.iter(), ["{", "}"])
            }
        }
    }
}

impl std::fmt::Display for Field {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lane = match self.lane {
            Some(Lane::Delta) => "delta ",
            Some(Lane::Ordered) => "ordered ",
            None => "",
        };
        write!(out, "{} {}: {lane}{}", self.tag, self.name, self.schema)
    }
}

fn list<T: std::fmt::Display>(
    out: &mut std::fmt::Formatter<'_>,
    parts: impl Iterator<Item = T>,
    [open, close]: [&str; 2],
) -> std::fmt::Result {
    out.write_str(open)?;
    for (idx, part) in parts.enumerate() {
        write!(out, "{}{part}", if idx == 0 { "" } else { ", " })?;
    }
    out.write_str(close)
}
