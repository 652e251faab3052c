//! What a bot tells whoever measures it.

use super::{Books, Cheat, Span};
use protocol::{Micros, RefusalReason, State};

/// Something that happened to a bot. Times are the bot's `now`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A shard welcomed the bot.
    Connected {
        /// Whether it was welcomed for the first time.
        first: bool,
    },
    /// The bot sees the boss: its connection brought the first state frame.
    Joined {
        /// When it wanted to connect, as planned or after a loss.
        planned: Micros,
        /// When the frame came.
        at: Micros,
        /// Whether its session went on.
        resumed: bool,
    },
    /// A connection did not come up, or ended before its Welcome.
    ConnectFailed(String),
    /// A hit left for the first time.
    Sent {
        /// How long after its planned time, unless the bot had to hold it back.
        lag: Option<Micros>,
    },
    /// Planned hits were not sent: the boss was not alive, or too many hits were unanswered.
    Skipped {
        /// How many.
        hits: u64,
    },
    /// A hit was answered.
    Answered {
        /// When it was planned.
        planned: Micros,
        /// When the answer came.
        at: Micros,
    },
    /// A hit was answered to a bot that reads slowly: the time says nothing of the shard.
    AnsweredUnread,
    /// A hit was refused.
    Refused(RefusalReason),
    /// The truth counts an accepted hit.
    Counted {
        /// When it was planned.
        planned: Micros,
        /// When the state frame that shows it came.
        at: Micros,
        /// The version of that frame.
        version: u64,
    },
    /// A state frame came.
    Frame {
        /// When.
        at: Micros,
        /// The state that it makes.
        state: State,
        /// The time since the frame before it on this connection.
        interval: Option<Micros>,
    },
    /// What the bar of a bot showed that gets what can be seen, until the frame that came now.
    Shown(Box<Span>),
    /// A bot tried what must not be let through, or saw what came of it.
    Cheated {
        /// What it tries.
        cheat: Cheat,
        /// What came of it.
        outcome: Outcome,
        /// How often.
        times: u64,
    },
    /// A session ended. What it claims is final.
    Books(Box<Books>),
    /// Something that the outside world did to the bot.
    Trouble(String),
    /// Something that must not happen, whatever the outside world does.
    Fault(String),
}

/// What came of an attempt to cheat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It left. What comes of it is another event, or none if the connection is lost before.
    Tried,
    /// The shard did what the protocol says.
    Refused,
    /// It did not.
    LetThrough,
}

impl Event {
    /// What of it is still true of a bot that reads slowly. When something reached it says nothing
    /// of the shard, so it measures nothing.
    pub(super) fn of_slow_reader(self) -> Option<Self> {
        match self {
            Self::Joined { .. } | Self::Counted { .. } | Self::Frame { .. } | Self::Shown(_) => {
                None
            }
            Self::Answered { .. } => Some(Self::AnsweredUnread),
            Self::Connected { .. }
            | Self::ConnectFailed(_)
            | Self::Sent { .. }
            | Self::Skipped { .. }
            | Self::AnsweredUnread
            | Self::Refused(_)
            | Self::Cheated { .. }
            | Self::Books(_)
            | Self::Trouble(_)
            | Self::Fault(_) => Some(self),
        }
    }
}
