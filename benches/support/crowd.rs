//! A real shard in this process, with idle players on real sockets who want a frame every tick.
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use super::figures::cpu_of_thread;
use super::game::{BOSS, spawn};
use authority::{Authority, Embedded};
use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use protocol::{Hello, PlayerMessage, SUBPROTOCOL, ShardId, ShardMessage};
use shard::{Config, Running};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::{interval, sleep_until, timeout};
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long anything may take here.
const PATIENCE: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A shard with one worker, and its players.
pub(crate) struct Crowd {
    tick: Duration,
    running: Running,
    /// State frames that the player has whom the worker writes to last.
    frames: watch::Receiver<u64>,
    runtime: Runtime,
    _dir: TempDir,
}

impl Crowd {
    /// A shard without players, whose ticks are so many milliseconds apart.
    pub(crate) fn open(tick_ms: u16) -> Self {
        // Each player takes two descriptors. Without leave for more, connecting will say so.
        drop(rlimit::increase_nofile_limit(u64::MAX));
        let (runtime, dir) = (Runtime::new().expect("a runtime"), super::directory());
        let authority = Embedded::open(&dir.path().join("authority")).expect("an authority");
        let mut boss = spawn();
        boss.spec.timing.tick_ms = tick_ms;
        let running = runtime.block_on(async {
            authority.spawn(boss).await.expect("it begins");
            let listener = shard::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
            let config = Config {
                shard: ShardId(1),
                boss: BOSS,
                listener: listener.expect("a port"),
                data: dir.path().join("shard"),
                workers: 1,
                authority: Arc::new(authority),
                share: Vec::new(),
            };
            shard::start(config).expect("a shard")
        });
        let tick = Duration::from_millis(tick_ms.into());
        Self { tick, running, frames: watch::channel(0).1, runtime, _dir: dir }
    }

    /// Lets so many players in, one after the other, and returns when all get frames.
    pub(crate) fn fill(&mut self, players: u32) {
        for number in 0..players {
            let mut frames = self.seat(number);
            self.runtime.block_on(reach(&mut frames, 1));
            self.frames = frames;
        }
    }

    /// Lets so many players in, evenly spread over a time, and returns how long it took until each
    /// of them had its first frame.
    pub(crate) fn storm(&self, players: u32, within: Duration) -> Vec<Duration> {
        let began = Instant::now();
        let came = (0..players).map(async |number| {
            sleep_until((began + within * number / players).into()).await;
            let (asked, mut frames) = (Instant::now(), self.seat(number));
            reach(&mut frames, 1).await;
            asked.elapsed()
        });
        self.runtime.block_on(join_all(came))
    }

    /// What `/metrics` says.
    pub(crate) fn metrics(&self) -> String {
        let page = loadgen::driver::page(self.running.addr(), "/metrics", PATIENCE);
        self.runtime.block_on(page).expect("the shard answers")
    }

    /// Lets one more player in, and returns the count of its state frames after the first.
    fn seat(&self, number: u32) -> watch::Receiver<u64> {
        let (count, frames) = watch::channel(0);
        let url = format!("ws://{}/ws", self.running.addr());
        self.runtime.spawn(async move {
            let mut socket = connect(&url, number).await;
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Binary(bytes) = message
                    && let Ok(ShardMessage::State(_) | ShardMessage::Change(_)) =
                        ShardMessage::decode(&bytes)
                {
                    count.send_modify(|count| *count += 1);
                }
            }
        });
        frames
    }

    /// What the worker's thread spends while so many ticks' frames arrive.
    pub(crate) fn cpu_of_worker(&mut self, ticks: u64) -> Duration {
        let Self { tick, frames, runtime, .. } = self;
        runtime.block_on(async {
            let next = *frames.borrow() + 1;
            let before = cpu_after(*tick, frames, next).await;
            cpu_after(*tick, frames, next + ticks).await - before
        })
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.running.stop();
        let Self { running, runtime, .. } = self;
        drop(runtime.block_on(async { timeout(PATIENCE, running.ended()).await }));
    }
}

/// What the worker's thread has spent when so many frames have come. The system counts a thread's
/// time when it rests, so it gets a part of a tick for that.
async fn cpu_after(tick: Duration, frames: &mut watch::Receiver<u64>, count: u64) -> Duration {
    reach(frames, count).await;
    tokio::time::sleep(tick / 4).await;
    cpu_of_thread("worker-0").expect("the system tells the CPU of threads")
}

/// Waits until so many frames have come.
async fn reach(frames: &mut watch::Receiver<u64>, count: u64) {
    let reached = timeout(PATIENCE, frames.wait_for(|frames| *frames >= count)).await;
    drop(reached.expect("ticks go on").expect("the player is still there"));
}

/// Connects and says hello. A shard answers 503 until its authority has let it in.
async fn connect(url: &str, number: u32) -> Socket {
    let uri: Uri = url.parse().expect("an address");
    let mut tries = interval(Duration::from_millis(10));
    let connected = async {
        loop {
            tries.tick().await;
            let request = ClientRequestBuilder::new(uri.clone()).with_sub_protocol(SUBPROTOCOL);
            if let Ok((socket, _)) = connect_async(request).await {
                return socket;
            }
        }
    };
    let mut socket = timeout(PATIENCE, connected).await.expect("the shard takes players");
    let name = format!("player {number}");
    let hello = Hello { protocol: protocol::PROTOCOL, name, session: None, every: 1 };
    let hello = ucore::encode(&PlayerMessage::Hello(hello));
    socket.send(Message::binary(hello)).await.expect("it is taken");
    socket
}
