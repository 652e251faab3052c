//! Connections, and the sessions that they carry: a table, so that a hit finds its player at once.

use super::sessions::Seat;

/// A connection of this process, never used twice.
///
/// From the high bits to the low ones: the worker that owns it (16), how many connections had its
/// place before it (28), its place among the worker's connections (20). Places are small numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

const TURN_BITS: u32 = 28;
const PLACE_BITS: u32 = 20;

impl ConnId {
    /// The connection that has a place for the `turn`th time, from 0. Numbers that do not fit lose
    /// their high bits.
    #[must_use]
    pub fn new(worker: u16, turn: u32, place: u32) -> Self {
        let turn = u64::from(turn) & ((1 << TURN_BITS) - 1);
        let place = u64::from(place) & ((1 << PLACE_BITS) - 1);
        Self(u64::from(worker) << (TURN_BITS + PLACE_BITS) | turn << PLACE_BITS | place)
    }

    /// The worker that owns it.
    #[must_use]
    pub fn worker(self) -> usize {
        usize::try_from(self.0 >> (TURN_BITS + PLACE_BITS)).unwrap_or(usize::MAX)
    }

    /// Its place among the worker's connections.
    #[must_use]
    pub fn place(self) -> usize {
        usize::try_from(self.0 & ((1 << PLACE_BITS) - 1)).unwrap_or(usize::MAX)
    }
}

/// Which session is on which connection.
#[derive(Debug, Default)]
pub(super) struct Conns {
    /// By worker and place.
    workers: Vec<Vec<Option<(ConnId, Seat)>>>,
    len: usize,
}

impl Conns {
    pub(super) fn get(&self, conn: ConnId) -> Option<Seat> {
        let (there, seat) = (*self.workers.get(conn.worker())?.get(conn.place())?)?;
        (there == conn).then_some(seat)
    }

    pub(super) fn insert(&mut self, conn: ConnId, seat: Seat) {
        let (worker, place) = (conn.worker(), conn.place());
        if self.workers.len() <= worker {
            self.workers.resize_with(worker + 1, Vec::new);
        }
        let places = &mut self.workers[worker];
        if places.len() <= place {
            places.resize(place + 1, None);
        }
        self.len += usize::from(places[place].is_none());
        places[place] = Some((conn, seat));
    }

    pub(super) fn remove(&mut self, conn: ConnId) -> Option<Seat> {
        let seat = self.get(conn)?;
        self.workers[conn.worker()][conn.place()] = None;
        self.len -= 1;
        Some(seat)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = ConnId> {
        self.workers.iter().flatten().flatten().map(|(conn, _)| *conn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_to_a_place_later_is_another_connection() {
        let (first, second) = (ConnId::new(1, 0, 7), ConnId::new(1, 1, 7));
        assert_eq!((second.worker(), second.place()), (1, 7));
        let mut conns = Conns::default();
        conns.insert(first, Seat::default());
        assert_eq!((conns.get(first), conns.get(second)), (Some(Seat::default()), None));
        assert_eq!((conns.remove(second), conns.len()), (None, 1));
        assert_eq!((conns.remove(first), conns.len()), (Some(Seat::default()), 0));
        assert_eq!(conns.get(first), None);
    }
}
