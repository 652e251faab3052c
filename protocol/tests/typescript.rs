//! The page's types of messages, generated from the Rust ones.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use protocol::limits::{
    DOOR_RATE_MAX, DOOR_UPDATES_BYTES_MAX, FRAME_EVERY_MAX, GROUP_MARK_ENTRIES, GROUP_UPDATES_MAX,
    NAME_CHARS_MAX, RECKON_MS_MAX, ROOM_CALLS_MAX, ROOM_MARKERS_MAX, ROOM_NOTE_CHARS_MAX,
    ROOM_NOTES_MAX, ROOM_READY_MAX,
};
use protocol::{
    Ack, Board, BossCard, CloseCode, Edit, Follow, GROUPS_PATH, GROUPS_SUBPROTOCOL, GroupPage,
    Hello, Hit, Introduce, Introduced, Kept, Leave, PROTOCOL, Propose, Proposed, Refused,
    SUBPROTOCOL, Spoils, State, WarRoom, Welcome,
};
use std::path::Path;
use ucore::Typed;

#[test]
fn the_page_has_the_types_of_today() {
    let schemas = [
        Hello::SCHEMA,
        Hit::SCHEMA,
        Welcome::SCHEMA,
        Ack::SCHEMA,
        State::SCHEMA,
        BossCard::SCHEMA,
        Board::SCHEMA,
        Spoils::SCHEMA,
        CloseCode::SCHEMA,
    ];
    let mut module = ucore::typescript("../ucore", &schemas);
    module.push_str(&format!("\nexport const PROTOCOL = {PROTOCOL};\n"));
    module.push_str(&format!("export const SUBPROTOCOL = '{SUBPROTOCOL}';\n"));
    for (name, value) in [
        ("NAME_CHARS_MAX", NAME_CHARS_MAX as u64),
        ("FRAME_EVERY_MAX", FRAME_EVERY_MAX.into()),
        ("RECKON_MS_MAX", RECKON_MS_MAX),
    ] {
        module.push_str(&format!("export const {name} = {value};\n"));
    }
    is_in("messages.ts", &module);
}

#[test]
fn the_page_has_what_is_said_about_shared_structures() {
    let schemas = [
        Edit::SCHEMA,
        Propose::SCHEMA,
        Follow::SCHEMA,
        Leave::SCHEMA,
        Introduce::SCHEMA,
        Introduced::SCHEMA,
        Proposed::SCHEMA,
        GroupPage::SCHEMA,
        Kept::SCHEMA,
        Refused::SCHEMA,
    ];
    let mut module = ucore::typescript("../ucore", &schemas);
    module.push_str(&format!("\nexport const GROUPS_SUBPROTOCOL = '{GROUPS_SUBPROTOCOL}';\n"));
    module.push_str(&format!("export const GROUPS_PATH = '{GROUPS_PATH}';\n"));
    for (name, value) in [
        ("GROUP_MARK_ENTRIES", GROUP_MARK_ENTRIES),
        ("GROUP_UPDATES_MAX", GROUP_UPDATES_MAX as u64),
        ("DOOR_UPDATES_BYTES_MAX", DOOR_UPDATES_BYTES_MAX as u64),
        ("DOOR_RATE_MAX", DOOR_RATE_MAX.into()),
    ] {
        module.push_str(&format!("export const {name} = {value};\n"));
    }
    is_in("groups.ts", &module);
}

#[test]
fn the_page_has_the_war_room_of_today() {
    let mut module = ucore::typescript("../ucore", &[WarRoom::SCHEMA]);
    module.push('\n');
    for (name, value) in [
        ("ROOM_MARKERS_MAX", ROOM_MARKERS_MAX),
        ("ROOM_CALLS_MAX", ROOM_CALLS_MAX),
        ("ROOM_READY_MAX", ROOM_READY_MAX),
        ("ROOM_NOTES_MAX", ROOM_NOTES_MAX),
        ("ROOM_NOTE_CHARS_MAX", ROOM_NOTE_CHARS_MAX),
    ] {
        module.push_str(&format!("export const {name} = {value};\n"));
    }
    is_in("room.ts", &module);
}

/// Checks a generated file, and writes it anew if it has changed.
fn is_in(name: &str, module: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web-client/src/generated");
    let path = dir.join(name);
    let same = std::fs::read_to_string(&path).is_ok_and(|found| found == module);
    if !same {
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(&path, module).unwrap();
    }
    assert!(same, "{name} has changed and was written anew: look at the difference");
}
