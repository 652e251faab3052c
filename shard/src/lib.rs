//! The game server: sessions, admission, tick, fan-out, journal.
//!
//! [`machine`] is the game of one process, pure. The driver moves bytes and time.

pub mod machine;
#[cfg(feature = "driver")]
pub mod store;
#[cfg(feature = "driver")]
mod driver;

/// For benches, which write journals as a shard does.
#[cfg(feature = "driver")]
#[doc(hidden)]
pub use driver::Writer;
#[cfg(feature = "driver")]
pub use driver::{
    Config, Exit, JournalError, RecoverError, Recovered, RecoveredBook, Running, StartError,
    listen, recover, start,
};
