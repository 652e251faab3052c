//! A map of lists changes in one place, and a copy elsewhere follows by a few bytes per change.
//!
//! `cargo run -p ucore --example copies` prints each update as bytes, and the two equal hashes.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use ucore::prelude::*;
use ucore::{UMap, UVec, decode, encode, state_hash};

type Inventory = UMap<u32, UVec<String>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut here = Inventory::default();
    let mut there = Inventory::default();

    let updates = [
        here.insert(7, UVec::default())?,
        here.at(7).push("sword".to_owned())?,
        here.at(7).push("shield".to_owned())?,
        here.at(7).at(0).set("axe".to_owned())?,
    ];
    for update in &updates {
        let bytes = encode(update);
        println!("{:2} bytes: {bytes:02x?}", bytes.len());
        there.apply(decode(&bytes)?)?;
    }
    println!("here  {:016x} {here:?}", state_hash(&here));
    println!("there {:016x} {there:?}", state_hash(&there));

    // What does not fit is refused, and nothing has changed.
    let refused = here.at(8).push("bow".to_owned());
    println!("player 8 is not there: {}", refused.expect_err("nobody inserted it"));
    Ok(())
}
