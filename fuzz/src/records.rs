//! Records: what stores hold, on disks and in Redis.

use crate::check::{answered, record, spelled};
use crate::draw::Draw;
use protocol::{BossSpec, JournalId, Standings};
use shard::machine::{Journal, Record, ResendFrom};
use ucore::Updatable;

/// The scenario to come, and the leaderboard beside a boss.
pub(crate) fn authority(bytes: &[u8]) {
    if let Some(spec) = record::<BossSpec>(bytes) {
        answered(spec.check());
    }
    spelled::<BossSpec>(bytes);
    record::<Standings>(bytes);
}

/// The checkpoint of a journal, and records of ticks behind it, each behind its length. A record is
/// applied whole or not at all, and whatever the disk says, a claim can be made of it.
pub(crate) fn journal(bytes: &[u8]) {
    spelled::<JournalId>(bytes);
    let mut draw = Draw::new(bytes);
    let Some(mut journal) = spelled::<Journal>(draw.chunk()) else { return };
    while !draw.is_over() {
        let Some(record) = spelled::<Record>(draw.chunk()) else { break };
        let before = journal.clone();
        let checked = journal.check(&record);
        assert_eq!(journal.apply(record), checked);
        if checked.is_err() {
            assert_eq!(journal, before, "it was refused");
            break;
        }
    }
    assert_eq!(spelled::<Journal>(&ucore::encode(&journal)).as_ref(), Some(&journal));
    let mut from = ResendFrom::new();
    for _ in 0..2 {
        let claims = journal.lineage_with_self(&from);
        let rests = claims.iter().flat_map(|claim| {
            claim.rests.iter().map(|rest| ((claim.journal, rest.generation), rest.to / 2))
        });
        from = rests.collect();
    }
}

/// An answer of Redis, read as everything that it may be.
pub(crate) fn redis(bytes: &[u8]) {
    crate::check::bounded(bytes, || authority::read_redis_answer(bytes));
}
