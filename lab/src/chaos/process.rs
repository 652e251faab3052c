//! One process of the game: started, killed, paused, asked to end, and started again in its place.

use loadgen::driver::Proxy;
use protocol::mutants;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Bytes that are kept of what one process says. More: they are let go.
const LOG_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a process may take to end that was asked to.
pub(super) const END_MAX: Duration = Duration::from_secs(30);
/// How long what a dead process has said may take to arrive.
const LAST_WORDS_MAX: Duration = Duration::from_secs(5);

/// One process at a time, and the next one in its stead. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    program: PathBuf,
    args: Vec<OsString>,
    mutant: Option<String>,
    log: PathBuf,
    state: State,
    /// Where it listens, by what it says; none while it is down.
    addr: watch::Sender<Option<SocketAddr>>,
    /// The ways to it: each process listens on another port, and others keep their addresses.
    doors: Vec<Arc<Proxy>>,
}

#[derive(Debug)]
enum State {
    Down,
    Running(Running),
    /// It was asked to end.
    Ending(Running),
}

#[derive(Debug)]
struct Running {
    child: Child,
    saying: JoinHandle<()>,
}

impl Process {
    /// None runs yet. All of them write into a log of this name, and are reached through these
    /// doors.
    pub(super) fn new(name: &str, program: &Path, logs: &Path, doors: Vec<Arc<Proxy>>) -> Self {
        Self {
            name: name.to_owned(),
            program: program.to_owned(),
            args: Vec::new(),
            mutant: None,
            log: logs.join(format!("{name}.log")),
            state: State::Down,
            addr: watch::Sender::new(None),
            doors,
        }
    }

    /// What its processes are started with, beside where to listen.
    pub(super) fn with_args<A: Into<OsString>>(
        mut self,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The fault that is planted in them.
    pub(super) fn with_mutant(mut self, mutant: Option<&String>) -> Self {
        self.mutant = mutant.cloned();
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn addr(&self) -> watch::Receiver<Option<SocketAddr>> {
        self.addr.subscribe()
    }

    pub(super) fn pid(&self) -> Option<u32> {
        match &self.state {
            State::Down => None,
            State::Running(running) | State::Ending(running) => running.child.id(),
        }
    }

    /// Starts the next process.
    pub(super) fn start(&mut self) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        // What the user has set is for the lab and not for its processes.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("WORLDBOSS_") {
                command.env_remove(name);
            }
        }
        command.envs(self.mutant.iter().map(|mutant| (mutants::VARIABLE, mutant)));
        command.args(&self.args).args(["--listen", "127.0.0.1:0"]).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let cannot = |error| format!("{} can't be started: {error}", self.name);
        let log = File::options().create(true).append(true).open(&self.log).map_err(cannot)?;
        let mut child = command.spawn().map_err(cannot)?;
        let said = child.stderr.take().ok_or_else(|| format!("{} has no stderr", self.name))?;
        let saying = tokio::spawn(listen(said, log, self.addr.clone(), self.doors.clone()));
        self.state = State::Running(Running { child, saying });
        Ok(())
    }

    /// Kills it (SIGKILL), and waits until it is gone. Does nothing if it is.
    pub(super) async fn kill(&mut self) -> Result<(), String> {
        let (State::Running(mut running) | State::Ending(mut running)) =
            std::mem::replace(&mut self.state, State::Down)
        else {
            return Ok(());
        };
        let killed = running.child.kill().await;
        self.is_gone(running).await;
        killed.map_err(|error| format!("{} can't be killed: {error}", self.name))
    }

    /// Asks it to end (SIGTERM).
    pub(super) async fn ask_to_end(&mut self) -> Result<(), String> {
        self.signal("TERM").await?;
        self.state = match std::mem::replace(&mut self.state, State::Down) {
            State::Running(running) | State::Ending(running) => State::Ending(running),
            State::Down => State::Down,
        };
        Ok(())
    }

    /// How it ended that was asked to; none as long as it has not.
    pub(super) async fn ended(&mut self) -> Result<Option<ExitStatus>, String> {
        let State::Ending(running) = &mut self.state else {
            return Err(format!("{} was not asked to end", self.name));
        };
        let status = running.child.try_wait().map_err(|error| format!("{}: {error}", self.name))?;
        if status.is_some() {
            self.kill().await?;
        }
        Ok(status)
    }

    /// How it ended that nobody has asked to; none as long as it has not.
    pub(super) async fn ended_by_itself(&mut self) -> Option<ExitStatus> {
        let State::Running(running) = &mut self.state else { return None };
        let status = running.child.try_wait().ok().flatten()?;
        drop(self.kill().await);
        Some(status)
    }

    /// Stops it without ending it (SIGSTOP).
    pub(super) async fn pause(&self) -> Result<(), String> {
        self.signal("STOP").await
    }

    /// Lets one that was paused go on (SIGCONT).
    pub(super) async fn resume(&self) -> Result<(), String> {
        self.signal("CONT").await
    }

    /// The last thing that a process here has said.
    pub(super) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().last().unwrap_or("nothing").to_owned()
    }

    /// Std has no call for it; every system with signals has the program.
    async fn signal(&self, name: &str) -> Result<(), String> {
        let cannot = |why: String| format!("SIG{name} can't be sent to {}: {why}", self.name);
        let pid = self.pid().ok_or_else(|| cannot("it has no process".to_owned()))?;
        let mut kill = Command::new("kill");
        kill.args(["-s", name, &pid.to_string()]).kill_on_drop(true);
        let sent = kill.output().await.map_err(|error| cannot(error.to_string()))?;
        let said = || String::from_utf8_lossy(&sent.stderr).trim().to_owned();
        if sent.status.success() { Ok(()) } else { Err(cannot(said())) }
    }

    async fn is_gone(&self, running: Running) {
        let mut saying = running.saying;
        // It may say where it listens in its last words, and must not open a door any more.
        if timeout(LAST_WORDS_MAX, &mut saying).await.is_err() {
            saying.abort();
        }
        self.doors.iter().for_each(|door| door.retarget(None));
        self.addr.send_replace(None);
    }
}

/// Whether the system shows that a process has stopped and not ended.
pub(super) fn is_paused(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state stands behind the name, which is in brackets and may hold anything.
    stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('T'))
}

/// Writes down what a process says, and opens its doors when it says where it listens.
async fn listen(
    said: ChildStderr,
    mut log: File,
    addr: watch::Sender<Option<SocketAddr>>,
    doors: Vec<Arc<Proxy>>,
) {
    let mut left = LOG_BYTES_MAX;
    let mut lines = BufReader::new(said).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let listens = line.split("listens on").nth(1).and_then(|url| url.split_once("://"));
        let found = listens.and_then(|(_, addr)| addr.trim_end_matches('/').parse().ok());
        if let Some(found) = found {
            doors.iter().for_each(|door| door.retarget(Some(found)));
            addr.send_replace(Some(found));
        }
        if let Some(rest) = left.checked_sub(line.len()) {
            left = rest;
            // A log that can't be written is no reason to end.
            drop(writeln!(log, "{line}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_process_that_is_there_and_stopped_is_paused() {
        let mut child =
            Command::new("cat").stdin(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let pid = child.id().unwrap();
        assert!(!is_paused(pid), "it waits for its input");
        let stop = ["-s", "STOP", &pid.to_string()];
        assert!(Command::new("kill").args(stop).status().await.unwrap().success());
        let stopped = async {
            while !is_paused(pid) {
                tokio::task::yield_now().await;
            }
        };
        timeout(LAST_WORDS_MAX, stopped).await.expect("the system shows it");
        child.kill().await.unwrap();
        assert!(!is_paused(pid), "what is gone proves no pause");
    }
}
