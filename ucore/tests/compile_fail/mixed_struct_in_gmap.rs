//! In a grow-only map nothing is ordered.

use ucore::{Counter, GMap, Updatable, encode};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Boss {
    #[update(tag = 0, delta)]
    taken: Counter,
    #[update(tag = 1, ordered)]
    phase: u8,
}

fn main() {
    let bosses: GMap<u8, Boss> = GMap::default();
    encode(&bosses);
}
