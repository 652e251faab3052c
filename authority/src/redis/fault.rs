//! What a Redis says when it does not do what it was asked, and what to do about it.

use protocol::Unavailable;
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// What a failed call means for its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaction {
    /// The node does not have the functions: load them, and ask again.
    Load,
    /// The connection leads to the wrong place, or nowhere: make a new one.
    Reconnect,
    /// The connection is as good as before.
    Keep,
}

/// How a connection has to react to an error.
pub(super) fn reaction(error: &RedisError) -> Reaction {
    let demoted = [ServerErrorKind::ReadOnly, ServerErrorKind::MasterDown].map(ErrorKind::Server);
    if text(error).contains("Function not found") {
        Reaction::Load
    } else if demoted.contains(&error.kind()) || error.code().is_none() {
        Reaction::Reconnect
    } else {
        Reaction::Keep
    }
}

/// The server's own words.
fn text(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        (_, Some(detail)) => detail.to_owned(),
        (Some(code), None) => code.to_owned(),
        (None, None) => error.to_string(),
    }
}

/// What an error in an answer, or in the place of one, means to who asked.
pub(super) fn explain(error: &RedisError) -> Unavailable {
    let said = text(error);
    let cure = cure(&said).map(|cure| format!(": {cure}")).unwrap_or_default();
    // What the server refuses with words of its own was not carried out.
    if error.code().is_some() {
        Unavailable::Refused(format!("Redis says `{said}`{cure}"))
    } else {
        Unavailable::Unknown(format!("the connection to Redis failed: {said}{cure}"))
    }
}

/// What an error means for a request that never left.
pub(super) fn explain_unsent(error: &RedisError, address: &str) -> Unavailable {
    let said = text(error);
    Unavailable::Refused(match cure(&said) {
        Some(cure) => format!("Redis says `{said}`: {cure}"),
        None => format!("can't reach {address}: {said}; start it, or check the address"),
    })
}

/// By the beginning of what a server says, or by words in it or in the library's place of it.
const CURES: &[(&str, &str)] = &[
    ("WRONGPASS", "the user or password is wrong; write redis://USER:PASSWORD@HOST:PORT"),
    (
        "Password authentication failed",
        "the user or password is wrong; write redis://USER:PASSWORD@HOST:PORT",
    ),
    ("NOAUTH", "it wants a user and a password; write redis://USER:PASSWORD@HOST:PORT"),
    (
        "NOPERM",
        "its user may not do this; give the user the rights that OPERATIONS.md names, and load the \
         functions with `worldboss authority load` as a user who may",
    ),
    ("READONLY", "it is a replica now; name its master, or repair the fail-over"),
    ("OOM", "its memory is full; raise `maxmemory`, and leave `maxmemory-policy` at `noeviction`"),
    ("MISCONF", "it can't write to its own disk; make room there, then it goes on by itself"),
    ("NOREPLICAS", "too few replicas are in sync; start them, or lower min-replicas-to-write"),
    (
        "WRONGTYPE",
        "another program has written to this boss's keys, or this group's; move them away, or name \
         another database",
    ),
    ("LOADING", "it reads its data from the disk; this passes"),
    ("BUSY", "a script keeps it busy; end that one with FUNCTION KILL or SCRIPT KILL"),
    ("MASTERDOWN", "it is a replica that has lost its master; repair that"),
    ("CLUSTERDOWN", "its cluster has slots that nobody serves; repair the cluster"),
    ("TRYAGAIN", "the slot is moving to another node; this passes"),
    ("CROSSSLOT", "keys of one call are in different slots, which is a bug of this program"),
    ("BADARG", "which is a bug of this program"),
    (
        "LAYOUT",
        "another build has begun this boss or group; use it with that one, or name another \
         database",
    ),
    (
        "RIGHTS",
        "its user may not run a command that the functions need; give it the rights that \
         OPERATIONS.md names",
    ),
    ("unknown command", "it is too old, or the command was renamed; Redis 7.0 or newer is needed"),
    ("Function not found", "load the functions with `worldboss authority load`"),
    ("cluster support disabled", "it is no cluster; write redis:// instead of redis-cluster://"),
];

fn cure(said: &str) -> Option<&'static str> {
    let word = said.split(' ').next().unwrap_or_default();
    let by_word = CURES.iter().find(|(sign, _)| *sign == word);
    let found = by_word.or_else(|| CURES.iter().find(|(sign, _)| said.contains(sign)));
    found.map(|(_, cure)| *cure)
}
