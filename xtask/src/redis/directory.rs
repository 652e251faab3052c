//! Where a server keeps its files: a temporary directory that goes with it, or one that stays.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

/// Owns a temporary directory; its `Drop` removes it.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    is_temporary: bool,
}

impl Directory {
    /// An empty one that nobody else uses.
    pub(super) fn temporary() -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("worldboss-redis-{}-{number}", process::id());
            let path = env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path, is_temporary: true }),
                // A process with the same number was killed before it could clean up.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(cannot("create", &path, &error)),
            }
        }
    }

    /// One that stays, created where it is missing.
    pub(super) fn kept(path: &Path) -> Result<Self, String> {
        fs::create_dir_all(path).map_err(|error| cannot("create", path, &error))?;
        let path = path.canonicalize().map_err(|error| cannot("find", path, &error))?;
        Ok(Self { path, is_temporary: false })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.is_temporary {
            // What stays behind in the temporary directory harms nobody.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

/// The sentence of a file operation that failed.
pub(super) fn cannot(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("can't {what} `{}`: {error}; is its directory writable?", path.display())
}
