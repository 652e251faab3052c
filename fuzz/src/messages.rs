//! Messages: of players and shards, and of the sync service.

use crate::check::{answered, bounded, record, spelled};
use protocol::{
    MessageError, Numbered, PlayerMessage, ShardMessage, SyncAnswer, SyncRequest, Unavailable,
    decode_record,
};

/// The message of a player; its Hello says in a sentence what is wrong with it.
pub(crate) fn player(bytes: &[u8]) {
    let decoded = bounded(bytes, || PlayerMessage::decode(bytes));
    assert_eq!(spelled::<PlayerMessage>(bytes).as_ref(), decoded.as_ref().ok());
    tells_types_apart(bytes, decoded.as_ref().err(), &[1, 2]);
    if let Ok(PlayerMessage::Hello(hello)) = decoded {
        answered(hello.check());
    }
}

/// The message of a shard, and what people are shown of it.
pub(crate) fn shard(bytes: &[u8]) {
    let decoded = bounded(bytes, || ShardMessage::decode(bytes));
    assert_eq!(spelled::<ShardMessage>(bytes).as_ref(), decoded.as_ref().ok());
    tells_types_apart(bytes, decoded.as_ref().err(), &[1, 2, 3, 4, 5, 6, 7]);
    if let Ok(message) = decoded {
        answered(serde_json::to_string(&message).expect("every message has a readable twin"));
    }
}

fn tells_types_apart(bytes: &[u8], error: Option<&MessageError>, known: &[u64]) {
    if let Some(MessageError::UnknownType(tag)) = error {
        assert!(!known.contains(tag), "{bytes:?}");
    }
}

pub(crate) fn request(bytes: &[u8]) {
    numbered::<SyncRequest>(bytes);
}

pub(crate) fn answer(bytes: &[u8]) {
    numbered::<Result<SyncAnswer, Unavailable>>(bytes);
}

/// Whoever passes a body on sees the number that whoever reads it sees.
fn numbered<T>(bytes: &[u8])
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let unwrapped = bounded(bytes, || Numbered::unwrap(bytes));
    if let Ok((number, body)) = unwrapped {
        let wrapped = Numbered::wrap(number, body);
        assert_eq!(Numbered::unwrap(&wrapped), Ok((number, body)));
    }
    let Some(whole) = record::<Numbered<T>>(bytes) else { return };
    // Records of serde have other spellings of the same, such as maps for structs.
    let Ok((number, body)) = unwrapped else { return };
    assert_eq!(number, whole.number);
    assert_eq!(decode_record::<T>(body).as_ref(), Ok(&whole.body));
}
