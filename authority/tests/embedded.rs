//! The embedded authority on a real disk: durable, locked, and refused when damaged.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use authority::disk::DiskError;
use authority::{Authority, Embedded};
use protocol::{
    BossId, Enter, EnterAnswer, Gen, Interval, Join, JoinAnswer, JournalId, PlayerId, Push,
    PushAnswer, ReadLog, Scenario, ShardId, Truth, Verdict,
};
use std::path::Path;
use ucore::{Bin, GMapDelta, Max, Version};

const BOSS: BossId = BossId(1);
const JOURNAL: JournalId = JournalId(Bin([7; 16]));

fn scenario() -> Scenario {
    Scenario::parse(Scenario::default_text()).unwrap()
}

fn open(dir: &Path) -> Embedded {
    Embedded::open(dir, scenario()).unwrap()
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
    let push = Push { boss, journal, interval, last: false, online: 1, seen };
    authority.push(push).await.unwrap()
}

#[tokio::test]
async fn what_was_answered_is_there_after_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path());
    let mut truth = join(&authority).await;
    // More pushes than one snapshot covers.
    for to in 1..=1_200 {
        let answer = push(&authority, to - 1, to, &truth).await;
        assert_eq!((answer.verdict, answer.rolled_back), (Verdict::Counted, false));
        truth = answer.truth;
    }
    drop(authority);
    let again = open(dir.path());
    let restored = again.truth(BOSS).await.unwrap();
    assert_eq!((restored.version, restored.chain), (truth.version, truth.chain));
    assert_eq!(restored.damage, 1_200);
    let answer = push(&again, 1_199, 1_200, &truth).await;
    assert_eq!((answer.verdict, answer.rolled_back), (Verdict::Duplicate, false));
}

#[tokio::test]
async fn the_log_reads_without_a_gap_from_version_one() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path());
    let mut truth = join(&authority).await;
    for to in 1..=600 {
        truth = push(&authority, to - 1, to, &truth).await.truth;
    }
    let (mut after, mut chain) = (Version(0), ucore::Chain::START);
    loop {
        let page = authority.read_log(ReadLog { boss: BOSS, after }).await.unwrap();
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
    let _first = open(dir.path());
    let error = Embedded::open(dir.path(), scenario()).unwrap_err();
    assert!(matches!(error, DiskError::Locked(_)));
    assert!(error.to_string().contains("stop that one, or choose another data directory"));
}

#[tokio::test]
async fn a_directory_that_is_none_is_named_with_the_cure() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "not a directory").unwrap();
    let error = Embedded::open(&file, scenario()).unwrap_err().to_string();
    assert!(error.contains("file") && error.contains("check that it can be read"), "{error}");
}

#[tokio::test]
async fn an_unknown_boss_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let authority = open(dir.path());
    let error = authority.truth(BossId(9)).await.unwrap_err().to_string();
    assert!(error.contains("no boss 9"), "{error}");
}

/// A file with some history, closed.
async fn used_file(dir: &Path) -> Vec<u8> {
    let authority = open(dir);
    let mut truth = join(&authority).await;
    for to in 1..=50 {
        truth = push(&authority, to - 1, to, &truth).await.truth;
    }
    drop(authority);
    std::fs::read(dir.join("authority.redb")).unwrap()
}

#[tokio::test]
async fn damage_is_refused_by_name_or_is_in_bytes_that_hold_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let good = used_file(dir.path()).await;
    let sound = open(dir.path()).truth(BOSS).await.unwrap();
    let mut refused = 0;
    let step = good.len() / 400;
    for at in (0..good.len()).step_by(step) {
        let place = tempfile::tempdir().unwrap();
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        std::fs::write(place.path().join("authority.redb"), bytes).unwrap();
        match Embedded::open(place.path(), scenario()) {
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
        let error = Embedded::open(place.path(), scenario()).unwrap_err();
        assert!(matches!(error, DiskError::Damaged { .. }), "{len} bytes: {error}");
        assert!(error.to_string().contains("put a backup"), "{error}");
    }
}
