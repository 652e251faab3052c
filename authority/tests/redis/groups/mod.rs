//! Groups in a real Redis: several processes on one group, waits, faults.

mod member;
mod waits;
mod faults;
mod refusals;

use protocol::SchemaHash;
use ucore::{Bin, WriterId};

const SCHEMA: SchemaHash = SchemaHash(Bin([7; 8]));

fn id(number: u8) -> WriterId {
    WriterId(Bin([number; 16]))
}
