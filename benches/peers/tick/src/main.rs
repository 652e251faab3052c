//! The same tick on other servers: every player hits twice a second and gets the boss's state ten
//! times a second. One client drives all of them, in alternating runs, and tables compare what each
//! server spends.

#![expect(clippy::disallowed_methods, reason = "a bench measures time, and waits for processes")]

mod state;
mod frame;
mod servers;
mod client;
mod harness;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What the tick costs worldboss, and what it costs others.
#[derive(Debug, Parser)]
#[command(name = "peers-tick")]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    options: harness::Options,
}

/// What this program starts of itself, in processes of their own.
#[derive(Debug, Subcommand)]
enum Part {
    /// One of the servers.
    #[command(hide = true)]
    Serve {
        /// Which one.
        served: servers::Served,
        /// Where it listens, on 127.0.0.1.
        #[arg(long)]
        port: u16,
        /// The Redis that it counts in.
        #[arg(long)]
        redis: Option<u16>,
    },
    /// The players.
    #[command(hide = true)]
    Client(client::Plan),
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.part {
        Some(Part::Serve { served, port, redis }) => {
            servers::serve(served, port, redis).map_err(|error| error.to_string())
        }
        Some(Part::Client(plan)) => client::run(plan),
        None => harness::run(args.options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}
