//! There is one word for a struct.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
#[update(twice)]
struct Board {
    #[update(tag = 0, delta)]
    damage: Counter,
}

fn main() {}
