//! Groups in Redis: several processes serve one group, and the rules run where its log is.
//!
//! A commit is as durable as a push: in the memory of the master, on its disk as `appendfsync`
//! says, and on its way to the replicas. A fail-over to a replica that lags takes back the newest
//! entries, and what was remembered of their writers and values with them, as one. Whoever has seen
//! such an entry notices by its chain, and is given a base to begin anew; a writer whose answered
//! proposal is gone is told the number that is wanted next.

mod page;
mod news;

use super::Redis;
use super::library::Function;
use super::reply::{Reply, odd};
use crate::machine::group::Keep;
use crate::machine::refused;
use page::Told;
use protocol::limits::READ_WAIT_MS_MAX;
use protocol::{
    Checkpoint, Dispute, Follow, Found, Founded, GroupAnswer, GroupEntry, GroupName, GroupRefusal,
    GroupRequest, Kept, Leave, Propose, ProposeVerdict, Proposed, Seen, StateHash, Unavailable,
};
use redis::{Cmd, Value};
use std::time::Duration;
use tokio::time::Instant;
use ucore::{Bin, Blob, Chain, Version, WriterId};

pub(super) use news::News;
pub(super) use page::{entries_of, read_told};

/// The set of all groups, in a slot of its own.
const REGISTRY: &str = "worldboss:groups";

/// The kinds of a group's keys, in the order in which the functions take them.
const KEYS: [&str; 3] = ["state", "log", "kept"];

/// A key of a group. Its hash tag keeps all of them in one slot.
fn key_of(group: &GroupName, kind: &str) -> String {
    format!("{{group:{group}}}:{kind}")
}

/// What a function about a group answers.
enum Called {
    /// Its word, and the rest.
    Done(String, Reply),
    Refused(GroupRefusal),
}

impl Redis {
    /// Carries out what is asked of a group.
    pub(super) async fn group(&self, request: GroupRequest) -> Result<GroupAnswer, Unavailable> {
        if let Err(why) = request.group().check() {
            return Ok(refused(why));
        }
        match request {
            GroupRequest::Found(found) => self.found(&found).await,
            GroupRequest::Propose(propose) => self.propose(&propose).await,
            GroupRequest::Follow(follow) => self.follow(&follow).await,
            GroupRequest::Checkpoint(checkpoint) => self.checkpoint(&checkpoint).await,
            GroupRequest::Dispute(dispute) => self.dispute(&dispute).await,
            GroupRequest::Leave(leave) => self.leave(&leave).await,
        }
    }

    async fn found(&self, found: &Found) -> Result<GroupAnswer, Unavailable> {
        let mut answer = self.look_for(found, false).await?;
        if matches!(answer, Called::Refused(GroupRefusal::NoGroup)) && found.create {
            // The list is in another slot. A group that is on it and was never begun has its place.
            let name = found.group.to_string();
            let register = self.command_on(
                Function::Register,
                |_| REGISTRY.to_owned(),
                |command| {
                    command.arg(name);
                },
            );
            if let Called::Refused(why) = opened(self.shared.link.call(&register).await?)? {
                return Ok(refused(why));
            }
            answer = self.look_for(found, true).await?;
        }
        Ok(match answer {
            Called::Done(_, mut reply) => {
                GroupAnswer::Founded(Founded { head: position(&mut reply)? })
            }
            Called::Refused(why) => refused(why),
        })
    }

    async fn look_for(&self, found: &Found, create: bool) -> Result<Called, Unavailable> {
        let start = found.schema.start().chain;
        self.call_group(&found.group, Function::Found, |command| {
            command.arg(found.schema.to_string()).arg(start.to_string()).arg(u8::from(create));
        })
        .await
    }

    async fn propose(&self, propose: &Propose) -> Result<GroupAnswer, Unavailable> {
        let Propose { group, schema, edit, expect, seen } = propose;
        let size = edit.updates.len();
        // What is too long is refused in its turn, and need not travel.
        let may_fit = size <= self.shared.bounds.updates_bytes;
        let bytes = if may_fit { Blob::of(edit) } else { Blob::default() };
        let called = self.call_group(group, Function::Propose, |command| {
            command.arg(schema.to_string()).arg(edit.writer.0.to_string()).arg(edit.seq);
            command.arg(u8::from(edit.ordered)).arg(size).arg(&bytes[..]);
            write_maybe(*expect, command);
            write_seen(*seen, command);
        });
        let mut reply = match called.await? {
            Called::Done(_, reply) => reply,
            Called::Refused(why) => return Ok(refused(why)),
        };
        let verdict = reply.text()?;
        let verdict = self::verdict(&verdict).ok_or_else(|| odd(&verdict))?;
        let (version, want) = (Version(reply.number()?), reply.number()?);
        let chain = reply.text()?;
        let told = Told::read(&mut reply)?;
        let own = match verdict {
            ProposeVerdict::Committed => {
                let chain = Chain(chain.parse().map_err(|_| odd("a commit without a chain"))?);
                Some(GroupEntry { version, chain, edit: bytes })
            }
            ProposeVerdict::Duplicate
            | ProposeVerdict::Conflict
            | ProposeVerdict::Gap
            | ProposeVerdict::Old
            | ProposeVerdict::Forgotten => None,
        };
        let bare = told.bare(own.as_ref());
        // Without it, the verdict stands nevertheless.
        let page = self.group_page(group, told, own).await.unwrap_or(bare);
        Ok(GroupAnswer::Proposed(Proposed { verdict, version, want, page }))
    }

    async fn follow(&self, follow: &Follow) -> Result<GroupAnswer, Unavailable> {
        let end =
            Instant::now() + Duration::from_millis(follow.wait_ms.min(READ_WAIT_MS_MAX).into());
        // A reader that is at work spares everybody else the way.
        if let Some(page) = self.page_of_news(follow, end).await {
            return Ok(GroupAnswer::Page(page));
        }
        let told = match self.told_of(follow).await? {
            Ok(told) => told,
            Err(why) => return Ok(refused(why)),
        };
        let Some(head) = told.end().filter(|_| Instant::now() < end) else {
            return Ok(GroupAnswer::Page(self.group_page(&follow.group, told, None).await?));
        };
        if let Some(page) = self.next_page(follow, head, told.newest, end).await? {
            return Ok(GroupAnswer::Page(page));
        }
        // The log was taken back while it waited.
        Ok(match self.told_of(follow).await? {
            Ok(told) => GroupAnswer::Page(self.group_page(&follow.group, told, None).await?),
            Err(why) => refused(why),
        })
    }

    /// What the functions tell of a page, or why there is none.
    async fn told_of(&self, follow: &Follow) -> Result<Result<Told, GroupRefusal>, Unavailable> {
        let called = self.call_group(&follow.group, Function::Follow, |command| {
            command.arg(follow.schema.to_string());
            match follow.seen {
                Some(seen) => write_seen(seen, command),
                None => {
                    command.arg("-").arg("-");
                }
            }
            write_maybe(follow.distrust, command);
        });
        Ok(match called.await? {
            Called::Done(_, mut reply) => Ok(Told::read(&mut reply)?),
            Called::Refused(why) => Err(why),
        })
    }

    async fn checkpoint(&self, it: &Checkpoint) -> Result<GroupAnswer, Unavailable> {
        let size = it.value.len();
        let may_fit = size <= self.shared.bounds.value_bytes;
        let is_right = may_fit && StateHash::of_bytes(&it.value) == it.hash;
        // A value that is not kept need not travel.
        let value = if is_right { &it.value[..] } else { &[] };
        let command = self.group_command(&it.group, Function::Checkpoint, |command| {
            command.arg(it.schema.to_string()).arg(it.keeper.0.to_string());
            write_seen(it.at, command);
            command.arg(it.hash.0.to_string()).arg(size).arg(u8::from(is_right)).arg(value);
        });
        self.kept(&it.group, opened(self.shared.link.call_large(&command).await?)?)
    }

    async fn dispute(&self, it: &Dispute) -> Result<GroupAnswer, Unavailable> {
        let called = self.call_group(&it.group, Function::Dispute, |command| {
            command.arg(it.schema.to_string()).arg(it.version.0);
        });
        self.kept(&it.group, called.await?)
    }

    async fn leave(&self, it: &Leave) -> Result<GroupAnswer, Unavailable> {
        let called = self.call_group(&it.group, Function::Leave, |command| {
            command.arg(it.writer.0.to_string());
        });
        self.kept(&it.group, called.await?)
    }

    fn kept(&self, group: &GroupName, called: Called) -> Result<GroupAnswer, Unavailable> {
        let (word, mut reply) = match called {
            Called::Done(word, reply) => (word, reply),
            Called::Refused(why) => return Ok(refused(why)),
        };
        let newest = keep(&mut reply)?;
        if word == "disputed" {
            let keeper = reply.text()?;
            tracing::warn!(
                target: "worldboss::authority",
                "group {group}: the newest value, which {keeper} has brought, is not what the log \
                 makes; it is dropped, and nothing more is taken from that keeper",
            );
        }
        self.shared.news.hear_keep(group, newest.as_ref());
        Ok(GroupAnswer::Kept(Kept { kept: newest.as_ref().map(Keep::mark) }))
    }

    /// Calls a function about a group.
    async fn call_group(
        &self,
        group: &GroupName,
        function: Function,
        args: impl FnOnce(&mut Cmd),
    ) -> Result<Called, Unavailable> {
        let command = self.group_command(group, function, args);
        opened(self.shared.link.call(&command).await?)
    }

    fn group_command(
        &self,
        group: &GroupName,
        function: Function,
        args: impl FnOnce(&mut Cmd),
    ) -> Cmd {
        self.command_on(function, |idx| key_of(group, KEYS[idx]), args)
    }
}

fn opened(value: Value) -> Result<Called, Unavailable> {
    let (word, mut reply) = Reply::begin(value)?;
    if word != "refused" {
        return Ok(Called::Done(word, reply));
    }
    let why = reply.text()?;
    refusal(&why).map(Called::Refused).ok_or_else(|| odd(&why))
}

fn refusal(word: &str) -> Option<GroupRefusal> {
    Some(match word {
        "no_group" => GroupRefusal::NoGroup,
        "schema" => GroupRefusal::Schema,
        "too_large" => GroupRefusal::TooLarge,
        "full" => GroupRefusal::Full,
        "too_many_groups" => GroupRefusal::TooManyGroups,
        "too_many_writers" => GroupRefusal::TooManyWriters,
        "not_a_mark" => GroupRefusal::NotAMark,
        "not_in_the_log" => GroupRefusal::NotInTheLog,
        "too_old" => GroupRefusal::TooOld,
        "wrong_hash" => GroupRefusal::WrongHash,
        "barred" => GroupRefusal::Barred,
        _ => return None,
    })
}

fn verdict(word: &str) -> Option<ProposeVerdict> {
    Some(match word {
        "committed" => ProposeVerdict::Committed,
        "duplicate" => ProposeVerdict::Duplicate,
        "conflict" => ProposeVerdict::Conflict,
        "gap" => ProposeVerdict::Gap,
        "old" => ProposeVerdict::Old,
        "forgotten" => ProposeVerdict::Forgotten,
        _ => return None,
    })
}

fn write_seen(seen: Seen, to: &mut Cmd) {
    to.arg(seen.version.0).arg(seen.chain.to_string());
}

fn write_maybe(version: Option<Version>, to: &mut Cmd) {
    match version {
        Some(version) => to.arg(version.0),
        None => to.arg("-"),
    };
}

fn position(reply: &mut Reply) -> Result<Seen, Unavailable> {
    let version = Version(reply.number()?);
    Ok(Seen { version, chain: Chain(reply.number::<Bin<20>>()?) })
}

/// The newest value that is kept, if there is one.
fn keep(reply: &mut Reply) -> Result<Option<Keep>, Unavailable> {
    let told = reply.text()?;
    if told == "-" {
        return Ok(None);
    }
    read_keep(&told).map(Some).ok_or_else(|| odd("a kept value that is none"))
}

fn read_keep(told: &str) -> Option<Keep> {
    let mut words = told.split(' ');
    let mut word = || words.next();
    let version = Version(word()?.parse().ok()?);
    let chain = Chain(word()?.parse().ok()?);
    // Bytes of the log up to there.
    word()?;
    let hash = StateHash(word()?.parse().ok()?);
    let (bytes, keeper) = (word()?.parse().ok()?, WriterId(word()?.parse().ok()?));
    Some(Keep { at: Seen { version, chain }, hash, bytes, keeper })
}
