//! A tag belongs to one field.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 1, delta)]
    damage: Counter,
    #[update(tag = 1, delta)]
    hits: Counter,
}

fn main() {}
