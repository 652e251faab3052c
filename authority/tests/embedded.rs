//! The embedded authority on a real disk: durable, locked, and refused when damaged.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use authority::disk::DiskError;
use authority::{Authority, Embedded, Steps};
use protocol::{
    BossId, Enter, EnterAnswer, Gen, Interval, Join, JoinAnswer, JournalId, PlayerId, Push,
    PushAnswer, ReadLog, Scenario, ShardId, Spawn, SpawnAnswer, Truth, Verdict,
};
use std::path::Path;
use ucore::{Bin, GMapDelta, Max, Version};

const BOSS: BossId = BossId(1);
const JOURNAL: JournalId = JournalId(Bin([7; 16]));

/// Without an executor of its own, so that nothing is in the log that a test has not asked for.
async fn open(dir: &Path) -> Embedded {
    with_a_boss(Embedded::open_with(dir, Steps::ByHand).unwrap()).await
}

async fn with_a_boss(authority: Embedded) -> Embedded {
    let Scenario { id: boss, spec } = Scenario::parse(Scenario::default_text()).unwrap();
    authority.spawn(Spawn { boss, spec: Box::new(spec) }).await.unwrap();
    authority
}

async fn join(authority: &Embedded) -> Truth {
    let join = Join { boss: BOSS, journal: JOURNAL, shard: ShardId(1), lineage: Vec::new() };
    let JoinAnswer::Joined { .. } = authority.join(join).await.unwrap() else { panic!("joined") };
    let enter = Enter { boss: BOSS, journal: JOURNAL, generation: Gen(1) };
    let EnterAnswer::Entered { truth, .. } = authority.enter(enter).await.unwrap() else {
        panic!("entered")
    };
    truth
}

async fn push(authority: &Embedded, from: u64, to: u64, seen: &Truth) -> PushAnswer {
    let player = PlayerId(5);
    let players = GMapDelta::line(player, Max::of(to));
    let names = [(player, "Ada".to_owned())].into();
    let interval = Interval { generation: Gen(1), from, to, players, names };
    let (boss, journal, seen) = (BOSS, JOURNAL, seen.seen());
    let push = Push { boss, journal, interval, last: false, online: 1, seen, standings: 0 };
    authority.push(push).await.unwrap()
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path()).await;
    let mut truth = join(&authority).await;
    // More pushes than one snapshot covers.
    for to in 1..=1_200 {
        let answer = push(&authority, to - 1, to, &truth).await;
        assert_eq!((answer.verdict, answer.rolled_back), (Verdict::Counted, false));
        truth = answer.truth;
    }
    drop(authority);
    let again = open(dir.path()).await;
    let restored = again.truth(BOSS).await.unwrap();
    assert_eq!((restored.version, restored.chain), (truth.version, truth.chain));
    assert_eq!(restored.damage, 1_200);
    let answer = push(&again, 1_199, 1_200, &truth).await;
    assert_eq!((answer.verdict, answer.rolled_back), (Verdict::Duplicate, false));
}

#[tokio::test]
async fn the_log_reads_without_a_gap_from_version_one() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path()).await;
    let mut truth = join(&authority).await;
    for to in 1..=600 {
        truth = push(&authority, to - 1, to, &truth).await.truth;
    }
    let (mut after, mut chain) = (Version(0), ucore::Chain::START);
    loop {
        let page = authority.read_log(ReadLog { boss: BOSS, after, wait_ms: 0 }).await.unwrap();
        assert_eq!(page.base, None);
        if page.entries.is_empty() {
            break;
        }
        for entry in page.entries {
            entry.follow(after, chain).unwrap();
            (after, chain) = (entry.version, entry.chain);
        }
    }
    assert_eq!((after, chain), (truth.version, truth.chain));
}

#[tokio::test]
async fn a_second_process_is_kept_out_and_told_how_to_get_in() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(dir.path()).await;
    let error = Embedded::open(dir.path()).unwrap_err();
    assert!(matches!(error, DiskError::Locked(_)));
    assert!(error.to_string().contains("stop that one, or choose another data directory"));
}

#[tokio::test]
async fn a_directory_that_is_none_is_named_with_the_cure() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();
    let error = Embedded::open(&file).unwrap_err().to_string();
    assert!(error.contains("file") && error.contains("check that it can be read"), "{error}");
}

#[tokio::test]
async fn an_unknown_boss_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path()).await;
    let error = authority.truth(BossId(9)).await.unwrap_err().to_string();
    assert!(error.contains("no boss 9"), "{error}");
}

/// A file with some history, closed.
async fn used_file(dir: &Path) -> Vec<u8> {
    let authority = open(dir).await;
    let mut truth = join(&authority).await;
    for to in 1..=400 {
        truth = push(&authority, to - 1, to, &truth).await.truth;
    }
    drop(authority);
    std::fs::read(dir.join("authority.redb")).unwrap()
}

#[tokio::test]
async fn damage_is_refused_by_name_or_is_in_bytes_that_hold_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let good = used_file(dir.path()).await;
    let sound = open(dir.path()).await.truth(BOSS).await.unwrap();
    let mut refused = 0;
    let step = good.len() / 400;
    for at in (0..good.len()).step_by(step) {
        let place = tempfile::tempdir().unwrap();
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        std::fs::write(place.path().join("authority.redb"), bytes).unwrap();
        match Embedded::open_with(place.path(), Steps::ByHand) {
            Err(error) => {
                refused += 1;
                assert!(error.to_string().contains("authority.redb"), "{error}");
            }
            Ok(authority) => {
                let truth = authority.truth(BOSS).await.unwrap();
                assert_eq!((truth.version, truth.chain), (sound.version, sound.chain), "byte {at}");
            }
        }
    }
    assert!(refused > 10, "{refused} of 400 flipped bytes were noticed");
}

#[tokio::test]
async fn a_file_that_was_cut_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let good = used_file(dir.path()).await;
    for len in [0, 1, 100, 4_096, good.len() / 2, good.len() - 1] {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("authority.redb"), &good[..len]).unwrap();
        let error = Embedded::open(place.path()).unwrap_err();
        assert!(matches!(error, DiskError::Damaged { .. }), "{len} bytes: {error}");
        assert!(error.to_string().contains("put a backup"), "{error}");
    }
}

#[tokio::test]
async fn a_reader_at_the_end_of_the_log_waits_for_the_next_entry() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path()).await;
    let truth = join(&authority).await;
    let page = ReadLog { boss: BOSS, after: truth.version, wait_ms: 30_000 };
    let waiting = tokio::spawn(authority.read_log(page));
    push(&authority, 0, 5, &truth).await;
    let entries = waiting.await.unwrap().unwrap().entries;
    assert_eq!(entries.len(), 1);
    assert!(entries[0].fields.starts_with("push "), "{}", entries[0].fields);
    let page = ReadLog { after: entries[0].version, wait_ms: 1, ..page };
    let nothing = authority.read_log(page).await.unwrap();
    assert_eq!(nothing.entries.len(), 0, "a wait ends without an entry, too");
}

#[tokio::test]
async fn one_file_keeps_many_bosses_apart_and_their_next_scenarios() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path()).await;
    let Scenario { mut spec, .. } = Scenario::parse(Scenario::default_text()).unwrap();
    spec.hp_max = 77;
    let other = Spawn { boss: BossId(2), spec: Box::new(spec.clone()) };
    let begun = authority.spawn(other.clone()).await.unwrap();
    assert!(matches!(begun, SpawnAnswer::Begun(truth) if truth.hp_max == 77));
    spec.hp_max = 88;
    let next = authority.spawn(Spawn { spec: Box::new(spec), ..other }).await.unwrap();
    assert!(matches!(next, SpawnAnswer::Next(truth) if truth.hp_max == 77));
    let truth = join(&authority).await;
    push(&authority, 0, 5, &truth).await;
    drop(authority);
    let again = with_a_boss(Embedded::open(dir.path()).unwrap()).await;
    assert_eq!(again.bosses().await.unwrap(), [BOSS, BossId(2)]);
    assert_eq!(again.truth(BOSS).await.unwrap().damage, 5);
    assert_eq!(again.truth(BossId(2)).await.unwrap().damage, 0);
    // The second one dies, and comes back as it was told.
    let (boss, journal, shard) = (BossId(2), JOURNAL, ShardId(2));
    again.join(Join { boss, journal, shard, lineage: Vec::new() }).await.unwrap();
    again.enter(Enter { boss, journal, generation: Gen(1) }).await.unwrap();
    let players = GMapDelta::line(PlayerId(1), Max::of(77));
    let interval = Interval { generation: Gen(1), from: 0, to: 77, players, names: [].into() };
    let seen = again.truth(boss).await.unwrap().seen();
    let mut push = Push { boss, journal, interval, last: false, online: 1, seen, standings: 0 };
    again.push(push.clone()).await.unwrap();
    push.last = true;
    let mut after = Version(0);
    while again.truth(boss).await.unwrap().generation == Gen(1) {
        again.push(push.clone()).await.unwrap();
        let page = ReadLog { boss, after, wait_ms: 30_000 };
        after = again.read_log(page).await.unwrap().entries.last().map_or(after, |it| it.version);
    }
    assert_eq!(again.truth(boss).await.unwrap().hp_max, 88);
}

#[tokio::test]
async fn a_boss_that_could_never_die_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path()).await;
    let Scenario { mut spec, .. } = Scenario::parse(Scenario::default_text()).unwrap();
    spec.hp_max = 0;
    let spawn = Spawn { boss: BossId(2), spec: Box::new(spec) };
    let error = authority.spawn(spawn).await.unwrap_err().to_string();
    assert!(error.contains("hp_max is 0, expected 1"), "{error}");
    assert_eq!(authority.bosses().await.unwrap(), [BOSS]);
}
