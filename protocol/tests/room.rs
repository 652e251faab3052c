//! What pages may write into a war room.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use protocol::limits::{
    ROOM_CALLS_MAX, ROOM_MARKERS_MAX, ROOM_NOTE_CHARS_MAX, ROOM_NOTES_MAX, ROOM_READY_MAX,
};
use protocol::{BossId, CallKind, CallOut, Marker, MarkerKind, RoomNote, WarRoom, WarRoomOps};
use ucore::prelude::*;
use ucore::{Place, plan};

fn by() -> String {
    "Ada".to_owned()
}

fn marker(x: u16, y: u16) -> Marker {
    Marker { kind: MarkerKind::Target, x, y, by: by() }
}

fn note(text: &str) -> RoomNote {
    RoomNote { text: text.to_owned(), by: by() }
}

fn call() -> CallOut {
    CallOut { kind: CallKind::Now, by: by() }
}

/// The updates of a plan.
fn room() -> impl Place<Value = WarRoom, Out = protocol::WarRoomUpdate> {
    plan::<WarRoom>()
}

#[test]
fn what_fits_its_limits_is_allowed() {
    let empty = WarRoom::default();
    for update in [
        room().markers().insert(7, marker(0, 1_000)),
        room().markers().at(7).set(marker(500, 500)),
        room().markers().remove(7),
        room().markers().clear(),
        room().calls().push(call()),
        room().calls().remove(0),
        room().round().set(1),
        room().ready().insert(by(), true),
        room().ready().clear(),
        room().notes().push(note("stay together")),
        room().notes().at(0).set(note(&"x".repeat(ROOM_NOTE_CHARS_MAX))),
        room().notes().remove(0),
    ] {
        assert!(empty.allows(&update), "{update:?}");
    }
}

#[test]
fn what_does_not_is_not() {
    let empty = WarRoom::default();
    let nobody = |name: &str| Marker { by: name.to_owned(), ..marker(1, 1) };
    for update in [
        room().markers().insert(7, marker(1_001, 0)),
        room().markers().insert(7, nobody("")),
        room().markers().insert(7, nobody(&"x".repeat(25))),
        room().markers().insert(7, nobody("a\nb")),
        room().markers().at(7).set(marker(0, u16::MAX)),
        room().calls().push(CallOut { by: String::new(), ..call() }),
        room().calls().insert(0, call()),
        room().calls().extend([call(), call()]),
        room().round().set(2),
        room().round().set(0),
        room().ready().insert("x".repeat(25), true),
        room().ready().extend([(by(), true)]),
        room().notes().push(note("")),
        room().notes().push(note(&"x".repeat(ROOM_NOTE_CHARS_MAX + 1))),
        room().notes().push(note("a\u{7}")),
        room().notes().extend((0..=ROOM_NOTES_MAX).map(|_| note("many"))),
    ] {
        assert!(!empty.allows(&update), "{update:?}");
    }
}

#[test]
fn a_full_room_takes_nothing_more_until_something_goes() {
    let mut full = WarRoom::default();
    for key in 0..u32::try_from(ROOM_MARKERS_MAX).unwrap() {
        full.markers().insert(key, marker(1, 1)).unwrap();
    }
    (0..ROOM_CALLS_MAX).for_each(|_| drop(full.calls().push(call()).unwrap()));
    (0..ROOM_NOTES_MAX).for_each(|_| drop(full.notes().push(note("a")).unwrap()));
    for name in 0..ROOM_READY_MAX {
        full.ready().insert(name.to_string(), true).unwrap();
    }
    assert!(!full.allows(&room().markers().insert(999, marker(1, 1))));
    assert!(full.allows(&room().markers().insert(0, marker(2, 2))), "one that is there");
    assert!(!full.allows(&room().calls().push(call())));
    assert!(!full.allows(&room().notes().push(note("b"))));
    assert!(!full.allows(&room().ready().insert("new".to_owned(), true)));
    assert!(full.allows(&room().ready().insert("7".to_owned(), false)));
    full.calls().remove(0).unwrap();
    assert!(full.allows(&room().calls().push(call())));
}

#[test]
fn each_boss_has_a_room_of_its_own() {
    let group = WarRoom::group(BossId(7));
    assert_eq!((group.0.as_str(), group.check()), ("war-room/7", Ok(())));
}

#[test]
fn its_layout_is_this_line() {
    // PROTOCOL.md, section 12, shows it to those who write clients from it.
    let page = include_str!("../../PROTOCOL.md");
    let layout = <WarRoom as ucore::Typed>::SCHEMA.to_string();
    assert!(page.contains(&layout), "write it there: {layout}");
}
