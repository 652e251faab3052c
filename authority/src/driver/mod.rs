//! What runs the machine: a thread, a clock and a disk.

mod embedded;
mod store;

pub use embedded::Embedded;
