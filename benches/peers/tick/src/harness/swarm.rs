//! The client as a process: it is told what to do, and tells when its phases begin.

use super::contender::Contender;
use super::process::{Process, Server};
use crate::client::{Phase, Report};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// What a run takes beside its counted seconds: the client's limits, and a rest.
const EXTRA_MAX: Duration = Duration::from_secs(120);
/// Lines that wait: a client says six.
const LINES_MAX: usize = 16;

/// Who plays, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Game {
    pub(crate) contender: Contender,
    pub(crate) players: usize,
    /// With hits.
    pub(crate) seconds: u64,
    /// Without, behind them.
    pub(crate) quiet_seconds: u64,
}

/// A client that plays.
#[derive(Debug)]
pub(crate) struct Swarm {
    process: Process,
    lines: Receiver<String>,
    end: Instant,
}

impl Swarm {
    /// Starts it.
    pub(crate) fn start(server: &Server, game: Game) -> Result<Self, String> {
        let Game { contender, players, seconds, quiet_seconds } = game;
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let dialect = clap::ValueEnum::to_possible_value(&contender.dialect());
        let dialect = dialect.ok_or("a dialect without a name")?;
        let mut command = Command::new(own);
        command.arg("client").args(["--dialect", dialect.get_name()]);
        command.args(["--addr", &server.addr.to_string(), "--players", &players.to_string()]);
        command.args(["--seconds", &seconds.to_string()]);
        command.args(["--quiet-seconds", &quiet_seconds.to_string()]);
        command.args(["--hp-max", &contender.hp_max(players, seconds).to_string()]);
        let log = server.path("client.log");
        let mut process = Process::start(&mut command, log, Some(Stdio::piped()))?;
        let lines = lines(&mut process)?;
        let end = Instant::now() + EXTRA_MAX + Duration::from_secs(seconds + quiet_seconds);
        Ok(Self { process, lines, end })
    }

    /// Waits until a phase begins.
    pub(crate) fn wait_for(&self, phase: Phase) -> Result<(), String> {
        while !self.begins(phase, self.end)? {}
        Ok(())
    }

    /// Waits for the next phase until `deadline` at most, and says whether it is that one.
    pub(crate) fn begins(&self, phase: Phase, deadline: Instant) -> Result<bool, String> {
        let line = self.line(deadline)?;
        Ok(line.is_some_and(|line| {
            serde_json::from_str(&line).is_ok_and(|begun: Phase| begun == phase)
        }))
    }

    /// What it has counted, behind its last phase. Hits that the boss does not show are an error.
    pub(crate) fn report(self) -> Result<Report, String> {
        let line = self.line(self.end)?.unwrap_or_default();
        let report: Report = serde_json::from_str(&line).map_err(|error| error.to_string())?;
        check(&report)?;
        Ok(report)
    }

    fn line(&self, deadline: Instant) -> Result<Option<String>, String> {
        match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) if deadline < self.end => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err("the client does not come to its end".to_owned()),
            Err(RecvTimeoutError::Disconnected) => Err(self.process.tail()),
        }
    }
}

/// What the client says, line by line. The thread ends with the client.
fn lines(client: &mut Process) -> Result<Receiver<String>, String> {
    let out = client.child().stdout.take().ok_or("the client has no standard output")?;
    let (sender, lines) = sync_channel(LINES_MAX);
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    Ok(lines)
}

/// A server that does not do its work is no peer.
fn check(report: &Report) -> Result<(), String> {
    if report.hits.frames == 0 || report.quiet.frames == 0 {
        return Err("its players got no state".to_owned());
    }
    // A server that can't keep up may have some of them in its sockets.
    if report.sent.abs_diff(report.damage) > report.sent / 100 {
        return Err(format!("{} hits took {} HP", report.sent, report.damage));
    }
    if report.bar.is_some_and(|bar| bar.count == 0) {
        return Err("no bar could be compared with a witness's".to_owned());
    }
    Ok(())
}
