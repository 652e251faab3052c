//! What a bot tells whoever measures it.

use super::{Books, Span};
use protocol::{Micros, RefusalReason, State};

/// Something that happened to a bot. Times are the bot's `now`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A shard welcomed the bot.
    Connected {
        /// Whether it was welcomed for the first time.
        first: bool,
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
    /// A session ended. What it claims is final.
    Books(Box<Books>),
    /// Something that the outside world did to the bot.
    Trouble(String),
    /// Something that must not happen, whatever the outside world does.
    Fault(String),
}
