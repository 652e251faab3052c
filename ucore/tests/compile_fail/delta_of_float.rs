//! What has no delta lane is no `delta` field.

use ucore::Updatable;

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 0, delta)]
    score: f64,
}

fn main() {}
