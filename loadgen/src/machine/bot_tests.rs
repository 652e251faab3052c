//! A bot against a scripted shard: sequences, resending, lost sessions, refusals.

use super::table::{playing, table, tally};
use super::{Bot, BotConfig, Event};
use protocol::{CloseCode, Gen, Hit, InputSeq, Micros, PlayerId, RefusalReason, Status, Tick};

fn seqs(hits: &[Hit]) -> Vec<u32> {
    hits.iter().map(|hit| hit.seq.0).collect()
}

#[test]
fn hits_are_numbered_from_one_without_a_gap() {
    let hits = playing().hits(8);
    assert_eq!(seqs(&hits)[..8], [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn no_hit_leaves_before_a_state_is_seen() {
    let mut table = table();
    table.bot.start(Micros(0));
    for _ in 0..20 {
        assert_eq!(table.step(), []);
    }
    table.connect(7, false, 0, &[]);
    assert!(!table.step().is_empty(), "what was planned leaves then");
}

#[test]
fn a_bot_stays_below_the_rate_of_admission() {
    let mut table = table();
    table.bot = Bot::new(BotConfig::new("Bot", 100.0), 5);
    table.bot.start(Micros(0));
    table.connect(7, false, 0, &[]);
    let mut sent = 0;
    for step in 1..=100 {
        let hits = table.step();
        sent += hits.len();
        assert!(sent <= 16 + step * 8 / 10, "{sent} hits in {step} steps");
        if let Some(last) = hits.last() {
            table.ack(last.seq.0, &[], &[]);
        }
    }
    assert!(sent >= 80, "{sent} hits");
}

#[test]
fn hits_wait_up_to_a_bound_and_then_are_skipped() {
    let mut table = playing();
    let sent: usize = (0..600).map(|_| table.step().len()).sum();
    assert_eq!(sent, 64);
    assert!(table.skipped() > 50);
}

#[test]
fn tallies_tell_accepted_from_refused() {
    let mut table = playing();
    table.hits(5);
    let seq = u32::try_from(table.bot.books().unwrap().sent).unwrap();
    table.ack(3, &[tally(1, 2, 200)], &[2]);
    table.ack(seq, &[tally(1, seq - 1, 900)], &[]);
    let books = table.bot.books().unwrap();
    assert_eq!((books.answered, books.accepted()), (u64::from(seq), u64::from(seq - 1)));
    assert_eq!((books.rejected(), books.damage()), (1, 900));
    assert_eq!(table.count(|event| *event == Event::Refused(RefusalReason::Rate)), 1);
    assert_eq!(table.faults(), 0);
}

#[test]
fn a_hit_is_in_the_truth_when_its_tick_is_counted_and_a_refused_one_never() {
    let mut table = playing();
    table.hits(3);
    let seq = u32::try_from(table.bot.books().unwrap().sent).unwrap();
    table.ack(seq, &[tally(1, seq - 1, 200)], &[2]);
    assert!(!table.bot.is_drained());
    table.frame();
    assert_eq!(table.count(|event| matches!(event, Event::Counted { .. })), 0);
    table.counted = table.tick;
    table.frame();
    let counted = table.count(|event| matches!(event, Event::Counted { .. }));
    assert_eq!(counted, usize::try_from(seq - 1).unwrap());
    assert!(!table.bot.is_drained(), "that a part of it was late may still be told");
    (0..2).for_each(|_| table.next_frame());
    assert!(table.bot.is_drained());
}

#[test]
fn a_resumed_session_sends_the_unanswered_hits_again_in_order() {
    let mut table = playing();
    let sent = table.hits(4);
    table.bot.stop();
    table.lose(CloseCode::Restart);
    assert!(table.bot.retry_at() > Some(table.now));
    table.connect(7, true, 2, &[tally(1, 2, 200)]);
    assert_eq!(table.step(), sent[2..]);
    assert_eq!(table.step(), []);
    let last = u32::try_from(sent.len()).unwrap();
    table.ack(last, &[tally(1, last, 400)], &[]);
    let books = table.closed_books();
    assert_eq!(books.len(), 1);
    assert_eq!((books[0].sent, books[0].accepted()), (u64::from(last), u64::from(last)));
    assert_eq!((books[0].unresolved, table.faults()), (0, 0));
    assert_eq!(table.count(|event| *event == Event::Connected { first: false }), 1);
}

#[test]
fn resent_hits_keep_their_generation() {
    let mut table = playing();
    table.hits(2);
    table.lose(CloseCode::TryLater);
    table.generation = 2;
    table.connect(7, true, 0, &[]);
    let hits = table.hits(4);
    assert_eq!(hits[..2].iter().map(|hit| hit.generation.0).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(hits.last().map(|hit| hit.generation), Some(Gen(2)));
}

#[test]
fn hits_planned_while_away_leave_after_those_that_are_sent_again() {
    let mut table = playing();
    let sent = table.hits(2).len();
    table.lose(CloseCode::Restart);
    for _ in 0..10 {
        assert_eq!(table.step(), []);
    }
    table.connect(7, true, 0, &[]);
    let hits = table.step();
    assert!(hits.len() > sent);
    assert!(hits.is_sorted_by_key(|hit| hit.seq));
    assert_eq!(hits[0].seq, InputSeq(1));
}

#[test]
fn the_unanswered_hits_of_a_lost_session_are_unresolved() {
    let mut table = playing();
    table.hits(3);
    let sent = table.bot.books().unwrap().sent;
    table.ack(1, &[tally(1, 1, 100)], &[]);
    table.lose(CloseCode::Restart);
    table.connect(8, false, 0, &[]);
    assert_eq!(table.hits(1)[0].seq, InputSeq(1));
    let books = table.closed_books();
    assert_eq!(books.len(), 2);
    assert_eq!((books[0].player, books[0].unresolved), (PlayerId(7), sent - 1));
    // The basic skill does 100, and 200 when critical.
    assert_eq!(books[0].unresolved_damage[&Gen(1)], 200 * (sent - 1));
    assert_eq!((books[0].accepted(), books[1].player), (1, PlayerId(8)));
}

#[test]
fn while_the_boss_is_down_hits_are_skipped_and_go_on_in_the_next_generation() {
    let mut table = playing();
    table.hits(1);
    table.status = Status::Defeated;
    table.frame();
    for _ in 0..20 {
        assert_eq!(table.step(), []);
    }
    assert!(table.skipped() > 2);
    (table.status, table.generation) = (Status::Alive, 2);
    table.frame();
    assert_eq!(table.hits(1)[0].generation, Gen(2));
}

#[test]
fn a_bot_at_fault_says_so_and_after_a_wrong_protocol_stays_away() {
    for (code, returns) in [
        (CloseCode::Flood, true),
        (CloseCode::Malformed, true),
        (CloseCode::Protocol, false),
        (CloseCode::Field, false),
    ] {
        let mut table = playing();
        table.lose(code);
        assert_eq!((table.faults(), table.bot.retry_at().is_some()), (1, returns), "{code:?}");
    }
    for code in [CloseCode::Restart, CloseCode::TryLater] {
        let mut table = playing();
        table.lose(code);
        assert_eq!((table.faults(), table.bot.retry_at().is_some()), (0, true), "{code:?}");
    }
}

#[test]
fn a_silent_connection_is_given_up() {
    let mut table = playing();
    assert!(!table.bot.is_silent(table.now));
    let later = table.now + Micros::from_millis(10_000);
    assert!(table.bot.is_silent(later));
    table.bot.handle_silent(later);
    assert!(table.bot.retry_at() > Some(later));
}

#[test]
fn accepted_hits_that_vanish_from_a_session_that_goes_on_are_a_fault() {
    let mut table = playing();
    table.hits(2);
    table.ack(2, &[tally(1, 2, 200)], &[]);
    table.ack(2, &[tally(1, 1, 100)], &[]);
    assert_eq!(table.faults(), 1);
}

#[test]
fn a_bot_does_not_wait_for_ticks_that_its_shard_has_lost() {
    let mut table = playing();
    table.hits(1);
    table.ack(1, &[tally(1, 1, 100)], &[]);
    let before = table.tick;
    table.lose(CloseCode::Restart);
    // Another process has an older disk, and nothing happens in it that would move what it counts.
    table.tick = before - 1;
    table.connect(7, true, 0, &[]);
    table.counted = table.tick;
    (0..4).for_each(|_| table.next_frame());
    assert!(table.bot.is_drained());
    assert!(table.faults() > 0, "and it says what it has seen");
}

#[test]
fn a_mixing_bot_uses_more_than_the_basic_skill_and_keeps_the_cooldowns() {
    let mut table = table();
    table.bot = Bot::new(BotConfig { mix: true, ..BotConfig::new("Bot", 3.0) }, 5);
    table.bot.start(Micros(0));
    table.connect(7, false, 0, &[]);
    let mut heavy_at = Vec::new();
    for _ in 0..300 {
        for hit in table.step() {
            table.ack(hit.seq.0, &[], &[]);
            if hit.skill.0 == 2 {
                heavy_at.push(table.now);
            }
        }
    }
    assert!(heavy_at.len() >= 3, "{heavy_at:?}");
    assert!(heavy_at.windows(2).all(|pair| pair[1].since(pair[0]).as_millis() >= 3_000));
}

#[test]
fn the_same_seed_plays_the_same_game() {
    assert_eq!(playing().hits(20), playing().hits(20));
}

#[test]
fn what_was_announced_of_a_fallen_boss_may_not_be_taken_back() {
    let show = |told: &[(u32, Status)]| {
        let mut table = playing();
        for (generation, status) in told {
            (table.generation, table.status) = (*generation, *status);
            table.frame();
        }
        table.faults()
    };
    let life = [(1, Status::Defeated), (1, Status::Rewarded), (2, Status::Alive)];
    assert_eq!(show(&life), 0);
    assert_eq!(show(&[(2, Status::Alive), (1, Status::Rewarded), (2, Status::Alive)]), 0);
    assert_eq!(show(&[(1, Status::Defeated), (1, Status::Alive)]), 1);
    assert_eq!(show(&[(1, Status::Rewarded), (1, Status::Closed)]), 1);
    assert_eq!(show(&[(3, Status::Alive), (1, Status::Rewarded)]), 1);
}

#[test]
fn a_share_is_due_when_the_next_generation_has_gone_on_for_a_while() {
    let mut table = playing();
    table.hits(1);
    table.ack(1, &[tally(1, 1, 100)], &[]);
    table.generation = 2;
    (0..99).for_each(|_| table.next_frame());
    assert!(table.bot.books().unwrap().shares_due.is_empty());
    table.next_frame();
    assert_eq!(table.bot.books().unwrap().shares_due.iter().copied().collect::<Vec<_>>(), [Gen(1)]);
}

#[test]
fn a_bot_that_gets_what_can_be_seen_tells_what_its_bar_showed() {
    let mut table = table();
    table.bot = Bot::new(BotConfig { every: 0, ..BotConfig::new("Bot", 1.0) }, 5);
    table.bot.start(Micros(0));
    table.connect(7, false, 0, &[]);
    let first = table.tick;
    table.hits(1);
    table.ack(1, &[tally(1, 1, 100)], &[]);
    let acked = table.tick;
    table.next_frame();
    let second = table.tick;
    (table.counted, table.tick) = (acked, table.tick + 4);
    table.next_frame();
    table.next_frame();
    let shown: Vec<_> = table
        .events
        .iter()
        .filter_map(|event| {
            let Event::Shown(span) = event else { return None };
            Some((span.base.tick.0, span.until.0, span.own.clone()))
        })
        .collect();
    let own = vec![(Tick(acked.into()), 100)];
    let ticks = [first, second, second + 5, second + 6].map(u64::from);
    // The bar subtracts the hit until the state that counts it is its base.
    let [a, b, c, d] = ticks;
    assert_eq!(shown, [(a, b, own.clone()), (b, c, own), (c, d, Vec::new())]);
}
