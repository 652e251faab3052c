//! `worldboss authority recover`: hands in what a shard had accepted that will not come back.

use super::tools::{ToolArgs, reach};
use crate::print;
use clap::Args;
use loadgen::machine::grouped;
use shard::{Recovered, RecoveredBook, recover};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    /// The data directory of the shard, or a copy of it. No process may use it.
    #[arg(long, env = "WORLDBOSS_JOURNAL", value_name = "DIR")]
    journal: PathBuf,
    #[command(flatten)]
    tool: ToolArgs,
}

/// Recovers a journal, and prints what became of its damage.
pub(crate) async fn run(args: RecoverArgs) -> anyhow::Result<ExitCode> {
    let authority = reach(&args.tool.authority)?;
    let recovered = recover(&args.journal, authority).await?;
    print(&if args.tool.json {
        serde_json::to_string(&recovered)? + "\n"
    } else {
        text(&recovered)?
    });
    Ok(ExitCode::SUCCESS)
}

fn text(recovered: &Recovered) -> Result<String, std::fmt::Error> {
    let Recovered { boss, shard, journal, successor, books, .. } = recovered;
    let mut out = String::new();
    let name = format!("journal {journal} of shard {shard}, boss {boss}");
    if recovered.is_newest {
        writeln!(out, "{name}, has said its last; its sessions go on in journal {successor}")?;
    } else {
        writeln!(
            out,
            "{name}, was known further than this directory, or another process has taken over from \
             it: the directory is a copy, or was rewound. Journal {successor} begins there without \
             sessions"
        )?;
    }
    if books.is_empty() {
        writeln!(out, "it holds no damage of a generation that is not over")?;
        return Ok(out);
    }
    let names = ["generation", "accepted", "counted", "of it new", "late", "of it new"];
    writeln!(out, "\n  {}", row(names))?;
    for book in books {
        writeln!(out, "  {}", line(book))?;
    }
    for book in books.iter().filter(|book| !book.is_kept) {
        writeln!(
            out,
            "\n  generation {} is over for longer than its books are kept: of it, only what is \
             late can be shown",
            book.generation
        )?;
    }
    Ok(out)
}

fn line(book: &RecoveredBook) -> String {
    let RecoveredBook { generation, accepted, counted, late, newly_counted, newly_late, .. } = book;
    let cells = [*accepted, *counted, *newly_counted, *late, *newly_late].map(grouped);
    let [accepted, counted, newly_counted, late, newly_late] = &cells;
    row([&generation.to_string(), accepted, counted, newly_counted, late, newly_late])
}

fn row([generation, accepted, counted, newly_counted, late, newly_late]: [&str; 6]) -> String {
    format!(
        "{generation:>10}  {accepted:>16}  {counted:>16}  {newly_counted:>12}  {late:>12}  \
         {newly_late:>12}"
    )
}
