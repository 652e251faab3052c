//! Fields have names.

use ucore::{Counter, Updatable};

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board(#[update(tag = 0, delta)] Counter);

fn main() {}
