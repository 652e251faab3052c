//! The steps of `cargo xtask test`: which commands each one runs.

#![expect(clippy::print_stdout, reason = "says which of two test runners is used")]

use std::path::Path;

use crate::needs::Install;
use crate::test::Options;
use crate::{ci, mutants, needs, peers, run, unchanged, web};

/// One part of the whole.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) run: fn(&Path, &Options) -> Result<(), String>,
}

/// The cheap and telling ones first. `web` builds the page that every later step embeds;
/// `unchanged` must come after everything that generates files.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "tools", what: "is what the tests need on this machine?", run: tools },
    Step { name: "fmt", what: "formatting", run: fmt },
    Step { name: "ci", what: "layers, purity, rules, tidiness", run: |root, _| ci::run(root) },
    Step {
        name: "web",
        what: "the page: types, lints, tests, build",
        run: |root, _| web::test(root),
    },
    Step { name: "clippy", what: "lints of every target", run: clippy },
    Step { name: "pure", what: "lints of the builds without sockets and clocks", run: pure },
    Step { name: "test", what: "unit and integration tests", run: test },
    Step {
        name: "mutants",
        what: "planted faults, and the checks that have to see them",
        run: |root, _| mutants::run(root, &mutants::Options::slice()),
    },
    Step { name: "tls", what: "Redis over TLS, which is a feature", run: tls },
    Step { name: "dashboard", what: "the terminal of a load, which is a feature", run: dashboard },
    Step { name: "doctest", what: "examples in the documentation", run: doctest },
    Step { name: "doc", what: "documentation without warnings", run: doc },
    Step { name: "bench", what: "every benchmark once, unmeasured", run: bench },
    Step {
        name: "unchanged",
        what: "generated files are as committed",
        run: |root, _| unchanged::check(root),
    },
    Step {
        name: "browser",
        what: "the game in Chromium against the binary",
        run: |root, _| web::play(root),
    },
];

/// Crates that touch neither socket, disk nor clock in any build.
const PURE: &[&str] = &["ucore", "protocol"];

/// Crates that do so only under their default feature `driver`.
const PURE_WITHOUT_DRIVER: &[&str] = &["score", "authority", "shard", "loadgen"];

fn tools(root: &Path, options: &Options) -> Result<(), String> {
    needs::check(root, Install::choose(root, options.install))
}

fn fmt(root: &Path, _: &Options) -> Result<(), String> {
    run::pass(root, &["cargo", "fmt", "--all", "--", "--check"], &[])?;
    for manifest in peers::MANIFESTS {
        let line = ["cargo", "fmt", "--manifest-path", manifest, "--", "--check"];
        run::pass(root, &line, &[])?;
    }
    Ok(())
}

fn clippy(root: &Path, _: &Options) -> Result<(), String> {
    let line = ["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run::pass(root, &line, &[])
}

/// One command per crate: in a common one, a feature that one crate asks for is there for all.
fn pure(root: &Path, _: &Options) -> Result<(), String> {
    let plain = PURE.iter().map(|package| (package, &[][..]));
    let without =
        PURE_WITHOUT_DRIVER.iter().map(|package| (package, &["--no-default-features"][..]));
    for (package, features) in plain.chain(without) {
        let line = [&["cargo", "clippy", "-p", package], features, &["--", "-D", "warnings"]];
        run::pass(root, &line.concat(), &[])?;
    }
    Ok(())
}

fn test(root: &Path, _: &Options) -> Result<(), String> {
    if run::works(root, &["cargo", "nextest", "--version"]) {
        println!("cargo-nextest runs the tests");
        return run::pass(root, &["cargo", "nextest", "run", "--workspace"], &[]);
    }
    println!("cargo test runs the tests (cargo-nextest would be faster, but is not installed)");
    // All targets but benches, which are a step of their own.
    let targets = ["--lib", "--bins", "--tests", "--examples"];
    run::pass(root, &[&["cargo", "test", "--workspace"], &targets[..]].concat(), &[])
}

fn tls(root: &Path, _: &Options) -> Result<(), String> {
    let line = ["cargo", "test", "-p", "worldboss", "--features", "tls", "--test", "it", "tls::"];
    run::pass(root, &line, &[])
}

fn dashboard(root: &Path, _: &Options) -> Result<(), String> {
    let feature = ["--features", "dashboard"];
    let lints = ["cargo", "clippy", "-p", "loadgen", "-p", "worldboss", "--lib", "--bins"];
    run::pass(root, &[&lints[..], &feature, &["--", "-D", "warnings"]].concat(), &[])?;
    let tests = ["cargo", "test", "-p", "loadgen", "--lib"];
    run::pass(root, &[&tests[..], &feature, &["dashboard"]].concat(), &[])
}

fn doctest(root: &Path, _: &Options) -> Result<(), String> {
    run::pass(root, &["cargo", "test", "--doc", "--workspace"], &[])
}

fn doc(root: &Path, _: &Options) -> Result<(), String> {
    let line = ["cargo", "doc", "--workspace", "--no-deps"];
    run::pass(root, &line, &[("RUSTDOCFLAGS", "-D warnings")])
}

/// Under `cargo test` a criterion bench runs each of its functions once, without a release build.
fn bench(root: &Path, _: &Options) -> Result<(), String> {
    run::pass(root, &["cargo", "test", "-p", "worldboss", "--benches"], &[])?;
    peers::test(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_documented_one() {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        let documented = "tools fmt ci web clippy pure test mutants tls dashboard doctest doc \
             bench unchanged browser";
        assert_eq!(names.join(" "), documented);
    }
}
