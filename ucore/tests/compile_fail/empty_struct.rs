//! A struct without fields never changes.

use ucore::Updatable;

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
struct Board {}

fn main() {}
