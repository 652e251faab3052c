//! What can be wrong with a log, in sentences: what was found, and what belongs there.

use protocol::{Credit, EntryError, Gen, Grants, JournalId, PlayerId, Seen, Status};
use ucore::{Chain, Reject, Version};

/// The first thing in a log that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version {version}, `{line}`: {what}")]
pub struct Imbalance {
    /// Where it is.
    pub version: Version,
    /// The line of the entry.
    pub line: String,
    /// What it is.
    pub what: Finding,
}

/// What an [`Imbalance`] is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Finding {
    /// An entry is missing, or is there twice.
    #[error("it stands where version {0} belongs")]
    Version(Version),
    /// A lost, changed or forked write.
    #[error("its chain is {found}, and after the entry before it belongs {expected}")]
    Chain {
        /// What the entry says.
        found: Chain,
        /// What follows from the entry before it.
        expected: Chain,
    },
    /// It is no entry of a boss's log.
    #[error("it can't be read: {0}")]
    Unreadable(EntryError),
    /// Whoever it is, is not known.
    #[error("journal {0} has not joined, and only journals that have may write")]
    NotJoined(JournalId),
    /// A journal has joined once more.
    #[error("journal {0} has joined already, and a journal joins once")]
    JoinedTwice(JournalId),
    /// A later process took over from it.
    #[error("journal {0} is sealed, and a sealed journal writes nothing")]
    Sealed(JournalId),
    /// It has not entered the generation.
    #[error("journal {0} has not entered generation {1}, and its damage counts only then")]
    NotEntered(JournalId, Gen),
    /// It has entered once more.
    #[error("journal {0} has entered generation {1} already, and a journal enters once")]
    EnteredTwice(JournalId, Gen),
    /// It had said all.
    #[error("journal {0} had said all in generation {1}, and says more")]
    Finished(JournalId, Gen),
    /// Nothing is known of the generation.
    #[error("there are no books of generation {0}")]
    NoBook(Gen),
    /// Something counts after the books have closed.
    #[error("the books of generation {0} are closed: what comes now belongs to the late damage")]
    Closed(Gen),
    /// Something is late before the books have closed.
    #[error("the books of generation {0} are open: what comes now belongs to the counted damage")]
    Open(Gen),
    /// An interval leaves a gap, or goes back.
    #[error("it goes from {from} to {to}, and the journal is at {applied}, which belongs between")]
    Gap {
        /// Where the interval begins.
        from: u64,
        /// Where it ends.
        to: u64,
        /// What was taken of the journal.
        applied: u64,
    },
    /// An entry that changes nothing.
    #[error("it says nothing new, and only what is new has an entry")]
    Nothing,
    /// The players' lines contradict the interval.
    #[error("its players gain {found}, and its interval {expected}")]
    Lines {
        /// The sum of what players gain.
        found: u64,
        /// What is new of the interval.
        expected: u64,
    },
    /// The boss dies where it does not, or does not where it does.
    #[error(
        "it says d={}, and d={} belongs there: the boss has lost {damage} of {hp_max} HP with it",
        u8::from(*.found), u8::from(!*.found)
    )]
    Death {
        /// Whether the entry says that the boss dies.
        found: bool,
        /// The damage with it.
        damage: u64,
        /// The boss's HP.
        hp_max: u64,
    },
    /// Another phase begins than the HP says.
    #[error("it says p={}, and p={} belongs there", dash(*.found), dash(*.expected))]
    Phase {
        /// What the entry says.
        found: Option<u8>,
        /// What follows from the HP.
        expected: Option<u8>,
    },
    /// A term that is not the next one.
    #[error("term {found} begins, and {expected} belongs there: terms grow by one")]
    Term {
        /// What the entry says.
        found: u64,
        /// The next term.
        expected: u64,
    },
    /// Somebody takes a step who does not reign.
    #[error("term {found} takes it, and the newest term is {expected}, which alone may")]
    Fenced {
        /// The term of the step.
        found: u64,
        /// The newest term.
        expected: u64,
    },
    /// Another generation than the current one.
    #[error("it is about generation {found}, and {expected} belongs there")]
    Generation {
        /// What the entry says.
        found: Gen,
        /// What belongs there.
        expected: Gen,
    },
    /// A step that does not belong to the status.
    #[error("the generation is {}, and what belongs there is {}", .0.name(), fitting(*.0))]
    Step(Status),
    /// The books close at a place where the log is not.
    #[error(
        "the books close at version {} with chain {}, and the log is at {} with chain {}",
        .found.version, .found.chain, .expected.version, .expected.chain
    )]
    ClosedAt {
        /// What the entry says.
        found: Seen,
        /// Where the log is.
        expected: Seen,
    },
    /// The boss is not divided whole.
    #[error("the credits add up to {found}, and the boss had {expected} HP")]
    CreditsSum {
        /// The sum of the credits.
        found: u64,
        /// The boss's HP.
        expected: u64,
    },
    /// Somebody has another share than the books say.
    #[error(
        "rank {rank} is {}, and by the counted damage it is {}",
        credit(.found.as_ref()), credit(.expected.as_ref())
    )]
    Credits {
        /// The first rank that differs.
        rank: usize,
        /// What the entry says.
        found: Option<Credit>,
        /// What follows from the books.
        expected: Option<Credit>,
    },
    /// Somebody has won something else than was drawn.
    #[error(
        "player {player} wins {}, and by the closed position it is {}",
        rewards(.found, *.player), rewards(.expected, *.player)
    )]
    Grants {
        /// The first player who differs.
        player: PlayerId,
        /// What the entry says.
        found: Grants,
        /// What follows from where the books closed.
        expected: Grants,
    },
    /// The fold refuses it.
    #[error("it does not fit the boss before it: {0}")]
    Unfit(Reject),
    /// Sums that should be one are several.
    #[error(
        "in generation {generation} the boss has lost {lost}, its journals brought {journals}, \
         and its players {players}; these are one sum"
    )]
    Sums {
        /// The generation.
        generation: Gen,
        /// What the boss has lost, overkill included.
        lost: u64,
        /// What the journals brought.
        journals: u64,
        /// What the players did.
        players: u64,
    },
    /// A single account differs between the fold and the recomputed books.
    #[error("{whose} in generation {generation} is {found}, and recomputed it is {expected}")]
    Account {
        /// The generation.
        generation: Gen,
        /// What it is about.
        whose: String,
        /// What the boss says.
        found: u64,
        /// What the entries add up to.
        expected: u64,
    },
    /// The authority tells something else than its log.
    #[error("the authority tells {what} {found}, and by its log it is {expected}")]
    Truth {
        /// What it tells.
        what: &'static str,
        /// What it says.
        found: String,
        /// What the log says.
        expected: String,
    },
}

fn dash(phase: Option<u8>) -> String {
    phase.map_or_else(|| "-".to_owned(), |phase| phase.to_string())
}

/// What may happen in a status, besides what journals and terms do.
fn fitting(status: Status) -> &'static str {
    match status {
        Status::Alive => "no step before its death",
        Status::Defeated => "`collect`",
        Status::Collecting => "`wait` or `close`",
        Status::Closed => "`credit`",
        Status::Credited => "`reward`",
        Status::Rewarded => "`wait`, or the `spawn` of the next one",
    }
}

fn credit(line: Option<&Credit>) -> String {
    line.map_or_else(
        || "nobody".to_owned(),
        |it| format!("player {} with damage {} and credit {}", it.player, it.damage, it.credit),
    )
}

fn rewards(grants: &Grants, player: PlayerId) -> String {
    let won: Vec<_> = grants.get(&player).into_iter().flatten().map(ToString::to_string).collect();
    if won.is_empty() { "nothing".to_owned() } else { format!("reward {}", won.join(", ")) }
}
