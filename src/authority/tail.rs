//! `worldboss authority tail`: the event feed, for people and for other services.

use super::tools::{ToolArgs, boss_id, choose, reach, version};
use crate::signals;
use ::authority::Tail;
use anyhow::{Context, bail};
use clap::Args;
use clap::builder::FalseyValueParser;
use loadgen::driver::random_seed;
use loadgen::machine::grouped;
use protocol::{BossId, FeedEvent, Happened, Hurt, JournalId};
use score::FeedStart;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use ucore::Version;

#[derive(Debug, Args)]
#[command(after_help = "PROTOCOL.md, section 11, tells what the lines of --json mean.")]
pub(crate) struct TailArgs {
    #[command(flatten)]
    tool: ToolArgs,
    /// The boss [default: the only one].
    #[arg(long, env = "WORLDBOSS_BOSS", value_name = "N", value_parser = boss_id)]
    boss: Option<BossId>,
    /// Begin with this version; 1 is the oldest that can be shown [default: the last 10].
    #[arg(long, env = "WORLDBOSS_FROM", value_name = "VERSION", value_parser = version)]
    from: Option<Version>,
    /// Go on with what comes, also after the authority was away. With --boss, it may be away at the
    /// beginning, too.
    #[arg(long, env = "WORLDBOSS_FOLLOW", value_parser = FalseyValueParser::new())]
    follow: bool,
}

/// Entries that are shown if nobody says where to begin.
const LAST: u64 = 10;

/// Tells the log until its end, or until it is asked to stop.
pub(crate) async fn run(args: TailArgs) -> anyhow::Result<ExitCode> {
    let authority = reach(&args.tool.authority)?;
    // Who names the boss may come before the authority is there.
    let boss = match args.boss {
        Some(boss) if args.follow => boss,
        named => choose(&*authority, named).await?,
    };
    let start = args.from.map_or(FeedStart::Last(LAST), FeedStart::At);
    let tail = Tail::new(authority.clone(), boss, start, random_seed());
    // A task of its own: a reader that takes nothing more must not keep a signal from being heard.
    let telling = tokio::spawn(tell(tail, args.follow, args.tool.json));
    tokio::select! {
        told = telling => told.context("a task of this process has failed")?,
        asked = signals::asked() => Ok(ExitCode::from(asked?.code())),
        reason = authority.stopped() => bail!("the authority has stopped: {reason}"),
    }
}

async fn tell(mut tail: Tail, follow: bool, json: bool) -> anyhow::Result<ExitCode> {
    loop {
        let events = if follow { tail.follow().await? } else { tail.next().await? };
        if events.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        events.iter().for_each(note);
        let text = if json { json_lines(&events)? } else { events.iter().map(line).collect() };
        match write(&text) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            Err(error) => bail!("can't write to stdout: {error}; nothing after this was told"),
        }
    }
}

/// Many lines are one write.
fn write(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

pub(super) fn json_lines(events: &[FeedEvent]) -> serde_json::Result<String> {
    let mut text = String::new();
    for event in events {
        text += &serde_json::to_string(event)?;
        text.push('\n');
    }
    Ok(text)
}

/// What is no entry is for the person at the terminal, too.
pub(super) fn note(event: &FeedEvent) {
    match event.happened {
        Happened::Gone { from } => tracing::warn!(
            target: "worldboss",
            "versions {from} to {} are gone; {} is the oldest that can be shown",
            event.version, event.version.next(),
        ),
        Happened::RolledBack { was } => tracing::warn!(
            target: "worldboss",
            "the authority was rolled back from version {was} to {}", event.version,
        ),
        Happened::Spawn { .. }
        | Happened::Join { .. }
        | Happened::Enter { .. }
        | Happened::Push { .. }
        | Happened::Late { .. }
        | Happened::Term { .. }
        | Happened::Collect { .. }
        | Happened::Wait { .. }
        | Happened::Close { .. }
        | Happened::Credit { .. }
        | Happened::Reward { .. } => {}
    }
}

/// A line for people. [`note`] has told them what is gone.
pub(super) fn line(event: &FeedEvent) -> String {
    let words = match &event.happened {
        Happened::Spawn { generation, spec, .. } => {
            format!("generation {generation} begins: {}, {} HP", spec.name, grouped(spec.hp_max))
        }
        Happened::Join { journal, shard, parent, inherits } => {
            let after = parent.map_or_else(String::new, |parent| {
                let with = if *inherits { "with" } else { "without" };
                format!(" after {}, {with} its sessions", short(parent))
            });
            format!("journal {} of shard {shard} opens{after}", short(*journal))
        }
        Happened::Enter { generation, journal } => {
            format!("journal {} enters generation {generation}", short(*journal))
        }
        Happened::Push { hurt, phase, death } => {
            let phase = phase.map(|phase| format!("; phase {} begins", u16::from(phase) + 1));
            let death = if *death { "; the boss dies" } else { "" };
            format!("{}{}{death}", damage(hurt, "damage"), phase.unwrap_or_default())
        }
        Happened::Late { hurt } => damage(hurt, "late damage"),
        Happened::Term { term, executor } => {
            format!("term {term} begins: executor {} reigns", first_digits(&executor.to_string()))
        }
        Happened::Collect { generation, .. } => {
            format!("generation {generation} collects the last words of its journals")
        }
        Happened::Wait { generation, .. } => format!("generation {generation} waits"),
        Happened::Close { generation, closed, .. } => {
            format!("generation {generation}: the books are closed at version {}", closed.version)
        }
        Happened::Credit { generation, credits, .. } => {
            let players = count(credits.len() as u64, "player");
            format!("generation {generation}: the boss is divided among {players}")
        }
        Happened::Reward { generation, winners, .. } => {
            let players = count(winners.len() as u64, "player");
            format!("generation {generation}: {players} won rewards")
        }
        Happened::RolledBack { was } => {
            format!("all after this is void, up to version {was}: the authority was rolled back")
        }
        Happened::Gone { .. } => return String::new(),
    };
    format!("{:>8}  {words}\n", event.version)
}

fn damage(hurt: &Hurt, what: &str) -> String {
    let Hurt { generation, journal, to, damage, last, players, names, .. } = hurt;
    let damage = damage.map_or_else(|| "some".to_owned(), grouped);
    let (players, names) =
        (count(players.len() as u64, "player"), count(names.len() as u64, "name"));
    let last = if *last { "; it has said all" } else { "" };
    format!(
        "generation {generation}: {damage} {what}, {players}, {names}; journal {} is at {}{last}",
        short(*journal),
        grouped(*to)
    )
}

pub(super) fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}

/// Enough of an id for people.
pub(super) fn short(journal: JournalId) -> String {
    first_digits(&journal.to_string())
}

fn first_digits(id: &str) -> String {
    id.chars().take(8).collect()
}
