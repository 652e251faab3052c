//! A field is in one lane.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 0, delta, ordered)]
    damage: Counter,
}

fn main() {}
