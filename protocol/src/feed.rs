//! The event feed: a boss's log as lines of JSON, for services that don't fold it themselves.

use crate::{
    BossId, BossSpec, BossUpdate, Credit, Entry, ExecutorId, Gen, Interval, JournalId, Line,
    PlayerId, RewardId, Seen, ShardId, Step, Term,
};
use serde::{Deserialize, Serialize};
use ucore::{Chain, Version};

/// A line of the event feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEvent {
    /// The position in the log up to which a reader of this line has been told everything.
    pub version: Version,
    /// The chain there.
    pub chain: Chain,
    /// The boss.
    pub boss: BossId,
    /// What happened.
    #[serde(flatten)]
    pub happened: Happened,
}

/// What a line of the event feed tells: an entry of the log, or what became of entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happened {
    /// A generation begins.
    Spawn {
        /// The generation.
        generation: Gen,
        /// The term whose executor began it: 0 for the first.
        term: u64,
        /// Its scenario.
        #[serde(flatten)]
        spec: Box<BossSpec>,
    },
    /// A journal opens, and seals its parent.
    Join {
        /// The journal.
        journal: JournalId,
        /// Its shard's label.
        shard: ShardId,
        /// The journal found on its disk.
        parent: Option<JournalId>,
        /// Whether it takes over the parent's sessions.
        inherits: bool,
    },
    /// A journal will damage a generation.
    Enter {
        /// The generation.
        generation: Gen,
        /// The journal.
        journal: JournalId,
    },
    /// Damage that counts, and what it caused.
    Push {
        /// The damage.
        #[serde(flatten)]
        hurt: Hurt,
        /// The phase that begins with it.
        phase: Option<u8>,
        /// Whether the boss dies of it.
        death: bool,
    },
    /// Damage that came after the books had closed, and counts for nothing.
    Late {
        /// The damage.
        #[serde(flatten)]
        hurt: Hurt,
    },
    /// An executor begins to reign.
    Term {
        /// The number of its term.
        term: u64,
        /// The executor.
        executor: ExecutorId,
    },
    /// Journals are asked for their last words.
    Collect {
        /// The generation.
        generation: Gen,
        /// The term whose executor took the step.
        term: u64,
    },
    /// One more second of waiting.
    Wait {
        /// The generation.
        generation: Gen,
        /// The term whose executor took the step.
        term: u64,
    },
    /// The books are closed.
    Close {
        /// The generation.
        generation: Gen,
        /// The term whose executor took the step.
        term: u64,
        /// What comes after this position is late.
        closed: Seen,
    },
    /// The boss is divided among its players.
    Credit {
        /// The generation.
        generation: Gen,
        /// The term whose executor took the step.
        term: u64,
        /// Everybody's share, in the order of ranks.
        credits: Vec<Credit>,
    },
    /// Rewards are drawn.
    Reward {
        /// The generation.
        generation: Gen,
        /// The term whose executor took the step.
        term: u64,
        /// Who has won something, by player.
        winners: Vec<Winner>,
    },
    /// The authority has lost the entries after this version: what was told of them is void.
    RolledBack {
        /// The newest of them that was told, or that the reader said to have.
        was: Version,
    },
    /// The entries up to this version can't be shown any more.
    Gone {
        /// The oldest of them that was asked for.
        from: Version,
    },
}

/// Damage of a journal in a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hurt {
    /// The generation.
    pub generation: Gen,
    /// The journal.
    pub journal: JournalId,
    /// The journal's total up to which its shard knew the damage to be taken.
    pub from: u64,
    /// The journal's total now.
    pub to: u64,
    /// What is new: `to` less what was taken before. None if that was not read.
    pub damage: Option<u64>,
    /// Whether the journal will say nothing more about the generation.
    pub last: bool,
    /// The new totals of players in this journal and generation, by player.
    pub players: Vec<Line>,
    /// Names of players that may be new, by player.
    pub names: Vec<Named>,
}

/// What a player has won.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Winner {
    /// The player.
    pub player: PlayerId,
    /// The rewards.
    pub rewards: Vec<RewardId>,
}

/// A player's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The player.
    pub player: PlayerId,
    /// The name.
    pub name: String,
}

impl FeedEvent {
    /// The line of an entry, whose update it is. `taken` is what its journal had in its generation
    /// before it, if that is known.
    #[must_use]
    pub fn of(boss: BossId, entry: &Entry, update: BossUpdate, taken: Option<u64>) -> Self {
        let happened = match update {
            BossUpdate::Spawn { generation, term, spec } => {
                Happened::Spawn { generation, term, spec }
            }
            BossUpdate::Join { journal, shard, parent, inherits } => {
                Happened::Join { journal, shard, parent, inherits }
            }
            BossUpdate::Enter { journal, generation } => Happened::Enter { generation, journal },
            BossUpdate::Push { journal, interval, last, phase, death } => {
                Happened::Push { hurt: Hurt::of(journal, interval, last, taken), phase, death }
            }
            BossUpdate::Late { journal, interval, last } => {
                Happened::Late { hurt: Hurt::of(journal, interval, last, taken) }
            }
            BossUpdate::Term(Term { number, executor }) => {
                Happened::Term { term: number, executor }
            }
            BossUpdate::Settle { generation, term, step } => Happened::step(generation, term, step),
        };
        Self { version: entry.version, chain: entry.chain, boss, happened }
    }
}

impl Happened {
    fn step(generation: Gen, term: u64, step: Step) -> Self {
        match step {
            Step::Collect => Self::Collect { generation, term },
            Step::Wait => Self::Wait { generation, term },
            Step::Close(closed) => Self::Close { generation, term, closed },
            Step::Credit(credits) => Self::Credit { generation, term, credits },
            Step::Reward(grants) => {
                let winners =
                    grants.into_iter().map(|(player, rewards)| Winner { player, rewards });
                Self::Reward { generation, term, winners: winners.collect() }
            }
        }
    }
}

impl Hurt {
    fn of(journal: JournalId, interval: Interval, last: bool, taken: Option<u64>) -> Self {
        let Interval { generation, from, to, players, names } = interval;
        let damage = taken.map(|taken| to.saturating_sub(taken));
        let line = |(player, total): (&PlayerId, &ucore::Max)| Line {
            player: *player,
            total: total.get(),
        };
        let players = players.iter().map(line).collect();
        let names = names.into_iter().map(|(player, name)| Named { player, name }).collect();
        Self { generation, journal, from, to, damage, last, players, names }
    }
}
