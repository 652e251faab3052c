//! What the tests need from the machine, and how it gets there.

#![expect(clippy::print_stdout, reason = "an installation says what it does and why")]

use std::env;
use std::path::Path;

use crate::{manifest, run};

/// A program that must be there.
#[derive(Debug)]
struct Need {
    /// Present if this command line ends well.
    probe: &'static [&'static str],
    /// The Debian package that brings it.
    package: &'static str,
    why: &'static str,
}

/// Another program that the tests need is another line here.
const NEEDS: &[Need] = &[
    Need { probe: &["cc", "--version"], package: "build-essential", why: "links every program" },
    Need { probe: &["git", "--version"], package: "git", why: "lists the files to check" },
    Need { probe: &["npm", "--version"], package: "npm", why: "builds and tests the page" },
    Need {
        probe: &["openssl", "version"],
        package: "openssl",
        why: "makes certificates for the tests of TLS",
    },
    Need {
        probe: &["chromium", "--version"],
        package: "chromium",
        why: "plays the game in the browser tests",
    },
    Need {
        probe: &["redis-server", "--version"],
        package: "redis-server",
        why: "is the authority's other store: tests start, kill and replace real ones",
    },
    Need {
        probe: &["ss", "-V"],
        package: "iproute2",
        why: "tells how many bytes the kernel has counted, beside the load generator",
    },
];

/// A part of the Rust toolchain that must be there.
const COMPONENTS: &[(&[&str], &str)] =
    &[(&["cargo", "fmt", "--version"], "rustfmt"), (&["cargo", "clippy", "--version"], "clippy")];

/// Who puts missing packages on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Install {
    /// This program, by apt-get.
    Now,
    /// The person, who is told the command.
    Told,
}

impl Install {
    /// Only a throwaway machine (root with CI=true) or a wish (`--install`) lets packages be
    /// installed unasked.
    pub(crate) fn choose(root: &Path, is_wished: bool) -> Self {
        let is_ci = env::var("CI").is_ok_and(|value| value == "true");
        if is_wished || (is_ci && is_superuser(root)) { Self::Now } else { Self::Told }
    }
}

pub(crate) fn check(root: &Path, install: Install) -> Result<(), String> {
    toolchain(root)?;
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !run::works(root, need.probe)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    for need in &missing {
        println!("missing: {}, package {}: it {}", need.probe[0], need.package, need.why);
    }
    let lines = install_lines(&packages, is_superuser(root));
    if install == Install::Told {
        let shown: Vec<String> = lines.iter().map(|line| line.join(" ")).collect();
        return Err(format!("packages are missing; install them with: {}", shown.join(" && ")));
    }
    for line in &lines {
        run::pass(root, line, &[])?;
    }
    match missing.iter().find(|need| !run::works(root, need.probe)) {
        None => Ok(()),
        Some(need) => Err(format!("`{}` still fails after its package", need.probe.join(" "))),
    }
}

fn toolchain(root: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(root.join("Cargo.toml"))
        .map_err(|error| format!("Cargo.toml: {error}"))?;
    let wanted = manifest::value(&text, "workspace.package", "rust-version")
        .ok_or("Cargo.toml names no rust-version in [workspace.package]")?;
    let found = run::read(root, &["rustc", "--version"])?;
    println!("{}", found.trim());
    if version(&found) < version(&wanted) {
        return Err(format!("rustc {wanted} or newer is needed: run `rustup update stable`"));
    }
    for (probe, component) in COMPONENTS {
        if !run::works(root, probe) {
            return Err(format!("{component} is missing: run `rustup component add {component}`"));
        }
    }
    Ok(())
}

/// The numbers of the first word that is a version; none orders below every version.
pub(crate) fn version(text: &str) -> Option<Vec<u32>> {
    let numbers = |word: &str| {
        let release = word.split('-').next().unwrap_or_default();
        release.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>()
    };
    text.split_whitespace().find_map(numbers)
}

/// The command lines that install these packages.
fn install_lines<'a>(packages: &[&'a str], is_superuser: bool) -> [Vec<&'a str>; 2] {
    let sudo: &[&str] = if is_superuser { &[] } else { &["sudo"] };
    // A package that asks questions would stop a machine where nobody answers.
    let apt = [sudo, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]].concat();
    let install = [&apt, &["install", "-y", "--no-install-recommends"][..], packages].concat();
    [[&apt, &["update"][..]].concat(), install]
}

fn is_superuser(root: &Path) -> bool {
    run::read(root, &["id", "-u"]).is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(version("rustc 1.95.0 (59807616e 2026-04-14)"), Some(vec![1, 95, 0]));
        assert!(version("rustc 1.100.0-nightly (abc)") > version("1.90"));
        assert!(version("rustc 1.90.0") > version("1.90"));
        assert!(version("rustc 1.89.3") < version("1.90"));
        assert!(version("nothing here") < version("1.90"));
    }

    #[test]
    fn the_command_to_run_is_complete() {
        let [update, install] = install_lines(&["build-essential", "git"], false);
        assert_eq!(update.join(" "), "sudo env DEBIAN_FRONTEND=noninteractive apt-get update");
        assert!(
            install
                .join(" ")
                .ends_with("apt-get install -y --no-install-recommends build-essential git")
        );
        assert_eq!(install_lines(&[], true)[0][0], "env");
    }

    #[test]
    fn a_wish_installs_whoever_asks() {
        assert_eq!(Install::choose(Path::new("."), true), Install::Now);
    }
}
