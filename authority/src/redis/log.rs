//! The log in Redis: a Stream whose entry ids are the versions.

use super::reply::odd;
use super::{Redis, key_of};
use protocol::limits::{LOG_PAGE_BYTES_MAX, LOG_PAGE_ENTRIES_MAX, READ_WAIT_MS_MAX};
use protocol::{BossId, Entry, LogPage, ReadLog, Snapshot, Unavailable, decode_record};
use redis::{Cmd, Value, cmd};
use std::time::Duration;
use ucore::{Bin, Chain, Version};

/// Entries of a page's first read, which tells how large they are.
const READ_ENTRIES: usize = 8;

impl Redis {
    /// A page of the log; at its end, waits until there is one.
    pub(super) async fn page(&self, page: ReadLog) -> Result<LogPage, Unavailable> {
        let base = self.base(page).await?;
        let after = base.as_ref().map_or(page.after, |base| base.version);
        let mut entries = self.entries(page.boss, after).await?;
        if entries.is_empty() && base.is_none() && page.wait_ms > 0 {
            entries = self.next_entries(page).await?;
        }
        if entries.first().is_some_and(|first| first.version != after.next()) {
            let why = "the log's beginning was dropped in the middle of a read; read again";
            return Err(Unavailable::Unknown(why.to_owned()));
        }
        Ok(LogPage { base: base.map(Box::new), entries })
    }

    /// The newest value that is kept: at the latest the one before the current generation.
    pub(super) async fn newest_base(&self, boss: BossId) -> Result<Snapshot, Unavailable> {
        let mut newest = cmd("HGET");
        newest.arg(key_of(boss, "bases")).arg("newest");
        if let Value::BulkString(newest) = self.read(newest).await? {
            return decode_record(&newest).map_err(|error| odd(&error.to_string()));
        }
        let mut newest = cmd("HGET");
        newest.arg(key_of(boss, "state")).arg("generation");
        let Value::BulkString(generation) = self.read(newest).await? else {
            return Err(Unavailable::NoBoss(boss));
        };
        self.base_of(boss, &generation).await
    }

    async fn base_of(&self, boss: BossId, generation: &[u8]) -> Result<Snapshot, Unavailable> {
        let mut base = cmd("HGET");
        base.arg(key_of(boss, "bases")).arg(generation);
        let Value::BulkString(base) = self.read(base).await? else {
            return Err(odd("a generation without its first value"));
        };
        decode_record(&base).map_err(|error| odd(&error.to_string()))
    }

    /// The oldest value, if the page asked for begins before it.
    async fn base(&self, page: ReadLog) -> Result<Option<Snapshot>, Unavailable> {
        let boss = page.boss;
        let mut oldest = cmd("HMGET");
        oldest.arg(key_of(boss, "state")).arg("base").arg("base_version");
        let oldest = self.read(oldest).await?;
        let Ok((generation, version)) = redis::from_redis_value::<(u32, u64)>(oldest) else {
            return Err(Unavailable::NoBoss(boss));
        };
        if Version(version) <= page.after {
            return Ok(None);
        }
        self.base_of(boss, generation.to_string().as_bytes()).await.map(Some)
    }

    /// One entry, if it is kept.
    pub(super) async fn entry(
        &self,
        boss: BossId,
        version: Version,
    ) -> Result<Option<Entry>, Unavailable> {
        let (mut range, id) = (cmd("XRANGE"), format!("{version}-0"));
        range.arg(key_of(boss, "log")).arg(&id).arg(&id);
        Ok(stream(self.read(range).await?)?.pop())
    }

    pub(super) async fn read(&self, command: Cmd) -> Result<Value, Unavailable> {
        self.shared.link.read(&command, Duration::ZERO).await
    }

    async fn entries(&self, boss: BossId, after: Version) -> Result<Vec<Entry>, Unavailable> {
        let (mut entries, mut bytes, mut after) = (Vec::<Entry>::new(), 0, after);
        let mut count = READ_ENTRIES;
        loop {
            let mut range = cmd("XRANGE");
            range.arg(key_of(boss, "log")).arg(format!("({after}-0")).arg("+");
            range.arg("COUNT").arg(count);
            let read = stream(self.read(range).await?)?;
            let is_end = read.len() < count;
            bytes += read.iter().map(|entry| entry.fields.len() + entry.blob.len()).sum::<usize>();
            entries.extend(read);
            let Some(last) = entries.last() else { return Ok(entries) };
            let room = LOG_PAGE_BYTES_MAX.saturating_sub(bytes);
            // Redis can bound the number of entries alone: as many as these may fit.
            count = (room * entries.len() / bytes.max(1)).min(LOG_PAGE_ENTRIES_MAX - entries.len());
            if is_end || count == 0 {
                return Ok(entries);
            }
            after = last.version;
        }
    }

    /// Waits for the entries after the log's end.
    async fn next_entries(&self, page: ReadLog) -> Result<Vec<Entry>, Unavailable> {
        let wait_ms = page.wait_ms.min(READ_WAIT_MS_MAX);
        let wait = Duration::from_millis(wait_ms.into());
        let read = waiting_read(page, wait_ms);
        let streams = self.shared.link.read(&read, wait).await?;
        let streams: Option<Vec<(String, Value)>> =
            redis::from_redis_value(streams).map_err(|_| odd("no stream"))?;
        match streams.into_iter().flatten().next() {
            Some((_, entries)) => stream(entries),
            None => Ok(Vec::new()),
        }
    }
}

fn waiting_read(page: ReadLog, wait_ms: u32) -> Cmd {
    let mut read = cmd("XREAD");
    read.arg("COUNT").arg(READ_ENTRIES).arg("BLOCK").arg(wait_ms).arg("STREAMS");
    read.arg(key_of(page.boss, "log")).arg(format!("{}-0", page.after));
    read
}

/// The entries of a stream, each as `[id, [field, value, ...]]`.
pub(super) fn stream(value: Value) -> Result<Vec<Entry>, Unavailable> {
    let Value::Array(items) = value else { return Err(odd("no entries")) };
    items.into_iter().map(|item| entry(item).ok_or_else(|| odd("an entry is unreadable"))).collect()
}

fn entry(item: Value) -> Option<Entry> {
    let (id, fields): (String, Vec<(String, Vec<u8>)>) = redis::from_redis_value(item).ok()?;
    let version = Version(id.strip_suffix("-0")?.parse().ok()?);
    let mut fields = fields.into_iter();
    let mut field = |name| fields.next().filter(|(key, _)| key == name).map(|(_, value)| value);
    let chain = String::from_utf8(field("chain")?).ok()?.parse::<Bin<20>>().ok()?;
    let line = String::from_utf8(field("fields")?).ok()?;
    Some(Entry { version, chain: Chain(chain), fields: line, blob: field("blob")? })
}
