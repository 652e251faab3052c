//! What a Redis answers, read as everything that an answer may be: for the fuzz targets.

use super::reply::Reply;
use super::{groups, log};
use protocol::BossId;
use redis::{Value, parse_redis_value};

/// Reads bytes of the Redis protocol as an answer to each of the functions, and as a part of the
/// log.
#[doc(hidden)]
pub fn read_redis_answer(bytes: &[u8]) {
    let Ok(value) = parse_redis_value(bytes) else { return };
    let open = |value: &Value| Reply::open(BossId(1), value.clone()).ok().map(|(_, reply)| reply);
    let Some(reply) = open(&value) else { return };
    drop(reply.seen());
    drop(open(&value).map(Reply::looked));
    drop(open(&value).map(|mut reply| (reply.flag(), reply.spec(), reply.standings())));
    drop(log::stream(value.clone()));
    drop(open(&value).map(groups::read_told));
    drop(groups::entries_of(value));
}
