//! What the servers want to hear on top of TCP, until a player is in and then.

use crate::frame;
use protocol::{
    Gen, Hello, Hit, InputSeq, PROTOCOL, PlayerMessage, SUBPROTOCOL, ShardMessage, SkillId,
};
use serde::Deserialize;
use ucore::{Set, encode};

/// A server's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Dialect {
    /// WebSocket alone: a binary message is a hit, or a state.
    Plain,
    /// PROTOCOL.md, with a state in every tick.
    Worldboss,
    /// The same, with what can be seen.
    Seen,
    /// Socket.IO 4 on WebSocket, without the polling before it.
    SocketIo,
    /// A seat by HTTP, then the room's WebSocket.
    Colyseus,
}

/// What a message of a server asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing.
    Other,
    /// A state frame; counted.
    State,
    /// This answer, framed.
    Answer(Vec<u8>),
    /// The player is in: this answer, framed or empty, and from now on its hits name this
    /// generation, which only worldboss has.
    Joined(Vec<u8>, u32),
}

/// Where Colyseus has a player's seat.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seat {
    session_id: String,
    room_id: String,
    process_id: String,
}

const RAID: &str = "/matchmake/joinOrCreate/raid";

impl Dialect {
    /// The request before the WebSocket, if there is one. Its answer is for [`seat`].
    pub(crate) fn seat_request(self) -> Option<String> {
        (self == Self::Colyseus).then(|| {
            format!(
                "POST {RAID} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
                 Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
            )
        })
    }

    /// The WebSocket handshake, of a path that [`seat`] has told where one is needed.
    pub(crate) fn upgrade(self, seat: &str) -> String {
        let (path, protocol) = match self {
            Self::Plain => ("/ws", String::new()),
            Self::Worldboss | Self::Seen => {
                ("/ws", format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"))
            }
            Self::SocketIo => ("/socket.io/?EIO=4&transport=websocket", String::new()),
            Self::Colyseus => (seat, String::new()),
        };
        format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: d29ybGRib3NzIHBlZXJzIQ==\r\n{protocol}\r\n"
        )
    }

    /// What is said right after the handshake; empty where that is enough to be in.
    pub(crate) fn greeting(self) -> Vec<u8> {
        match self {
            Self::Worldboss => hello(1),
            Self::Seen => hello(0),
            Self::Plain | Self::SocketIo | Self::Colyseus => Vec::new(),
        }
    }

    /// Whether a player is in with the handshake alone.
    pub(crate) fn is_in_at_once(self) -> bool {
        self == Self::Plain
    }

    /// What one message means.
    pub(crate) fn hear(self, payload: &[u8]) -> Heard {
        match self {
            Self::Plain => Heard::State,
            // Decoding every state would make the client dearer than the servers.
            Self::Worldboss | Self::Seen => match payload {
                [_, 1, ..] => welcomed(payload),
                [_, 3 | 5, ..] => Heard::State,
                _ => Heard::Other,
            },
            Self::SocketIo => match payload {
                [b'0', ..] => Heard::Answer(frame::of_client(frame::TEXT, b"40")),
                [b'2'] => Heard::Answer(frame::of_client(frame::TEXT, b"3")),
                [b'4', b'0', ..] => Heard::Joined(Vec::new(), 0),
                [b'4', b'2', ..] => Heard::State,
                _ => Heard::Other,
            },
            Self::Colyseus => match payload {
                [10, ..] => Heard::Joined(frame::of_client(frame::BINARY, &[10]), 0),
                [14 | 15, ..] => Heard::State,
                _ => Heard::Other,
            },
        }
    }

    /// The boss's HP, if this state frame has it.
    pub(crate) fn hp(self, payload: &[u8]) -> Option<u64> {
        match self {
            Self::Plain => Some(u64::from_le_bytes(*payload.get(8..)?.first_chunk()?)),
            Self::Worldboss | Self::Seen => hp_of_worldboss(payload),
            Self::SocketIo => hp_of_socket_io(payload),
            Self::Colyseus => hp_of_colyseus(payload),
        }
    }

    /// A hit, framed.
    pub(crate) fn hit(self, generation: u32, seq: u32) -> Vec<u8> {
        match self {
            Self::Plain => {
                frame::of_client(frame::BINARY, &[&[0; 4], &seq.to_le_bytes()[..]].concat())
            }
            Self::Worldboss | Self::Seen => {
                let (generation, seq, skill) = (Gen(generation), InputSeq(seq), SkillId(1));
                let hit = PlayerMessage::Hit(Hit { generation, seq, skill });
                frame::of_client(frame::BINARY, &encode(&hit))
            }
            Self::SocketIo => frame::of_client(frame::TEXT, br#"42["hit",1]"#),
            Self::Colyseus => frame::of_client(frame::BINARY, b"\x0d\xa3hit\x01"),
        }
    }
}

/// The path of the room in which an HTTP answer gives a seat.
pub(crate) fn seat(answer: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(answer);
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let Seat { session_id, room_id, process_id } = serde_json::from_str(body)
        .map_err(|error| format!("no seat ({error}): {}", text.trim_end()))?;
    Ok(format!("/{process_id}/{room_id}?sessionId={session_id}"))
}

fn hello(every: u8) -> Vec<u8> {
    let name = "Player".to_owned();
    let hello = PlayerMessage::Hello(Hello { protocol: PROTOCOL, name, session: None, every });
    frame::of_client(frame::BINARY, &encode(&hello))
}

fn welcomed(payload: &[u8]) -> Heard {
    match ShardMessage::decode(payload) {
        Ok(ShardMessage::Welcome(welcome)) => Heard::Joined(Vec::new(), welcome.generation.0),
        Ok(_) | Err(_) => Heard::Other,
    }
}

fn hp_of_worldboss(payload: &[u8]) -> Option<u64> {
    match ShardMessage::decode(payload).ok()? {
        ShardMessage::State(state) => Some(state.hp),
        ShardMessage::Change(update) => update.hp.map(|Set(hp)| hp),
        ShardMessage::Welcome(_)
        | ShardMessage::Ack(_)
        | ShardMessage::Boss(_)
        | ShardMessage::Board(_)
        | ShardMessage::Spoils(_) => None,
    }
}

fn hp_of_socket_io(payload: &[u8]) -> Option<u64> {
    let (_, after) = std::str::from_utf8(payload).ok()?.split_once("\"hp\":")?;
    after.split([',', '}']).next()?.parse().ok()
}

/// The second field of the schema, behind a whole tick of four bytes: a float of 8 or 4 bytes.
fn hp_of_colyseus(payload: &[u8]) -> Option<u64> {
    let hp = match payload.get(6..)? {
        [0x81, 0xcb, rest @ ..] => f64::from_le_bytes(*rest.first_chunk()?),
        [0x81, 0xca, rest @ ..] => f64::from(f32::from_le_bytes(*rest.first_chunk()?)),
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole HP")]
    let whole = hp as u64;
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_worldboss_are_those_of_its_golden_files() {
        let golden = |name| {
            let path = format!("../../../protocol/golden/{name}.msgpack");
            std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        let dialect = Dialect::Worldboss;
        assert_eq!(dialect.hear(&golden("welcome")), Heard::Joined(Vec::new(), 3));
        assert_eq!(dialect.hear(&golden("state")), Heard::State);
        assert_eq!(dialect.hear(&golden("change")), Heard::State);
        assert_eq!(dialect.hear(&golden("ack")), Heard::Other);
        assert_eq!(dialect.hp(&golden("state")), Some(31_415_926));
        assert_eq!(dialect.hp(&golden("change")), Some(31_415_926));
        assert_eq!(dialect.hit(3, 300), frame::of_client(frame::BINARY, &golden("hit")));
    }

    #[test]
    fn every_state_shows_its_hp() {
        let plain = crate::state::encode(7, 1_000_000);
        assert_eq!(Dialect::Plain.hp(&plain), Some(1_000_000));
        let event = br#"42["state",{"tick":7,"hp":4503599627370490,"players":2}]"#;
        assert_eq!(Dialect::SocketIo.hp(event), Some(4_503_599_627_370_490));
        let patch = b"\x0f\x80\x06\0\0\0\x81\xcb\xfe\xff\xff\xff\xff\xff\x2f\x43";
        assert_eq!(Dialect::Colyseus.hp(patch), Some((1 << 52) - 1));
        assert_eq!(Dialect::Colyseus.hp(&patch[..6]), None, "a tick without a hit");
        let tick_alone = b"\x92\x05\x92\x01\xcd\x0f\xa3";
        assert_eq!(Dialect::Worldboss.hp(tick_alone), None);
    }

    #[test]
    fn a_seat_is_a_path() {
        let body = r#"{"name":"raid","sessionId":"a","roomId":"b","processId":"c"}"#;
        assert_eq!(
            seat(format!("HTTP/1.1 200 OK\r\n\r\n{body}").as_bytes()),
            Ok("/c/b?sessionId=a".to_owned())
        );
        assert!(seat(b"HTTP/1.1 500 No\r\n\r\nno").is_err());
    }
}
