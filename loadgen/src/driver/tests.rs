//! Whole runs against a fake shard on a free port.

use super::fake_shard::{Fault, start};
use super::{LoadConfig, LoadError, bots, run};
use crate::machine::Report;
use std::time::Duration;

fn config(targets: &[String]) -> LoadConfig {
    LoadConfig {
        targets: targets.to_vec(),
        players: 20,
        rate: 8.0,
        duration: Duration::from_millis(1_000),
        seed: 3,
        mix: false,
        names: "bot".to_owned(),
        progress: false,
    }
}

async fn report(fault: Fault) -> Report {
    run(config(&[start(fault).await])).await.unwrap()
}

#[tokio::test]
async fn a_run_against_an_honest_shard_balances() {
    let report = report(Fault::None).await;
    assert_eq!(report.verdict(), Vec::<String>::new());
    assert!(report.hits_sent > 100, "{}", report.summary());
    assert_eq!((report.hits_acked, report.hits_rejected), (report.hits_sent, 0));
    assert_eq!(report.damage_truth, 100 * report.hits_sent);
    let counts = [report.ack_ms.count, report.truth_ms.count, report.generator_lag_ms.count];
    assert_eq!(counts, [report.hits_sent; 3]);
    assert_eq!((report.cross_shard_ms.count, report.errors.len()), (0, 0));
    assert!(report.frames_received > 500 && report.frame_interval_ms.count > 500);
}

#[tokio::test]
async fn after_a_restart_every_hit_is_sent_again_and_counts_once() {
    let report = report(Fault::Restart).await;
    assert_eq!(report.verdict(), Vec::<String>::new());
    assert!(report.reconnects >= 15, "{}", report.summary());
    assert_eq!(report.hits_acked, report.hits_sent);
}

#[tokio::test]
async fn hits_of_forgotten_sessions_are_unresolved_and_fail_the_run() {
    let report = report(Fault::Forget).await;
    assert!(report.hits_unresolved >= 15, "{}", report.summary());
    assert_eq!((report.damage_lost, report.damage_doubled), (0, 0));
    assert_eq!(report.damage_unresolved, 200 * report.hits_unresolved);
    assert_eq!(report.verdict().len(), 1);
}

#[tokio::test]
async fn a_ledger_that_has_everything_twice_fails_the_run() {
    let report = report(Fault::Double).await;
    assert_eq!(report.damage_doubled, report.damage_acked);
    assert_eq!(report.verdict().len(), 1);
}

#[tokio::test]
async fn a_ledger_that_lacks_damage_fails_the_run_after_some_patience() {
    let report = report(Fault::Lose).await;
    assert!(report.damage_lost > 0 && report.damage_lost <= report.damage_acked);
    assert_eq!(report.verdict().len(), 1);
}

#[tokio::test]
async fn a_load_that_makes_no_sense_is_refused() {
    let good = config(&["ws://127.0.0.1:1/ws".to_owned()]);
    let bad = [
        LoadConfig { targets: Vec::new(), ..good.clone() },
        LoadConfig { players: 0, ..good.clone() },
        LoadConfig { rate: 9.0, ..good.clone() },
        LoadConfig { rate: f64::NAN, ..good.clone() },
        LoadConfig { names: "a name that is far too long".to_owned(), ..good.clone() },
    ];
    for config in bad {
        assert!(matches!(run(config.clone()).await, Err(LoadError::Config(_))), "{config:?}");
    }
    for target in ["http://127.0.0.1:1/ws", "nonsense", "ws:///ws"] {
        let result = run(config(&[target.to_owned()])).await;
        assert!(matches!(result, Err(LoadError::Target { .. })), "{target}");
    }
}

#[tokio::test]
async fn bots_play_until_they_are_told_to_stop() {
    let target = start(Fault::None).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let playing = tokio::spawn(bots(target, 3, 1, async {
        drop(stopped.await);
    }));
    drop(stop);
    assert_eq!(playing.await.unwrap(), Ok(()));
}
