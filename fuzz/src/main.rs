//! Runs a target over files, for a closer look at one input: `cargo run -p fuzz TARGET FILE...`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]

use fuzz::TARGETS;
use std::process::ExitCode;

/// The first input that fails ends it, with its panic.
fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let Some(target) = args.next().and_then(|name| fuzz::target(&name)) else {
        eprintln!("usage: cargo run -p fuzz TARGET FILE...\n\nThe targets are:");
        TARGETS.iter().for_each(|target| eprintln!("  {:<15} {}", target.name, target.what));
        return ExitCode::from(2);
    };
    for file in args {
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) => {
                eprintln!("{file} can't be read: {error}");
                return ExitCode::FAILURE;
            }
        };
        println!("{file}, {} bytes", bytes.len());
        (target.body)(&bytes);
    }
    ExitCode::SUCCESS
}
