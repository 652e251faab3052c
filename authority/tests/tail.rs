//! The event feed tells every entry once and in order, whatever happens to the authority.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test's authority answers what it needs")]
#![allow(dead_code, reason = "what a test of another file needs of the world")]

mod world;

use authority::{Tail, TailError};
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::{FeedEvent, Gen, Happened, Hurt, SyncRequest, Unavailable, Verdict};
use score::FeedStart;
use ucore::{Chain, Version};
use world::{BOSS, World, journal};

const FROM_1: FeedStart = FeedStart::At(Version(1));

fn tail(world: &World, start: FeedStart) -> Tail {
    Tail::new(world.authority(), BOSS, start, 7)
}

/// Everything that is there to tell.
async fn all(tail: &mut Tail) -> Vec<FeedEvent> {
    let mut told = Vec::new();
    loop {
        match tail.next().await.unwrap() {
            events if events.is_empty() => return told,
            events => told.extend(events),
        }
    }
}

fn versions(events: &[FeedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.version.0).collect()
}

fn damages(events: &[FeedEvent]) -> Vec<Option<u64>> {
    let damage = |event: &FeedEvent| match &event.happened {
        Happened::Push { hurt, .. } | Happened::Late { hurt } => Some(hurt.damage),
        _ => None,
    };
    events.iter().filter_map(damage).collect()
}

/// A boss with one journal and this many pushes of 1: versions 1 to 3, then one each.
fn played(pushes: u64) -> World {
    let world = World::new(1_000_000);
    world.join(1);
    (1..=pushes).for_each(|to| drop(world.push(1, to - 1, to)));
    world
}

#[tokio::test]
async fn every_entry_is_told_once_whatever_the_size_of_a_page() {
    for page in [1, 2, 3, 512] {
        let world = played(20);
        world.set_page(page);
        let told = all(&mut tail(&world, FROM_1)).await;
        assert_eq!(versions(&told), (1..=23).collect::<Vec<_>>());
        let end = world.snapshot();
        assert_eq!((told[22].version, told[22].chain), (end.version, end.chain));
    }
}

#[tokio::test]
async fn a_feed_begins_where_it_is_told_to() {
    let world = played(17);
    for (start, expected) in [
        (FeedStart::Last(10), 11..21),
        (FeedStart::Last(100), 1..21),
        (FeedStart::At(Version(5)), 5..21),
        (FeedStart::At(Version(20)), 20..21),
        (FeedStart::At(Version(21)), 21..21),
    ] {
        let told = all(&mut tail(&world, start)).await;
        assert_eq!(versions(&told), expected.collect::<Vec<_>>(), "{start:?}");
    }
    let error = tail(&world, FeedStart::At(Version(22))).next().await.unwrap_err().to_string();
    assert!(error.contains("ends at version 20") && error.contains("at most with 21"), "{error}");
}

#[tokio::test]
async fn entries_that_are_gone_are_told_as_one_line() {
    let world = played(17);
    let chain = all(&mut tail(&world, FROM_1)).await[6].chain;
    world.forget(Version(7));
    let told = all(&mut tail(&world, FROM_1)).await;
    assert_eq!(versions(&told), (7..=20).collect::<Vec<_>>());
    assert_eq!(told[0].happened, Happened::Gone { from: Version(1) });
    assert_eq!(told[0].chain, chain);
    let told = all(&mut tail(&world, FeedStart::At(Version(8)))).await;
    assert_eq!(versions(&told), (8..=20).collect::<Vec<_>>(), "what was asked for is all there");
}

#[tokio::test]
async fn damage_is_what_was_new_to_the_authority() {
    let world = played(0);
    world.push(1, 0, 10);
    // An answer was lost: the shard pushes from where it was.
    world.push(1, 0, 25);
    world.push(1, 25, 30);
    let told = all(&mut tail(&world, FROM_1)).await;
    assert_eq!(damages(&told), [Some(10), Some(15), Some(5)]);
    // The entries before the first one that is told are read, too.
    let told = all(&mut tail(&world, FeedStart::Last(1))).await;
    assert_eq!(damages(&told), [Some(5)]);
    // So is the value that stands for what is gone.
    world.forget(Version(5));
    assert_eq!(damages(&all(&mut tail(&world, FROM_1)).await), [Some(5)]);
}

#[tokio::test]
async fn damage_is_not_guessed_when_what_was_before_it_was_not_read() {
    let world = played(1);
    world.join(2);
    world.push(2, 0, 40);
    (2..=600).for_each(|to| drop(world.push(1, to - 1, to)));
    world.push(2, 40, 50);
    // Of a journal that enters it is known that it had nothing.
    world.join(3);
    world.push(3, 0, 9);
    world.set_page(512);
    let told = all(&mut tail(&world, FeedStart::Last(5))).await;
    assert_eq!(damages(&told), [Some(1), None, Some(9)]);
}

#[tokio::test]
async fn late_damage_goes_on_from_the_counted_one() {
    let world = World::new(100);
    world.join(1);
    world.join(2);
    world.push(2, 0, 40);
    world.push(1, 0, 60);
    world.push_to(Gen(1), 1, (60, 60), true);
    while world.push_to(Gen(1), 2, (40, 40), false).verdict != Verdict::Closed {
        world.poll();
    }
    world.push_to(Gen(1), 2, (40, 55), true);
    let told = all(&mut tail(&world, FROM_1)).await;
    let last = &told[told.len() - 1].happened;
    let Happened::Late { hurt: Hurt { damage, last, generation, journal: id, .. } } = last else {
        panic!("{last:?}")
    };
    assert_eq!((*damage, *last, *generation, *id), (Some(15), true, Gen(1), journal(2)));
}

/// What is told until the end of the log as it is now.
async fn until_the_end(tail: &mut Tail, world: &World) -> Vec<FeedEvent> {
    let end = world.snapshot();
    let mut told = Vec::new();
    while told.last().is_none_or(|last: &FeedEvent| last.chain != end.chain) {
        told.extend(tail.follow().await.unwrap());
    }
    told
}

#[tokio::test]
async fn a_roll_back_is_told_with_the_newest_version_in_common() {
    // Lost entries, and how many come instead of them.
    for (lost, new) in [(1, 0), (3, 0), (3, 1), (3, 3), (3, 9), (700, 5), (700, 900), (2_003, 9)] {
        let world = played(2_000);
        world.set_page(100);
        let mut tail = tail(&world, FROM_1);
        let told = all(&mut tail).await;
        let common = Version(world.version().0 - lost);
        world.roll_back(common);
        if new > 0 {
            world.join(2);
            (1..=new - 1).for_each(|to| drop(world.push(2, to - 1, to)));
        }
        let again = until_the_end(&mut tail, &world).await;
        let first = &again[0];
        assert_eq!(first.happened, Happened::RolledBack { was: Version(2_003) });
        // The first entry is the same in every log of this boss.
        let common = common.max(Version(1));
        assert_eq!(first.version, common, "{lost} lost, {new} new");
        assert_eq!(first.chain, told[usize::try_from(common.0).unwrap() - 1].chain);
        let expected: Vec<_> = (common.0 + 1..=world.version().0).collect();
        assert_eq!(versions(&again[1..]), expected);
        assert!(damages(&again[1..]).iter().all(|damage| *damage == Some(1)));
    }
}

#[tokio::test]
async fn a_log_that_shares_nothing_with_what_was_told_is_told_from_its_beginning() {
    // In one case the feed remembers where all logs begin, in the other one it does not.
    for (pushes, start) in [(5, FROM_1), (2_000, FeedStart::Last(2))] {
        let (one, other) = (played(pushes), World::new(77));
        other.join(1);
        let mut tail = tail(&one, start);
        all(&mut tail).await;
        one.become_as(&other);
        let again = until_the_end(&mut tail, &one).await;
        assert_eq!(again[0].happened, Happened::RolledBack { was: Version(pushes + 3) });
        assert_eq!((again[0].version, again[0].chain), (Version(0), Chain::START));
        assert_eq!(versions(&again[1..]), [1, 2, 3]);
    }
}

#[tokio::test]
async fn an_entry_whose_chain_does_not_follow_ends_the_feed() {
    let world = played(5);
    let mut tail = tail(&world, FROM_1);
    all(&mut tail).await;
    world.push(1, 5, 6);
    world.spoil_last();
    let error = tail.follow().await.unwrap_err().to_string();
    assert!(error.contains("log entry 9: its chain does not follow"), "{error}");
}

#[tokio::test]
async fn what_comes_before_an_entry_that_can_not_be_read_is_told_before_the_error() {
    let world = played(5);
    world.set_page(512);
    world.append("dance g=1");
    for is_following in [false, true] {
        let mut tail = tail(&world, FROM_1);
        let told = if is_following { tail.follow().await } else { tail.next().await };
        assert_eq!(versions(&told.unwrap()), (1..=8).collect::<Vec<_>>());
        let error = tail.follow().await.unwrap_err().to_string();
        assert!(error.contains("log entry 9: `dance` is no kind of entry"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_authority_that_is_away_is_waited_for_and_nothing_is_told_twice() {
    let world = played(5);
    let mut tail = tail(&world, FeedStart::Last(2));
    world.fail_next(Unavailable::Refused("it is starting".to_owned()));
    assert_eq!(versions(&until_the_end(&mut tail, &world).await), [7, 8]);
    for why in [
        Unavailable::Unknown("the line is cut".to_owned()),
        Unavailable::NoBoss(BOSS),
        Unavailable::Stopped("its disk failed".to_owned()),
    ] {
        (0..9).for_each(|_| world.fail_next(why.clone()));
        let before = tokio::time::Instant::now();
        let to = world.version().0 - 2;
        world.push(1, to - 1, to);
        assert_eq!(versions(&until_the_end(&mut tail, &world).await), [to + 3]);
        let waited = before.elapsed().as_millis();
        assert!(waited > 500, "it backs off: {waited} ms");
    }
    world.fail_next(Unavailable::Unknown("the line is cut".to_owned()));
    world.push(1, 8, 9);
    world.asked();
    let before = tokio::time::Instant::now();
    assert_eq!(versions(&until_the_end(&mut tail, &world).await), [12]);
    assert!(before.elapsed().as_millis() <= 100, "and begins anew after a success");
    let asked = world.asked();
    let after = &asked[asked.len() - 2..];
    let has_compared = matches!(after, [SyncRequest::Truth(_), SyncRequest::ReadLog(_)]);
    assert!(has_compared, "it looks first whether the log is still the same: {asked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_boss_that_was_never_there_is_not_waited_for() {
    let world = played(5);
    world.fail_next(Unavailable::NoBoss(BOSS));
    let error = tail(&world, FeedStart::Last(2)).follow().await.unwrap_err();
    assert!(matches!(error, TailError::Unavailable(Unavailable::NoBoss(_))), "{error}");
}

#[derive(Debug, Clone)]
enum Step {
    Push { journal: u8 },
    Join { journal: u8 },
    Poll,
    RollBack { entries: u64 },
    Forget { entries: u64 },
    Page { entries: usize },
    Fail,
    Read,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..4_u8).prop_map(|journal| Step::Push { journal }),
        2 => (1..4_u8).prop_map(|journal| Step::Join { journal }),
        1 => Just(Step::Poll),
        2 => (1..40_u64).prop_map(|entries| Step::RollBack { entries }),
        1 => (1..9_u64).prop_map(|entries| Step::Forget { entries }),
        1 => (1..9_usize).prop_map(|entries| Step::Page { entries }),
        2 => Just(Step::Fail),
        5 => Just(Step::Read),
    ]
}

/// A service that believes what it is told.
#[derive(Debug, Default)]
struct Consumer {
    /// Everything that it was told and that is not void.
    told: Vec<FeedEvent>,
}

impl Consumer {
    fn take(&mut self, events: Vec<FeedEvent>) {
        for event in events {
            let last = self.told.last().map_or(Version(0), |last| last.version);
            match event.happened {
                Happened::RolledBack { was } => {
                    assert_eq!(was, last);
                    self.told.retain(|told| told.version <= event.version);
                    let now = self.told.last();
                    let now = now.map_or((Version(0), Chain::START), |it| (it.version, it.chain));
                    assert!(now.0 == Version(0) || now == (event.version, event.chain));
                }
                Happened::Gone { from } => {
                    assert_eq!(from, last.next());
                    self.told.push(event);
                }
                _ => {
                    assert_eq!(event.version, last.next(), "in order, and none twice");
                    self.told.push(event);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_service_that_believes_the_feed_has_the_log(steps in vec(step(), 1..120)) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(history(&steps));
    }
}

async fn history(steps: &[Step]) {
    let world = World::new(200);
    let (mut tail, mut consumer) = (tail(&world, FROM_1), Consumer::default());
    for step in steps {
        match *step {
            Step::Push { journal } => world.push_more(journal),
            Step::Join { journal } => world.join(journal),
            Step::Poll => world.poll(),
            Step::RollBack { entries } => {
                world.roll_back(Version(world.version().0.saturating_sub(entries).max(1)));
            }
            Step::Forget { entries } => world.forget(Version(
                (world.base().0 + entries).min(world.version().0.saturating_sub(1)),
            )),
            Step::Page { entries } => world.set_page(entries),
            Step::Fail => world.fail_next(Unavailable::Unknown("the line is cut".to_owned())),
            Step::Read => read(&mut tail, &mut consumer, &world).await,
        }
    }
    read(&mut tail, &mut consumer, &world).await;
    // What the log still has, it was told last.
    let log = world.log();
    for (event, entry) in consumer.told.iter().rev().zip(log.iter().rev()) {
        assert_eq!((event.version, event.chain), (entry.version, entry.chain));
    }
    let damages = damages(&consumer.told);
    assert!(damages.iter().all(Option::is_some), "a feed from the beginning knows all damage");
    if world.base() == Version(0) {
        assert_eq!(consumer.told.len(), log.len());
        assert_eq!(damages.iter().flatten().sum::<u64>(), world.damage_ever());
    }
}

async fn read(tail: &mut Tail, consumer: &mut Consumer, world: &World) {
    let end = world.snapshot();
    while consumer.told.last().is_none_or(|last| last.chain != end.chain) {
        consumer.take(tail.follow().await.unwrap());
    }
}
