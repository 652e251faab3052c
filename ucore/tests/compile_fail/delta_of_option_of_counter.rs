//! What has no delta lane is no `delta` field.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 0, delta)]
    score: Option<Counter>,
}

fn main() {}
