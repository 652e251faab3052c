//! `worldboss play`: an embedded authority, a shard, the page and some bots.

use crate::cli::PlayArgs;
use crate::shard::{bind, cores, scenario, until_stopped};
use crate::{authority, print};
use ::authority::disk::DiskError;
use ::authority::{Authority, Embedded};
use anyhow::{Context, bail};

use protocol::ShardId;
use shard::Config;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

const PORT: u16 = 7777;
/// The default port moves at most this far.
const PORTS: u16 = 100;

/// Runs until it is asked to stop, or can't go on.
pub(crate) async fn run(args: PlayArgs) -> anyhow::Result<ExitCode> {
    let scenario = scenario(args.scenario.as_deref())?;
    let data = match args.data {
        Some(data) => data,
        None => default_data()?,
    };
    let name = scenario.spec.name.clone();
    let embedded = match Embedded::open(&data.join("authority")) {
        Ok(embedded) => Arc::new(embedded),
        Err(DiskError::Locked(path)) => bail!(locked(&data, &path)),
        Err(error) => return Err(error.into()),
    };
    let authority: Arc<dyn Authority> = embedded;
    let boss = authority::begin(&authority, scenario, args.scenario.is_some()).await;
    let listener = match args.listen {
        Some(addr) => bind(addr)?,
        None => bind_default()?,
    };
    let config = Config {
        shard: ShardId(1),
        boss,
        listener,
        data: data.join(format!("boss-{boss}")).join("shard-1"),
        workers: cores(),
        authority: Arc::clone(&authority),
        share: args.share,
    };
    let running = shard::start(config)?;
    let url = url(running.addr());
    note_url(&data, &url);
    let bots = if args.no_bots { 0 } else { args.bots };
    print(&welcome(&name, &url, &data, bots, running.addr()));
    if args.open {
        open_browser(&url);
    }
    let (_stop, stopped) = oneshot::channel::<()>();
    let target = format!("{}ws", url.replacen("http", "ws", 1));
    let seed = u64::from(std::process::id());
    tokio::spawn(loadgen::driver::bots(target, bots, seed, async {
        drop(stopped.await);
    }));
    until_stopped(running, &*authority).await
}

fn default_data() -> anyhow::Result<PathBuf> {
    let data = dirs::data_dir().context("this user has no data directory; name one with --data")?;
    Ok(data.join("worldboss"))
}

/// The default port, or the next free one after it.
fn bind_default() -> anyhow::Result<TcpListener> {
    let mut last = None;
    for port in PORT..PORT + PORTS {
        match shard::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
            Ok(listener) => {
                if port != PORT {
                    tracing::info!(
                        target: "worldboss",
                        "port {PORT} is in use, so this game is on port {port}",
                    );
                }
                return Ok(listener);
            }
            Err(error) => last = Some(error),
        }
    }
    let reason = last.map_or_else(String::new, |error| format!(": {error}"));
    bail!("no port from {PORT} on is free{reason}; choose one with --listen")
}

/// Where a browser on this machine finds the game.
fn url(addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() {
        return format!("http://127.0.0.1:{}/", addr.port());
    }
    format!("http://{addr}/")
}

const URL_FILE: &str = "url";

/// Leaves the address for whoever finds the directory locked.
fn note_url(data: &Path, url: &str) {
    if let Err(error) = std::fs::write(data.join(URL_FILE), url) {
        tracing::warn!(
            target: "worldboss",
            "can't note the address in {}: {error}", data.display(),
        );
    }
}

/// Where the game of a data directory was when it last ran.
pub(crate) fn noted_url(data: &Path) -> Option<String> {
    std::fs::read_to_string(data.join(URL_FILE)).ok()
}

fn locked(data: &Path, file: &Path) -> String {
    match noted_url(data) {
        Some(url) => format!("this game is running already: open {url} or choose another --data"),
        None => DiskError::Locked(file.to_owned()).to_string(),
    }
}

fn welcome(name: &str, url: &str, data: &Path, bots: u32, addr: SocketAddr) -> String {
    let lan = if addr.ip().is_loopback() {
        format!("  LAN:      start with --listen 0.0.0.0:{} to let others in\n", addr.port())
    } else {
        String::new()
    };
    format!(
        "worldboss {version}: {name}\n\n  Play:     {url}\n  Metrics:  {url}metrics\n{lan}  \
         Bots:     {bots}\n  Kept in:  {data}\n\n\
         Ctrl-C stops. The fight goes on where it was, even after kill -9.\n",
        version = env!("CARGO_PKG_VERSION"),
        data = data.display(),
    )
}

/// A machine without a browser still has the address on its screen.
fn open_browser(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if let Err(error) = std::process::Command::new(opener).arg(url).spawn() {
        tracing::warn!(target: "worldboss", "can't open a browser with {opener}: {error}");
    }
}
