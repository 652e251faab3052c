//! Cut wires and restarted services: what was in flight is unknown, and what comes next repairs it.

use crate::place::{BOSS, Place, Wire, begin, export, push, pushed, remote};
use authority::Authority;
use protocol::{ReadLog, Unavailable, Verdict};
use std::sync::Arc;
use ucore::Version;

#[tokio::test]
async fn a_push_whose_answer_is_lost_is_unknown_and_the_next_one_repairs_it() {
    let place = Place::open().await;
    let wire = Wire::to(place.server.addr()).await;
    let addr = wire.addr;
    let remote = remote(addr);
    let truth = begin(&remote).await;
    place.gate.closed.send_replace(true);
    let in_flight = tokio::spawn(remote.push(push(0, 5, &truth)));
    let page = ReadLog { boss: BOSS, after: truth.version, wait_ms: 30_000 };
    let entries = place.gate.embedded.read_log(page).await.unwrap().entries;
    assert_eq!(entries.len(), 1, "the authority has counted it, and its answer can't leave");
    wire.cut().await;
    let Err(Unavailable::Unknown(why)) = in_flight.await.unwrap() else { panic!("unknown") };
    assert!(why.contains("the connection to ws://") && why.contains("ended"), "{why}");
    place.gate.closed.send_replace(false);
    // A push carries everything since the last answer, so it may be counted in part already.
    let server = export(Arc::clone(&place.gate) as _, addr);
    let answer = loop {
        match remote.push(push(0, 8, &truth)).await {
            Ok(answer) => break answer,
            Err(Unavailable::Refused(_)) => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!((answer.verdict, answer.applied), (Verdict::Counted, 8));
    assert_eq!(answer.truth.damage, 8, "nothing was counted twice");
    server.stop().await;
}

#[tokio::test]
async fn a_service_that_comes_back_on_its_port_is_found_again() {
    let place = Place::open().await;
    let addr = place.server.addr();
    let remote = remote(addr);
    let truth = begin(&remote).await;
    let mut server = place.server;
    for round in 1..=3 {
        server.stop().await;
        let Err(Unavailable::Refused(_)) = remote.truth(BOSS).await else { panic!("refused") };
        server = export(Arc::clone(&place.gate) as _, addr);
        // The attempt that finds nobody may still be on its way.
        let answer = loop {
            if let Ok(answer) = remote.push(push(round - 1, round, &truth)).await {
                break answer;
            }
        };
        assert_eq!((answer.verdict, answer.truth.damage), (Verdict::Counted, round));
    }
}

#[tokio::test]
async fn a_stopping_service_answers_what_it_was_asked_and_sends_waiting_readers_away() {
    let place = Place::open().await;
    let remote = place.remote();
    let truth = begin(&remote).await;
    let asked = *place.gate.asked.borrow();
    place.gate.closed.send_replace(true);
    let push = tokio::spawn(remote.push(push(0, 5, &truth)));
    let end = Version(truth.version.0 + 1);
    let page = ReadLog { boss: BOSS, after: end, wait_ms: 30_000 };
    let waiting = tokio::spawn(remote.read_log(page));
    let mut count = place.gate.asked.subscribe();
    count.wait_for(|count| *count == asked + 2).await.unwrap();
    let stopping = tokio::spawn(place.server.stop());
    // The reader is sent away while the push still waits for its answer.
    let Err(Unavailable::Refused(why)) = waiting.await.unwrap() else { panic!("refused") };
    assert_eq!(why, "this service is stopping; ask again later");
    assert!(!push.is_finished());
    place.gate.closed.send_replace(false);
    assert_eq!(push.await.unwrap().unwrap().verdict, Verdict::Counted);
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_connection_of_a_stopping_service_is_told_to_come_back() {
    let place = Place::open().await;
    let mut socket = place.socket().await;
    let stopping = tokio::spawn(place.server.stop());
    let (code, why) = crate::place::closed(&mut socket).await;
    assert_eq!((code, why.as_str()), (1012, "this service is stopping; come back to it"));
    drop(socket);
    stopping.await.unwrap();
}

#[tokio::test]
async fn an_authority_that_was_exported_is_free_again_after_the_stop() {
    let place = Place::open().await;
    let remote = place.remote();
    let truth = begin(&remote).await;
    pushed(&remote, push(0, 5, &truth)).await;
    let gate = Arc::downgrade(&place.gate);
    place.server.stop().await;
    drop(place.gate);
    assert!(gate.upgrade().is_none(), "nobody holds it any more");
}
