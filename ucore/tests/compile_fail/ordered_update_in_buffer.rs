//! A buffer folds deltas; an update of the ordered lane has its place in the log.

use ucore::prelude::*;
use ucore::{DeltaBuffer, UVec, plan};

fn main() {
    let mut buffer = DeltaBuffer::default();
    buffer.add(plan::<UVec<u8>>().push(1));
}
