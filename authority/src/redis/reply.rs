//! What the functions answer: an array of strings, read from front to back.

use protocol::{
    BossId, BossSpec, ExecutorId, JournalId, OpenJournal, Progress, Standings, Status, Term, Truth,
    Unavailable, decode_record,
};
use redis::Value;
use ucore::{Bin, Chain, Version};

/// An answer that is being read.
#[derive(Debug)]
pub(super) struct Reply {
    items: std::vec::IntoIter<Value>,
}

/// The truth, and how many polls the boss has had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) truth: Truth,
    pub(super) polls: u64,
}

/// What a look of an executor shows.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) progress: Progress,
    /// The number of the leaderboard that is given to shards, or 0.
    pub(super) standings: u64,
    /// The version of the newest value from which a fold can begin.
    pub(super) newest: Version,
}

impl Reply {
    /// The answer of a function about a boss, and its first word.
    pub(super) fn open(boss: BossId, value: Value) -> Result<(String, Self), Unavailable> {
        let (word, reply) = Self::begin(value)?;
        if word == "no_boss" { Err(Unavailable::NoBoss(boss)) } else { Ok((word, reply)) }
    }

    /// The answer of a function, and its first word.
    pub(super) fn begin(value: Value) -> Result<(String, Self), Unavailable> {
        let Value::Array(items) = value else { return Err(odd("no array")) };
        let mut reply = Self { items: items.into_iter() };
        Ok((reply.text()?, reply))
    }

    /// Whether all of it was read.
    pub(super) fn is_over(&self) -> bool {
        self.items.as_slice().is_empty()
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, Unavailable> {
        match self.items.next() {
            Some(Value::BulkString(bytes)) => Ok(bytes),
            _ => Err(odd("a string is missing")),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, Unavailable> {
        String::from_utf8(self.bytes()?).map_err(|_| odd("a string is no text"))
    }

    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Result<T, Unavailable> {
        self.text()?.parse().map_err(|_| odd("a number is none"))
    }

    pub(super) fn flag(&mut self) -> Result<bool, Unavailable> {
        Ok(self.text()? == "1")
    }

    pub(super) fn spec(&mut self) -> Result<Box<BossSpec>, Unavailable> {
        let spec = ucore::decode(&self.bytes()?);
        spec.map(Box::new).map_err(|_| odd("the scenario is unreadable"))
    }

    /// The leaderboard, if the shard has another one.
    pub(super) fn standings(&mut self) -> Result<Option<Box<Standings>>, Unavailable> {
        let bytes = self.bytes()?;
        let standings = (!bytes.is_empty()).then(|| decode_record(&bytes).map(Box::new));
        standings.transpose().map_err(|_| odd("the leaderboard is unreadable"))
    }

    /// What an executor has to know.
    pub(super) fn looked(mut self) -> Result<Looked, Unavailable> {
        let (number, executor) = (self.number()?, ExecutorId(self.number()?));
        let (standings, newest) = (self.number()?, Version(self.number()?));
        let open = open_journals(&self.text()?).ok_or_else(|| odd("no list of journals"))?;
        let (spec, term) = (self.spec()?, Term { number, executor });
        let Seen { truth, polls } = self.seen()?;
        let progress = Progress { term, polls, spec, open, truth };
        Ok(Looked { progress, standings, newest })
    }

    /// The truth, which ends every answer.
    pub(super) fn seen(mut self) -> Result<Seen, Unavailable> {
        let (version, chain) = (Version(self.number()?), Chain(self.number::<Bin<20>>()?));
        let (generation, hp_max) = (protocol::Gen(self.number()?), self.number()?);
        let (damage, code): (u64, u8) = (self.number()?, self.number()?);
        let status = Status::ALL.iter().copied().find(|status| status.code() == code);
        let status = status.ok_or_else(|| odd("no such status"))?;
        let (phase, players) = (self.number()?, self.number()?);
        let (waited, polls) = (self.number()?, self.number()?);
        let truth =
            Truth { version, chain, generation, hp_max, damage, status, phase, players, waited };
        Ok(Seen { truth, polls })
    }
}

/// Pairs of a journal and the poll in which it was heard, in the order of journals.
fn open_journals(text: &str) -> Option<Vec<OpenJournal>> {
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    let pairs = words.chunks_exact(2).map(|pair| {
        let (journal, heard) = (JournalId(pair[0].parse().ok()?), pair[1].parse().ok()?);
        Some(OpenJournal { journal, heard })
    });
    let mut open = pairs.collect::<Option<Vec<_>>>()?;
    open.sort_unstable_by_key(|it| it.journal);
    Some(open)
}

/// An answer that this build does not understand.
pub(super) fn odd(what: &str) -> Unavailable {
    Unavailable::Unknown(format!("Redis answered something odd: {what}"))
}
