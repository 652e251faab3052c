//! The project's text files as one value, so that a check is a function of it and tests plant
//! violations without a disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::run;

/// Text files by their path below the workspace's directory, always with `/`.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Reads every file that git knows, and those it would know after `git add .`. Files that are
    /// not UTF-8 are no text and are left out, and so are those deleted but not yet committed.
    pub(crate) fn load(root: &Path) -> Result<Self, String> {
        let list = run::git(&["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let names = run::read(root, &list)?;
        let mut files = BTreeMap::new();
        for name in names.split('\0').filter(|name| !name.is_empty()) {
            let path = root.join(name);
            if !path.is_file() {
                continue;
            }
            let bytes = fs::read(&path).map_err(|error| format!("{name}: {error}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                files.insert(name.to_owned(), text);
            }
        }
        Ok(Self { files })
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Every file, in the order of its path: (path, text).
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust files alone.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// The TypeScript sources of the browser game, without its build output.
    pub(crate) fn typescript(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(|(path, _)| {
            let source = path.ends_with(".ts") || path.ends_with(".tsx");
            source && path.starts_with("web-client/") && !path.starts_with("web-client/dist/")
        })
    }
}

#[cfg(test)]
impl Tree {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let owned = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Self { files: owned.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn untracked_files_are_read_and_ignored_ones_are_not() {
        let scratch = Scratch::new("tree");
        run::read(scratch.path(), &run::git(&["init", "-q"])).expect("git is present");
        scratch.write(".gitignore", "/target\n");
        scratch.write("src/new.rs", "//! New.\n");
        scratch.write("src/gone.rs", "//! Gone.\n");
        scratch.write("target/built.rs", "//! Built.\n");
        run::read(scratch.path(), &run::git(&["add", "src/gone.rs"])).expect("git adds");
        fs::remove_file(scratch.path().join("src/gone.rs")).expect("it was just written");
        fs::write(scratch.path().join("image"), [0xff, 0xfe]).expect("writable");

        let tree = Tree::load(scratch.path()).expect("git lists");
        let paths: Vec<&str> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, [".gitignore", "src/new.rs"]);
    }

    #[test]
    fn build_output_is_no_source() {
        let tree = Tree::of(&[("web-client/dist/a.ts", ""), ("web-client/src/b.ts", "")]);
        let paths: Vec<&str> = tree.typescript().map(|(path, _)| path).collect();
        assert_eq!(paths, ["web-client/src/b.ts"]);
    }
}
