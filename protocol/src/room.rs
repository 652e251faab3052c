//! The war room: the raid plan of everybody who fights the same boss.
//!
//! An ordinary shared structure: shards keep it, pages and programs change it. What a page may
//! write into it is checked at its shard ([`WarRoom::allows`]); programs are trusted.

use crate::limits::{
    ROOM_CALLS_MAX, ROOM_MARKERS_MAX, ROOM_NOTE_CHARS_MAX, ROOM_NOTES_MAX, ROOM_READY_MAX,
};
use crate::message::check_name;
use crate::{BossId, GroupName};
use serde::Serialize;
use ucore::{UMap, UMapUpdate, UVec, UVecUpdate, Updatable, Wire};

/// The raid plan of a boss.
#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub struct WarRoom {
    /// What is marked on the arena, by a number that its author draws.
    #[update(tag = 0, ordered)]
    pub markers: UMap<u32, Marker>,
    /// What was called out, the newest last.
    #[update(tag = 1, ordered)]
    pub calls: UVec<CallOut>,
    /// How often it was asked who is ready.
    #[update(tag = 2, ordered)]
    pub round: u32,
    /// Who is ready, or not, by name: the answers to the newest question.
    #[update(tag = 3, ordered)]
    pub ready: UMap<String, bool>,
    /// What is worth remembering, the newest last.
    #[update(tag = 4, ordered)]
    pub notes: UVec<RoomNote>,
}

/// A marker on the arena.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Marker {
    /// What it says.
    pub kind: MarkerKind,
    /// Thousandths of the arena's width from its left edge, up to 1000.
    pub x: u16,
    /// Thousandths of its height from its upper edge, up to 1000.
    pub y: u16,
    /// The name of who has put it there.
    pub by: String,
}

ucore::codes! {
    /// What a marker says.
    MarkerKind: u8 {
        /// Hit here.
        Target = 1,
        /// Keep away.
        Danger = 2,
        /// Gather.
        Gather = 3,
        /// Somebody stays here.
        Post = 4,
    }
}

/// A call-out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct CallOut {
    /// What is called.
    pub kind: CallKind,
    /// The name of who calls.
    pub by: String,
}

ucore::codes! {
    /// What may be called out.
    CallKind: u8 {
        /// Everybody hits now.
        Now = 1,
        /// Nobody hits.
        Hold = 2,
        /// Heavy blows.
        Heavy = 3,
        /// Away from each other.
        Spread = 4,
        /// Well done.
        Cheer = 5,
    }
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct RoomNote {
    /// What it says: 1 to [`ROOM_NOTE_CHARS_MAX`] characters.
    pub text: String,
    /// The name of who has written it.
    pub by: String,
}

ucore::replaced_whole!(Marker);
ucore::replaced_whole!(CallOut);
ucore::replaced_whole!(RoomNote);

/// The edge of the arena.
const EDGE: u16 = 1_000;

impl WarRoom {
    /// The group of a boss's war room.
    #[must_use]
    pub fn group(boss: BossId) -> GroupName {
        GroupName(format!("war-room/{boss}"))
    }

    /// Whether a page may change the war room so. Of what would be too much, the older part has to
    /// go before more comes.
    #[must_use]
    pub fn allows(&self, update: &WarRoomUpdate) -> bool {
        let WarRoomUpdate { markers, calls, round, ready, notes } = update;
        let next = round.as_ref().is_none_or(|round| round.0 == self.round.wrapping_add(1));
        markers.as_ref().is_none_or(|update| self.allows_markers(update))
            && calls.as_ref().is_none_or(|update| self.allows_calls(update))
            && next
            && ready.as_ref().is_none_or(|update| self.allows_ready(update))
            && notes.as_ref().is_none_or(|update| self.allows_notes(update))
    }

    fn allows_markers(&self, update: &UMapUpdate<u32, Marker, ucore::Set<Marker>>) -> bool {
        let is_fine = |marker: &Marker| marker.x <= EDGE && marker.y <= EDGE && is_name(&marker.by);
        match update {
            UMapUpdate::Insert(key, marker) => {
                let has_room = self.markers.len() < ROOM_MARKERS_MAX;
                is_fine(marker) && (has_room || self.markers.get(key).is_some())
            }
            UMapUpdate::At(_, marker) => is_fine(&marker.0),
            UMapUpdate::Remove(_) | UMapUpdate::Clear => true,
            UMapUpdate::Extend(lines) => {
                lines.values().all(is_fine) && self.markers.len() + lines.len() <= ROOM_MARKERS_MAX
            }
        }
    }

    fn allows_calls(&self, update: &UVecUpdate<CallOut, ucore::Set<CallOut>>) -> bool {
        match update {
            UVecUpdate::Push(call) => is_name(&call.by) && self.calls.len() < ROOM_CALLS_MAX,
            UVecUpdate::Remove(_)
            | UVecUpdate::Truncate(_)
            | UVecUpdate::Clear
            | UVecUpdate::Pop => true,
            UVecUpdate::Insert(..)
            | UVecUpdate::At(..)
            | UVecUpdate::Swap(..)
            | UVecUpdate::Extend(_)
            | UVecUpdate::Replace(..) => false,
        }
    }

    fn allows_ready(&self, update: &UMapUpdate<String, bool, ucore::Set<bool>>) -> bool {
        match update {
            UMapUpdate::Insert(name, _) => {
                let has_room = self.ready.len() < ROOM_READY_MAX;
                is_name(name) && (has_room || self.ready.get(name).is_some())
            }
            UMapUpdate::At(..) | UMapUpdate::Remove(_) | UMapUpdate::Clear => true,
            UMapUpdate::Extend(_) => false,
        }
    }

    fn allows_notes(&self, update: &UVecUpdate<RoomNote, ucore::Set<RoomNote>>) -> bool {
        let is_fine = |note: &RoomNote| {
            let chars = note.text.chars().count();
            is_name(&note.by)
                && (1..=ROOM_NOTE_CHARS_MAX).contains(&chars)
                && !note.text.chars().any(char::is_control)
        };
        match update {
            UVecUpdate::Push(note) => is_fine(note) && self.notes.len() < ROOM_NOTES_MAX,
            UVecUpdate::Insert(_, note) => is_fine(note) && self.notes.len() < ROOM_NOTES_MAX,
            UVecUpdate::At(_, note) => is_fine(&note.0),
            UVecUpdate::Replace(_, note) => is_fine(note),
            UVecUpdate::Remove(_)
            | UVecUpdate::Truncate(_)
            | UVecUpdate::Clear
            | UVecUpdate::Pop
            | UVecUpdate::Swap(..) => true,
            UVecUpdate::Extend(notes) => {
                notes.iter().all(is_fine) && self.notes.len() + notes.len() <= ROOM_NOTES_MAX
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    check_name(name).is_ok()
}
