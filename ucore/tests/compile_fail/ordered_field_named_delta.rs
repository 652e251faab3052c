//! The update of a struct has a field `delta` already.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 0, delta)]
    damage: Counter,
    #[update(tag = 1, ordered)]
    delta: u8,
}

fn main() {}
