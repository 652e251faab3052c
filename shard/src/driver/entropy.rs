//! The process's only source of randomness: ids, secrets, seeds.

use crate::machine::Fresh;
use protocol::{JournalId, PlayerId, Token};
use ucore::{Bin, INT_MAX};

/// Random bytes of the operating system.
fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has entropy");
    bytes
}

/// A seed for a machine's dice.
pub(super) fn seed() -> u64 {
    u64::from_le_bytes(bytes())
}

/// An id for this process's journal.
pub(super) fn journal() -> JournalId {
    JournalId(Bin(bytes()))
}

/// What a guest's session is made of.
pub(super) fn fresh() -> Fresh {
    let player = PlayerId((seed() & INT_MAX).max(1));
    Fresh { token: Token(Bin(bytes())), player }
}
