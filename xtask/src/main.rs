//! `cargo xtask`: the project's own commands, written with std alone so that they build in seconds.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to a person")]

mod test;
mod steps;
mod needs;
mod web;
mod unchanged;
mod ci;
mod fuzz;
mod bench;
mod peers;
mod mutants;
mod background;
mod checks;
mod tree;
mod code;
mod manifest;
mod run;
#[cfg(test)]
mod scratch;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [--install] [--only STEP]...  run every test there is, in this order:
                                     {steps}
                                     --install  let apt-get install what is missing
                                     --only     run these steps alone
  ci                                 check layers, purity, rules and tidiness of the sources
  fuzz [TARGET]... [--seconds N]     let libFuzzer look for inputs that break something, for N
                                     seconds each, 60 if not said; what it finds joins fuzz/corpus/
  bench [NAME]...                    measure what each hop costs, ticks, a flood of hits and a storm
                                     of joins, or these files of benches/; one table, and plots in
                                     target/bench/report.html
  peers [FLAG]...                    drive worldboss, bare epoll and other servers in turn, and
                                     compare what a tick costs them, and what a frame costs loadgen
                                     and a raw client; takes 25 minutes. Flags as `peers --help`
                                     tells them, as --only epoll,worldboss, or --clients, or
                                     --soak 3600, which looks whether memory grows in an hour
  peers ucore                        compare bytes and times of ucore with those of other libraries;
                                     takes minutes, most of them to build these
  peers lock-storm                   compare what Redis spends on a hit as an INCRBY of its own, and
                                     added up in a shard's push
  mutants [--by CHECK] [NAME]...     plant one fault after another, and show which check sees it
                                     --by  ask this check, and not the one that must see it; of
                                           chaos, without names, everything that it has to find
  redis up [--cluster]               start a real Redis, or a cluster of six, in the background, and
                                     say what to run next; its data is in target/redis/
  redis down                         end what `redis up` has started; the data stays
  help                               show this text
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Help,
    Ci,
    Fuzz(fuzz::Options),
    Bench(bench::Benches),
    Peers(peers::Peers),
    Mutants(mutants::Options),
    Redis(background::Order),
    Test(test::Options),
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let request = match parse(&args) {
        Ok(request) => request,
        Err(sentence) => {
            eprintln!("{sentence}\n\n{}", usage());
            return ExitCode::from(2);
        }
    };
    let done = match request {
        Request::Help => {
            print!("{}", usage());
            Ok(())
        }
        Request::Ci => ci::run(&root()),
        Request::Fuzz(options) => fuzz::run(&root(), &options),
        Request::Bench(benches) => bench::run(&root(), &benches),
        Request::Peers(peers) => peers::run(&root(), &peers),
        Request::Mutants(options) => mutants::run(&root(), &options),
        Request::Redis(order) => background::run(&root(), order),
        Request::Test(options) => test::run(&root(), &options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[String]) -> Result<Request, String> {
    let mut words = args.iter().map(String::as_str);
    let request = match words.next() {
        None | Some("help" | "--help" | "-h") => Request::Help,
        Some("ci") => Request::Ci,
        Some("fuzz") => return fuzz::Options::parse(words).map(Request::Fuzz),
        Some("bench") => return bench::Benches::parse(words).map(Request::Bench),
        Some("peers") => return peers::Peers::parse(words).map(Request::Peers),
        Some("mutants") => return mutants::Options::parse(words).map(Request::Mutants),
        Some("redis") => return background::Order::parse(words).map(Request::Redis),
        Some("test") => return test::Options::parse(words).map(Request::Test),
        Some(other) => return Err(format!("there is no command `{other}`")),
    };
    match words.next() {
        None => Ok(request),
        Some(extra) => Err(format!("`{extra}` is one word too many")),
    }
}

fn usage() -> String {
    USAGE.replace("{steps}", &test::step_names().join(" "))
}

/// The workspace's directory. Cargo names this crate's own directory when it runs it, so the
/// answer does not depend on where in the tree the command was typed.
fn root() -> PathBuf {
    let own = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    own.and_then(|dir| dir.parent().map(PathBuf::from)).unwrap_or_else(|| PathBuf::from("."))
}

#[cfg(test)]
mod tests {
    use super::background::{Kind, Order};
    use super::*;

    fn parsed(line: &str) -> Result<Request, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn no_argument_asks_for_help() {
        assert_eq!(parsed(""), Ok(Request::Help));
        assert_eq!(parsed("help"), Ok(Request::Help));
    }

    #[test]
    fn an_unknown_command_is_refused() {
        assert!(parsed("fly").is_err());
        assert!(parsed("ci now").is_err());
    }

    #[test]
    fn peers_are_named() {
        assert_eq!(parsed("peers ucore"), Ok(Request::Peers(peers::Peers::Ucore)));
        assert_eq!(parsed("peers lock-storm"), Ok(Request::Peers(peers::Peers::LockStorm)));
        assert_eq!(parsed("peers"), Ok(Request::Peers(peers::Peers::Tick(Vec::new()))));
        let flags = ["--only", "epoll,axum", "--quick"].map(str::to_owned).to_vec();
        let tick = Ok(Request::Peers(peers::Peers::Tick(flags)));
        assert_eq!(parsed("peers --only epoll,axum --quick"), tick);
        assert!(parsed("peers score").is_err());
        assert!(parsed("peers ucore twice").is_err());
    }

    #[test]
    fn redis_goes_up_alone_or_as_a_cluster_and_down() {
        let up = |kind| Ok(Request::Redis(Order::Up(kind)));
        assert_eq!(parsed("redis up"), up(Kind::Single));
        assert_eq!(parsed("redis up --cluster"), up(Kind::Cluster));
        assert_eq!(parsed("redis down"), Ok(Request::Redis(Order::Down)));
        for wrong in ["redis", "redis sideways", "redis up now", "redis up --cluster now"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
        assert!(parsed("redis down --cluster").expect_err("down ends all").contains("--cluster"));
    }

    #[test]
    fn the_usage_names_every_step() {
        for step in test::step_names() {
            assert!(usage().contains(step), "{step}");
        }
    }
}
