//! Bytes from outside: no sequence of them panics, and every mistake has its own error.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::prelude::*;
use protocol::{
    BossUpdate, Entry, Hello, MessageError, Numbered, PROTOCOL, PlayerMessage, RecordError,
    Scenario, ShardMessage, SyncAnswer, SyncRequest, Unavailable, decode_record, encode_record,
};
use ucore::INT_MAX;

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = PlayerMessage::decode(&bytes);
        let _ = ShardMessage::decode(&bytes);
        let _ = decode_record::<Entry>(&bytes);
        let _ = decode_record::<Numbered<SyncRequest>>(&bytes);
        let _ = decode_record::<Numbered<Result<SyncAnswer, Unavailable>>>(&bytes);
        let _ = Numbered::unwrap(&bytes);
        let _ = BossUpdate::parse(&String::from_utf8_lossy(&bytes), &bytes);
        let _ = Scenario::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_message_cut_anywhere_is_malformed(at in 0_usize..100) {
        let hello = Hello { protocol: PROTOCOL, name: "Ada".to_owned(), session: None, every: 1 };
        let bytes = ucore::encode(&PlayerMessage::Hello(hello));
        let cut = at % bytes.len();
        let decoded = PlayerMessage::decode(&bytes[..cut]);
        prop_assert!(matches!(decoded, Err(MessageError::Malformed(_))));
    }
}

#[test]
fn bytes_behind_a_message_are_refused() {
    assert_eq!(decode_record::<u8>(&[7, 8]), Err(RecordError::Trailing(1)));
}

#[test]
fn an_unknown_type_is_told_from_a_malformed_body() {
    assert_eq!(PlayerMessage::decode(&[0x92, 9, 0x90]), Err(MessageError::UnknownType(9)));
    assert!(matches!(PlayerMessage::decode(&[0x92, 2, 0x90]), Err(MessageError::Malformed(_))));
    assert!(matches!(PlayerMessage::decode(&[0x93, 2, 0x90, 0]), Err(MessageError::Malformed(_))));
    assert!(matches!(PlayerMessage::decode(&[0x81, 2, 0x90]), Err(MessageError::Malformed(_))));
}

#[test]
fn a_value_that_nests_too_deep_is_refused() {
    let mut bytes = vec![0x91; 10_000];
    bytes.push(0xc0);
    assert!(PlayerMessage::decode(&bytes).is_err());
    assert!(matches!(decode_record::<Vec<Vec<u8>>>(&bytes), Err(RecordError::Malformed(_))));
    // This one would nest for ever, if nothing stopped it.
    let nested = decode_record::<serde_json::Value>(&bytes);
    assert!(matches!(nested, Err(RecordError::Malformed(text)) if text.contains("depth")));
}

#[test]
fn an_announced_length_allocates_nothing() {
    // [1, [1, str32 of 4 GiB ...
    let bytes = [0x92, 1, 0x94, 1, 0xdb, 0xff, 0xff, 0xff, 0xff];
    assert!(matches!(PlayerMessage::decode(&bytes), Err(MessageError::Malformed(_))));
}

#[test]
fn an_integer_beyond_the_limit_is_refused() {
    assert!(decode_record::<protocol::PlayerId>(&encode_record(&INT_MAX)).is_ok());
    assert!(decode_record::<protocol::PlayerId>(&encode_record(&(INT_MAX + 1))).is_err());
}

#[test]
fn hello_names_its_limits() {
    let hello = |name: &str, every| Hello {
        protocol: PROTOCOL,
        name: name.to_owned(),
        session: None,
        every,
    };
    assert_eq!(
        [0, 1, 50].map(|every| hello("Ada Lovelace", every).check()),
        [Ok(()), Ok(()), Ok(())]
    );
    for (bad, what) in [
        (hello("", 1), "`name` has 0 characters, expected 1 to 24"),
        (hello(&"x".repeat(25), 1), "`name` has 25 characters, expected 1 to 24"),
        (hello("a\nb", 1), "`name` has a control character, or a space at its start or end"),
        (hello(" a", 1), "`name` has a control character, or a space at its start or end"),
        (hello("a", 51), "`every` is 51, expected 0 to 50"),
    ] {
        assert_eq!(bad.check(), Err(what.to_owned()));
    }
}

#[test]
fn a_numbered_message_has_a_number_and_a_body() {
    assert_eq!(Numbered::unwrap(&[0x92, 7, 0xc0]), Ok((7, &[0xc0][..])));
    assert_eq!(Numbered::unwrap(&[0x92, 7]), Ok((7, &[][..])), "its body is not looked at");
    // No array of two, no number, a number beyond 2^53, and one that is cut short.
    let too_large = [0x92, 0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0, 0xc0];
    let wrong: [&[u8]; 6] = [&[], &[0x93, 7], &[0x92], &[0x92, 0xa0], &too_large, &[0x92, 0xcd, 1]];
    for bytes in wrong {
        let unwrapped = Numbered::unwrap(bytes);
        assert!(matches!(unwrapped, Err(RecordError::Malformed(_))), "{bytes:?}: {unwrapped:?}");
    }
}
