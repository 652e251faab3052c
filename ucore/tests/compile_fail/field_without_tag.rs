//! A field says its tag.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(delta)]
    damage: Counter,
}

fn main() {}
