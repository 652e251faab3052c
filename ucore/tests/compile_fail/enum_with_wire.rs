//! An enum without data has numbers.

use ucore::Wire;

#[derive(Debug, Wire)]
enum Mood {
    Calm,
    Angry,
}

fn main() {}
