//! What several benches share. Each of them uses a part.
#![allow(clippy::panic, reason = "a bench that does not work has to end")]

pub(crate) mod game;
pub(crate) mod pusher;
pub(crate) mod redis;
pub(crate) mod crowd;
pub(crate) mod figures;

/// Whether this run measures. Without `--bench` a bench only shows that it still runs.
pub(crate) fn is_measured() -> bool {
    std::env::args().any(|arg| arg == "--bench")
}

/// A directory on the disk that holds the build, which is none in memory as the system's temporary
/// one may be. It goes when it is dropped.
pub(crate) fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory")
}
