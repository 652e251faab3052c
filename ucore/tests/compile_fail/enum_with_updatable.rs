//! Updates are those of a struct's fields.

use ucore::Updatable;

#[derive(Debug, Clone, PartialEq, Updatable)]
enum Mood {
    Calm,
    Angry,
}

fn main() {}
