//! Where a bot stands with its shard.

use protocol::{Micros, State, Status};

/// Without a message for this long a connection counts as dead.
const SILENCE: Micros = Micros::from_millis(10_000);

/// The connection of a bot, or what is there in its place.
#[derive(Debug)]
pub(super) enum Link {
    /// Waits for its next attempt; `on_purpose`: nothing keeps it from connecting.
    Away { retry_at: Micros, on_purpose: bool },
    /// Said hello.
    Opening { since: Micros },
    /// Was welcomed. `heard` is when something came last.
    Open { heard: Micros, resumed: bool, frame: Option<(Micros, State)> },
    /// Plays no more, and does not come back.
    Over,
}

impl Link {
    /// When something came last on the connection, or when it was opened.
    pub(super) fn heard(&self) -> Option<Micros> {
        match self {
            Self::Opening { since: heard } | Self::Open { heard, .. } => Some(*heard),
            Self::Away { .. } | Self::Over => None,
        }
    }

    /// When the connection counts as dead if nothing comes.
    pub(super) fn silent_at(&self) -> Option<Micros> {
        Some(self.heard()? + SILENCE)
    }

    /// The newest state, of a bot that is welcomed and sees the boss.
    pub(super) fn state(&self) -> Option<&State> {
        match self {
            Self::Open { frame, .. } => frame.as_ref().map(|(_, state)| state),
            Self::Away { .. } | Self::Opening { .. } | Self::Over => None,
        }
    }

    pub(super) fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}

/// Whether a player was told something that is not so any more. A generation's beginning alone is
/// told before it is stable.
pub(super) fn is_taken_back(before: &State, now: &State) -> bool {
    let told = |state: &State| (state.generation, state.status);
    let is_begun_again = before.status == Status::Alive
        && now.generation.next() == before.generation
        && now.status == Status::Rewarded;
    told(now) < told(before) && !is_begun_again
}
