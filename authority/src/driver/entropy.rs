//! The only randomness of an authority: who its executor is.

use protocol::ExecutorId;
use ucore::Bin;

/// An id that nobody else has.
pub(crate) fn executor() -> ExecutorId {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system has entropy");
    ExecutorId(Bin(bytes))
}
