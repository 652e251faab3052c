//! A field says what it is.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    damage: Counter,
}

fn main() {}
