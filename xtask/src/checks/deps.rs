//! Every crate from elsewhere has its reason behind it, on the line that brings it in.

use crate::checks::Violation;
use crate::manifest;
use crate::tree::Tree;

const MANIFEST: &str = "Cargo.toml";
const TABLE: &str = "workspace.dependencies";

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for entry in manifest::entries(tree.text(MANIFEST).unwrap_or_default()) {
        let own_table = entry.table.strip_prefix(TABLE).and_then(|rest| rest.strip_prefix('.'));
        if let Some(name) = own_table {
            let sentence = format!("write `{name}` as one line of [{TABLE}], with its reason");
            violations.push(Violation::new(MANIFEST, entry.line, sentence));
        }
        let is_foreign = entry.table == TABLE && !is_path(&entry.key, &entry.value);
        if is_foreign && entry.comment.is_empty() {
            let name = entry.key;
            let sentence =
                format!("`{name}` needs its reason on the same line: `# what it is for`");
            violations.push(Violation::new(MANIFEST, entry.line, sentence));
        }
    }
    violations
}

/// A crate of this workspace: `name = { path = "..." }` or `name.path = "..."`.
fn is_path(key: &str, value: &str) -> bool {
    let inside = value.trim_start_matches('{').split(',');
    let is_path_key = |part: &str| part.split('=').next().is_some_and(|k| k.trim() == "path");
    key.ends_with(".path") || (value.starts_with('{') && inside.into_iter().any(is_path_key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::places;

    fn reported(line: &str) -> Vec<String> {
        places(check, &[(MANIFEST, &format!("[workspace.dependencies]\n{line}\n"))])
    }

    #[test]
    fn a_reason_on_the_line_passes_and_so_does_a_crate_of_ours() {
        assert_eq!(reported("serde = \"1\" # every stored value"), [""; 0]);
        assert_eq!(reported("ucore = { default-features = false, path = \"ucore\" }"), [""; 0]);
        assert_eq!(reported("[dependencies]\nserde = { workspace = true }"), [""; 0]);
    }

    #[test]
    fn a_crate_without_its_reason_is_reported() {
        for line in [
            "serde = \"1\"",
            "serde = \"1\" #",
            "serde = { version = \"1\", features = [\"path\", \"#\"] }",
            "[workspace.dependencies.serde] # reason\nversion = \"1\"",
        ] {
            assert_eq!(reported(line).len(), 1, "{line}");
        }
        assert_eq!(reported("# on its own line\nserde = \"1\""), ["Cargo.toml:3"]);
    }
}
