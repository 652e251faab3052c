//! Real processes: the binary as a user starts it, on free ports and in temporary directories.

use protocol::mutants;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::SyncSender;

/// The binary.
pub(crate) fn worldboss() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_worldboss"));
    // What the tester has set must not change what is tested, unless it is to be a mutant.
    let set = std::env::vars().map(|(name, _)| name);
    let set = set.filter(|name| name.starts_with("WORLDBOSS_") && name != mutants::VARIABLE);
    for name in set {
        command.env_remove(name);
    }
    command
}

/// A running server: `worldboss play` without bots, a shard, or an authority. It is killed when it
/// is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Such as `127.0.0.1:41234`.
    pub(crate) addr: String,
    /// All that it was started with but its address.
    args: Vec<OsString>,
    /// Variables of its environment.
    env: Vec<(&'static str, PathBuf)>,
}

fn flag(name: &str, path: Option<&Path>) -> impl Iterator<Item = OsString> {
    path.into_iter().flat_map(move |path| [name.into(), path.into()])
}

/// Any free port of this machine.
const ANY_PORT: &str = "127.0.0.1:0";

impl Server {
    /// Starts a game on a free port.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_at(data, ANY_PORT)
    }

    /// Starts a game on a port that is known to be free.
    pub(crate) fn start_at(data: &Path, listen: &str) -> Self {
        let args = ["play", "--no-bots", "--data"].map(OsString::from);
        Self::launch(args.into_iter().chain([data.into()]).collect(), listen)
    }

    /// Starts an authority on a free port.
    pub(crate) fn authority(data: &Path) -> Self {
        Self::serve(&format!("embedded:{}", data.display()), None)
    }

    /// The same for any store and boss.
    pub(crate) fn serve(store: &str, scenario: Option<&Path>) -> Self {
        let args = ["authority", "serve", "--store", store].map(OsString::from);
        Self::launch(args.into_iter().chain(flag("--scenario", scenario)).collect(), ANY_PORT)
    }

    /// Starts a shard on a free port.
    pub(crate) fn shard(label: u16, authority: &str, data: &Path) -> Self {
        Self::shard_of(label, authority, data, None)
    }

    /// The same for any boss.
    pub(crate) fn shard_of(
        label: u16,
        authority: &str,
        data: &Path,
        scenario: Option<&Path>,
    ) -> Self {
        let label = label.to_string();
        let args = ["shard", "--shard-id", &label, "--authority", authority, "--guests"];
        let args = args.map(OsString::from).into_iter().chain(flag("--data", Some(data)));
        Self::launch(args.chain(flag("--scenario", scenario)).collect(), ANY_PORT)
    }

    /// Starts, and waits until it is ready.
    fn launch(args: Vec<OsString>, listen: &str) -> Self {
        Self::launch_in(args, listen, Vec::new())
    }

    fn launch_in(args: Vec<OsString>, listen: &str, env: Vec<(&'static str, PathBuf)>) -> Self {
        let mut command = worldboss();
        command.args(&args).args(["--listen", listen]).envs(env.iter().cloned());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (found, addr) = std::sync::mpsc::sync_channel(2);
        forward(child.stdout.take().unwrap(), found.clone());
        forward(child.stderr.take().unwrap(), found);
        let addr = addr.recv().expect("the server says where it listens");
        let server = Self { child, addr, args, env };
        server.wait("it is ready", || server.get("/readyz").starts_with("HTTP/1.1 200"));
        server
    }

    /// Kills it, and starts the next one with these variables in its environment.
    pub(crate) fn restart_in(&mut self, env: &[(&'static str, &Path)]) {
        self.kill();
        self.env = env.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.restart();
    }

    /// Kills it as a power cut of the process would, and starts the next one in its place.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it without ending it: its connections stay, and nothing answers.
    pub(crate) fn pause(&self) {
        signal(&self.child, "STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        signal(&self.child, "CONT");
    }

    /// Waits for its end, and gives back its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Starts the next process in the place of one that has ended.
    pub(crate) fn restart(&mut self) {
        let next = Self::launch_in(self.args.clone(), &self.addr, self.env.clone());
        drop(std::mem::replace(self, next));
    }

    /// Asks it to stop, and gives back its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        signal(&self.child, "TERM");
        self.child.wait().unwrap().code()
    }

    /// The answer to a GET, head and body; empty if there is none.
    pub(crate) fn get(&self, path: &str) -> String {
        let Ok(mut stream) = TcpStream::connect(&self.addr) else { return String::new() };
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        let sent = stream.write_all(request.as_bytes());
        if sent.and_then(|()| stream.read_to_string(&mut answer)).is_err() {
            answer.clear();
        }
        answer
    }

    /// A metric's value, 0 if it is not there.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let page = self.get("/metrics");
        let line = page.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
    }

    /// Memory that its process holds, in KiB.
    pub(crate) fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().split(' ').next().unwrap().parse().unwrap()
    }

    /// Waits for a condition that must come.
    pub(crate) fn wait(&self, what: &str, condition: impl Fn() -> bool) {
        wait(what, condition);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Shows what a process says, and hands over the address that it says it listens on.
fn forward(from: impl Read + Send + 'static, found: SyncSender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            eprintln!("{line}");
            let url = ["Play:", "listens on"].iter().find_map(|mark| line.split(mark).nth(1));
            if let Some((_, addr)) = url.and_then(|url| url.split_once("://")) {
                // Whoever wanted it may have it already.
                drop(found.try_send(addr.trim_end_matches('/').to_owned()));
            }
        }
    });
}

/// Waits for a condition that must come, and gives up after a minute.
pub(crate) fn wait(what: &str, condition: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !condition() {
        assert!(began.elapsed().as_secs() < 60, "this did not come: {what}");
        // Looks again a little later, so that looking does not become the load.
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
}

/// Sends a signal to a process that this test has started.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status();
    assert!(sent.unwrap().success());
}

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}
