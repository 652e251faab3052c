//! A message of the sync service: a request or an answer, and the number that ties them.

use crate::{RecordError, encode_record};
use rmp_serde::Deserializer;
use serde::{Deserialize, Serialize};
use ucore::int53;

/// A request with its number, or the answer that bears the number of its request. The number is
/// the asker's: it tells its own open requests apart, whatever the order of their answers.
///
/// A program that only passes bodies on builds and opens it without knowing their types.
///
/// ```
/// use protocol::{Numbered, decode_record, encode_record};
/// let message = Numbered::wrap(7, &encode_record(&true));
/// assert_eq!(message, encode_record(&Numbered { number: 7, body: true }));
/// let (number, body) = Numbered::unwrap(&message).unwrap();
/// assert_eq!((number, decode_record(body)), (7, Ok(true)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbered<T> {
    /// At most 2^53 - 1.
    #[serde(with = "int53")]
    pub number: u64,
    /// What is asked or answered.
    pub body: T,
}

/// MessagePack's array of two items.
const ARRAY_OF_TWO: u8 = 0x92;

impl Numbered<()> {
    /// The message of a body that is encoded already.
    #[must_use]
    pub fn wrap(number: u64, body: &[u8]) -> Vec<u8> {
        let number = encode_record(&number);
        let mut message = Vec::with_capacity(1 + number.len() + body.len());
        message.push(ARRAY_OF_TWO);
        message.extend(number);
        message.extend(body);
        message
    }

    /// The number and the body of a message. The body is not looked at.
    ///
    /// # Errors
    /// [`RecordError::Malformed`].
    pub fn unwrap(message: &[u8]) -> Result<(u64, &[u8]), RecordError> {
        let malformed = |what: String| RecordError::Malformed(what);
        let Some((&ARRAY_OF_TWO, mut body)) = message.split_first() else {
            return Err(malformed("it is no array of a number and a body".to_owned()));
        };
        let number = int53::deserialize(&mut Deserializer::new(&mut body));
        Ok((number.map_err(|error| malformed(error.to_string()))?, body))
    }
}
