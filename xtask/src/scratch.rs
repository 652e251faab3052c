//! A directory for one test, removed when the test ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

/// Owns the directory; its `Drop` removes it.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// `name` must be unique among the tests, because they share a process.
    pub(crate) fn new(name: &str) -> Self {
        let unique = format!("worldboss-xtask-{}-{name}", process::id());
        let path = std::env::temp_dir().join(unique);
        fs::create_dir_all(&path).expect("the temporary directory can be written");
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let file = self.path.join(name);
        let dir = file.parent().expect("a file of a directory has a parent");
        fs::create_dir_all(dir).expect("the temporary directory can be written");
        fs::write(file, text).expect("the temporary directory can be written");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A directory that stays behind harms nobody, and the test's own verdict must be heard.
        let _ = fs::remove_dir_all(&self.path);
    }
}
