//! Servers as processes: started on a free port, waited for, and ended when they are dropped.

use super::Options;
use super::contender::Contender;
use super::cores::Cores;
use super::swarm::Game;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take until it answers.
const START_MAX: Duration = Duration::from_secs(20);
const ASK_EVERY: Duration = Duration::from_millis(20);
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// How much of a log an error shows, in lines.
const TAIL_LINES: usize = 8;

/// A process that dies with this value, and what it has said.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

/// A contender that answers.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    /// The server, and what works for it.
    processes: Vec<Process>,
    /// Ends after its processes.
    dir: TempDir,
}

impl Process {
    /// Starts it; all that it says goes to `log`, or its standard output to a pipe.
    pub(crate) fn start(
        command: &mut Command,
        log: PathBuf,
        out: Option<Stdio>,
    ) -> Result<Self, String> {
        let file = File::create(&log)
            .and_then(|file| Ok((file.try_clone()?, file)))
            .map_err(|error| format!("can't write {}: {error}", log.display()))?;
        let out = out.unwrap_or_else(|| Stdio::from(file.0));
        command.stdin(Stdio::null()).stdout(out).stderr(file.1);
        let child = command.spawn().map_err(|error| {
            let program = Path::new(command.get_program()).display();
            format!("can't start {program}: {error}; install it, or say where it is by its flag")
        })?;
        Ok(Self { child, log })
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The last lines of what it has said.
    pub(crate) fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Starts a contender on the server's core, and waits until it answers.
    pub(crate) fn start(options: &Options, cores: &Cores, game: Game) -> Result<Self, String> {
        // Beside the figures and not in memory, because a journal is to be synced to a disk.
        let bench = options.json.parent().unwrap_or(Path::new("."));
        let dir = std::fs::create_dir_all(bench)
            .and_then(|()| TempDir::with_prefix_in("peers-", bench))
            .map_err(|error| format!("no directory in {}: {error}", bench.display()))?;
        let mut processes = Vec::new();
        let mut redis = None;
        if game.contender == Contender::Incrby {
            let addr = free()?;
            let mut command = redis_command(options, addr.port(), dir.path());
            let log = dir.path().join("redis.log");
            processes.push(cores.on_server(|| Process::start(&mut command, log, None))?);
            wait(&mut processes[0], addr, None)?;
            redis = Some(addr.port());
        }
        let addr = free()?;
        let mut command = command(options, game, addr.port(), dir.path())?;
        if let Some(redis) = redis {
            command.args(["--redis", &redis.to_string()]);
        }
        let log = dir.path().join("server.log");
        let server = cores.on_server(|| Process::start(&mut command, log, None))?;
        processes.insert(0, server);
        let page = game.contender.is_worldboss().then_some("/readyz");
        wait(&mut processes[0], addr, page)?;
        Ok(Self { addr, processes, dir })
    }

    /// All process ids.
    pub(crate) fn ids(&self) -> Vec<u32> {
        self.processes.iter().map(|process| process.child.id()).collect()
    }

    /// The last lines of the server's log.
    pub(crate) fn tail(&self) -> String {
        self.processes[0].tail()
    }

    /// A file in the server's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// An address that was free a moment ago.
fn free() -> Result<SocketAddr, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(|error| format!("no free port: {error}"))
}

fn command(options: &Options, game: Game, port: u16, dir: &Path) -> Result<Command, String> {
    let script = match game.contender {
        Contender::Epoll | Contender::Tungstenite | Contender::Axum | Contender::Incrby => {
            let own = std::env::current_exe().map_err(|error| error.to_string())?;
            let mut command = Command::new(own);
            command.args(["serve", game.contender.name(), "--port", &port.to_string()]);
            return Ok(command);
        }
        Contender::Worldboss | Contender::Seen => {
            let hp_max = game.contender.hp_max(game.players, game.seconds);
            return worldboss(&options.worldboss, hp_max, port, dir);
        }
        Contender::Ws => "ws.mjs",
        Contender::SocketIo => "socketio.mjs",
        Contender::Colyseus => "colyseus.mjs",
    };
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
    if !node.join("node_modules").is_dir() {
        return Err(format!("its packages are missing: run `npm ci` in {}", node.display()));
    }
    let mut command = Command::new(&options.node);
    command.arg(node.join(script)).arg(port.to_string()).env("NODE_ENV", "production");
    Ok(command)
}

/// The game with a boss that nobody kills in a run.
fn worldboss(binary: &Path, hp_max: u64, port: u16, dir: &Path) -> Result<Command, String> {
    if !binary.is_file() {
        return Err(format!(
            "{} is missing: run `cargo build --release`, or name another with --worldboss",
            binary.display(),
        ));
    }
    let scenario = dir.join("boss.toml");
    let text = format!(
        "[boss]\nid = 1\nname = \"Colossus\"\nhp_max = {hp_max}\n\n\
         [[phase]]\nname = \"Awake\"\npercent = 100\n\n\
         [[skill]]\nid = 1\nname = \"Strike\"\ndamage = 1\ncrit_percent = 0\n",
    );
    std::fs::write(&scenario, text).map_err(|error| error.to_string())?;
    let mut command = Command::new(binary);
    command.args(["play", "--no-bots", "--log", "warn", "--listen"]);
    command.arg(format!("127.0.0.1:{port}"));
    command.arg("--data").arg(dir.join("data")).arg("--scenario").arg(scenario);
    Ok(command)
}

fn redis_command(options: &Options, port: u16, dir: &Path) -> Command {
    let mut command = Command::new(&options.redis_server);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""]);
    command.args(["--appendonly", "no", "--dir"]).arg(dir);
    command
}

/// Waits until a server accepts, and answers a request for `page` with 200 if there is one.
fn wait(process: &mut Process, addr: SocketAddr, page: Option<&str>) -> Result<(), String> {
    let start = Instant::now();
    while !answers(addr, page) {
        let ended = process.child().try_wait().map_err(|error| error.to_string())?;
        if let Some(status) = ended {
            return Err(format!("it ended ({status}) and said:\n{}", process.tail()));
        }
        if start.elapsed() > START_MAX {
            let limit = START_MAX.as_secs();
            return Err(format!(
                "it does not answer within {limit} s and said:\n{}",
                process.tail()
            ));
        }
        std::thread::sleep(ASK_EVERY);
    }
    Ok(())
}

fn answers(addr: SocketAddr, page: Option<&str>) -> bool {
    let Ok(mut socket) = TcpStream::connect_timeout(&addr, ANSWER_MAX) else { return false };
    let Some(page) = page else { return true };
    let request = format!("GET {page} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    let mut status = [0; 12];
    socket
        .set_read_timeout(Some(ANSWER_MAX))
        .and_then(|()| socket.write_all(request.as_bytes()))
        .and_then(|()| socket.read_exact(&mut status))
        .is_ok_and(|()| status.ends_with(b" 200"))
}
