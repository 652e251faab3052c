//! One Redis server: started, asked, killed, paused and started again.

use std::fs;
use std::path::{Path, PathBuf};

use super::directory::{Directory, cannot};
use super::process::{Failure, Life, Process};
use super::resp::{self, Reply};
use super::{port, settings, stats, wait};

/// Ports to try. Two servers seldom draw the same of 10,000.
const STARTS_MAX: u32 = 10;

/// A `redis-server` on a port of 127.0.0.1. What it has answered is on its disk, unless its
/// settings say otherwise. When it is dropped, its process is killed and its directory removed.
#[derive(Debug)]
pub struct Server {
    // Dropped in this order: the process no longer writes when its directory goes.
    process: Option<Process>,
    dir: Directory,
    port: u16,
    life: Life,
}

impl Server {
    /// Starts one on a free port in a temporary directory, and waits until it answers. The pairs
    /// are lines of redis.conf and override the defaults: `appendonly yes`, `appendfsync always`,
    /// `save ""`, `maxmemory-policy noeviction`, `loglevel warning`.
    ///
    /// # Errors
    /// If redis-server is missing or refuses the settings; the sentence says what cures it.
    pub fn start(pairs: &[(&str, &str)]) -> Result<Self, String> {
        for _ in 0..STARTS_MAX {
            let (dir, port) = (Directory::temporary()?, port::free()?);
            match Self::launch(dir, port, pairs, Life::Owned) {
                Ok(server) => return Ok(server),
                Err(Failure::PortTaken) => {}
                Err(Failure::Other(sentence)) => return Err(sentence),
            }
        }
        Err(format!("redis-server found its port taken {STARTS_MAX} times: what takes them all?"))
    }

    /// Starts one on this port whose directory stays, over the data that is there. It is killed
    /// when it is dropped, unless it is [left](Self::leave).
    ///
    /// # Errors
    /// As [`Server::start`], or if the port is taken.
    pub fn start_in(dir: &Path, port: u16, pairs: &[(&str, &str)]) -> Result<Self, String> {
        let started = Self::launch(Directory::kept(dir)?, port, pairs, Life::Background);
        started.map_err(|failure| match failure {
            Failure::PortTaken => format!("port {port} is taken: end what listens there"),
            Failure::Other(sentence) => sentence,
        })
    }

    /// As [`Server::start_in`], on the first port from this one on that is free, as its cluster bus
    /// port is, 10,000 above.
    ///
    /// # Errors
    /// As [`Server::start`], or if no port is free.
    pub fn start_from(dir: &Path, port: u16, pairs: &[(&str, &str)]) -> Result<Self, String> {
        let mut port = port;
        loop {
            port = port::free_from(port)?;
            match Self::launch(Directory::kept(dir)?, port, pairs, Life::Background) {
                Ok(server) => return Ok(server),
                // Somebody was faster.
                Err(Failure::PortTaken) => port += 1,
                Err(Failure::Other(sentence)) => return Err(sentence),
            }
        }
    }

    /// The port of the last [`Server::start_in`] in a directory, if there was one.
    #[must_use]
    pub fn port_in(dir: &Path) -> Option<u16> {
        settings::port(&fs::read_to_string(dir.join(settings::FILE)).ok()?)
    }

    /// The one that runs in a directory since an earlier [`Server::start_in`]; none if the process
    /// that is noted there has ended or is another program's by now. Dropping it ends nothing.
    ///
    /// # Errors
    /// If something listens on its port but does not answer.
    pub fn find_in(dir: &Path) -> Result<Option<Self>, String> {
        let noted = fs::read_to_string(dir.join(settings::PID_FILE)).unwrap_or_default();
        let (Ok(pid), Some(port)) = (noted.trim().parse::<u32>(), Self::port_in(dir)) else {
            return Ok(None);
        };
        let Some(process) = Process::left(pid)?.filter(|_| port::is_taken(port)) else {
            return Ok(None);
        };
        // Numbers of processes are used again: the server itself must say that it is the one.
        let about = stats::info(port, "server").map_err(|error| {
            format!("{error}; if process {pid} hangs, end it with `kill -9 {pid}`")
        })?;
        let dir = Directory::kept(dir)?;
        let file = dir.path().join(settings::FILE);
        let is_it = about.get("config_file").is_some_and(|path| Path::new(path) == file)
            && about.get("process_id").is_some_and(|id| *id == pid.to_string());
        let server = Self { process: Some(process), dir, port, life: Life::Background };
        Ok(is_it.then_some(server))
    }

    /// The address of its port, such as `127.0.0.1:12345`.
    #[must_use]
    pub fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its port, the same after every restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What a client connects to, such as `redis://127.0.0.1:12345`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr())
    }

    /// Its unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir().join(settings::SOCKET)
    }

    /// Its directory: `redis.conf`, `redis.log`, `appendonlydir/`.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its process, if it has one.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Whether it was neither ended nor paused from here.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.as_ref().is_some_and(|process| !process.is_paused())
    }

    /// Sends a command on a connection of its own, such as `&["SET", "key", "value"]`.
    ///
    /// # Errors
    /// If the server does not answer within 10 s, or refuses the command: its words, such as
    /// `OOM command not allowed ...`, are in the sentence. A refusal inside of an array is a
    /// [`Reply::Error`].
    pub fn command<A: AsRef<[u8]>>(&self, words: &[A]) -> Result<Reply, String> {
        resp::command(self.port, words)
    }

    /// Kills it (SIGKILL): its memory is lost, its disk is not. Does nothing if it has ended.
    ///
    /// # Errors
    /// If no signal can be sent.
    pub fn kill(&mut self) -> Result<(), String> {
        self.end("KILL")
    }

    /// Asks it to end (SIGTERM) and waits until it has. Does nothing if it has ended.
    ///
    /// # Errors
    /// If it does not end in time, as one that is paused.
    pub fn terminate(&mut self) -> Result<(), String> {
        self.end("TERM")
    }

    /// Stops its process without ending it (SIGSTOP): its connections stay and nothing answers.
    ///
    /// # Errors
    /// If it has ended.
    pub fn pause(&mut self) -> Result<(), String> {
        self.process.as_mut().ok_or(ENDED)?.pause()
    }

    /// Lets a paused one go on (SIGCONT).
    ///
    /// # Errors
    /// If it has ended.
    pub fn resume(&mut self) -> Result<(), String> {
        self.process.as_mut().ok_or(ENDED)?.resume()
    }

    /// Starts it again over what its disk holds, on the same port and with the same settings, and
    /// waits until all is loaded. One that still runs is killed before.
    ///
    /// # Errors
    /// If it does not start.
    pub fn restart(&mut self) -> Result<(), String> {
        self.kill()?;
        let (dir, port, life) = (self.dir.path(), self.port, self.life);
        // A connection of before may hold the port for a moment.
        let started =
            wait::until("the restart of redis-server", || match Process::start(dir, port, life) {
                Ok(process) => Ok(Some(Ok(process))),
                Err(Failure::PortTaken) => Err(format!("port {port} is taken")),
                Err(Failure::Other(sentence)) => Ok(Some(Err(sentence))),
            })?;
        self.process = Some(started?);
        Ok(())
    }

    /// Lets it run on, with its directory, after this value is gone.
    pub fn leave(mut self) {
        if let Some(process) = self.process.take() {
            process.leave();
        }
    }

    fn launch(
        dir: Directory,
        port: u16,
        pairs: &[(&str, &str)],
        life: Life,
    ) -> Result<Self, Failure> {
        let path = dir.path().join(settings::FILE);
        let text = settings::text(port, &settings::with_defaults(pairs));
        fs::write(&path, text).map_err(|error| Failure::Other(cannot("write", &path, &error)))?;
        let process = Process::start(dir.path(), port, life)?;
        Ok(Self { process: Some(process), dir, port, life })
    }

    fn end(&mut self, signal: &str) -> Result<(), String> {
        self.process.take().map_or(Ok(()), |process| process.end(signal))
    }
}

const ENDED: &str = "this redis-server has ended: `restart` it first";
