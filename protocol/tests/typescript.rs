//! The page's types of messages, generated from the Rust ones.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use protocol::limits::NAME_CHARS_MAX;
use protocol::{
    Ack, Board, BossCard, CloseCode, Hello, Hit, PROTOCOL, SUBPROTOCOL, Spoils, State, Welcome,
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
    module.push_str(&format!("export const NAME_CHARS_MAX = {NAME_CHARS_MAX};\n"));
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../web-client/src/generated/messages.ts");
    let same = std::fs::read_to_string(&path).is_ok_and(|found| found == module);
    if !same {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, module).unwrap();
    }
    assert!(same, "messages.ts has changed and was written anew: look at the difference");
}
