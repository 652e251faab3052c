//! Only a delta may be delivered twice.

use ucore::Updatable;

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
#[update(idempotent)]
struct Board {
    #[update(tag = 0, ordered)]
    phase: u8,
}

fn main() {}
