//! What every decoder has to keep: one value for the same bytes, and a bounded cost.

use protocol::{RecordError, decode_record, encode_record};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use ucore::{Wire, encode};

/// Bytes allocated, at the same time, for each byte that is decoded: nodes of maps and text of
/// errors are larger than what they are made of.
const PER_BYTE: u64 = 256;
/// The same for no bytes at all. Readers of lists trust what a list says of its length up to 1 MiB,
/// on each level.
const BASE: u64 = 4 * 1024 * 1024;
/// The same for what ucore decodes, which trusts no length.
const BASE_OF_UCORE: u64 = 16 * 1024;

/// Runs a decoder and checks what it has cost.
pub(crate) fn bounded<T>(bytes: &[u8], decode: impl FnOnce() -> T) -> T {
    within(bytes, BASE, decode)
}

fn within<T>(bytes: &[u8], base: u64, decode: impl FnOnce() -> T) -> T {
    let mut decoded = None;
    let cost = allocation_counter::measure(|| decoded = Some(decode()));
    let max = base + PER_BYTE * bytes.len() as u64;
    assert!(cost.bytes_max <= max, "{} bytes for {}", cost.bytes_max, bytes.len());
    decoded.expect("it has run")
}

/// Any answer will do, as long as there is one.
pub(crate) fn answered<T>(answer: T) {
    std::hint::black_box(answer);
}

/// The value of ucore whose only spelling these bytes are, if there is one.
pub(crate) fn spelled<T: Wire + Debug>(bytes: &[u8]) -> Option<T> {
    let value = within(bytes, BASE_OF_UCORE, || ucore::decode::<T>(bytes)).ok()?;
    assert_eq!(encode(&value), bytes, "another spelling of {value:?}");
    assert_eq!(value.fits(), Ok(()), "{value:?} was decoded");
    Some(value)
}

/// The value of a record, whose own bytes give it again.
pub(crate) fn record<T>(bytes: &[u8]) -> Option<T>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let value = bounded(bytes, || decode_record::<T>(bytes)).ok()?;
    assert_eq!(received(&value).as_ref(), Ok(&value));
    Some(value)
}

/// A value after its journey to another process. An error if no process can have sent it.
pub(crate) fn received<T: Serialize + DeserializeOwned>(value: &T) -> Result<T, RecordError> {
    decode_record(&encode_record(value))
}
