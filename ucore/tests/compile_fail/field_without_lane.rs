//! A field says its lane.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 0)]
    damage: Counter,
}

fn main() {}
