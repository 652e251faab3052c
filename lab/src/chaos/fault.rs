//! What a fault is: what is done, to whom, when and for how long.

use super::setup::{Setup, Truth};
use loadgen::driver::Way;
use protocol::Micros;
use std::fmt;
use std::time::Duration;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A link is slow.
    Latency,
    /// A link is slow, each chunk by another time.
    Jitter,
    /// A link carries few bytes a second.
    Throttle,
    /// A link keeps its connections, and nothing gets through.
    BlackHole,
    /// One direction of a link's connections ends.
    HalfClose,
    /// A link's connections are reset.
    Reset,
    /// A link's connections are reset in the middle of an answer.
    CutAnswer,
    /// A link's connections are reset, and new ones are refused.
    Refuse,
    /// A process is killed (SIGKILL) and started again.
    Kill,
    /// A process stops (SIGSTOP) and goes on (SIGCONT).
    Pause,
    /// A process is asked to end (SIGTERM) and started again.
    Restart,
    /// The master of the truth is killed, and its replica takes over with what it has.
    FailOver,
}

/// What something can go wrong with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The process of the truth.
    Truth,
    /// The process of a shard.
    Shard,
    /// The link between a shard and its players.
    Players,
    /// The link between a shard and the truth.
    Uplink,
}

/// One part, or that part of all shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// Of what kind it is.
    pub part: Part,
    /// The shard's position from 0 on; none is all of them, and the truth.
    pub shard: Option<usize>,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// To a link.
    Link(OnLink),
    /// To a process.
    Process(OnProcess),
}

/// What is done to a link; the [kinds](Kind) say what each is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLink {
    /// Everything is late.
    Latency {
        /// By how much.
        by: Duration,
    },
    /// Everything is late.
    Jitter {
        /// By how much at most.
        by: Duration,
    },
    /// It is narrow.
    Throttle {
        /// What each direction carries.
        bytes_per_s: u64,
    },
    /// Nothing gets through.
    BlackHole,
    /// One direction ends.
    HalfClose {
        /// Which: to the shard or the truth, or from there.
        way: Way,
    },
    /// Its connections are reset.
    Reset,
    /// They are reset in the middle of an answer.
    CutAnswer {
        /// Bytes of answers that still pass.
        after_bytes: u64,
    },
    /// They are reset, and new ones are refused.
    Refuse,
}

/// What is done to a process; the [kinds](Kind) say what each is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnProcess {
    /// It is killed.
    Kill,
    /// It stops, and goes on.
    Pause,
    /// It is asked to end.
    Restart,
    /// It is killed, and its replica takes over.
    FailOver,
}

/// Something that is to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// When it begins, since the load began.
    pub at: Micros,
    /// How long it lasts; of a fail-over, how long its replica hears nothing before.
    pub lasts: Micros,
    /// What is done.
    pub deed: Deed,
    /// To whom.
    pub who: Who,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Latency,
        Self::Jitter,
        Self::Throttle,
        Self::BlackHole,
        Self::HalfClose,
        Self::Reset,
        Self::CutAnswer,
        Self::Refuse,
        Self::Kill,
        Self::Pause,
        Self::Restart,
        Self::FailOver,
    ];

    /// Its name in files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Jitter => "jitter",
            Self::Throttle => "throttle",
            Self::BlackHole => "black_hole",
            Self::HalfClose => "half_close",
            Self::Reset => "reset",
            Self::CutAnswer => "cut_answer",
            Self::Refuse => "refuse",
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Restart => "restart",
            Self::FailOver => "fail_over",
        }
    }

    /// What it can happen to.
    #[must_use]
    pub fn parts(self) -> &'static [Part] {
        match self {
            Self::Latency
            | Self::Jitter
            | Self::Throttle
            | Self::BlackHole
            | Self::HalfClose
            | Self::Reset
            | Self::CutAnswer
            | Self::Refuse => &[Part::Players, Part::Uplink],
            Self::Kill | Self::Pause | Self::Restart => &[Part::Truth, Part::Shard],
            Self::FailOver => &[Part::Truth],
        }
    }

    /// Whether it is over as soon as it has happened, so that a plan does not say how long.
    #[must_use]
    pub fn is_momentary(self) -> bool {
        matches!(self, Self::HalfClose | Self::Reset | Self::CutAnswer)
    }

    /// Whether a truth of this kind can have it.
    #[must_use]
    pub fn is_for(self, truth: Truth) -> bool {
        self != Self::FailOver || truth == Truth::Redis
    }
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 4] = [Self::Truth, Self::Shard, Self::Players, Self::Uplink];

    /// The name of one, and of all.
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Truth => ["truth"; 2],
            Self::Shard => ["shard", "shards"],
            Self::Players => ["players", "players"],
            Self::Uplink => ["uplink", "uplinks"],
        }
    }
}

impl Who {
    /// Everybody whom a plan for this can name.
    pub fn all(setup: &Setup) -> impl Iterator<Item = Self> + use<> {
        let shards = setup.shards;
        let of = move |part: Part| {
            let each = if part == Part::Truth { 0 } else { shards };
            (0..each).map(Some).chain([None]).map(move |shard| Self { part, shard })
        };
        Part::ALL.into_iter().flat_map(of)
    }

    /// Whether something that happens to the one happens to the other.
    #[must_use]
    pub fn touches(self, other: Self) -> bool {
        let is_common = self.shard.is_none() || other.shard.is_none() || self.shard == other.shard;
        self.part == other.part && is_common
    }

    /// Whether the shard at this position is meant, or a link of it.
    #[must_use]
    pub fn means(self, position: usize) -> bool {
        self.shard.is_none_or(|shard| shard == position)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, all] = self.part.names();
        match self.shard {
            Some(shard) => write!(out, "{one}-{}", shard + 1),
            None => out.write_str(all),
        }
    }
}

impl Deed {
    /// Its kind.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Link(OnLink::Latency { .. }) => Kind::Latency,
            Self::Link(OnLink::Jitter { .. }) => Kind::Jitter,
            Self::Link(OnLink::Throttle { .. }) => Kind::Throttle,
            Self::Link(OnLink::BlackHole) => Kind::BlackHole,
            Self::Link(OnLink::HalfClose { .. }) => Kind::HalfClose,
            Self::Link(OnLink::Reset) => Kind::Reset,
            Self::Link(OnLink::CutAnswer { .. }) => Kind::CutAnswer,
            Self::Link(OnLink::Refuse) => Kind::Refuse,
            Self::Process(OnProcess::Kill) => Kind::Kill,
            Self::Process(OnProcess::Pause) => Kind::Pause,
            Self::Process(OnProcess::Restart) => Kind::Restart,
            Self::Process(OnProcess::FailOver) => Kind::FailOver,
        }
    }
}

/// The kind with its measure, such as `latency 200ms`.
impl fmt::Display for Deed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.kind().name())?;
        let Self::Link(link) = self else { return Ok(()) };
        match link {
            OnLink::Latency { by } => write!(out, " {}ms", by.as_millis()),
            OnLink::Jitter { by } => write!(out, " up to {}ms", by.as_millis()),
            OnLink::Throttle { bytes_per_s } => write!(out, " {bytes_per_s} bytes/s"),
            OnLink::HalfClose { way: Way::Requests } => out.write_str(" requests"),
            OnLink::HalfClose { way: Way::Replies } => out.write_str(" replies"),
            OnLink::CutAnswer { after_bytes } => write!(out, " after {after_bytes} bytes"),
            OnLink::BlackHole | OnLink::Reset | OnLink::Refuse => Ok(()),
        }
    }
}

impl Fault {
    /// When it is over, if all goes by plan.
    #[must_use]
    pub fn until(&self) -> Micros {
        self.at + self.lasts
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} on {}", self.deed, self.who)
    }
}
