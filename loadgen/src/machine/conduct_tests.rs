//! Bots that follow their plan: they hit as planned whatever they are answered, leave, come back,
//! move on, or hardly read.

use super::table::{Table, playing, playing_as, table_of, tally};
use super::{Arrivals, Bot, BotConfig, Churn, Event, Planned, Rates, Returns, Schedule, Wish};
use protocol::{CloseCode, Hit, InputSeq, Micros, PlayerId, Scenario, Status};

const fn ms(ms: u64) -> Micros {
    Micros::from_millis(ms)
}

fn config() -> BotConfig {
    BotConfig::new("Bot", 2.0)
}

fn commuter(returns: Returns) -> BotConfig {
    BotConfig {
        targets: 3,
        churn: Some(Churn { every: ms(4_000), away: ms(3_000), returns }),
        ..config()
    }
}

/// When a commuter leaves first, and when it comes back.
fn absence(config: &BotConfig) -> (Micros, Micros) {
    let absence = config.absences(5).next().unwrap();
    (absence.leaves, absence.returns)
}

/// Steps until the bot wants to leave.
fn step_to_leave(table: &mut Table) -> Micros {
    while !table.bot.wants_to_leave(table.now) {
        assert!(table.now < ms(60_000), "it stays");
        table.step();
    }
    table.now
}

/// Plays for a minute; `answer` is the shard's part after each step.
fn play(config: &BotConfig, mut answer: impl FnMut(&mut Table, &[Hit])) -> (Vec<Micros>, Vec<Hit>) {
    let (mut table, mut sent) = (playing_as(config.clone()), Vec::new());
    while table.now < ms(60_000) {
        let hits = table.step();
        let last = sent.last().map_or(InputSeq(0), |hit: &Hit| hit.seq);
        sent.extend(hits.iter().copied().filter(|hit| hit.seq > last));
        answer(&mut table, &hits);
    }
    let last = table.bot.books().unwrap().sent.try_into().unwrap();
    table.ack(last, &[], &[]);
    let planned = table.events.iter().filter_map(|event| {
        let Event::Answered { planned, .. } = event else { return None };
        Some(*planned)
    });
    (planned.collect(), sent)
}

#[test]
fn hits_are_planned_the_same_whatever_a_shard_answers() {
    let config = BotConfig { mix: true, rates: Rates::constant(3.0), ..config() };
    let mut schedule = Schedule::new(&config, 5);
    schedule.start(Micros(0));
    let plan: Vec<Planned> = std::iter::from_fn(|| schedule.take(ms(60_000))).collect();
    let quick = play(&config, |table, hits| {
        hits.iter().for_each(|hit| table.ack(hit.seq.0, &[], &[]));
    });
    let slow = play(&config, |table, _| {
        let sent = table.bot.books().unwrap().sent.try_into().unwrap();
        match table.now.as_millis() {
            20_000 => table.lose(CloseCode::Restart),
            24_000 => table.connect(7, true, 0, &[]),
            at if at % 10_000 == 0 => table.ack(sent, &[], &[sent]),
            _ => {}
        }
    });
    let spec = Scenario::parse(Scenario::default_text()).unwrap().spec;
    let (basic, others) = spec.skills.split_first().unwrap();
    for (times, hits) in [&quick, &slow] {
        assert_eq!(*times, plan.iter().map(|hit| hit.at).collect::<Vec<_>>());
        let mut wished = 0;
        for (hit, planned) in hits.iter().zip(&plan) {
            let wish = planned.wish.choose(others).map(|skill| skill.id);
            assert!(hit.skill == basic.id || Some(hit.skill) == wish, "{hit:?}, {planned:?}");
            wished += usize::from(hit.skill != basic.id);
        }
        assert!(wished > 10, "{wished} of {} as wished for", hits.len());
    }
    assert!(plan.iter().any(|hit| hit.wish == Wish::Basic));
}

#[test]
fn who_waits_for_answers_hits_once_for_each() {
    let mut table = playing_as(BotConfig { arrivals: Arrivals::Closed, ..config() });
    for seq in 1..10 {
        assert_eq!(table.hits(1).len(), 1);
        assert_eq!(table.step_to(table.now.as_millis() + 5_000), []);
        table.ack(seq, &[], &[]);
    }
    // A boss that is down answers nothing, and the player goes on wishing.
    table.status = Status::Defeated;
    table.frame();
    table.step_to(table.now.as_millis() + 20_000);
    assert!(table.skipped() > 20, "{}", table.skipped());
}

#[test]
fn who_leaves_for_good_is_over_when_everything_is_answered_and_counted() {
    let mut table = playing_as(BotConfig { until: Some(ms(5_000)), ..config() });
    let hits = table.step_to(5_000);
    assert!(hits.len() > 3);
    assert!(!table.bot.wants_to_leave(table.now), "nothing is answered");
    assert_eq!(table.step_to(6_000), []);
    let seq = hits.last().unwrap().seq.0;
    table.ack(seq, &[tally(1, seq, 900)], &[]);
    assert!(!table.bot.wants_to_leave(table.now), "nothing is counted");
    table.counted = table.tick;
    (0..3).for_each(|_| table.next_frame());
    assert!(table.bot.wants_to_leave(table.now));
    table.bot.handle_left(table.now);
    assert!(table.bot.is_over() && !table.bot.wants_to_leave(table.now));
    assert_eq!((table.bot.retry_at(), table.bot.poll_timeout()), (None, None));
    let books = table.closed_books();
    assert_eq!((books.len(), books[0].unresolved), (1, 0));
    assert_eq!(books[0].accepted(), u64::from(seq));
}

#[test]
fn who_is_never_answered_leaves_after_a_while_and_says_what_is_open() {
    let mut table = playing_as(BotConfig { until: Some(ms(5_000)), ..config() });
    let sent = table.step_to(5_000).len() as u64;
    assert_eq!(table.bot.poll_timeout(), Some(ms(10_000)));
    // Without a connection it waits as long.
    table.lose(CloseCode::Restart);
    table.step_to(9_900);
    assert!(!table.bot.wants_to_leave(table.now));
    table.step();
    assert!(table.bot.wants_to_leave(table.now));
    table.bot.handle_left(table.now);
    let books = table.closed_books();
    assert_eq!((books[0].sent, books[0].unresolved), (sent, sent));
}

#[test]
fn who_resumes_leaves_at_once_and_sends_again_what_is_unanswered() {
    let config = BotConfig { rates: Rates::constant(4.0), ..commuter(Returns::Resume) };
    let (leaves, returns) = absence(&config);
    let mut table = playing_as(config);
    let at = step_to_leave(&mut table);
    assert!((leaves..leaves + ms(100)).contains(&at));
    let sent = table.bot.books().unwrap().sent;
    assert!(sent > 0);
    table.bot.handle_left(at);
    assert!(!table.bot.wants_to_leave(at));
    assert_eq!((table.bot.retry_at(), table.bot.target()), (Some(returns), 0));
    table.step_to(returns.as_millis() + 100);
    assert_eq!(table.bot.retry_at(), Some(returns));
    table.events.clear();
    table.connect(7, true, 0, &[]);
    let joined = Event::Joined { planned: returns, at: table.now, resumed: true };
    let again = table.hits(usize::try_from(sent).unwrap());
    assert!(again.iter().map(|hit| u64::from(hit.seq.0)).zip(1..=sent).all(|(a, b)| a == b));
    assert_eq!(table.faults(), 0);
    assert!(table.events.contains(&joined), "{:?}", table.events);
}

#[test]
fn who_moves_leaves_when_nothing_is_open_and_begins_anew_on_the_next_target() {
    let config = commuter(Returns::Move);
    let (leaves, returns) = absence(&config);
    let mut table = playing_as(config);
    let hits = table.step_to(leaves.as_millis() + 1_000);
    assert!(!table.bot.wants_to_leave(table.now), "hits are unanswered");
    let seq = hits.last().unwrap().seq.0;
    table.ack(seq, &[tally(1, seq, 900)], &[]);
    table.counted = table.tick;
    (0..3).for_each(|_| table.next_frame());
    assert!(table.bot.wants_to_leave(table.now));
    table.bot.handle_left(table.now);
    assert_eq!((table.bot.retry_at(), table.bot.target()), (Some(returns), 1));
    assert_eq!(table.bot.handle_open(returns).session, None);
    table.now = returns;
    table.connect(8, false, 0, &[]);
    assert_eq!(table.hits(1)[0].seq.0, 1);
    let books = table.closed_books();
    assert_eq!((books.len(), books[0].unresolved, books[1].player), (2, 0, PlayerId(8)));
}

#[test]
fn who_is_still_leaving_when_it_should_be_back_sends_nothing_new() {
    let config = commuter(Returns::Move);
    let (leaves, returns) = absence(&config);
    let mut table = playing_as(config);
    table.step_to(leaves.as_millis() + 100);
    assert_eq!(table.step_to(leaves.as_millis() + 4_900), []);
    assert!(table.now > returns);
    assert!(!table.bot.wants_to_leave(table.now), "its hits are unanswered");
    assert_eq!(table.step_to(leaves.as_millis() + 5_100), []);
    assert!(table.bot.wants_to_leave(table.now));
    table.bot.handle_left(table.now);
    assert_eq!(table.bot.retry_at(), Some(table.now));
    table.connect(8, false, 0, &[]);
    assert!(!table.step().is_empty(), "what was planned since its return leaves on its new target");
}

#[test]
fn who_comes_and_goes_may_be_replaced_by_a_connection_of_its_own() {
    for (config, faults) in [(config(), 1), (commuter(Returns::Resume), 0)] {
        let mut table = playing_as(config);
        table.lose(CloseCode::Replaced);
        assert_eq!((table.faults(), table.bot.retry_at().is_some()), (faults, true));
    }
}

#[test]
fn what_was_planned_and_has_not_left_is_skipped_by_who_leaves() {
    let config = commuter(Returns::Resume);
    let (leaves, returns) = absence(&config);
    let mut schedule = Schedule::new(&config, 5);
    schedule.start(Micros(0));
    let before = std::iter::from_fn(|| schedule.take(leaves)).count() as u64;
    let mut table = playing_as(config);
    table.lose(CloseCode::Restart);
    table.step_to(returns.as_millis());
    assert!(before > 2);
    assert_eq!(table.skipped(), before);
    table.connect(7, true, 0, &[]);
    let seq = table.hits(3).last().unwrap().seq.0;
    table.ack(seq, &[], &[]);
    assert_eq!(table.skipped(), before);
    for event in &table.events {
        let Event::Answered { planned, .. } = event else { continue };
        assert!(*planned >= returns, "{event:?}");
    }
}

#[test]
fn a_loss_before_an_absence_lasts_until_its_end() {
    let churn = Churn { every: ms(4_000), away: ms(8_000), returns: Returns::Resume };
    let config = BotConfig { churn: Some(churn), ..config() };
    let (leaves, returns) = absence(&config);
    let mut table = playing_as(config);
    table.now = leaves.since(ms(1));
    table.lose(CloseCode::Restart);
    assert_eq!(table.bot.retry_at(), Some(returns));
    table.now = leaves + ms(1);
    assert!(!table.bot.wants_to_leave(table.now), "there is nothing to close");
    assert_eq!(table.bot.poll_timeout(), Some(returns));
    table.now = returns;
    table.connect(7, true, 0, &[]);
    let joined = Event::Joined { planned: returns, at: returns, resumed: true };
    assert!(table.events.contains(&joined));
    assert!(!table.bot.wants_to_leave(table.now));
}

#[test]
fn who_would_come_back_after_its_end_leaves_for_good() {
    let config = commuter(Returns::Resume);
    let (leaves, returns) = absence(&config);
    let mut table = playing_as(BotConfig { until: Some(returns.since(ms(1))), ..config });
    table.step_to(leaves.as_millis() + 100);
    assert!(!table.bot.wants_to_leave(table.now), "its hits are unanswered");
    table.step_to(leaves.as_millis() + 5_100);
    assert!(table.bot.wants_to_leave(table.now));
    table.bot.handle_left(table.now);
    assert!(table.bot.is_over());
}

#[test]
fn at_the_end_of_the_load_nobody_leaves_and_who_is_away_comes_back_for_its_answers() {
    let mut table = playing_as(BotConfig { until: Some(ms(5_000)), ..config() });
    table.step_to(4_000);
    table.bot.stop();
    table.step_to(20_000);
    assert!(!table.bot.wants_to_leave(table.now));
    let mut table = playing_as(commuter(Returns::Resume));
    let at = step_to_leave(&mut table);
    table.bot.handle_left(at);
    table.bot.stop();
    assert!(table.bot.retry_at() <= Some(at));
}

#[test]
fn a_bot_joins_when_it_sees_the_boss_and_counts_from_when_it_wanted_to() {
    let mut table = table_of(BotConfig { connects: ms(700), ..config() });
    assert_eq!(table.bot.retry_at(), Some(ms(700)));
    table.now = ms(900);
    table.bot.handle_failed(table.now, "nobody is there".to_owned());
    table.now = ms(2_000);
    table.connect(7, false, 0, &[]);
    table.lose(CloseCode::Restart);
    let again = table.bot.retry_at().unwrap();
    table.bot.handle_failed(again, "nobody is there".to_owned());
    table.now = ms(9_000);
    table.connect(7, true, 0, &[]);
    table.next_frame();
    let joined = table.events.iter().filter_map(|event| {
        let Event::Joined { planned, at, resumed } = event else { return None };
        Some((*planned, *at, *resumed))
    });
    let expected = [(ms(700), ms(2_000), false), (again, ms(9_000), true)];
    assert_eq!(joined.collect::<Vec<_>>(), expected);
}

#[test]
fn who_reads_slowly_pauses_after_each_read_and_measures_nothing() {
    let mut table = playing_as(BotConfig { reads_every: Some(ms(3_000)), ..config() });
    assert_eq!(table.bot.read_at(), Some(table.now + ms(3_000)));
    let seq = table.hits(3).last().unwrap().seq.0;
    let at = table.now;
    table.ack(seq, &[tally(1, seq, 900)], &[]);
    table.counted = table.tick;
    table.next_frame();
    assert_eq!(table.bot.read_at(), Some(at + ms(3_000)));
    for event in &table.events {
        let is_quiet = !matches!(
            event,
            Event::Joined { .. }
                | Event::Answered { .. }
                | Event::Counted { .. }
                | Event::Frame { .. }
                | Event::Shown(_)
        );
        assert!(is_quiet, "{event:?}");
    }
    let unread = table.count(|event| *event == Event::AnsweredUnread);
    assert_eq!(unread, seq as usize);
    assert!(!table.bot.is_silent(at + ms(12_900)) && table.bot.is_silent(at + ms(13_000)));
    table.lose(CloseCode::TryLater);
    assert_eq!((table.faults(), table.bot.retry_at().is_some()), (0, true));
    assert_eq!(playing().bot.read_at(), None);
}

#[test]
fn who_reads_slowly_reads_what_comes_before_it_leaves_and_at_the_end() {
    let slow = BotConfig { reads_every: Some(ms(3_000)), until: Some(ms(5_000)), ..config() };
    let mut table = playing_as(slow.clone());
    table.step_to(4_900);
    table.next_frame();
    assert!(table.bot.read_at().is_some());
    table.step();
    assert_eq!(table.bot.read_at(), None);
    let mut table = playing_as(slow);
    table.bot.stop();
    assert_eq!(table.bot.read_at(), None);
    table.next_frame();
    assert_eq!(table.bot.read_at(), None);
}

#[test]
fn a_bot_that_wants_nothing_sleeps_until_its_next_departure() {
    let config = BotConfig { rates: Rates::constant(0.0), ..commuter(Returns::Move) };
    let (leaves, returns) = absence(&config);
    let mut bot = Bot::new(config, 5);
    bot.start(Micros(0));
    bot.handle_open(Micros(0));
    assert_eq!(bot.poll_timeout(), Some(leaves));
    assert!(bot.wants_to_leave(leaves));
    bot.handle_left(leaves);
    assert_eq!(bot.poll_timeout(), Some(returns));
}
