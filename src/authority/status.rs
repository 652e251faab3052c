//! `worldboss authority status`: the truth, and the journals that made it.

use super::tail::count;
use super::tools::{ToolArgs, boss_id, choose, fold, reach};
use crate::print;
use ::authority::Authority;
use anyhow::Context;
use clap::Args;
use loadgen::machine::grouped;
use protocol::{
    BossId, ExecutorId, Gen, JournalId, Ledger, LedgerJournal, Progress, Reign, Seen, Settlement,
    ShardId, Snapshot,
};
use serde::Serialize;
use std::fmt::Write;
use std::process::ExitCode;
use std::sync::Arc;
use ucore::Bin;

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    tool: ToolArgs,
    /// The boss [default: the only one].
    #[arg(long, env = "WORLDBOSS_BOSS", value_name = "N", value_parser = boss_id)]
    boss: Option<BossId>,
}

/// A boss at one version: the sums are those of its journals.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub(super) boss: BossId,
    pub(super) name: String,
    #[serde(flatten)]
    at: Seen,
    pub(super) generation: Gen,
    pub(super) status: &'static str,
    pub(super) hp: u64,
    pub(super) hp_max: u64,
    phase: u8,
    phase_name: String,
    #[serde(skip)]
    phases: usize,
    /// Players online on all shards; none of a version of the past.
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<u32>,
    damage: u64,
    late: u64,
    /// Players with damage, each counted once.
    players: usize,
    /// How it came to its end, once its books are closed.
    settlement: Option<Settled>,
    journals: Vec<Journal>,
}

#[derive(Debug, Serialize)]
struct Settled {
    closed: Seen,
    /// Players who have a share of the boss, and the sum of the shares.
    players: usize,
    credits: u64,
    /// Players who have won rewards, and how many these are.
    winners: usize,
    rewards: usize,
}

#[derive(Debug, Serialize)]
struct Journal {
    shard: Option<ShardId>,
    journal: JournalId,
    finished: bool,
    /// Polls of executors since it was heard, while it has not said all.
    silent_polls: Option<u64>,
    applied: u64,
    late: u64,
    players: usize,
}

/// Who only looks.
const NOBODY: ExecutorId = ExecutorId(Bin([0; 16]));

/// Prints the status of one boss.
pub(crate) async fn run(args: StatusArgs) -> anyhow::Result<ExitCode> {
    let authority = reach(&args.tool.authority)?;
    let boss = choose(&*authority, args.boss).await?;
    let status = Status::of(&authority, boss).await?;
    if args.tool.json {
        print(&(serde_json::to_string(&status)? + "\n"));
    } else {
        print(&status.text()?);
    }
    Ok(ExitCode::SUCCESS)
}

impl Status {
    /// Asks for the players online and who was heard, which are in no log, and folds everything
    /// else.
    pub(super) async fn of(authority: &Arc<dyn Authority>, boss: BossId) -> anyhow::Result<Self> {
        let (supersedes, suspects) = (None, Vec::new());
        let look = Reign { boss, executor: NOBODY, supersedes, suspects };
        let progress = authority.reign(look).await?;
        let value = fold(authority, boss).await?;
        let status = Self::at(boss, &value).context("the log has no entry yet; ask again")?;
        Ok(status.with(&progress))
    }

    /// Adds what is in no log.
    fn with(mut self, progress: &Progress) -> Self {
        self.online = Some(progress.truth.players);
        for journal in self.journals.iter_mut().filter(|journal| !journal.finished) {
            let open = progress.open.iter().find(|open| open.journal == journal.journal);
            journal.silent_polls = open.map(|open| progress.polls.saturating_sub(open.heard));
        }
        self
    }

    /// What the log says at a version.
    pub(super) fn at(id: BossId, value: &Snapshot) -> Option<Self> {
        let Snapshot { version, chain, boss } = value;
        let (generation, life) = boss.current()?;
        let ledger = Ledger::of(id, boss, *version, *chain);
        let book = ledger.generations.into_iter().last()?;
        let phase_name = life.spec.phases.get(usize::from(life.phase));
        Some(Self {
            boss: id,
            name: life.spec.name.clone(),
            at: Seen { version: *version, chain: *chain },
            generation,
            status: life.status.name(),
            hp: life.hp(),
            hp_max: life.spec.hp_max,
            phase: life.phase,
            phase_name: phase_name.map(|phase| phase.name.clone()).unwrap_or_default(),
            phases: life.spec.phases.len(),
            online: None,
            damage: book.damage,
            late: book.late,
            players: book.players().len(),
            settlement: Settled::of(&life.settlement),
            journals: book.journals.iter().map(Journal::of).collect(),
        })
    }

    pub(super) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        let Self { boss, name, generation, status, phase_name, .. } = self;
        let (hp, hp_max) = (self.hp, self.hp_max);
        writeln!(out, "{name} (boss {boss})\n")?;
        writeln!(out, "  generation  {generation}, {status}")?;
        let (left, all) = (grouped(hp), grouped(hp_max));
        let (percent, bar) = (percent(hp, hp_max), bar(hp, hp_max));
        writeln!(out, "  HP          {left} of {all}, {percent}  [{bar}]")?;
        writeln!(out, "  phase       {phase_name} ({} of {})", self.phase + 1, self.phases)?;
        if let Some(online) = self.online {
            writeln!(out, "  players     {} online", grouped(online.into()))?;
        }
        if let Some(settled) = &self.settlement {
            writeln!(out, "  settlement  {}", settled.text())?;
        }
        writeln!(out, "  version     {}, chain {}\n", self.at.version, self.at.chain)?;
        let names = ["shard", "journal", "finished", "heard", "damage", "late", "players"];
        writeln!(out, "  {}", row(names))?;
        for journal in &self.journals {
            writeln!(out, "  {}", journal.row())?;
        }
        let (damage, late) = (grouped(self.damage), grouped(self.late));
        let all = row(["", "all", "", "", &damage, &late, &grouped(self.players as u64)]);
        writeln!(out, "  {all}")?;
        Ok(out)
    }
}

impl Settled {
    fn of(settlement: &Settlement) -> Option<Self> {
        let Settlement { closed, credits, grants } = settlement;
        Some(Self {
            closed: (*closed)?,
            players: credits.len(),
            credits: credits.iter().map(|line| line.credit).sum(),
            winners: grants.len(),
            rewards: grants.values().map(Vec::len).sum(),
        })
    }

    fn text(&self) -> String {
        let mut text = format!("books closed at version {}", self.closed.version);
        if self.players > 0 {
            let players = count(self.players as u64, "player");
            text += &format!("; {} HP divided among {players}", grouped(self.credits));
        }
        if self.rewards > 0 {
            let rewards = count(self.rewards as u64, "reward");
            text += &format!("; {rewards} to {}", count(self.winners as u64, "player"));
        }
        text
    }
}

impl Journal {
    fn of(book: &LedgerJournal) -> Self {
        let LedgerJournal { journal, shard, finished, applied, late, ref players } = *book;
        let (silent_polls, players) = (None, players.len());
        Self { shard, journal, finished, silent_polls, applied, late, players }
    }

    fn row(&self) -> String {
        let shard = self.shard.map_or_else(|| "-".to_owned(), |shard| shard.to_string());
        let finished = if self.finished { "yes" } else { "no" };
        let heard = match self.silent_polls {
            None => "-".to_owned(),
            Some(0) => "now".to_owned(),
            Some(polls) => format!("{} ago", count(polls, "poll")),
        };
        let (applied, late) = (grouped(self.applied), grouped(self.late));
        let players = grouped(self.players as u64);
        row([&shard, &self.journal.to_string(), finished, &heard, &applied, &late, &players])
    }
}

fn row([shard, journal, finished, heard, damage, late, players]: [&str; 7]) -> String {
    format!(
        "{shard:>5}  {journal:<32}  {finished:<8}  {heard:<13}  {damage:>16}  {late:>12}  \
         {players:>9}"
    )
}

/// With one decimal, and rounded up: 0 is dead.
pub(super) fn percent(hp: u64, hp_max: u64) -> String {
    let tenths = share(hp, hp_max, 1_000);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn bar(hp: u64, hp_max: u64) -> String {
    const CELLS: usize = 30;
    let full = usize::try_from(share(hp, hp_max, CELLS as u128)).unwrap_or(CELLS);
    format!("{}{}", "#".repeat(full), "-".repeat(CELLS - full.min(CELLS)))
}

/// How many of so many parts HP still fills, the last one in part.
fn share(hp: u64, hp_max: u64, parts: u128) -> u128 {
    (u128::from(hp) * parts).div_ceil(u128::from(hp_max.max(1)))
}
