//! Who is compared, and what each does beside the tick.

use crate::client::{self, Dialect};
use crate::state::HP_MAX;
use serde::{Deserialize, Serialize};

/// A server.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lower")]
pub(crate) enum Contender {
    /// The yardstick of all ratios.
    Epoll,
    /// The real binary with the whole game.
    Worldboss,
    /// The same, for players who get what can be seen.
    Seen,
    /// tokio-tungstenite.
    Tungstenite,
    /// axum's `ws`.
    Axum,
    /// Node `ws`.
    Ws,
    /// Socket.IO.
    SocketIo,
    /// Colyseus.
    Colyseus,
    /// One INCRBY per hit.
    Incrby,
}

impl Contender {
    /// Everybody, in the order of the tables.
    pub(crate) fn all() -> Vec<Self> {
        use Contender::*;
        vec![Epoll, Worldboss, Seen, Tungstenite, Axum, Ws, SocketIo, Colyseus, Incrby]
    }

    /// What tables call it; the same as on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Epoll => "epoll",
            Self::Worldboss => "worldboss",
            Self::Seen => "seen",
            Self::Tungstenite => "tungstenite",
            Self::Axum => "axum",
            Self::Ws => "ws",
            Self::SocketIo => "socketio",
            Self::Colyseus => "colyseus",
            Self::Incrby => "incrby",
        }
    }

    /// What its clients speak.
    pub(crate) fn dialect(self) -> Dialect {
        match self {
            Self::Epoll | Self::Tungstenite | Self::Axum | Self::Ws | Self::Incrby => {
                Dialect::Plain
            }
            Self::Worldboss => Dialect::Worldboss,
            Self::Seen => Dialect::Seen,
            Self::SocketIo => Dialect::SocketIo,
            Self::Colyseus => Dialect::Colyseus,
        }
    }

    /// Whether it is the real binary.
    pub(crate) fn is_worldboss(self) -> bool {
        matches!(self, Self::Worldboss | Self::Seen)
    }

    /// Whether players should get a frame in every tick.
    pub(crate) fn is_steady(self) -> bool {
        self != Self::Seen
    }

    /// The HP of a boss that lives while so many players hit for so many counted seconds.
    pub(crate) fn hp_max(self, players: usize, seconds: u64) -> u64 {
        if self.is_worldboss() { client::hp_max(players, seconds) } else { HP_MAX }
    }

    /// What it is here, what it does beyond that, and what it does not do.
    pub(crate) fn beside(self) -> &'static str {
        match self {
            Self::Epoll => {
                "one thread, one read or write for each message. It has nothing of what a server \
                 needs: no time-outs, limits, close handshake or fragments. A slow reader misses \
                 frames."
            }
            Self::Worldboss => {
                "the whole game: admission by rate, sequence and generation, hits counted exactly \
                 once, a journal synced before hits are acknowledged, the embedded authority with \
                 its log on disk, leaderboard, metrics and the page. Frames are changes of the \
                 state before. It has no compression, and no transport but WebSocket."
            }
            Self::Seen => {
                "worldboss once more, for players who ask for what can be seen: between two states \
                 they reckon on by the rate, and get the next one when their bar would be half a \
                 pixel of 1,000 wrong, with their acknowledgements, and once a second. So frames \
                 are few by design, and the figures of frames and hits say little; compare the CPU \
                 for a second of a player. One in fifty is a witness, who gets every tick \
                 and is in all figures; the others' bars are held against theirs, tick by tick."
            }
            Self::Tungstenite => {
                "its example server with default settings. It has TLS, fragments, and runs \
                 anywhere. As run here: no durability, no dedupe, no admission. Who reads slowly \
                 misses states."
            }
            Self::Axum => {
                "its chat example with default settings. It has routes, middleware and HTTP/2. As \
                 run here: no durability, no dedupe, no admission. Who is 100 frames late is \
                 dropped."
            }
            Self::Ws => {
                "the broadcast of its README with default settings. It has compression \
                 (permessage-deflate, off by default) and streams. As run here: no durability, no \
                 dedupe, no admission. What slow readers miss waits in memory."
            }
            Self::SocketIo => {
                "events with JSON by `io.emit`. It has a fall-back to HTTP long-polling, \
                 heartbeats, reconnection, acknowledgements, rooms, namespaces, adapters for many \
                 servers, and optionally the recovery of missed events. As run here: no \
                 durability, no dedupe (events arrive at most once), no admission."
            }
            Self::Colyseus => {
                "a room with a Schema state and a patch every 100 ms, which is shorter than the \
                 others' frames. It has matchmaking, seat reservations, rooms, a schema that \
                 clients learn when they join, filtered views, reconnection, heartbeats, and \
                 clients for many engines. As run here: no durability, no dedupe, no admission."
            }
            Self::Incrby => {
                "the tungstenite server with one awaited INCRBY for each hit, on a Redis without \
                 persistence whose CPU is added. Many servers can share the HP. As run here: no \
                 durability, no admission, and a hit whose answer is lost is lost or counted twice."
            }
        }
    }
}
