//! Many requests on one connection: answered in any order, and no more of them than it may have.

use crate::place::{BOSS, Place, answer, begin, push, pushed, send};
use authority::Authority;
use protocol::limits::SYNC_REQUESTS_MAX;
use protocol::{ReadLog, SyncAnswer, SyncRequest};

#[tokio::test]
async fn a_waiting_reader_delays_no_other_request_of_its_connection() {
    let place = Place::open().await;
    let mut socket = place.socket().await;
    let truth = begin(&place.gate.embedded).await;
    let page = ReadLog { boss: BOSS, after: truth.version, wait_ms: 30_000 };
    send(&mut socket, 1, SyncRequest::ReadLog(page)).await;
    send(&mut socket, 2, SyncRequest::Truth(BOSS)).await;
    let (number, answered) = answer(&mut socket).await;
    assert_eq!((number, answered), (2, Ok(SyncAnswer::Truth(truth))));
    send(&mut socket, 7, SyncRequest::Push(push(0, 5, &truth))).await;
    let mut answers = [answer(&mut socket).await, answer(&mut socket).await];
    answers.sort_by_key(|(number, _)| *number);
    let [(1, Ok(SyncAnswer::ReadLog(page))), (7, Ok(SyncAnswer::Push(pushed)))] = answers else {
        panic!("{answers:?}")
    };
    assert_eq!(page.entries.len(), 1, "the push is what the reader waited for");
    assert_eq!(pushed.truth.damage, 5);
}

#[tokio::test]
async fn a_reader_of_the_log_delays_no_push() {
    let place = Place::open().await;
    let remote = place.remote();
    let truth = begin(&remote).await;
    let page = ReadLog { boss: BOSS, after: truth.version, wait_ms: 30_000 };
    // All that one connection may ask at a time.
    let readers: Vec<_> =
        (0..SYNC_REQUESTS_MAX).map(|_| tokio::spawn(remote.read_log(page))).collect();
    place.gate.asked.subscribe().wait_for(|asked| *asked >= SYNC_REQUESTS_MAX).await.unwrap();
    assert_eq!(pushed(&remote, push(0, 5, &truth)).await.truth.damage, 5);
    for reader in readers {
        assert_eq!(reader.await.unwrap().unwrap().entries.len(), 1);
    }
}

#[tokio::test]
async fn a_connection_with_all_its_requests_open_is_read_no_further() {
    let place = Place::open().await;
    let mut socket = place.socket().await;
    let truth = begin(&place.gate.embedded).await;
    let page = ReadLog { boss: BOSS, after: truth.version, wait_ms: 30_000 };
    let last = SYNC_REQUESTS_MAX as u64 + 1;
    for number in 1..last {
        send(&mut socket, number, SyncRequest::ReadLog(page)).await;
    }
    send(&mut socket, last, SyncRequest::Truth(BOSS)).await;
    place.gate.asked.subscribe().wait_for(|asked| *asked == SYNC_REQUESTS_MAX).await.unwrap();
    // A neighbour is served meanwhile.
    let mut neighbour = place.socket().await;
    send(&mut neighbour, 1, SyncRequest::Bosses).await;
    assert_eq!(answer(&mut neighbour).await, (1, Ok(SyncAnswer::Bosses(vec![BOSS]))));
    pushed(&place.gate.embedded, push(0, 5, &truth)).await;
    let (first, _) = answer(&mut socket).await;
    assert_ne!(first, last, "the request beyond the limit was read before one was answered");
    let mut numbers = vec![first];
    for _ in 1..last {
        numbers.push(answer(&mut socket).await.0);
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=last), "each is answered once");
}
