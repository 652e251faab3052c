//! A struct with an ordered field is no `delta` field.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Boss {
    #[update(tag = 0, delta)]
    taken: Counter,
    #[update(tag = 1, ordered)]
    phase: u8,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct World {
    #[update(tag = 0, delta)]
    boss: Boss,
}

fn main() {}
