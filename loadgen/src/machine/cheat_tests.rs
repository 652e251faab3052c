//! Bots that cheat against a shard that keeps its rules, and against one that does not.

use super::table::{Table, playing_as, tally};
use super::{BotConfig, Cheat, Event, Outcome, Outgoing, Rates};
use protocol::{CloseCode, Hit, MessageError, Micros, PlayerMessage};

fn cheater(cheat: Cheat, rate: f64) -> Table {
    let rates = Rates::constant(rate);
    playing_as(BotConfig { cheat: Some(cheat), rates, ..BotConfig::new("Bot", 0.0) })
}

fn outcomes(table: &Table) -> [u64; 3] {
    [Outcome::Tried, Outcome::Refused, Outcome::LetThrough].map(|it| table.outcomes(it))
}

fn troubles(table: &Table) -> usize {
    table.count(|event| matches!(event, Event::Trouble(_) | Event::ConnectFailed(_)))
}

/// A minute of a hasty player; `accepts` says how many hits the shard accepts in a tick of 100 ms.
fn hurry(mut accepts: impl FnMut(u32) -> u32) -> Table {
    let mut table = cheater(Cheat::Rate, 20.0);
    let (mut seq, mut accepted) = (0, 0);
    while table.now < Micros::from_millis(60_000) {
        let sent = u32::try_from(table.step().len()).unwrap();
        assert!(sent <= 12 + 4, "{sent} hits in a tick");
        if sent == 0 {
            continue;
        }
        let good = accepts(table.tick).min(sent);
        let refused: Vec<_> = (seq + good + 1..=seq + sent).collect();
        (seq, accepted) = (seq + sent, accepted + good);
        table.ack(seq, &[tally(1, accepted, 100 * u64::from(accepted))], &refused);
    }
    table
}

#[test]
fn a_hasty_player_is_refused_what_the_bucket_does_not_hold() {
    let mut level = 0.0_f64;
    let mut before = 0;
    let table = hurry(|tick| {
        level = (level - f64::from(tick - before) * 0.8).max(0.0);
        before = tick;
        let room = (0..).take_while(|more| level + f64::from(*more) < 16.0).count();
        level += room as f64;
        u32::try_from(room).unwrap()
    });
    let [tried, refused, let_through] = outcomes(&table);
    // 20 a second are tried, and 8 of them accepted.
    assert!((1_050..1_350).contains(&tried), "{tried}");
    assert!((500..900).contains(&refused), "{refused}");
    assert_eq!((let_through, table.faults()), (0, 0));
}

#[test]
fn a_shard_that_accepts_every_hit_lets_a_hasty_player_through() {
    let table = hurry(|_| 100);
    let [tried, refused, let_through] = outcomes(&table);
    // 80 at once and 8 a second are within the margin.
    assert!((tried - 600..tried - 500).contains(&let_through), "{let_through} of {tried}");
    assert_eq!(refused, 0);
}

#[test]
fn a_hasty_player_stays_below_64_messages_in_the_longest_tick() {
    let mut table = cheater(Cheat::Rate, 20.0);
    table.now = Micros::from_millis(30_000);
    let sent: usize = (0..10).map(|_| table.step().len()).sum();
    assert!((40..60).contains(&sent), "{sent}");
}

/// The hits of a forger until it has sent one again, and that one.
fn replayed(table: &mut Table) -> (Vec<Hit>, Vec<Hit>) {
    let fresh = table.hits(1);
    let seq = fresh.last().unwrap().seq.0;
    table.ack(seq, &[tally(1, seq, 100 * u64::from(seq))], &[]);
    loop {
        let sent = table.step();
        if !sent.is_empty() {
            return (fresh, sent);
        }
        assert!(table.tick < 1_000, "it is honest");
    }
}

#[test]
fn a_forger_sends_an_answered_hit_again_and_its_sequence_with_another_skill() {
    let mut table = cheater(Cheat::Replay, 0.2);
    let (fresh, sent) = replayed(&mut table);
    assert_eq!((sent.len(), sent[0]), (2, fresh[0]));
    assert_eq!((sent[1].seq, sent[1].generation), (fresh[0].seq, fresh[0].generation));
    assert_ne!(sent[1].skill, fresh[0].skill);
    assert_eq!(table.step(), [], "it waits for the answer");
    table.ack(1, &[tally(1, 1, 100)], &[]);
    assert_eq!(outcomes(&table), [2, 2, 0]);
    let books = table.bot.books().unwrap();
    assert_eq!((books.sent, books.answered, books.accepted()), (1, 1, 1));
    assert_eq!(table.faults(), 0);
    let again: usize = (0..30).map(|_| table.step().len()).sum();
    assert!(again >= 2, "it tries again");
}

#[test]
fn a_forger_is_honest_while_a_hit_is_unanswered() {
    let mut table = cheater(Cheat::Replay, 4.0);
    table.hits(2);
    table.ack(1, &[tally(1, 1, 100)], &[]);
    let seqs: Vec<_> = (0..50).flat_map(|_| table.step()).map(|hit| hit.seq).collect();
    assert!(seqs.len() > 10 && seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    assert_eq!(outcomes(&table), [0, 0, 0]);
}

#[test]
fn a_tally_that_grows_by_a_repeated_hit_lets_a_forger_through() {
    for wrong in [tally(1, 2, 200), tally(1, 2, 100), tally(1, 1, 5_000)] {
        let mut table = cheater(Cheat::Replay, 0.2);
        replayed(&mut table);
        table.ack(1, &[wrong], &[]);
        assert_eq!(outcomes(&table), [2, 0, 2], "{wrong:?}");
    }
}

#[test]
fn a_new_hit_answered_with_a_repeated_one_may_count() {
    let mut table = cheater(Cheat::Replay, 4.0);
    let (_, sent) = replayed(&mut table);
    let seq = table.bot.books().unwrap().sent;
    let seq = u32::try_from(seq).unwrap();
    assert!(sent.len() >= 2);
    table.ack(seq, &[tally(1, seq, 100 * u64::from(seq))], &[]);
    let more = table.hits(1).last().unwrap().seq.0;
    table.ack(more, &[tally(1, more, 100 * u64::from(more))], &[]);
    assert_eq!((table.outcomes(Outcome::LetThrough), table.faults()), (0, 0));
}

#[test]
fn a_forger_that_loses_its_connection_does_not_know_what_came_of_it() {
    let mut table = cheater(Cheat::Replay, 0.2);
    replayed(&mut table);
    table.lose(CloseCode::Restart);
    table.connect(7, true, 1, &[tally(1, 1, 100)]);
    table.ack(1, &[tally(1, 1, 100)], &[]);
    assert_eq!(outcomes(&table), [2, 0, 0]);
}

#[test]
fn a_forger_does_not_repeat_what_a_shard_with_an_older_disk_has_not_answered() {
    let mut table = cheater(Cheat::Replay, 0.2);
    let (fresh, _) = replayed(&mut table);
    table.bot.stop();
    table.lose(CloseCode::Restart);
    table.connect(7, true, fresh[0].seq.0 - 1, &[]);
    let again: usize = (0..30).map(|_| table.step().len()).sum();
    assert_eq!(again, 0);
}

/// Steps until a broken frame leaves.
fn broken(table: &mut Table) -> Vec<u8> {
    loop {
        for sent in table.step_any() {
            if let Outgoing::Bytes(bytes) = sent {
                return bytes;
            }
        }
        assert!(table.tick < 2_000, "it is honest");
    }
}

/// The code that the protocol has for such a frame.
fn code(bytes: &[u8]) -> CloseCode {
    match PlayerMessage::decode(bytes) {
        Ok(PlayerMessage::Hello(_)) => CloseCode::HelloExpected,
        Err(MessageError::UnknownType(_)) => CloseCode::UnknownType,
        Err(MessageError::Malformed(_)) => CloseCode::Malformed,
        other => panic!("{other:?} is a message"),
    }
}

#[test]
fn a_vandal_is_shut_out_for_every_kind_of_broken_frame_and_comes_back_with_its_hits() {
    let mut table = cheater(Cheat::Frames, 2.0);
    let mut seen = Vec::new();
    for _ in 0..5 {
        let bytes = broken(&mut table);
        assert_eq!(table.step_any(), [], "it waits until it is shut out");
        seen.push(bytes.clone());
        let books = table.bot.books().unwrap();
        let (open, answered) = (books.sent - books.answered, books.answered);
        table.lose(code(&bytes));
        assert!(table.bot.retry_at().is_some());
        table.now = table.bot.retry_at().unwrap();
        table.connect(7, true, u32::try_from(answered).unwrap(), &[]);
        let again = table.step_any().len() as u64;
        assert!(again >= open.min(4), "{again} of {open} are sent again");
        let last = table.bot.books().unwrap().sent.try_into().unwrap();
        table.ack(last, &[], &[]);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert_eq!(outcomes(&table), [5, 5, 0]);
    assert_eq!((table.faults(), troubles(&table)), (0, 0));
}

#[test]
fn a_broken_frame_that_is_not_answered_is_let_through() {
    let mut table = cheater(Cheat::Frames, 2.0);
    broken(&mut table);
    let until = table.now + Micros::from_millis(4_900);
    while table.now < until {
        assert_eq!(table.step_any(), []);
    }
    assert_eq!(outcomes(&table), [1, 0, 0]);
    table.step_any();
    table.next_frame();
    assert!(!table.step_any().is_empty(), "it plays on");
    assert_eq!(outcomes(&table), [1, 0, 1]);
}

#[test]
fn a_shard_that_stands_still_lets_no_broken_frame_through() {
    let mut table = cheater(Cheat::Frames, 2.0);
    let bytes = broken(&mut table);
    for _ in 0..8 {
        table.now = table.now + Micros::from_millis(1_000);
        assert_eq!(table.bot.poll_message(table.now), None);
    }
    table.drain();
    assert_eq!(outcomes(&table), [1, 0, 0], "nothing came that it could have sent instead");
    table.lose(code(&bytes));
    assert_eq!(outcomes(&table), [1, 1, 0]);
}

#[test]
fn another_close_code_than_that_of_the_frame_is_judged_as_ever() {
    let mut table = cheater(Cheat::Frames, 2.0);
    broken(&mut table);
    table.lose(CloseCode::Restart);
    assert_eq!((outcomes(&table), table.faults(), troubles(&table)), ([1, 0, 0], 0, 1));
    table.connect(7, true, 0, &[]);
    broken(&mut table);
    table.lose(CloseCode::Flood);
    assert_eq!((outcomes(&table), table.faults()), ([2, 0, 0], 1));
    table.connect(7, true, 0, &[]);
    table.lose(CloseCode::Malformed);
    assert_eq!(table.faults(), 2, "nothing was wrong");
}
