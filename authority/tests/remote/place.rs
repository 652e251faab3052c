//! Where these tests take place: an embedded authority behind a service, and what can be cut.

use authority::sync::{self, Server};
use authority::{Answered, Authority, Embedded, Remote, Steps, port};
use futures::{FutureExt, SinkExt, StreamExt};
use protocol::{
    BossId, Enter, EnterAnswer, Gen, Interval, Join, JoinAnswer, JournalId, Numbered, PlayerId,
    Push, PushAnswer, SYNC_SUBPROTOCOL, Scenario, ShardId, Spawn, SyncAnswer, SyncRequest, Truth,
    Unavailable, decode_record, encode_record,
};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};
use ucore::{Bin, GMapDelta, Max};

pub(crate) const BOSS: BossId = BossId(1);
pub(crate) const JOURNAL: JournalId = JournalId(Bin([7; 16]));
pub(crate) const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What an authority comes to.
pub(crate) type Answer = Result<SyncAnswer, Unavailable>;

/// An authority that counts what it is asked, and keeps its answers back while it is told to.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) embedded: Embedded,
    pub(crate) asked: watch::Sender<usize>,
    pub(crate) closed: watch::Sender<bool>,
}

impl Authority for Gate {
    fn ask(&self, request: SyncRequest) -> Answered<SyncAnswer> {
        self.asked.send_modify(|asked| *asked += 1);
        let mut closed = self.closed.subscribe();
        let answer = self.embedded.ask(request);
        async move {
            let answer = answer.await;
            drop(closed.wait_for(|closed| !closed).await);
            answer
        }
        .boxed()
    }
}

/// An embedded authority, exported.
pub(crate) struct Place {
    pub(crate) gate: Arc<Gate>,
    pub(crate) server: Server,
    _dir: TempDir,
}

impl Place {
    /// A place whose boss has begun.
    pub(crate) async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let embedded = Embedded::open_with(dir.path(), Steps::ByHand).unwrap();
        embedded.spawn(spawn()).await.unwrap();
        let (asked, closed) = (watch::Sender::new(0), watch::Sender::new(false));
        let gate = Arc::new(Gate { embedded, asked, closed });
        let server = export(Arc::clone(&gate) as _, ANY_PORT);
        Self { gate, server, _dir: dir }
    }

    pub(crate) fn remote(&self) -> Remote {
        remote(self.server.addr())
    }

    /// A WebSocket of the service's sub-protocol.
    pub(crate) async fn socket(&self) -> Socket {
        connect(self.server.addr(), SYNC_SUBPROTOCOL).await.unwrap()
    }
}

pub(crate) fn export(authority: Arc<dyn Authority>, addr: SocketAddr) -> Server {
    sync::serve(port::listen(addr).unwrap(), authority).unwrap()
}

pub(crate) fn remote(addr: SocketAddr) -> Remote {
    Remote::new(&format!("ws://{addr}")).unwrap()
}

pub(crate) fn spawn() -> Spawn {
    let Scenario { id: boss, spec } = Scenario::parse(Scenario::default_text()).unwrap();
    Spawn { boss, spec: Box::new(spec) }
}

pub(crate) fn join() -> Join {
    Join { boss: BOSS, journal: JOURNAL, shard: ShardId(1), lineage: Vec::new() }
}

pub(crate) fn enter() -> Enter {
    Enter { boss: BOSS, journal: JOURNAL, generation: Gen(1) }
}

/// Opens the journal, and lets it damage the boss.
pub(crate) async fn begin(authority: &dyn Authority) -> Truth {
    let JoinAnswer::Joined { .. } = authority.join(join()).await.unwrap() else { panic!("joined") };
    match authority.enter(enter()).await.unwrap() {
        EnterAnswer::Entered { truth, .. } => truth,
        other => panic!("{other:?}"),
    }
}

/// One player's damage.
pub(crate) fn push(from: u64, to: u64, seen: &Truth) -> Push {
    let player = PlayerId(5);
    let players = GMapDelta::line(player, Max::of(to));
    let names = [(player, "Ada".to_owned())].into();
    let interval = Interval { generation: Gen(1), from, to, players, names };
    let (boss, journal, seen) = (BOSS, JOURNAL, seen.seen());
    Push { boss, journal, interval, last: false, online: 1, seen, standings: 0 }
}

/// The same damage of each of many players, who have names.
pub(crate) fn push_of_many(players: u64, each: u64, seen: &Truth) -> Push {
    let ids = || (1..=players).map(|id| PlayerId(id * 1_000_003));
    let lines = ids().map(|id| (id, Max::of(each))).collect();
    let names = ids().map(|id| (id, format!("player {}", id.0))).collect();
    let (generation, to) = (Gen(1), players * each);
    let interval = Interval { generation, from: 0, to, players: lines, names };
    Push { interval, ..push(0, to, seen) }
}

pub(crate) async fn pushed(authority: &dyn Authority, push: Push) -> PushAnswer {
    authority.push(push).await.unwrap()
}

pub(crate) type Socket = WebSocketStream<TcpStream>;

/// Opens a WebSocket connection, or says what the service answers instead.
pub(crate) async fn connect(addr: SocketAddr, subprotocol: &str) -> Result<Socket, String> {
    connect_by(addr, |request| request.with_sub_protocol(subprotocol)).await
}

/// The same, with a request of the test's making.
pub(crate) async fn connect_by(
    addr: SocketAddr,
    change: impl FnOnce(ClientRequestBuilder) -> ClientRequestBuilder,
) -> Result<Socket, String> {
    let uri = format!("ws://{addr}/sync").parse().unwrap();
    let request = change(ClientRequestBuilder::new(uri));
    let stream = TcpStream::connect(addr).await.unwrap();
    let opened = tokio_tungstenite::client_async(request, stream).await;
    opened.map(|(socket, _)| socket).map_err(|error| match error {
        tokio_tungstenite::tungstenite::Error::Http(response) => {
            let body = String::from_utf8(response.body().clone().unwrap_or_default()).unwrap();
            format!("{} {body}", response.status())
        }
        error => error.to_string(),
    })
}

pub(crate) async fn send(socket: &mut Socket, number: u64, body: SyncRequest) {
    let message = encode_record(&Numbered { number, body });
    socket.send(Message::binary(message)).await.unwrap();
}

/// The next answer, and its number.
pub(crate) async fn answer(socket: &mut Socket) -> (u64, Answer) {
    loop {
        if let Message::Binary(message) = socket.next().await.unwrap().unwrap() {
            let Numbered { number, body } = decode_record(&message).unwrap();
            return (number, body);
        }
    }
}

/// The code and the reason with which a connection is closed.
pub(crate) async fn closed(socket: &mut Socket) -> (u16, String) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(Some(frame)))) => {
                return (frame.code.into(), frame.reason.to_string());
            }
            Some(Ok(_)) => {}
            end => panic!("closed without a reason: {end:?}"),
        }
    }
}

/// A wire between a client and a service, which can be cut.
pub(crate) struct Wire {
    pub(crate) addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Wire {
    pub(crate) async fn to(service: SocketAddr) -> Self {
        let listener = TcpListener::bind(ANY_PORT).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut ends = tokio::task::JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut far = TcpStream::connect(service).await.unwrap();
                ends.spawn(async move {
                    drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
                });
            }
        });
        Self { addr, task }
    }

    /// Every connection ends, and none is taken any more.
    pub(crate) async fn cut(self) {
        self.task.abort();
        drop(self.task.await);
    }
}
