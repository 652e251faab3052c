//! Which state frames players ask for.

/// Which state frames the players of a load ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Frames {
    /// One in every tick.
    #[default]
    Every,
    /// What can be seen. One player of fifty, a witness, asks for every tick, so that there is
    /// something to compare their bars with.
    Seen,
}

/// Of so many players of a target who get what can be seen, one gets every state.
const WITNESS_EVERY: u32 = 50;

impl Frames {
    /// What the player at this position among those of its target says in Hello.
    #[must_use]
    pub fn every(self, index: u32) -> u8 {
        match self {
            Self::Seen if !index.is_multiple_of(WITNESS_EVERY) => 0,
            Self::Seen | Self::Every => 1,
        }
    }
}
