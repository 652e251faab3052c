//! The updates of a boss, and their canonical form: one ASCII line and one opaque blob.
//!
//! The canonical form is what the log stores and what its chain covers. A Redis Function can write
//! it without understanding the blob, and any tool can read the line.

use crate::{
    BossSpec, EntryError, ExecutorId, Gen, Interval, JournalId, Seen, ShardId, Step, Term,
};
use ucore::{
    Chain, Coalesce, DecodeError, Reader, Reject, Run, Version, Wire, Writer, decode, encode,
};

/// One atomic change of a [`crate::Boss`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BossUpdate {
    /// A generation begins.
    Spawn {
        /// The generation.
        generation: Gen,
        /// The term whose executor began it: 0 for the first generation.
        term: u64,
        /// Its scenario.
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
    /// A journal announces that it will damage a generation.
    Enter {
        /// The journal.
        journal: JournalId,
        /// The generation.
        generation: Gen,
    },
    /// Damage, its attribution, and what it caused.
    Push {
        /// The journal.
        journal: JournalId,
        /// The damage.
        interval: Interval,
        /// Whether the journal will say nothing more about the generation.
        last: bool,
        /// The phase that begins with it.
        phase: Option<u8>,
        /// Whether it is the killing one.
        death: bool,
    },
    /// Damage that came after the books had closed: it changes no HP, credit or reward.
    Late {
        /// The journal.
        journal: JournalId,
        /// The damage.
        interval: Interval,
        /// Whether the journal will say nothing more about the generation.
        last: bool,
    },
    /// An executor begins to reign: from now on, only it takes the steps of settlements.
    Term(Term),
    /// The generation goes on in its life after death.
    Settle {
        /// The generation.
        generation: Gen,
        /// The term whose executor took the step.
        term: u64,
        /// The step.
        step: Step,
    },
}

impl Coalesce for BossUpdate {
    /// Each entry of a boss's log keeps its own version, so none is folded.
    fn coalesce(&mut self, later: Self) -> Result<(), Self> {
        Err(later)
    }
}

/// The canonical form: line and blob.
impl Wire for BossUpdate {
    fn write(&self, _: Run, to: &mut Writer) {
        to.text(&self.fields());
        to.bin(&self.blob());
    }

    fn read(_: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (fields, blob) = (from.text()?, from.bin()?);
        Self::parse(fields, blob).map_err(|_| DecodeError::Expected("an entry of a boss's log"))
    }

    fn fits(&self) -> Result<(), Reject> {
        match self {
            Self::Spawn { spec, .. } => spec.fits(),
            Self::Push { interval, .. } | Self::Late { interval, .. } => interval.fits(),
            Self::Settle { step: Step::Credit(credits), .. } => credits.fits(),
            Self::Settle { step: Step::Reward(grants), .. } => grants.fits(),
            Self::Join { .. } | Self::Enter { .. } | Self::Settle { .. } => Ok(()),
            Self::Term(term) => term.fits(),
        }
    }
}

impl BossUpdate {
    /// The ASCII line: the kind, then `key=value` pairs in a fixed order.
    #[must_use]
    pub fn fields(&self) -> String {
        match self {
            Self::Spawn { generation, term, spec } => {
                format!("spawn g={generation} n={term} hp={}", spec.hp_max)
            }
            Self::Join { journal, shard, parent, inherits } => {
                let parent = parent.map_or_else(|| "-".to_owned(), |parent| parent.to_string());
                format!("join j={journal} s={shard} p={parent} i={}", u8::from(*inherits))
            }
            Self::Enter { journal, generation } => format!("enter j={journal} g={generation}"),
            Self::Push { journal, interval, last, phase, death } => {
                let phase = phase.map_or_else(|| "-".to_owned(), |phase| phase.to_string());
                let (last, death) = (u8::from(*last), u8::from(*death));
                format!("push j={journal} {} l={last} p={phase} d={death}", span(interval))
            }
            Self::Late { journal, interval, last } => {
                format!("late j={journal} {} l={}", span(interval), u8::from(*last))
            }
            Self::Term(Term { number, executor }) => format!("term n={number} x={executor}"),
            Self::Settle { generation, term, step } => {
                let of = format!("g={generation} n={term}");
                match step {
                    Step::Collect => format!("collect {of}"),
                    Step::Wait => format!("wait {of}"),
                    Step::Close(at) => format!("close {of} v={} c={}", at.version, at.chain),
                    Step::Credit(credits) => format!("credit {of} k={}", credits.len()),
                    Step::Reward(grants) => format!("reward {of} k={}", grants.len()),
                }
            }
        }
    }

    /// The blob: MessagePack of what the line does not say, often empty.
    #[must_use]
    pub fn blob(&self) -> Vec<u8> {
        match self {
            Self::Spawn { spec, .. } => encode(&**spec),
            Self::Push { interval, .. } | Self::Late { interval, .. } => interval.blob(),
            Self::Settle { step: Step::Credit(credits), .. } => encode(credits),
            Self::Settle { step: Step::Reward(grants), .. } => encode(grants),
            Self::Join { .. } | Self::Enter { .. } | Self::Term(_) | Self::Settle { .. } => {
                Vec::new()
            }
        }
    }

    /// Reads the canonical form.
    ///
    /// # Errors
    /// [`EntryError`] for anything that [`BossUpdate::fields`] and [`BossUpdate::blob`] would not
    /// have written to the letter.
    pub fn parse(fields: &str, blob: &[u8]) -> Result<Self, EntryError> {
        let mut line = Fields(fields.split(' '));
        let update = match line.0.next().unwrap_or_default() {
            "spawn" => {
                let (generation, term) = (Gen(line.number("g")?), line.number("n")?);
                Self::Spawn { generation, term, spec: Box::new(decode(blob)?) }
            }
            "join" => Self::Join {
                journal: line.journal("j")?,
                shard: ShardId(line.number("s")?),
                parent: line.optional("p", |text| text.parse().ok().map(JournalId))?,
                inherits: line.flag("i")?,
            },
            "enter" => {
                Self::Enter { journal: line.journal("j")?, generation: Gen(line.number("g")?) }
            }
            "push" => Self::Push {
                journal: line.journal("j")?,
                interval: line.interval(blob)?,
                last: line.flag("l")?,
                phase: line.optional("p", |text| text.parse().ok())?,
                death: line.flag("d")?,
            },
            "late" => Self::Late {
                journal: line.journal("j")?,
                interval: line.interval(blob)?,
                last: line.flag("l")?,
            },
            "term" => {
                let (number, executor) = (line.number("n")?, ExecutorId(line.number("x")?));
                Self::Term(Term { number, executor })
            }
            kind => {
                let of = (line.number("g"), line.number("n"));
                let step = line.step(kind, blob)?;
                Self::Settle { generation: Gen(of.0?), term: of.1?, step }
            }
        };
        if update.fields() == fields && update.blob() == blob {
            Ok(update)
        } else {
            Err(EntryError::NotCanonical)
        }
    }
}

fn span(interval: &Interval) -> String {
    format!("g={} f={} t={}", interval.generation, interval.from, interval.to)
}

/// Takes `key=value` pairs off a line in the order in which they were written.
struct Fields<'a>(std::str::Split<'a, char>);

impl<'a> Fields<'a> {
    fn value(&mut self, key: &'static str) -> Result<&'a str, EntryError> {
        let pair = self.0.next().and_then(|pair| pair.split_once('='));
        pair.filter(|(name, _)| *name == key).map(|(_, value)| value).ok_or(EntryError::Field(key))
    }

    fn number<T: std::str::FromStr>(&mut self, key: &'static str) -> Result<T, EntryError> {
        self.value(key)?.parse().map_err(|_| EntryError::Field(key))
    }

    fn journal(&mut self, key: &'static str) -> Result<JournalId, EntryError> {
        self.number(key).map(JournalId)
    }

    fn flag(&mut self, key: &'static str) -> Result<bool, EntryError> {
        match self.value(key)? {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(EntryError::Field(key)),
        }
    }

    fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, EntryError> {
        match self.value(key)? {
            "-" => Ok(None),
            text => read(text).map(Some).ok_or(EntryError::Field(key)),
        }
    }

    fn step(&mut self, kind: &str, blob: &[u8]) -> Result<Step, EntryError> {
        Ok(match kind {
            "collect" => Step::Collect,
            "wait" => Step::Wait,
            "close" => {
                let (version, chain) = (Version(self.number("v")?), Chain(self.number("c")?));
                Step::Close(Seen { version, chain })
            }
            "credit" => Step::Credit(decode(blob)?),
            "reward" => Step::Reward(decode(blob)?),
            kind => return Err(EntryError::Kind(kind.to_owned())),
        })
    }

    fn interval(&mut self, blob: &[u8]) -> Result<Interval, EntryError> {
        let generation = Gen(self.number("g")?);
        let (from, to) = (self.number("f")?, self.number("t")?);
        let (players, names) = decode(blob)?;
        Ok(Interval { generation, from, to, players, names })
    }
}
