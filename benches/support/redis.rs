//! What the benches of Redis share: a plain connection, a Function that does nothing, and journals
//! that push as shards do.

use authority::{Authority, Redis};
use protocol::{
    BossId, Enter, EnterAnswer, Gen, Interval, Join, JoinAnswer, JournalId, PlayerId, Push,
    Scenario, ShardId, Spawn, Truth, Verdict,
};
use redis::Client;
use redis::aio::MultiplexedConnection;
use std::collections::BTreeMap;
use ucore::{Bin, Max};
use xtask::redis::Server;

/// The boss of the benches.
pub(crate) const BOSS: BossId = BossId(1);

const NOTHING: &str = "#!lua name=nothing\nredis.register_function('nothing', function() end)";

/// A connection without delay, to a server that has a Function which does nothing.
pub(crate) async fn connect(server: &Server) -> MultiplexedConnection {
    let info = redis::IntoConnectionInfo::into_connection_info(server.url()).expect("an address");
    let settings = redis::io::tcp::TcpSettings::default().set_nodelay(true);
    let client = Client::open(info.set_tcp_settings(settings)).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("it runs");
    let mut load = redis::cmd("FUNCTION");
    load.arg("LOAD").arg("REPLACE").arg(NOTHING);
    load.query_async::<String>(&mut connection).await.expect("it loads");
    connection
}

/// Calls the Function that does nothing, with as many keys and bytes as a push has.
pub(crate) async fn nothing(connection: &mut MultiplexedConnection, payload: &[u8]) {
    let mut call = redis::cmd("FCALL");
    call.arg("nothing").arg(2);
    for kind in ["state", "log"] {
        call.arg(format!("{{boss:1}}:{kind}"));
    }
    call.arg(payload);
    call.query_async::<()>(connection).await.expect("nothing fails at nothing");
}

/// One hit as a game without shards' buffers counts it.
pub(crate) async fn incrby(connection: &mut MultiplexedConnection) {
    let mut hit = redis::cmd("INCRBY");
    hit.arg("boss:hp").arg(-100);
    hit.query_async::<i64>(connection).await.expect("a number");
}

/// A boss that nobody kills.
pub(crate) async fn spawn(authority: &Redis) {
    let mut scenario = Scenario::parse(Scenario::default_text()).expect("it comes along");
    scenario.spec.hp_max = protocol::limits::HP_MAX;
    let spec = Box::new(scenario.spec);
    authority.spawn(Spawn { boss: BOSS, spec }).await.expect("it begins");
}

/// A journal whose players all hit once per push.
#[derive(Debug)]
pub(crate) struct Pusher {
    authority: Redis,
    journal: JournalId,
    players: Vec<(PlayerId, u64)>,
    total: u64,
    truth: Truth,
}

impl Pusher {
    /// Joins and enters. `number` tells it apart from the others.
    pub(crate) async fn start(authority: Redis, number: u16, players: u64) -> Self {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        let (boss, journal, shard) = (BOSS, JournalId(Bin(id)), ShardId(number));
        let join = authority.join(Join { boss, journal, shard, lineage: Vec::new() }).await;
        assert!(matches!(join, Ok(JoinAnswer::Joined { .. })), "{join:?}");
        let entered = authority.enter(Enter { boss, journal, generation: Gen(1) }).await;
        let Ok(EnterAnswer::Entered { truth, .. }) = entered else { panic!("{entered:?}") };
        let first = u64::from(number) * 1_000_000;
        let players = (0..players).map(|player| (PlayerId(first + player), 0)).collect();
        Self { authority, journal, players, total: 0, truth }
    }

    /// Pushes what all its players did with one hit each.
    pub(crate) async fn push(&mut self) {
        let from = self.total;
        for (_, total) in &mut self.players {
            *total += 100;
        }
        self.total += 100 * self.players.len() as u64;
        let players = self.players.iter().map(|(player, total)| (*player, Max::of(*total)));
        let (generation, to, names) = (Gen(1), self.total, BTreeMap::new());
        let interval = Interval { generation, from, to, players: players.collect(), names };
        let (boss, journal, seen) = (BOSS, self.journal, self.truth.seen());
        let online = u32::try_from(self.players.len()).unwrap_or(u32::MAX);
        let push = Push { boss, journal, interval, last: false, online, seen, standings: 0 };
        let answer = self.authority.push(push).await.expect("it answers");
        assert_eq!(answer.verdict, Verdict::Counted);
        self.truth = answer.truth;
    }

    /// What it has pushed.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}
