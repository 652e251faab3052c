//! Bytes that nobody wrote, for every decoder and every machine.
//!
//! A target's body takes any bytes and panics when something is wrong. Three callers run the same
//! bodies: libFuzzer (`cargo xtask fuzz`), the replay of the corpus (`cargo test -p fuzz`), and
//! `cargo run -p fuzz TARGET FILE...` for a closer look at one input.

mod draw;
mod anything;
mod check;
mod values;
mod messages;
mod log;
mod records;
mod texts;
mod machines;

/// One way into the code.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// What becomes of the bytes.
    pub what: &'static str,
    /// Panics when something is wrong.
    pub body: fn(&[u8]),
}

/// Bytes of an input. Longer ones find nothing that shorter ones don't, and take longer.
pub const INPUT_BYTES_MAX: usize = 1024;

macro_rules! targets {
    ($($name:ident: $body:path, $what:literal;)+) => {
        /// All targets: what decodes first, the machines behind it.
        pub const TARGETS: &[Target] = &[$(
            Target { name: stringify!($name), what: $what, body: $body },
        )+];
    };
}

targets! {
    ucore_decode: values::decode, "values and updates of every structure";
    ucore_apply: values::apply, "a value and updates of it";
    player_message: messages::player, "a message of a player";
    shard_message: messages::shard, "a message of a shard";
    sync_request: messages::request, "a numbered request to an authority";
    sync_answer: messages::answer, "a numbered answer of an authority";
    entry: log::entry, "an entry of a log: line and blob";
    snapshot: log::snapshot, "a boss's value, from a store or in a page of a log";
    records: records::authority, "what else a store of the authority holds";
    journal: records::journal, "a shard's checkpoint, intent and tick records";
    redis_answer: records::redis, "what a Redis answers";
    scenario: texts::scenario, "a scenario file";
    feed_line: texts::feed_line, "a line of the event feed";
    ledger: texts::ledger, "a ledger, and the oracle that is told of it";
    arguments: texts::arguments, "addresses, ids and thresholds of a command line";
    authority: machines::authority, "requests to the authority's machine";
    group: machines::group, "requests to the machines of shared structures";
    audit: machines::audit, "entries for a follower and for the audit beside it";
    saga: machines::saga, "answers and sightings for an executor";
    opening: machines::opening, "a disk and answers for a process that joins";
    shard: machines::shard, "players, ticks, syncs and answers for a shard's machine";
    feed: machines::feed, "pages and truths for an event feed";
    bot: machines::bot, "messages for a bot";
}

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
