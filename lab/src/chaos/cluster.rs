//! The game that faults happen to: the truth, the shards, and a link that fails on demand before
//! each of them.

use super::fault::{Part, Who};
use super::judge::{Audited, Ended};
use super::place::{Pair, Place};
use super::process::{END_MAX, Process};
use super::setup::{Setup, Truth};
use super::victim::Victim;
use loadgen::driver::{Proxy, page};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// How long everybody may take until they are ready, at the start and after the last fault.
const READY_MAX: Duration = Duration::from_secs(60);
/// How long one question may take, and the pause after an answer that is no.
const LOOK_MAX: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long an audit may take.
const AUDIT_MAX: Duration = Duration::from_secs(300);
/// Processes that ended by themselves and are followed by another. More: their places stay empty.
const REPAIRS_MAX: u32 = 10;

/// Everything that runs. All of it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Cluster {
    setup: Setup,
    pub(super) truth: Place,
    pub(super) shards: Vec<Shard>,
    /// What happened that nobody had asked for, and how often.
    pub(super) incidents: BTreeMap<String, u32>,
    repairs: u32,
    dir: PathBuf,
}

/// A shard and its two links.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) process: Process,
    pub(super) players: Arc<Proxy>,
    pub(super) uplink: Arc<Proxy>,
}

impl Cluster {
    /// Starts the truth, and then the shards, over this directory, and waits until all are ready.
    pub(super) async fn start(setup: &Setup, at: &Path) -> Result<Self, String> {
        let scenario = at.join("boss.toml");
        std::fs::create_dir_all(logs(at))
            .and_then(|()| std::fs::write(&scenario, setup.scenario()))
            .map_err(|error| format!("can't write to {}: {error}", at.display()))?;
        let mut links = Vec::new();
        for _ in 0..setup.shards {
            let [players, uplink] = [door().await?, door().await?];
            links.push((players, uplink));
        }
        let uplinks = links.iter().map(|(_, uplink)| Arc::clone(uplink)).collect();
        let truth = match setup.truth {
            Truth::Embedded => Place::Embedded(Box::new(serve(setup, at, uplinks).await?)),
            Truth::Redis => Place::Redis(Box::new(Pair::start(uplinks).await?)),
        };
        let numbered = links.into_iter().enumerate();
        let shards = numbered.map(|(index, links)| shard(setup, at, index, links)).collect();
        let (setup, dir, incidents) = (setup.clone(), at.to_owned(), BTreeMap::new());
        let mut cluster = Self { setup, truth, shards, incidents, repairs: 0, dir };
        for shard in &mut cluster.shards {
            shard.process.start()?;
        }
        match cluster.unready().await.first() {
            Some(shard) => Err(format!("{shard} is not ready within {READY_MAX:?}")),
            None => Ok(cluster),
        }
    }

    /// Where players connect.
    pub(super) fn targets(&self) -> Vec<String> {
        self.shards.iter().map(|shard| format!("ws://{}/ws", shard.players.addr())).collect()
    }

    /// Where each shard is, by position.
    pub(super) fn addrs(&self) -> Vec<watch::Receiver<Option<SocketAddr>>> {
        self.shards.iter().map(|shard| shard.process.addr()).collect()
    }

    /// The links that are meant; none if processes are.
    pub(super) fn links(&self, who: Who) -> Vec<&Proxy> {
        let shards = self.shards.iter().enumerate();
        let meant = shards.filter(|(index, _)| who.means(*index));
        meant.filter_map(|(_, shard)| shard.link(who.part)).collect()
    }

    /// The processes that are meant.
    pub(super) fn victims(&mut self, who: Who) -> Vec<Victim<'_>> {
        if who.part == Part::Truth {
            return match &mut self.truth {
                Place::Embedded(process) => vec![Victim::Process(process)],
                Place::Redis(pair) => vec![Victim::Master(pair)],
            };
        }
        let shards = self.shards.iter_mut().enumerate();
        let meant = shards.filter(|(index, _)| who.means(*index));
        meant.map(|(_, shard)| Victim::Process(&mut shard.process)).collect()
    }

    /// Notes who has ended by itself, and starts the next one in its place.
    pub(super) async fn replace_ended(&mut self) {
        let Self { truth, shards, incidents, repairs, .. } = self;
        let truth = match truth {
            Place::Embedded(process) => Some(&mut **process),
            Place::Redis(_) => None,
        };
        for process in shards.iter_mut().map(|shard| &mut shard.process).chain(truth) {
            let Some(status) = process.ended_by_itself().await else { continue };
            let (name, said) = (process.name(), process.last_words());
            let incident = format!("{name} ended by itself, by {status}, saying: {said}");
            *incidents.entry(incident).or_default() += 1;
            *repairs += 1;
            if *repairs <= REPAIRS_MAX
                && let Err(error) = process.start()
            {
                *incidents.entry(error).or_default() += 1;
            }
        }
    }

    /// Waits until every shard takes hits; the names of those that do not come to that.
    pub(super) async fn unready(&mut self) -> Vec<String> {
        let end = Instant::now() + READY_MAX;
        let mut missing: Vec<usize> = (0..self.shards.len()).collect();
        loop {
            let mut still = Vec::new();
            for index in missing {
                if !self.is_ready(index).await {
                    still.push(index);
                }
            }
            if still.is_empty() || Instant::now() >= end {
                let name = |index: &usize| self.shards[*index].process.name().to_owned();
                return still.iter().map(name).collect();
            }
            missing = still;
            self.replace_ended().await;
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn is_ready(&self, index: usize) -> bool {
        let addr = *self.shards[index].process.addr().borrow();
        match addr {
            Some(addr) => page(addr, "/readyz", LOOK_MAX).await.is_ok(),
            None => false,
        }
    }

    /// Asks all shards to end, adds the log up, and asks the truth to end.
    pub(super) async fn end(&mut self) -> (Vec<Ended>, Audited) {
        let mut ends = Vec::new();
        for shard in &mut self.shards {
            ends.push(end(&mut shard.process).await);
        }
        let audited = self.audit().await;
        match &mut self.truth {
            Place::Embedded(process) => ends.push(end(process).await),
            Place::Redis(pair) => {
                let code = pair.terminate().is_ok().then_some(0);
                ends.push(Ended { who: "truth".to_owned(), code });
            }
        }
        (ends, audited)
    }

    /// `worldboss authority verify`, on the truth itself.
    async fn audit(&self) -> Audited {
        let url = match &self.truth {
            Place::Embedded(process) => {
                let addr = *process.addr().borrow();
                let Some(addr) = addr else {
                    let said = "the truth does not run, and its log can't be read".to_owned();
                    return Audited { code: None, said };
                };
                format!("ws://{addr}")
            }
            Place::Redis(pair) => pair.master().url(),
        };
        let mut verify = Command::new(&self.setup.program);
        verify.args(["authority", "verify", "--json", "--log", "error", "--authority", &url]);
        verify.stdin(Stdio::null()).kill_on_drop(true);
        match timeout(AUDIT_MAX, verify.output()).await {
            Ok(Ok(output)) => {
                let [out, err] = [output.stdout, output.stderr]
                    .map(|said| String::from_utf8_lossy(&said).trim().to_owned());
                let said = if err.is_empty() { out } else { err };
                Audited { code: output.status.code(), said }
            }
            Ok(Err(error)) => Audited { code: None, said: error.to_string() },
            Err(_) => Audited { code: None, said: format!("it took longer than {AUDIT_MAX:?}") },
        }
    }

    /// Ends everything at once, and waits until it is gone.
    pub(super) async fn kill(&mut self) {
        for shard in &mut self.shards {
            drop(shard.process.kill().await);
        }
        match &mut self.truth {
            Place::Embedded(process) => drop(process.kill().await),
            Place::Redis(pair) => drop(pair.kill()),
        }
    }

    /// Copies what the processes have said.
    pub(super) fn keep_logs(&self, to: &Path) -> std::io::Result<()> {
        keep_logs(&self.dir, to)?;
        if let Place::Redis(pair) = &self.truth {
            pair.copy_logs(to);
        }
        Ok(())
    }
}

impl Shard {
    fn link(&self, part: Part) -> Option<&Proxy> {
        match part {
            Part::Truth | Part::Shard => None,
            Part::Players => Some(&self.players),
            Part::Uplink => Some(&self.uplink),
        }
    }
}

/// Copies the logs of a run's directory.
pub(super) fn keep_logs(dir: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for log in std::fs::read_dir(logs(dir))? {
        let log = log?;
        std::fs::copy(log.path(), to.join(log.file_name()))?;
    }
    Ok(())
}

fn logs(dir: &Path) -> PathBuf {
    dir.join("logs")
}

/// A link that leads nowhere yet.
async fn door() -> Result<Arc<Proxy>, String> {
    let door = Proxy::start_closed().await;
    door.map(Arc::new).map_err(|error| format!("no port can be opened: {error}"))
}

async fn serve(setup: &Setup, dir: &Path, doors: Vec<Arc<Proxy>>) -> Result<Process, String> {
    let store = format!("embedded:{}", dir.join("truth").display());
    let mut process = Process::new("truth", &setup.program, &logs(dir), doors)
        .with_args(["authority", "serve", "--store", &store])
        .with_args(["--scenario".into(), dir.join("boss.toml")])
        .with_mutant(setup.mutant.as_ref());
    process.start()?;
    let mut addr = process.addr();
    let listens = timeout(READY_MAX, addr.wait_for(Option::is_some)).await;
    if !matches!(listens, Ok(Ok(_))) {
        return Err(format!("the truth does not listen, saying: {}", process.last_words()));
    }
    Ok(process)
}

fn shard(
    setup: &Setup,
    dir: &Path,
    index: usize,
    (players, uplink): (Arc<Proxy>, Arc<Proxy>),
) -> Shard {
    let who = Who { part: Part::Shard, shard: Some(index) }.to_string();
    let scheme = match setup.truth {
        Truth::Embedded => "ws",
        Truth::Redis => "redis",
    };
    let authority = format!("{scheme}://{}", uplink.addr());
    let process = Process::new(&who, &setup.program, &logs(dir), vec![Arc::clone(&players)])
        .with_args(["shard", "--guests", "--shard-id", &(index + 1).to_string()])
        .with_args(["--authority", &authority])
        .with_args(["--data".into(), dir.join(&who)])
        .with_args(["--scenario".into(), dir.join("boss.toml")])
        .with_mutant(setup.mutant.as_ref());
    Shard { process, players, uplink }
}

/// Asks a process to end, and kills it if it does not.
async fn end(process: &mut Process) -> Ended {
    let who = process.name().to_owned();
    let end = Instant::now() + END_MAX;
    let mut code = None;
    if process.ask_to_end().await.is_ok() {
        while Instant::now() < end {
            match process.ended().await {
                Ok(Some(status)) => {
                    code = status.code();
                    break;
                }
                Ok(None) => sleep(LOOK_AGAIN).await,
                Err(_) => break,
            }
        }
    }
    drop(process.kill().await);
    Ended { who, code }
}
