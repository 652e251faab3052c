//! There are two lanes.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 0, commuting)]
    damage: Counter,
}

fn main() {}
