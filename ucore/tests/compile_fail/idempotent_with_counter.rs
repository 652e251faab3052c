//! A sum may not be delivered twice.

use ucore::{Counter, Max, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
#[update(idempotent)]
struct Board {
    #[update(tag = 0, delta)]
    best: Max,
    #[update(tag = 1, delta)]
    damage: Counter,
}

fn main() {}
