//! The seconds of several runs on one clock.

use crate::machine::{BossSecond, Report, Second, ServerSecond, ShardSecond};
use std::collections::BTreeMap;

/// The phases of a run in their order.
const PHASES: [&str; 4] = ["ramp", "load", "drain", "settle"];

/// The seconds of all reports, which are sorted by when they began, with the shards and servers in
/// the order of the merged one.
pub(super) fn merged(reports: &[Report], merged: &Report) -> Vec<Second> {
    let mut seconds: BTreeMap<i64, Second> = BTreeMap::new();
    for report in reports {
        let since_ms = report.info.began_unix_ms.saturating_sub(merged.info.began_unix_ms);
        let offset = since_ms.saturating_add(500) / 1_000;
        let mut last = i64::MIN;
        for second in &report.series {
            // Two seconds of one run stay two, however late the second of them was.
            last = whole(second.at_s + offset as f64).max(last.saturating_add(1));
            let sum = seconds.entry(last).or_insert_with(|| empty(last, merged));
            add(sum, second);
            add_shards(sum, second, report, merged);
            add_servers(sum, second, report, merged);
        }
    }
    seconds.into_values().collect()
}

fn whole(at_s: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "what is out of range is cut to it")]
    let at_s = at_s.round() as i64;
    at_s
}

fn empty(at_s: i64, merged: &Report) -> Second {
    Second {
        at_s: at_s as f64,
        shards: vec![ShardSecond::default(); merged.info.targets.len()],
        servers: vec![None; merged.servers.len()],
        ..Second::default()
    }
}

fn add(sum: &mut Second, second: &Second) {
    let rank = |phase: &str| PHASES.iter().position(|it| *it == phase);
    if sum.phase.is_empty() || rank(&second.phase) < rank(&sum.phase) {
        sum.phase.clone_from(&second.phase);
    }
    sum.players = sum.players.saturating_add(second.players);
    sum.live = sum.live.saturating_add(second.live);
    for (sum, more) in counts(sum).into_iter().zip(counts(&mut second.clone())) {
        *sum = sum.saturating_add(*more);
    }
    sum.ack_ms.blend(&second.ack_ms);
    sum.truth_ms.blend(&second.truth_ms);
    sum.cross_shard_ms.blend(&second.cross_shard_ms);
    sum.frame_interval_ms.blend(&second.frame_interval_ms);
    sum.generator_lag_ms.blend(&second.generator_lag_ms);
    // The boss only falls, and the next one comes later.
    let age = |boss: &BossSecond| (boss.generation, std::cmp::Reverse(boss.hp));
    sum.boss = sum.boss.into_iter().chain(second.boss).max_by_key(age);
}

/// What adds up.
fn counts(second: &mut Second) -> [&mut u64; 7] {
    [
        &mut second.hits_sent,
        &mut second.hits_answered,
        &mut second.hits_refused,
        &mut second.frames,
        &mut second.bytes_received,
        &mut second.reconnects,
        &mut second.connect_failures,
    ]
}

fn add_shards(sum: &mut Second, second: &Second, report: &Report, merged: &Report) {
    for (target, shard) in report.info.targets.iter().zip(&second.shards) {
        let index = merged.info.targets.iter().position(|it| it == target);
        let Some(sum) = index.and_then(|index| sum.shards.get_mut(index)) else { continue };
        sum.live = sum.live.saturating_add(shard.live);
        sum.hits_answered = sum.hits_answered.saturating_add(shard.hits_answered);
        sum.frames = sum.frames.saturating_add(shard.frames);
        sum.ack_p99_ms = sum.ack_p99_ms.max(shard.ack_p99_ms);
    }
}

/// Of runs that read the same page in the same second, the first one's reading will do.
fn add_servers(sum: &mut Second, second: &Second, report: &Report, merged: &Report) {
    for (server, reading) in report.servers.iter().zip(&second.servers) {
        let index = merged.servers.iter().position(|it| it.url == server.url);
        let known = index.and_then(|index| sum.servers.get_mut(index));
        if let Some(known) = known {
            *known = known.or(Option::<ServerSecond>::clone(reading));
        }
    }
}
