//! Players' connections: what is sent arrives in order, until it does not.

use super::core::Core;
use super::fault::Fault;
use super::wire::Bytes;
use super::world::Event;
use protocol::{Micros, PlayerMessage, ShardMessage};
use shard::machine::ConnId;
use std::collections::BTreeMap;

/// One connection.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) player: usize,
    /// The process that has the other end.
    pub(super) process: u32,
    to_shard: Way,
    to_player: Way,
    /// Nothing arrives before.
    stalled_until: Micros,
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Way {
    /// When its newest message arrives.
    newest: Micros,
    /// What was sent may still arrive, and nothing more is sent.
    is_closed: bool,
    /// Nothing arrives any more.
    is_cut: bool,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Conns {
    all: BTreeMap<ConnId, Conn>,
    opened: u64,
}

impl Conns {
    /// Opens a connection of a player to a process.
    pub(super) fn open(&mut self, player: usize, process: u32) -> ConnId {
        self.opened += 1;
        let id = ConnId(self.opened);
        let (to_shard, to_player) = (Way::default(), Way::default());
        let conn = Conn { player, process, to_shard, to_player, stalled_until: Micros(0) };
        self.all.insert(id, conn);
        id
    }

    /// A connection on which things still arrive at the shard.
    pub(super) fn at_shard(&self, id: ConnId) -> Option<&Conn> {
        self.all.get(&id).filter(|conn| !conn.to_shard.is_cut)
    }

    /// A connection on which things still arrive at the player.
    pub(super) fn at_player(&self, id: ConnId) -> Option<&Conn> {
        self.all.get(&id).filter(|conn| !conn.to_player.is_cut)
    }

    pub(super) fn send_to_shard(&mut self, core: &mut Core, id: ConnId, message: &PlayerMessage) {
        let Some(conn) = self.all.get_mut(&id) else { return };
        if let Some(at) = conn.to_shard.arrival(core, conn.stalled_until) {
            core.at(at, Event::ToShard(id, bytes(message)));
        }
    }

    pub(super) fn send_to_player(&mut self, core: &mut Core, id: ConnId, message: &ShardMessage) {
        let Some(conn) = self.all.get_mut(&id) else { return };
        if let Some(at) = conn.to_player.arrival(core, conn.stalled_until) {
            core.at(at, Event::ToPlayer(id, bytes(message)));
        }
    }

    /// The shard closes a connection, after what it has sent on it.
    pub(super) fn close(&mut self, core: &mut Core, id: ConnId, code: u16) {
        let Some(conn) = self.all.get_mut(&id) else { return };
        if let Some(at) = conn.to_player.arrival(core, conn.stalled_until) {
            core.at(at, Event::ClosedAtPlayer(id, Some(code)));
        }
        conn.to_player.is_closed = true;
    }

    /// A connection breaks: nothing more arrives at the player, and of what it has sent all or
    /// nothing arrives at the shard. Each side notices in its own time, or never.
    pub(super) fn cut(&mut self, core: &mut Core, id: ConnId) {
        let Some(conn) = self.all.get_mut(&id).filter(|conn| !conn.to_player.is_cut) else {
            return;
        };
        conn.to_player.is_cut = true;
        conn.to_shard.is_closed = true;
        conn.to_shard.is_cut = core.random.bool();
        let gone = core.now.max(conn.to_shard.newest) + core.millis(0..=3_000);
        core.at(gone, Event::GoneAtShard(conn.process, id));
        // Who is not told notices the silence.
        if core.random.u8(0..4) > 0 {
            core.after_ms(0..=500, Event::ClosedAtPlayer(id, None));
        }
    }

    /// The process at the other end is gone, with all of its connections.
    pub(super) fn cut_all_of(&mut self, core: &mut Core, process: u32) {
        let of_it = self.all.iter().filter(|(_, conn)| conn.process == process);
        for id in of_it.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.cut(core, id);
        }
    }

    /// Keeps everything on a connection back for a while.
    pub(super) fn stall(&mut self, core: &mut Core, id: ConnId, until: Micros) {
        if let Some(conn) = self.all.get_mut(&id).filter(|conn| !conn.to_player.is_cut) {
            conn.stalled_until = until;
            core.meet(Fault::StalledConnection);
        }
    }

    /// Nothing is kept back any more.
    pub(super) fn heal(&mut self) {
        self.all.values_mut().for_each(|conn| conn.stalled_until = Micros(0));
    }

    /// The player's side is over. What it has sent still arrives, and then its end.
    pub(super) fn leave(&mut self, core: &mut Core, id: ConnId) {
        let Some(conn) = self.all.get_mut(&id).filter(|conn| !conn.to_player.is_cut) else {
            return;
        };
        conn.to_player.is_cut = true;
        conn.to_shard.is_closed = true;
        let gone = core.now.max(conn.to_shard.newest) + core.millis(1..=100);
        core.at(gone, Event::GoneAtShard(conn.process, id));
    }

    /// The shard knows that a connection is over: both sides do.
    pub(super) fn forget(&mut self, id: ConnId) {
        self.all.remove(&id);
    }
}

impl Way {
    /// When the next message arrives; none if none can be sent.
    fn arrival(&mut self, core: &mut Core, stalled_until: Micros) -> Option<Micros> {
        if self.is_closed || self.is_cut {
            return None;
        }
        let latency = core.millis(1..=60);
        self.newest = (core.now + latency).max(self.newest).max(stalled_until);
        Some(self.newest)
    }
}

fn bytes(message: &impl ucore::Wire) -> Bytes {
    ucore::encode(message).into()
}
