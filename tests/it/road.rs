//! One hit's road through the real machines, with everything that can come twice, late or never.

use crate::world::{Driven, Truth, alone, journal, open, scenario};
use protocol::{InputSeq, JoinAnswer};
use shard::machine::{Disk, Opening, Output, Request};
use std::collections::BTreeMap;
use ucore::{GMapDelta, Max};

#[test]
fn twenty_thousand_hits_in_one_tick_on_two_shards_are_two_pushes_and_exact_hp() {
    let mut truth = Truth::new(scenario(50_000_000, 123));
    let mut shards = [1, 2]
        .map(|label: u8| Driven::start(&mut truth, label.into(), Disk::default(), journal(label)));
    for shard in &mut shards {
        (0..10_000).for_each(|conn| shard.hello(conn, None));
        shard.tick(&mut truth);
        shard.tick(&mut truth);
        shard.pushes = 0;
    }
    let before = truth.log.len();
    for shard in &mut shards {
        (0..10_000).for_each(|conn| shard.hit(conn, 1));
    }
    for shard in &mut shards {
        shard.tick(&mut truth);
    }
    assert_eq!(shards.each_ref().map(|shard| shard.pushes), [1, 1]);
    assert_eq!(truth.log.len(), before + 2, "one push is one log entry");
    assert_eq!(truth.machine.truth().hp(), 50_000_000 - 20_000 * 123);
    assert_eq!(truth.folded().snapshot(), truth.machine.snapshot(), "the log says the same");
    for shard in &mut shards {
        shard.tick(&mut truth);
        assert_eq!(shard.shard.state(shard.now).hp, 50_000_000 - 20_000 * 123);
        assert!((0..10_000).all(|conn| shard.ack(conn).unwrap().seq == InputSeq(1)));
    }
}

#[test]
fn a_push_whose_answer_is_lost_is_counted_once_with_what_came_after_it() {
    let (mut truth, mut shard) = alone(3);
    for round in 1..=20 {
        shard.hit(round % 3, u32::try_from(round).unwrap());
        shard.tick_alone();
        // The authority takes it, and the answer never comes.
        if let Some(request) = shard.shard.poll_request(shard.now) {
            truth.ask(request);
            shard.shard.handle_no_answer(shard.now);
        }
        shard.now = shard.now + protocol::Micros::from_millis(5_000);
    }
    shard.tick(&mut truth);
    assert_eq!(truth.machine.truth().damage, 200);
}

#[test]
fn a_delayed_copy_of_an_old_push_changes_nothing() {
    let (mut truth, mut shard) = alone(1);
    shard.hit(0, 1);
    shard.tick_alone();
    let old = shard.shard.poll_request(shard.now).unwrap();
    let answer = truth.ask(old.clone());
    shard.shard.handle_answer(shard.now, answer);
    shard.hit(0, 2);
    shard.tick(&mut truth);
    let version = truth.machine.truth().version;
    truth.ask(old);
    assert_eq!(truth.machine.truth().damage, 20);
    assert_eq!(truth.machine.truth().version, version);
}

#[test]
fn a_hit_is_not_acknowledged_before_its_record_is_synced() {
    let (_truth, mut shard) = alone(1);
    shard.hit(0, 1);
    shard.shard.handle_tick();
    let outputs: Vec<_> = std::iter::from_fn(|| shard.shard.poll_output()).collect();
    assert!(matches!(outputs.as_slice(), [Output::Journal(_)]), "{outputs:?}");
    // A second tick waits for the first one's sync, and pushes nothing of it.
    shard.shard.handle_tick();
    assert_eq!(shard.shard.poll_output(), None);
    let Some(Request::Push(push)) = shard.shard.poll_request(shard.now) else { panic!("a pull") };
    assert_eq!((push.interval.from, push.interval.to), (0, 0));
    shard.shard.handle_synced();
    assert!(matches!(shard.shard.poll_output(), Some(Output::Ack(_, _))));
}

#[test]
fn a_tick_is_counted_when_the_truth_has_it_and_not_before() {
    let (mut truth, mut shard) = alone(1);
    let mut older = Truth::of(truth.folded(), truth.log.clone());
    shard.hit(0, 1);
    shard.tick_alone();
    let accepted = shard.ack(0).unwrap().tick;
    let counted = |shard: &Driven| shard.shard.state(shard.now).counted;
    assert!(counted(&shard) < accepted, "accepted, and the authority has not heard of it");
    shard.push(&mut truth);
    assert!(counted(&shard) >= accepted);
    // The authority comes back with an older log: what was counted is not, until it is again.
    shard.tick(&mut older);
    assert!(counted(&shard) < accepted, "the authority has lost it");
    (0..3).for_each(|_| shard.tick(&mut older));
    assert!(counted(&shard) >= accepted);
    assert_eq!(older.machine.truth().damage, 10);
}

#[test]
fn a_killed_process_loses_nothing_that_it_acknowledged() {
    let (mut truth, mut shard) = alone(2);
    shard.hit(0, 1);
    shard.tick(&mut truth);
    shard.hit(0, 2);
    shard.hit(1, 1);
    shard.tick_alone();
    let token = shard.welcome(0).unwrap().session;
    assert_eq!(shard.ack(0).unwrap().seq, InputSeq(2));
    // Killed here: two accepted hits were never pushed.
    let mut next = Driven::start(&mut truth, 1, shard.disk, journal(2));
    assert_eq!(truth.machine.truth().damage, 30);
    next.hello(7, Some(token));
    next.tick(&mut truth);
    let welcome = next.welcome(7).unwrap();
    assert!(welcome.resumed);
    assert_eq!((welcome.seq, welcome.tallies[0].hits), (InputSeq(2), 2));
    // The client sends again what it has no answer for, and something that it has.
    next.hit(7, 2);
    next.hit(7, 3);
    next.tick(&mut truth);
    next.tick(&mut truth);
    assert_eq!(truth.machine.truth().damage, 40);
    assert_eq!(next.ack(7).unwrap().tallies[0].damage, 30);
}

#[test]
fn a_process_killed_after_any_step_of_its_opening_hands_its_sessions_on() {
    for steps in 0..5 {
        let (mut truth, mut shard) = alone(1);
        shard.hit(0, 1);
        shard.tick_alone();
        let token = shard.welcome(0).unwrap().session;
        let mut disk = shard.disk.clone();
        let is_open = open(&mut truth, 1, &mut disk, journal(2), steps).is_some();
        assert_eq!(is_open, steps == 4, "intend, join, adopt, done");
        let mut next = Driven::start(&mut truth, 1, disk, journal(3));
        next.hello(0, Some(token));
        next.tick(&mut truth);
        assert!(next.welcome(0).unwrap().resumed, "killed after {steps} steps");
        assert_eq!(truth.machine.truth().damage, 10);
    }
}

#[test]
fn of_two_copies_of_a_disk_the_first_to_join_keeps_the_sessions() {
    let (mut truth, mut shard) = alone(1);
    shard.hit(0, 1);
    shard.tick(&mut truth);
    let token = shard.welcome(0).unwrap().session;
    let copies = [shard.disk.clone(), shard.disk.clone()];
    let [mut first, mut second] = [2, 3]
        .map(|id| Driven::start(&mut truth, 1, copies[usize::from(id) - 2].clone(), journal(id)));
    for (copy, resumed) in [(&mut first, true), (&mut second, false)] {
        copy.hello(9, Some(token));
        copy.tick(&mut truth);
        assert_eq!(copy.welcome(9).unwrap().resumed, resumed);
    }
    assert_eq!(truth.machine.truth().damage, 10, "the parent's damage is counted once");
    // The process that was copied from is fenced by its next push.
    shard.hit(0, 2);
    shard.tick(&mut truth);
    assert!(shard.output.contains(&Output::Fenced));
    assert_eq!(truth.machine.truth().damage, 10);
}

#[test]
fn an_authority_that_comes_back_with_an_older_log_heals_on_the_next_pushes() {
    let (mut truth, mut shard) = alone(4);
    let mut rolled_back = Truth::of(truth.folded(), truth.log.clone());
    for seq in 1..=5 {
        (0..4).for_each(|conn| shard.hit(conn, seq));
        shard.tick(&mut truth);
    }
    assert_eq!(truth.machine.truth().damage, 200);
    (0..4).for_each(|tick| {
        (0..4).for_each(|conn| shard.hit(conn, 6 + tick));
        shard.tick(&mut rolled_back);
    });
    (0..3).for_each(|_| shard.tick(&mut rolled_back));
    // While the journal enters again, hits are refused; everything accepted counts.
    let accepted = shard.shard.counts().damage;
    assert!(accepted >= 320, "{accepted}");
    assert_eq!(rolled_back.machine.truth().damage, accepted);
    assert_eq!(shard.shard.counts().rollbacks, 1);
    assert_eq!(rolled_back.folded().snapshot(), rolled_back.machine.snapshot());
}

#[test]
fn an_authority_that_lost_everything_gets_all_damage_of_live_journals_back() {
    let (mut truth, mut shard) = alone(2);
    (1..=5).for_each(|seq| {
        shard.hit(0, seq);
        shard.hit(1, seq);
        shard.tick(&mut truth);
    });
    let mut empty = Truth::new(scenario(1_000_000, 10));
    (0..6).for_each(|_| shard.tick(&mut empty));
    assert_eq!(empty.machine.truth().damage, 100);
}

#[test]
fn a_shard_is_drained_only_when_every_hit_is_answered_and_pushed() {
    let (mut truth, mut shard) = alone(1);
    (0..3).for_each(|_| shard.tick(&mut truth));
    assert!(shard.shard.is_drained());
    // A newcomer's record is being written when the last hits come and the shard is told to stop.
    shard.stall();
    shard.hello(1, None);
    shard.tick(&mut truth);
    shard.hit(0, 1);
    shard.shard.handle_stop();
    shard.tick(&mut truth);
    assert!(!shard.shard.is_drained(), "a record is being written");
    shard.unstall();
    assert!(!shard.shard.is_drained(), "a hit is not yet answered");
    shard.tick(&mut truth);
    shard.tick(&mut truth);
    assert!(shard.shard.is_drained());
    assert_eq!(shard.ack(0).unwrap().seq, InputSeq(1));
    assert_eq!(truth.machine.truth().damage, 10);
}

#[test]
fn a_journal_is_not_played_on_another_boss() {
    let mut truth = Truth::new(scenario(100, 10));
    let shard = Driven::start(&mut truth, 1, Disk::default(), journal(1));
    let other = protocol::BossId(2);
    let opening = Opening::new(other, protocol::ShardId(1), shard.disk, journal(2));
    let error = opening.unwrap_err().to_string();
    assert!(error.contains("about boss 1") && error.contains("another data directory"), "{error}");
}

#[test]
fn a_claim_that_contradicts_itself_changes_nothing() {
    let (mut truth, mut shard) = alone(1);
    shard.hit(0, 1);
    shard.tick_alone();
    let mut lineage = shard.disk.journal.unwrap().lineage_with_self(&BTreeMap::new());
    let players = &mut lineage[0].rests[0].players;
    let (player, total) = players.iter().next().unwrap();
    *players = GMapDelta::line(*player, Max::of(total.get() + 1));
    let before = truth.machine.truth();
    let (boss, shard) = (truth.machine.id(), protocol::ShardId(1));
    let join = protocol::Join { boss, journal: journal(2), shard, lineage };
    assert_eq!(truth.join(join), JoinAnswer::Refused);
    assert_eq!(truth.machine.truth(), before);
}

#[test]
fn a_resumed_session_takes_the_place_of_its_old_connection() {
    let (mut truth, mut shard) = alone(1);
    let token = shard.welcome(0).unwrap().session;
    shard.hit(0, 1);
    shard.hello(5, Some(token));
    shard.hit(0, 2);
    shard.hit(5, 2);
    shard.tick(&mut truth);
    let closed = shard.output.iter().any(|output| {
        matches!(output, Output::Close(conn, protocol::CloseCode::Replaced, _) if conn.0 == 0)
    });
    assert!(closed);
    shard.tick(&mut truth);
    assert_eq!(truth.machine.truth().damage, 20, "the old connection's second hit is not heard");
}
