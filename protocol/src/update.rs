//! The updates of a boss, and their canonical form: one ASCII line and one opaque blob.
//!
//! The canonical form is what the log stores and what its chain covers. A Redis Function can write
//! it without understanding the blob, and any tool can read the line.

use crate::{BossSpec, EntryError, Gen, Interval, JournalId, ShardId, Status};
use ucore::{Coalesce, DecodeError, Reader, Reject, Run, Wire, Writer, decode, encode};

/// One atomic change of a [`crate::Boss`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BossUpdate {
    /// A generation begins.
    Spawn {
        /// The generation.
        generation: Gen,
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
    /// The generation goes on in its life after death.
    Status {
        /// The generation.
        generation: Gen,
        /// Its new status.
        status: Status,
    },
    /// One more step of waiting, so that whoever continues the wait knows how long it was.
    Wait {
        /// The generation.
        generation: Gen,
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
            Self::Join { .. } | Self::Enter { .. } | Self::Status { .. } | Self::Wait { .. } => {
                Ok(())
            }
        }
    }
}

impl BossUpdate {
    /// The ASCII line: the kind, then `key=value` pairs in a fixed order.
    #[must_use]
    pub fn fields(&self) -> String {
        match self {
            Self::Spawn { generation, spec } => format!("spawn g={generation} hp={}", spec.hp_max),
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
            Self::Status { generation, status } => {
                format!("status g={generation} s={}", status.code())
            }
            Self::Wait { generation } => format!("wait g={generation}"),
        }
    }

    /// The blob: MessagePack of what the line does not say, often empty.
    #[must_use]
    pub fn blob(&self) -> Vec<u8> {
        match self {
            Self::Spawn { spec, .. } => encode(&**spec),
            Self::Push { interval, .. } | Self::Late { interval, .. } => interval.blob(),
            Self::Join { .. } | Self::Enter { .. } | Self::Status { .. } | Self::Wait { .. } => {
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
                let generation = Gen(line.number("g")?);
                Self::Spawn { generation, spec: Box::new(decode(blob)?) }
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
            "status" => {
                let generation = Gen(line.number("g")?);
                let code: u8 = line.number("s")?;
                let status = Status::ALL.iter().find(|status| status.code() == code);
                Self::Status { generation, status: *status.ok_or(EntryError::Field("s"))? }
            }
            "wait" => Self::Wait { generation: Gen(line.number("g")?) },
            kind => return Err(EntryError::Kind(kind.to_owned())),
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

    fn interval(&mut self, blob: &[u8]) -> Result<Interval, EntryError> {
        let generation = Gen(self.number("g")?);
        let (from, to) = (self.number("f")?, self.number("t")?);
        let (players, names) = decode(blob)?;
        Ok(Interval { generation, from, to, players, names })
    }
}
