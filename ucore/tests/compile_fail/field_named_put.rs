//! A field's method leads to its place, and every place has some methods already.

use ucore::Updatable;

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {
    #[update(tag = 0, ordered)]
    put: u8,
}

fn main() {}
