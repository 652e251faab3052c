//! A crate depends only on the crates above it, and xtask on none. Tests and the lab use xtask.

use crate::checks::Violation;
use crate::manifest::{self, Entry};
use crate::tree::Tree;

/// The workspace's crates, lowest layer first: each uses only those before it. The root is last.
pub(crate) const LAYERS: &[&str] = &[
    "ucore-derive",
    "ucore",
    "protocol",
    "score",
    "authority",
    "shard",
    "loadgen",
    LAB,
    FUZZ,
    ROOT,
];

const ROOT: &str = "worldboss";

/// The fault lab: above everything that it tests, and driving all of it.
pub(crate) const LAB: &str = "lab";

/// The fuzz targets: above everything that takes input from outside.
pub(crate) const FUZZ: &str = "fuzz";

/// Stands beside the layers: it must build before, and without, everything it tests.
const TOOL: &str = "xtask";

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = strangers(tree);
    for (layer, name) in LAYERS.iter().enumerate() {
        let path = manifest_path(name);
        let Some(text) = tree.text(&path) else {
            violations.push(Violation::new(&path, 1, format!("the crate `{name}` is missing")));
            continue;
        };
        for (line, used) in dependencies(text) {
            if used == TOOL && *name != LAB {
                let sentence = "`xtask` is for tests and the lab: only [dev-dependencies] name it";
                violations.push(Violation::new(&path, line, sentence));
            }
            let place = LAYERS.iter().position(|other| *other == used);
            if place.is_some_and(|place| place >= layer) {
                let above = LAYERS[..layer].join(", ");
                let sentence = format!("`{name}` may not use `{used}`, only: {above}");
                violations.push(Violation::new(&path, line, sentence));
            }
        }
    }
    let tool = manifest_path(TOOL);
    for entry in manifest::entries(tree.text(&tool).unwrap_or_default()) {
        if entry.table.contains("dependencies") {
            let sentence = "xtask has no dependencies: it must build in seconds; use std";
            violations.push(Violation::new(&tool, entry.line, sentence));
        }
    }
    violations
}

/// Members of the workspace that have no layer.
fn strangers(tree: &Tree) -> Vec<Violation> {
    let path = manifest_path(ROOT);
    let entries = manifest::entries(tree.text(&path).unwrap_or_default());
    let members = entries.iter().filter(|e| e.table == "workspace" && e.key == "members");
    let mut violations = Vec::new();
    for entry in members {
        for member in manifest::strings(&entry.value) {
            let path_of = |name: &&str| manifest_path(name) == format!("{member}/Cargo.toml");
            if member != TOOL && !LAYERS.iter().any(path_of) {
                let sentence = format!("`{member}` has no layer: add it to LAYERS in {}", file!());
                violations.push(Violation::new(&path, entry.line, sentence));
            }
        }
    }
    violations
}

/// The crates that a manifest's build uses, each with its line. Tests may use any crate.
fn dependencies(text: &str) -> Vec<(usize, String)> {
    let entries = manifest::entries(text);
    let mut found: Vec<(usize, String)> =
        entries.iter().filter_map(|entry| Some((entry.line, dependency(entry)?))).collect();
    // A dependency with a table of its own has an entry per key of it.
    found.dedup_by(|next, first| next.1 == first.1);
    found
}

/// The crate that an entry makes its own depend on.
fn dependency(entry: &Entry) -> Option<String> {
    let (before, after) = entry.table.rsplit_once("dependencies")?;
    if before.ends_with("dev-") || before.starts_with("workspace") {
        return None;
    }
    let renamed = entry.value.split_once("package").filter(|_| entry.value.starts_with('{'));
    if let Some((_, package)) = renamed {
        return manifest::strings(package).next().map(str::to_owned);
    }
    if entry.key == "package" && !after.is_empty() {
        return manifest::strings(&entry.value).next().map(str::to_owned);
    }
    let name = match after.strip_prefix('.') {
        Some(table) => table,
        None => entry.key.split('.').next()?,
    };
    Some(name.trim_matches(['"', ' ']).to_owned())
}

fn manifest_path(name: &str) -> String {
    match name {
        ROOT => "Cargo.toml".to_owned(),
        "ucore-derive" => "ucore/derive/Cargo.toml".to_owned(),
        _ => format!("{name}/Cargo.toml"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::places;

    /// A workspace in order, with some manifests replaced.
    fn reported(planted: &[(&str, &str)]) -> Vec<String> {
        let paths: Vec<String> = LAYERS.iter().chain([&TOOL]).map(|n| manifest_path(n)).collect();
        let mut files: Vec<(&str, &str)> =
            paths.iter().map(|path| (path.as_str(), "[dependencies]\nserde = \"1\"\n")).collect();
        files.push(("xtask/Cargo.toml", "[dependencies]\n"));
        files.extend(planted);
        places(check, &files)
    }

    #[test]
    fn a_workspace_in_order_passes() {
        let upwards = "[dependencies]\nucore = { workspace = true }\nprotocol.workspace = true\n";
        let tests = "[dev-dependencies]\nloadgen = { workspace = true }\nxtask.workspace = true\n";
        assert_eq!(
            reported(&[("score/Cargo.toml", upwards), ("ucore/Cargo.toml", tests)]),
            [""; 0]
        );
    }

    #[test]
    fn a_dependency_downwards_is_reported_in_every_spelling() {
        for planted in [
            "[dependencies]\nshard = { workspace = true }\n",
            "[dependencies]\nshard.workspace = true\n",
            "\n[dependencies.shard]\nworkspace = true\nfeatures = []\n",
            "[build-dependencies]\nshard = { path = \"../shard\" }\n",
            "[target.'cfg(unix)'.dependencies]\nshard = { workspace = true }\n",
            "[dependencies]\nother = { package = \"shard\", path = \"../shard\" }\n",
            "[dependencies]\nxtask = { path = \"../xtask\" }\n",
            "[build-dependencies]\nxtask.workspace = true\n",
            "[dependencies.xtask]\nworkspace = true\noptional = true\n",
        ] {
            assert_eq!(reported(&[("authority/Cargo.toml", planted)]).len(), 1, "{planted}");
        }
    }

    #[test]
    fn a_crate_without_layer_a_missing_crate_and_a_tool_with_dependencies_are_reported() {
        let members = "[workspace]\nmembers = [\"ucore\", \"xtask\", \"extra\"]\n";
        assert_eq!(reported(&[("Cargo.toml", members)]), ["Cargo.toml:2"]);
        assert_eq!(places(check, &[]).len(), LAYERS.len());
        let tool = "[dev-dependencies]\ntempfile = \"3\"\n";
        assert_eq!(reported(&[("xtask/Cargo.toml", tool)]), ["xtask/Cargo.toml:2"]);
    }
}
