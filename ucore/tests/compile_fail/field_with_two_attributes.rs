//! A field says once what it is.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 0)]
    #[update(delta)]
    damage: Counter,
}

fn main() {}
