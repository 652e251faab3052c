//! The mask of all tags is an integer that every reader holds.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 53, delta)]
    damage: Counter,
}

fn main() {}
