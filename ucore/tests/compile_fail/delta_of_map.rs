//! What has no delta lane is no `delta` field.

use ucore::{Counter, UMap, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 0, delta)]
    score: UMap<u8, Counter>,
}

fn main() {}
