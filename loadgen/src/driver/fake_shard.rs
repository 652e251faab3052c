//! A shard for tests of the driver: just enough protocol, and faults on demand.

use futures::{SinkExt, StreamExt};
use protocol::{
    Ack, BossCard, Gen, InputSeq, PlayerId, PlayerMessage, Scenario, ShardId, ShardMessage, State,
    Status, Tally, Tick, Token, Welcome,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Every session's first connection ends with 1012, its newest hit unanswered.
    Restart,
    /// The same, and the session is forgotten.
    Forget,
    /// The ledger has only half of the damage.
    Lose,
    /// The ledger has the damage twice.
    Double,
}

#[derive(Debug)]
struct Game {
    fault: Fault,
    /// By the number in the token, which is the player's id.
    sessions: BTreeMap<u64, Session>,
    tick: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Session {
    seq: u32,
    restarted: bool,
}

type Table = Arc<Mutex<Game>>;

const DAMAGE: u64 = 100;

/// Serves until the test's runtime ends; answers the WebSocket's address.
pub(super) async fn start(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let table = Arc::new(Mutex::new(Game { fault, sessions: BTreeMap::new(), tick: 0 }));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&table)));
        }
    });
    format!("ws://{address}/ws")
}

async fn serve(mut stream: TcpStream, table: Table) {
    let mut head = [0; 16];
    let len = stream.peek(&mut head).await.unwrap_or(0);
    if head[..len].starts_with(b"GET /api") {
        let body = ledger(&table.lock().unwrap());
        let len = body.len();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n{body}");
        drop(stream.write_all(answer.as_bytes()).await);
        return;
    }
    #[expect(clippy::result_large_err, reason = "the type is given")]
    let accept = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        let name = "sec-websocket-protocol";
        let wanted = request.headers()[name].clone();
        assert_eq!(wanted, protocol::SUBPROTOCOL);
        response.headers_mut().insert(name, wanted);
        Ok(response)
    };
    if let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, accept).await {
        play(socket, &table).await;
    }
}

async fn play(mut socket: WebSocketStream<TcpStream>, table: &Table) -> Option<()> {
    let bytes = socket.next().await?.ok()?.into_data();
    let Ok(PlayerMessage::Hello(hello)) = PlayerMessage::decode(&bytes) else { return None };
    let (player, welcome) = welcome(&mut table.lock().unwrap(), hello.session);
    send(&mut socket, &ShardMessage::Welcome(welcome)).await?;
    let spec = Scenario::parse(Scenario::default_text()).unwrap().spec;
    send(&mut socket, &ShardMessage::Boss(BossCard { generation: Gen(1), spec })).await?;
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let mut arrived = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let messages = tick(&mut table.lock().unwrap(), player, &mut arrived);
                for message in messages {
                    send(&mut socket, &message).await?;
                }
            }
            message = socket.next() => {
                let message = message?.ok()?;
                if !message.is_binary() {
                    continue;
                }
                let Ok(PlayerMessage::Hit(hit)) = PlayerMessage::decode(&message.into_data())
                else {
                    return None;
                };
                if restarts(&mut table.lock().unwrap(), player) {
                    let frame = CloseFrame { code: 1012.into(), reason: "".into() };
                    socket.close(Some(frame)).await.ok()?;
                    return None;
                }
                let mut game = table.lock().unwrap();
                let session = game.sessions.get_mut(&player)?;
                if hit.seq.0 == session.seq + 1 {
                    session.seq += 1;
                }
                arrived = true;
            }
        }
    }
}

async fn send(socket: &mut WebSocketStream<TcpStream>, message: &ShardMessage) -> Option<()> {
    socket.send(Message::Binary(protocol::encode(message).into())).await.ok()
}

fn welcome(game: &mut Game, token: Option<Token>) -> (u64, Welcome) {
    let asked = token.and_then(|token| serde_json::to_string(&token).ok());
    let asked = asked.and_then(|hex| u64::from_str_radix(hex.trim_matches('"'), 16).ok());
    let known = asked.filter(|_| game.fault != Fault::Forget);
    let player = known.unwrap_or(1 + game.sessions.len() as u64);
    let restarted = asked.is_some();
    let session = game.sessions.entry(player).or_default();
    session.restarted |= restarted;
    let welcome = Welcome {
        session: serde_json::from_str(&format!("\"{player:032x}\"")).unwrap(),
        player: PlayerId(player),
        resumed: known.is_some(),
        shard: ShardId(0),
        tick_ms: 20,
        tick: Tick(game.tick),
        generation: Gen(1),
        seq: InputSeq(session.seq),
        tallies: tallies(*session),
    };
    (player, welcome)
}

fn tallies(session: Session) -> Vec<Tally> {
    let damage = DAMAGE * u64::from(session.seq);
    vec![Tally { generation: Gen(1), hits: session.seq, damage, late: 0 }]
}

fn restarts(game: &mut Game, player: u64) -> bool {
    let has_fault = matches!(game.fault, Fault::Restart | Fault::Forget);
    let session = game.sessions.get_mut(&player).unwrap();
    has_fault && session.seq > 0 && !std::mem::replace(&mut session.restarted, true)
}

fn tick(game: &mut Game, player: u64, arrived: &mut bool) -> Vec<ShardMessage> {
    game.tick += 1;
    let tick = Tick(game.tick);
    let session = game.sessions[&player];
    let mut messages = Vec::new();
    if std::mem::take(arrived) {
        let (seq, tallies) = (InputSeq(session.seq), tallies(session));
        messages.push(ShardMessage::Ack(Ack { tick, seq, tallies, refused: Vec::new() }));
    }
    let state = State {
        tick,
        version: serde_json::from_str(&game.tick.to_string()).unwrap(),
        generation: Gen(1),
        status: Status::Alive,
        phase: 0,
        hp_max: 1_000,
        hp: 1_000,
        predicted: 1_000,
        rate: 0,
        age_ms: 0,
        counted: tick,
        players: 1,
    };
    messages.push(ShardMessage::State(state));
    messages
}

fn ledger(game: &Game) -> String {
    let (times, parts) = match game.fault {
        Fault::None | Fault::Restart | Fault::Forget => (1, 1),
        Fault::Lose => (1, 2),
        Fault::Double => (2, 1),
    };
    let players = game.sessions.iter().map(|(player, session)| {
        let damage = DAMAGE * u64::from(session.seq) * times / parts;
        json!({ "player": player, "name": "x", "damage": damage, "late": 0 })
    });
    let players: Vec<_> = players.collect();
    let journal = json!({
        "journal": "00".repeat(16), "shard": 0, "finished": false, "applied": 0, "late": 0,
        "players": players,
    });
    let generation = json!({
        "generation": 1, "status": 1, "hp_max": 1_000, "hp": 0, "damage": 0, "overkill": 0,
        "late": 0, "journals": [journal],
    });
    let chain = "00".repeat(20);
    json!({ "boss": 1, "version": 9, "chain": chain, "generations": [generation] }).to_string()
}
