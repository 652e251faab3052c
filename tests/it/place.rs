//! The two places where a truth can be, as real processes: served from a disk, or in a Redis.

use crate::server::{Server, worldboss};
use crate::tools::run;
use protocol::{FeedEvent, Happened, JournalId};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use xtask::redis;

/// Where the truth is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Embedded,
    Redis,
}

/// An authority in processes of its own, which can be killed, paused and rolled back.
#[derive(Debug)]
pub(crate) struct Place {
    dir: TempDir,
    process: Process,
    backup: Option<TempDir>,
    scenario: Option<PathBuf>,
}

#[derive(Debug)]
enum Process {
    Embedded(Server),
    Redis(redis::Server),
}

impl Place {
    pub(crate) fn start(kind: Kind) -> Self {
        Self::with(kind, None)
    }

    /// A place whose boss is as this scenario says.
    pub(crate) fn with(kind: Kind, scenario: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let scenario = scenario.map(|text| {
            let file = dir.path().join("boss.toml");
            std::fs::write(&file, text).unwrap();
            file
        });
        let process = match kind {
            Kind::Embedded => {
                let store = format!("embedded:{}", dir.path().join("truth").display());
                Process::Embedded(Server::serve(&store, scenario.as_deref()))
            }
            Kind::Redis => Process::Redis(redis::Server::start(&[]).unwrap()),
        };
        Self { dir, process, backup: None, scenario }
    }

    /// What shards and tools name.
    pub(crate) fn url(&self) -> String {
        match &self.process {
            Process::Embedded(server) => format!("ws://{}", server.addr),
            Process::Redis(server) => server.url(),
        }
    }

    /// The socket that a proxy can stand before.
    pub(crate) fn addr(&self) -> String {
        match &self.process {
            Process::Embedded(server) => server.addr.clone(),
            Process::Redis(server) => server.addr(),
        }
    }

    /// What they name when a proxy stands before it.
    pub(crate) fn url_at(&self, addr: &str) -> String {
        match &self.process {
            Process::Embedded(_) => format!("ws://{addr}"),
            Process::Redis(_) => format!("redis://{addr}"),
        }
    }

    /// A directory for a process beside it.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts a server that exports it.
    pub(crate) fn serve(&self) -> Server {
        Server::serve(&self.url(), self.scenario.as_deref())
    }

    /// Starts a shard of its boss.
    pub(crate) fn shard(&self, label: u16) -> Server {
        let data = self.data(&format!("shard-{label}"));
        self.shard_in(label, &self.url(), &data)
    }

    pub(crate) fn shard_in(&self, label: u16, url: &str, data: &Path) -> Server {
        Server::shard_of(label, url, data, self.scenario.as_deref())
    }

    pub(crate) fn kill(&mut self) {
        match &mut self.process {
            Process::Embedded(server) => server.kill(),
            Process::Redis(server) => server.kill().unwrap(),
        }
    }

    pub(crate) fn restart(&mut self) {
        match &mut self.process {
            Process::Embedded(server) => server.restart(),
            Process::Redis(server) => server.restart().unwrap(),
        }
    }

    pub(crate) fn pause(&mut self) {
        match &mut self.process {
            Process::Embedded(server) => server.pause(),
            Process::Redis(server) => server.pause().unwrap(),
        }
    }

    pub(crate) fn resume(&mut self) {
        match &mut self.process {
            Process::Embedded(server) => server.resume(),
            Process::Redis(server) => server.resume().unwrap(),
        }
    }

    fn disk(&self) -> PathBuf {
        match &self.process {
            Process::Embedded(_) => self.data("truth"),
            Process::Redis(server) => server.dir().to_owned(),
        }
    }

    /// Keeps a copy of its disk, as a backup does. It is killed for that.
    pub(crate) fn back_up(&mut self) {
        self.kill();
        let backup = tempfile::tempdir().unwrap();
        copy(&self.disk(), backup.path());
        self.backup = Some(backup);
        self.restart();
    }

    /// Comes back with the disk of the last backup: everything since is lost.
    pub(crate) fn roll_back(&mut self) {
        self.kill();
        let backup = self.backup.take().expect("it was backed up");
        copy(backup.path(), &self.disk());
        self.restart();
    }

    /// Everything in the log, as its feed tells it.
    pub(crate) fn told(&self) -> Vec<FeedEvent> {
        let url = self.url();
        let flags = ["authority", "tail", "--authority", &url, "--from", "1", "--json"];
        let said = run(worldboss().args(flags));
        assert_eq!(said.code, Some(0), "{}", said.err);
        said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The joins in the log: journal, parent, and whether the sessions went over.
    pub(crate) fn joins(&self) -> Vec<(JournalId, Option<JournalId>, bool)> {
        let joins = self.told().into_iter().filter_map(|event| match event.happened {
            Happened::Join { journal, parent, inherits, .. } => Some((journal, parent, inherits)),
            _ => None,
        });
        joins.collect()
    }

    pub(crate) fn status(&self) -> Value {
        let url = self.url();
        let said = run(worldboss().args(["authority", "status", "--authority", &url, "--json"]));
        assert_eq!(said.code, Some(0), "{}", said.err);
        serde_json::from_str(&said.out).unwrap()
    }
}

/// Copies a directory over another one, whose other files go.
pub(crate) fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let (file, kind) = file.map(|it| (it.path(), it.file_type().unwrap())).unwrap();
        let target = to.join(file.file_name().unwrap());
        if kind.is_dir() {
            copy(&file, &target);
        } else if kind.is_file() {
            std::fs::copy(&file, &target).unwrap();
        }
    }
}
