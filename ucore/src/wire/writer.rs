//! MessagePack out.

use super::Run;
use rmp::encode;

/// Appends MessagePack items, each in its shortest form, and counts those of the open array.
///
/// ```
/// let mut to = ucore::Writer::default();
/// to.array(|to| {
///     to.uint(7);
///     to.text("hit");
/// });
/// assert_eq!(to.into_bytes(), b"\x92\x07\xa3hit");
/// ```
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    /// Items of the innermost open array.
    items: u32,
}

const INFALLIBLE: &str = "a Vec takes every write";
/// The header of an array with no items, to which their number is added up to 15.
const FIXARRAY: u8 = 0x90;

impl Writer {
    /// One that goes on where these bytes end.
    #[must_use]
    pub const fn appending(bytes: Vec<u8>) -> Self {
        Self { bytes, items: 0 }
    }

    /// Everything that was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: u64) {
        self.items += 1;
        encode::write_uint(&mut self.bytes, value).expect(INFALLIBLE);
    }

    /// A signed integer.
    pub fn int(&mut self, value: i64) {
        self.items += 1;
        encode::write_sint(&mut self.bytes, value).expect(INFALLIBLE);
    }

    /// A floating-point number of 32 bits.
    pub fn f32(&mut self, value: f32) {
        self.items += 1;
        encode::write_f32(&mut self.bytes, value).expect(INFALLIBLE);
    }

    /// A floating-point number of 64 bits.
    pub fn f64(&mut self, value: f64) {
        self.items += 1;
        encode::write_f64(&mut self.bytes, value).expect(INFALLIBLE);
    }

    /// True or false.
    pub fn bool(&mut self, value: bool) {
        self.items += 1;
        encode::write_bool(&mut self.bytes, value).expect(INFALLIBLE);
    }

    /// Nothing.
    pub fn nil(&mut self) {
        self.items += 1;
        encode::write_nil(&mut self.bytes).expect(INFALLIBLE);
    }

    /// A text.
    pub fn text(&mut self, value: &str) {
        self.items += 1;
        encode::write_str(&mut self.bytes, value).expect(INFALLIBLE);
    }

    /// A string of bytes.
    pub fn bin(&mut self, value: &[u8]) {
        self.items += 1;
        encode::write_bin(&mut self.bytes, value).expect(INFALLIBLE);
    }

    /// An array of what `items` writes.
    pub fn array(&mut self, items: impl FnOnce(&mut Self)) {
        let (outer, header) = (self.items, self.bytes.len());
        self.bytes.push(FIXARRAY);
        self.items = 0;
        items(self);
        if let Ok(few @ 0..=15) = u8::try_from(self.items) {
            self.bytes[header] = FIXARRAY | few;
        } else {
            let mut long = Vec::with_capacity(5);
            encode::write_array_len(&mut long, self.items).expect(INFALLIBLE);
            self.bytes.splice(header..=header, long);
        }
        self.items = outer + 1;
    }

    /// A list: an array of its own, unless the run is open.
    pub fn list(&mut self, run: Run, items: impl FnOnce(&mut Self)) {
        match run {
            Run::Closed => self.array(items),
            Run::Open => items(self),
        }
    }
}
