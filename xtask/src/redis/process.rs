//! The process of a server: started and known to be the one that answers, signalled, ended.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::directory::cannot;
use super::{settings, stats, wait};

/// What the server printed since its last start.
const LOG: &str = "redis.log";

/// A redis-server. One that was started here is killed when this is dropped, unless it is left.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    /// None if an earlier command has left it running.
    child: Option<Child>,
    is_paused: bool,
}

/// How long a process is to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// No longer than whoever is interrupted with it.
    Owned,
    /// On, whatever becomes of the terminal that started it.
    Background,
}

/// Why a server did not start.
#[derive(Debug)]
pub(super) enum Failure {
    /// Somebody listens on its port already.
    PortTaken,
    /// Anything else, as a sentence.
    Other(String),
}

impl Process {
    /// Starts a server over its directory, which holds its settings, and waits until it answers
    /// and has loaded what it finds there.
    pub(super) fn start(dir: &Path, port: u16, life: Life) -> Result<Self, Failure> {
        let child = spawn(dir, life).map_err(Failure::Other)?;
        let mut process = Self { pid: child.id(), child: Some(child), is_paused: false };
        let look = || {
            if process.has_ended()? {
                return Ok(Some(Err(post_mortem(dir))));
            }
            // Somebody else's server on this port would answer, too, while ours is dying of it.
            let is_ours = stats::process_id(port)? == process.pid;
            Ok((is_ours && stats::is_ready(port)?).then_some(Ok(())))
        };
        wait::until("the start of redis-server", look).map_err(Failure::Other)??;
        Ok(process)
    }

    /// One that an earlier command has left running, if a process of this number exists.
    pub(super) fn left(pid: u32) -> Result<Option<Self>, String> {
        Ok(signal("0", pid)?.then_some(Self { pid, child: None, is_paused: false }))
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Lets it run on after this value is gone.
    pub(super) fn leave(mut self) {
        self.child = None;
    }

    /// Sends a signal by its name, such as `TERM`. Std has no call for it; every shell has.
    pub(super) fn signal(&self, name: &str) -> Result<(), String> {
        if signal(name, self.pid)? {
            return Ok(());
        }
        Err(format!("SIG{name} can't be sent to redis-server: process {} is gone", self.pid))
    }

    /// Stops it without ending it, and waits until it has stopped.
    pub(super) fn pause(&mut self) -> Result<(), String> {
        self.signal("STOP")?;
        self.is_paused = true;
        // A signal is sent before it is obeyed.
        let is_stopped = || state(self.pid).is_none_or(|state| state == 'T');
        wait::until("the pause of redis-server", || Ok(is_stopped().then_some(())))
    }

    /// Lets a paused one go on.
    pub(super) fn resume(&mut self) -> Result<(), String> {
        self.signal("CONT")?;
        self.is_paused = false;
        Ok(())
    }

    /// Sends a signal that ends it, and waits for the end.
    pub(super) fn end(mut self, name: &str) -> Result<(), String> {
        self.signal(name)?;
        let look = || Ok(self.has_ended()?.then_some(()));
        wait::until("the end of redis-server", look)
    }

    fn has_ended(&mut self) -> Result<bool, String> {
        match &mut self.child {
            None => Ok(!signal("0", self.pid)? || state(self.pid) == Some('Z')),
            Some(child) => {
                let status = child.try_wait().map_err(|error| format!("redis-server: {error}"))?;
                Ok(status.is_some())
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn spawn(dir: &Path, life: Life) -> Result<Child, String> {
    let path = dir.join(LOG);
    let log = File::create(&path).map_err(|error| cannot("create", &path, &error))?;
    let errors = log.try_clone().map_err(|error| cannot("open", &path, &error))?;
    let mut command = Command::new("redis-server");
    command.arg(settings::FILE).current_dir(dir);
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    #[cfg(unix)]
    if life == Life::Background {
        // Ctrl-C is for the process group in the foreground.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    command.spawn().map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            return "redis-server is missing: install it with `apt-get install redis-server`"
                .into();
        }
        format!("redis-server did not start: {error}")
    })
}

/// Why a server ended that was to start.
fn post_mortem(dir: &Path) -> Failure {
    let log = fs::read_to_string(dir.join(LOG)).unwrap_or_default();
    if log.contains("Address already in use") {
        return Failure::PortTaken;
    }
    let last: Vec<&str> = log.lines().rev().take(5).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    Failure::Other(format!("redis-server ended at its start, saying:\n{}", last.join("\n")))
}

/// Whether there is such a process to send a signal to; 0 is none.
fn signal(name: &str, pid: u32) -> Result<bool, String> {
    let line = ["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()];
    let status = Command::new("sh").args(line).stderr(Stdio::null()).status();
    Ok(status.map_err(|error| format!("`sh` did not start: {error}"))?.success())
}

/// The letter of a process's state: `T` has stopped, `Z` has ended and nobody has asked how. None
/// where the system does not show it as Linux does.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // It stands behind the name, which is in brackets and may hold anything.
    stat.rsplit_once(") ")?.1.chars().next()
}
