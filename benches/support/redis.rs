//! What the benches of Redis share: a plain connection, and a Function that does nothing.

use redis::Client;
use redis::aio::MultiplexedConnection;
use xtask::redis::Server;

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
