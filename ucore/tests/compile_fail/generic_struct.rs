//! A struct's types are known.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board<T> {
    #[update(tag = 0, ordered)]
    of: Option<T>,
    #[update(tag = 1, delta)]
    damage: Counter,
}

fn main() {}
