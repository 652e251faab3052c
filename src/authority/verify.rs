//! `worldboss authority verify`: adds the books up a second time, from the log.

use super::tools::reach;
use super::tools::{ToolArgs, boss_id, choose, read};
use crate::print;
use ::authority::Authority;
use ::authority::machine::{Account, Audit, Imbalance, JournalAccount};
use anyhow::{Context, anyhow};
use clap::Args;
use loadgen::machine::grouped;
use protocol::{BossId, Seen};
use serde::Serialize;
use std::fmt::Write;
use std::process::ExitCode;
use ucore::Version;

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    tool: ToolArgs,
    /// The boss [default: all].
    #[arg(long, env = "WORLDBOSS_BOSS", value_name = "N", value_parser = boss_id)]
    boss: Option<BossId>,
}

/// Where the cures stand that are too long for a sentence.
const CURE: &str = "OPERATIONS.md, section *When something is broken*, says what to do";

/// A log in which everything adds up.
#[derive(Debug, Serialize)]
struct Verified {
    boss: BossId,
    name: String,
    /// The log was read from here on; what was before is taken over.
    since: Version,
    #[serde(flatten)]
    at: Seen,
    generations: Vec<Account>,
}

/// Prints the account of one boss, or of all.
pub(crate) async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let authority = reach(&args.tool.authority)?;
    let bosses = match args.boss {
        Some(_) => vec![choose(&*authority, args.boss).await?],
        None => authority.bosses().await?,
    };
    for boss in bosses {
        let verified = verify(&*authority, boss).await.with_context(|| format!("boss {boss}"))?;
        print(&if args.tool.json {
            serde_json::to_string(&verified)? + "\n"
        } else {
            verified.text()?
        });
    }
    Ok(ExitCode::SUCCESS)
}

/// What an authority's roll-back, while its log is read, makes of it, a second reading does not
/// find again.
async fn verify(authority: &dyn Authority, boss: BossId) -> anyhow::Result<Verified> {
    let audited = match audit(authority, boss).await {
        Err(error) if error.is::<Imbalance>() => audit(authority, boss).await,
        audited => audited,
    };
    audited.map_err(|error| match error.downcast::<Imbalance>() {
        Ok(found) => anyhow!("{found}; {CURE}"),
        Err(error) => error,
    })
}

async fn audit(authority: &dyn Authority, boss: BossId) -> anyhow::Result<Verified> {
    let truth = authority.truth(boss).await?;
    let audit = read(authority, boss, truth.version, Audit::new, Audit::handle_entry).await?;
    audit.handle_truth(&truth)?;
    let life = audit.value().boss.current().map(|(_, life)| life);
    Ok(Verified {
        boss,
        name: life.map(|life| life.spec.name.clone()).unwrap_or_default(),
        since: audit.since(),
        at: truth.seen(),
        generations: audit.accounts(),
    })
}

impl Verified {
    fn text(&self) -> Result<String, std::fmt::Error> {
        let Self { boss, name, since, at, .. } = self;
        let mut out = String::new();
        let (from, to) = (since.next(), at.version);
        writeln!(out, "{name} (boss {boss}): everything adds up, versions {from} to {to}\n")?;
        let names = ["gen", "status", "HP", "counted", "overkill", "late", "players", "journals"];
        writeln!(out, "  {}{}", row(names), end(["closed at", "waited", "credits", "rewards"]))?;
        for account in &self.generations {
            writeln!(out, "  {}", line(account))?;
        }
        for account in self.generations.iter().filter(|account| account.taken_over) {
            writeln!(
                out,
                "\n  generation {} began before version {from}: what it was at {since} is taken \
                 over as it is kept there, and adds up in itself",
                account.generation
            )?;
        }
        for account in &self.generations {
            for part in account.journals.iter().filter(|part| part.missing) {
                writeln!(out, "\n  generation {}: {}", account.generation, missing(part))?;
            }
        }
        out.push('\n');
        Ok(out)
    }
}

fn missing(part: &JournalAccount) -> String {
    let JournalAccount { journal, counted, late, .. } = part;
    let shard = part.shard.map_or_else(|| "?".to_owned(), |shard| shard.to_string());
    format!(
        "journal {journal} of shard {shard} had not said its last when the books closed: {} \
         counted, {} late",
        grouped(*counted),
        grouped(*late)
    )
}

fn line(account: &Account) -> String {
    let closed = account.closed.map_or_else(|| "-".to_owned(), |at| at.version.to_string());
    let (players, journals) = (account.players as u64, account.journals.len() as u64);
    let numbers = [account.hp_max, account.counted, account.overkill, account.late, players];
    let [hp, counted, overkill, late, players] = numbers.map(grouped);
    let generation = account.generation.to_string();
    let front = row([
        &generation,
        account.status.name(),
        &hp,
        &counted,
        &overkill,
        &late,
        &players,
        &grouped(journals),
    ]);
    let rewards = grouped(account.rewards as u64);
    let waited = format!("{} s", grouped(account.waited_s.into()));
    front + &end([&closed, &waited, &grouped(account.credits), &rewards])
}

fn row(cells: [&str; 8]) -> String {
    let [generation, status, hp, counted, overkill, late, players, journals] = cells;
    format!(
        "{generation:>4}  {status:<10}  {hp:>14}  {counted:>14}  {overkill:>9}  {late:>9}  \
         {players:>8}  {journals:>8}"
    )
}

fn end([closed, waited, credits, rewards]: [&str; 4]) -> String {
    format!("  {closed:>9}  {waited:>7}  {credits:>14}  {rewards:>7}")
}
