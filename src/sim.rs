//! `worldboss loadgen sim`: whole worlds on simulated time, each from one seed.
#![expect(clippy::disallowed_methods, clippy::print_stderr, reason = "shows a person its progress")]

use crate::print;
use clap::Args;
use lab::sim::{Fault, Outcome, Sum, play, sweep};
use loadgen::machine::grouped;
use std::fmt::Write;
use std::num::NonZero;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A sweep of so many worlds meets every kind of fault; one that does not proves less than it says.
const WORLDS_THAT_MEET_ALL: u64 = 500;
/// From one line of progress to the next.
const PROGRESS: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(crate) struct SimArgs {
    /// How many worlds to play.
    #[arg(long, env = "WORLDBOSS_SEEDS", default_value_t = 200, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The seed of the first one; each world has the next seed.
    #[arg(long, env = "WORLDBOSS_FROM", default_value_t = 1, value_name = "SEED")]
    from: u64,
    /// Play the world of this seed alone, and tell what happens in it.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Play no more worlds once one has broken a promise.
    #[arg(long, env = "WORLDBOSS_STOP", conflicts_with = "seed")]
    stop: bool,
    /// Worlds at a time [default: one per core].
    #[arg(long, env = "WORLDBOSS_THREADS", value_name = "N")]
    threads: Option<NonZero<usize>>,
}

pub(crate) fn run(args: &SimArgs) -> ExitCode {
    let is_good = match args.seed {
        Some(seed) => replay(seed),
        None => play_all(args),
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays one world before everybody's eyes.
fn replay(seed: u64) -> bool {
    let outcome = play(seed, Some(Box::new(|line| print(&format!("{line}\n")))));
    let is_good = outcome.finding.is_none();
    let finding = outcome.finding.clone().unwrap_or_else(|| "every promise held".to_owned());
    let (hash, hits) = (outcome.hash, grouped(outcome.ended.hits));
    let mut sum = Sum::default();
    sum.add(outcome);
    let table = table(&sum);
    print(&format!(
        "\nseed {seed}: {finding}\n{hits} hits in {} s of its own time, trace hash {hash:016x}\n\
         {table}",
        sum.seconds,
    ));
    is_good
}

fn play_all(args: &SimArgs) -> bool {
    let threads =
        args.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let (began, mut sum) = (Instant::now(), Sum::default());
    let mut shown = began;
    let seeds = args.from..args.from.saturating_add(args.seeds);
    sweep(seeds, threads, |outcome: Outcome| {
        if let Some(finding) = &outcome.finding {
            eprintln!("seed {}: {finding}\n{}", outcome.seed, replay_command(outcome.seed));
        }
        sum.add(outcome);
        if shown.elapsed() >= PROGRESS {
            shown = Instant::now();
            let (done, all) = (sum.worlds, args.seeds);
            let per_s = done as f64 / began.elapsed().as_secs_f64();
            let found = sum.findings.len();
            eprintln!("{done} of {all} worlds, {per_s:.1} a second, {found} findings");
        }
        !args.stop || sum.findings.is_empty()
    });
    print(&report(&sum, began.elapsed(), args.from));
    sum.findings.is_empty() && unmet(&sum).is_empty()
}

/// The faults that a sweep ought to have met.
fn unmet(sum: &Sum) -> Vec<&'static str> {
    if sum.worlds < WORLDS_THAT_MEET_ALL {
        return Vec::new();
    }
    let unmet = Fault::ALL.iter().filter(|fault| !sum.worlds_met.contains_key(fault));
    unmet.map(|fault| fault.name()).collect()
}

fn replay_command(seed: u64) -> String {
    format!("    see it: worldboss loadgen sim --seed {seed}")
}

fn report(sum: &Sum, took: Duration, from: u64) -> String {
    let mut text = String::new();
    let took = took.as_secs_f64();
    let (worlds, ended) = (sum.worlds, sum.ended);
    let per_s = worlds as f64 / took;
    let to = from + worlds.saturating_sub(1);
    let lines = [
        format!("{worlds} worlds (seeds {from} to {to}) in {took:.1} s: {per_s:.1} a second"),
        format!(
            "{} s of their own time, {} events, all traces together {:016x}",
            grouped(sum.seconds),
            grouped(sum.events),
            sum.hash,
        ),
        format!(
            "{} hits, {} accepted, {} damage, {} of it late, {} taken back with a disk; {} \
             generations settled",
            grouped(ended.hits),
            grouped(ended.accepted),
            grouped(ended.damage),
            grouped(ended.late),
            grouped(ended.taken_back),
            grouped(ended.settled),
        ),
    ];
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    text.push('\n');
    text.push_str(&table(sum));
    let unmet = unmet(sum);
    if !unmet.is_empty() {
        let unmet = unmet.join(", ");
        let _ = writeln!(text, "\nnever met, so nothing is proven of it: {unmet}");
    }
    match sum.findings.as_slice() {
        [] => text.push_str("\nevery promise held\n"),
        findings => {
            let _ = writeln!(text, "\n{} findings:", findings.len());
            for (seed, finding) in findings {
                let _ = writeln!(text, "seed {seed}: {finding}\n{}", replay_command(*seed));
            }
        }
    }
    text
}

/// The faults that were met. A run that met none proves nothing.
fn table(sum: &Sum) -> String {
    let mut text = format!("{:<22} {:>12} {:>8}\n", "fault", "met", "worlds");
    for fault in Fault::ALL {
        let met = grouped(sum.met.count(*fault));
        let worlds = sum.worlds_met.get(fault).copied().unwrap_or(0);
        let _ = writeln!(text, "{:<22} {met:>12} {worlds:>8}", fault.name());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: SimArgs,
    }

    #[test]
    fn a_sweep_of_nothing_is_refused() {
        for wrong in ["--seeds=0", "--threads=0"] {
            assert!(Line::try_parse_from(["sim", wrong]).is_err(), "{wrong}");
        }
        let line = Line::try_parse_from(["sim", "--seeds=1", "--threads=1"]).expect("both are");
        assert_eq!((line.args.seeds, line.args.threads.map(NonZero::get)), (1, Some(1)));
    }

    #[test]
    fn a_long_sweep_that_never_met_a_fault_says_so() {
        let (last, met) = Fault::ALL.split_last().expect("there are faults");
        let worlds_met = met.iter().map(|fault| (*fault, 1)).collect();
        let long = Sum { worlds: WORLDS_THAT_MEET_ALL, worlds_met, ..Sum::default() };
        assert_eq!(unmet(&long), [last.name()]);
        let text = report(&long, Duration::from_secs(1), 1);
        assert!(text.contains(&format!("never met, so nothing is proven of it: {}", last.name())));
        assert_eq!(unmet(&Sum { worlds: WORLDS_THAT_MEET_ALL - 1, ..long.clone() }), [""; 0]);
        let all = Fault::ALL.iter().map(|fault| (*fault, 1)).collect();
        assert_eq!(unmet(&Sum { worlds_met: all, ..long }), [""; 0]);
    }
}
