//! Opens a store file: locked against others, checked page by page, and refused with a cure.

use redb::{
    Database, DatabaseError, ReadableDatabase, StorageBackend, TableDefinition, WriteTransaction,
};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FORMAT: TableDefinition<'_, &str, u64> = TableDefinition::new("format");

/// What a store keeps in memory of its file. Little is read twice: its process knows the rest.
const CACHE_BYTES: usize = 256 * 1024;

/// Why a store file can't be used. Each text names the file and the cure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// Another process has it open.
    #[error(
        "{path} is in use by another process; stop that one, or choose another data directory",
        path = .0.display()
    )]
    Locked(PathBuf),
    /// The disk refuses.
    #[error(
        "can't use {path}: {1}; check that it can be read and written, and that there is space",
        path = .0.display()
    )]
    Io(PathBuf, String),
    /// Its contents were damaged.
    #[error("{path} is damaged ({what}); {cure}", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
        /// What can be done about it.
        cure: &'static str,
    },
    /// It was written by another version of worldboss.
    #[error(
        "{path} has format {found}, and this build reads format {expected}; use the build that \
         wrote it", path = .path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// The format that it has.
        found: u64,
        /// The format that this build reads.
        expected: u64,
    },
}

/// A kind of store file.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The file's name in its directory.
    pub name: &'static str,
    /// The version of its layout.
    pub format: u64,
    /// What to do when it is damaged.
    pub cure: &'static str,
}

impl Kind {
    /// The file's path.
    #[must_use]
    pub fn path(&self, dir: &Path) -> PathBuf {
        dir.join(self.name)
    }

    /// The error for contents that do not fit.
    #[must_use]
    pub fn damaged(&self, dir: &Path, what: impl std::fmt::Display) -> DiskError {
        DiskError::Damaged { path: self.path(dir), what: what.to_string(), cure: self.cure }
    }

    /// Opens the file in `dir` and checks every page of it; creates it, with the tables that
    /// `create` opens, if there is none.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open(
        &self,
        dir: &Path,
        create: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<Database, DiskError> {
        let path = self.path(dir);
        let io = |error: std::io::Error| DiskError::Io(path.clone(), error.to_string());
        std::fs::create_dir_all(dir).map_err(io)?;
        if !path.try_exists().map_err(io)? {
            self.create(dir, create)?;
        }
        quietly(|| self.open_checked(dir)).unwrap_or_else(|what| Err(self.damaged(dir, what)))
    }

    /// Opens the file on a disk that is none of the system's, checks every page of it, and creates
    /// it if the disk is empty. Assertions of the store are not caught here.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open_on(
        &self,
        disk: impl StorageBackend,
        create: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<Database, DiskError> {
        let nowhere = Path::new("");
        let is_new = disk.len().map_err(|error| self.damaged(nowhere, error))? == 0;
        let opened = builder().create_with_backend(disk);
        let database = opened.map_err(|error| self.open_error(nowhere, error))?;
        if is_new {
            self.fill(&database, create).map_err(|error| self.damaged(nowhere, error))?;
        }
        self.check(nowhere, database)
    }

    fn open_checked(&self, dir: &Path) -> Result<Database, DiskError> {
        let opened = builder().open(self.path(dir));
        self.check(dir, opened.map_err(|error| self.open_error(dir, error))?)
    }

    fn check(&self, dir: &Path, mut database: Database) -> Result<Database, DiskError> {
        // A plain open reads flipped bits as data.
        match database.check_integrity() {
            Ok(true) => {}
            Ok(false) => return Err(self.damaged(dir, "its pages differ from their checksums")),
            Err(error) => return Err(self.open_error(dir, error)),
        }
        let (path, expected) = (self.path(dir), self.format);
        match Self::format(&database).map_err(|error| self.damaged(dir, error))? {
            found if found == expected => Ok(database),
            found => Err(DiskError::Format { path, found, expected }),
        }
    }

    /// Builds the file under another name, so that a process killed here leaves nothing half made.
    fn create(
        &self,
        dir: &Path,
        create: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), DiskError> {
        let path = self.path(dir);
        let building = path.with_extension(format!("new-{}", std::process::id()));
        let io = |error: std::io::Error| DiskError::Io(path.clone(), error.to_string());
        let database = builder().create(&building).map_err(|error| self.open_error(dir, error))?;
        self.fill(&database, create).map_err(|error| self.damaged(dir, error))?;
        drop(database);
        // A link, and not a rename: it fails if another process was faster, whose file it is then.
        match std::fs::hard_link(&building, &path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(io(error));
            }
            _ => std::fs::remove_file(&building).map_err(io)?,
        }
        // A name that was never synced is gone after a power cut: the file's, and the directory's.
        let whole = dir.canonicalize().map_err(io)?;
        whole
            .ancestors()
            .take(2)
            .try_for_each(|dir| std::fs::File::open(dir).and_then(|dir| dir.sync_all()))
            .map_err(io)
    }

    fn fill(
        &self,
        database: &Database,
        create: impl FnOnce(&WriteTransaction) -> Result<(), redb::Error>,
    ) -> Result<(), redb::Error> {
        let write = database.begin_write()?;
        write.open_table(FORMAT)?.insert("version", self.format)?;
        create(&write)?;
        write.commit()?;
        Ok(())
    }

    fn format(database: &Database) -> Result<u64, redb::Error> {
        let version = database.begin_read()?.open_table(FORMAT)?.get("version")?;
        Ok(version.map_or(0, |version| version.value()))
    }

    fn open_error(&self, dir: &Path, error: DatabaseError) -> DiskError {
        use std::io::ErrorKind::{InvalidData, UnexpectedEof};
        if let DatabaseError::DatabaseAlreadyOpen = error {
            return DiskError::Locked(self.path(dir));
        }
        if let DatabaseError::Storage(redb::StorageError::Io(io)) = &error
            && !matches!(io.kind(), InvalidData | UnexpectedEof)
        {
            return DiskError::Io(self.path(dir), io.to_string());
        }
        self.damaged(dir, error)
    }
}

fn builder() -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// Runs what reads a file that may be damaged. The store's assertions fail on some damage, and a
/// failed assertion there is a finding, not a bug of ours: it comes back as a text.
fn quietly<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    let reader = std::thread::current().id();
    let before = Arc::new(std::panic::take_hook());
    let others = Arc::clone(&before);
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() != reader {
            others(panic);
        }
    }));
    let result = std::panic::catch_unwind(AssertUnwindSafe(read));
    drop(std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| before(panic)));
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("the store could not read it").to_owned()
    })
}
