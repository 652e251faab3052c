//! Whatever a remote authority is asked, its answer is the authority's.

use crate::place::{
    BOSS, JOURNAL, Place, begin, enter, join, push, push_of_many, pushed, remote, spawn,
};
use authority::{Authority, Embedded, Steps};
use protocol::{
    BossId, ExecutorId, Gen, PlayerId, Push, ReadLog, Reign, Settle, SettleStep, Shares, Stage,
    Status, SyncRequest, Term, Truth, Unavailable, Verdict,
};
use tokio::net::TcpSocket;
use ucore::{Bin, Version};

/// Every kind of request, with every kind of answer that a test can have quickly.
fn requests(truth: &Truth) -> Vec<SyncRequest> {
    let mut twice = spawn();
    twice.spec.hp_max = 77;
    let last = Push { last: true, ..push(9, 9, truth) };
    let unknown = Push { journal: protocol::JournalId(Bin([9; 16])), ..push(0, 1, truth) };
    let page = ReadLog { boss: BOSS, after: Version(0), wait_ms: 0 };
    vec![
        SyncRequest::Bosses,
        SyncRequest::Truth(BOSS),
        SyncRequest::Truth(BossId(9)),
        SyncRequest::Spawn(spawn()),
        SyncRequest::Spawn(twice.clone()),
        SyncRequest::Spawn(protocol::Spawn { boss: BossId(2), ..twice }),
        SyncRequest::Push(unknown),
        SyncRequest::Join(join()),
        SyncRequest::Join(join()),
        SyncRequest::Push(push(0, 5, truth)),
        SyncRequest::Enter(enter()),
        SyncRequest::Push(push(0, 5, truth)),
        SyncRequest::Push(push(0, 5, truth)),
        SyncRequest::Push(push(8, 9, truth)),
        SyncRequest::Push(push(5, 9, truth)),
        SyncRequest::Push(last),
        SyncRequest::ReadLog(page),
        SyncRequest::ReadLog(ReadLog { boss: BossId(9), ..page }),
        SyncRequest::Bosses,
        SyncRequest::Reign(reign(None)),
        SyncRequest::Reign(reign(Some(0))),
        SyncRequest::Reign(reign(None)),
        SyncRequest::Settle(settle(0)),
        SyncRequest::Settle(settle(1)),
        SyncRequest::Shares(Shares { boss: BOSS, generation: Gen(1), players: vec![PlayerId(5)] }),
        SyncRequest::Truth(BOSS),
    ]
}

const EXECUTOR: ExecutorId = ExecutorId(Bin([0xee; 16]));

fn reign(supersedes: Option<u64>) -> Reign {
    Reign { boss: BOSS, executor: EXECUTOR, supersedes, suspects: Vec::new() }
}

fn settle(number: u64) -> Settle {
    let at = Stage { generation: Gen(1), status: Status::Alive, waited: 0 };
    let term = Term { number, executor: EXECUTOR };
    Settle { boss: BOSS, term, at, step: SettleStep::Collect }
}

#[tokio::test]
async fn every_answer_is_the_one_that_the_authority_gives() {
    let dir = tempfile::tempdir().unwrap();
    let direct = Embedded::open_with(dir.path(), Steps::ByHand).unwrap();
    direct.spawn(spawn()).await.unwrap();
    let place = Place::open().await;
    let remote = place.remote();
    let truth = direct.truth(BOSS).await.unwrap();
    for request in requests(&truth) {
        let expected = direct.ask(request.clone()).await;
        assert_eq!(remote.ask(request.clone()).await, expected, "{request:?}");
    }
    let missing = remote.truth(BossId(9)).await;
    assert_eq!(missing, Err(Unavailable::NoBoss(BossId(9))));
}

#[tokio::test]
async fn a_push_of_a_hundred_thousand_players_and_its_log_travel_in_many_frames() {
    let place = Place::open().await;
    let remote = place.remote();
    let truth = begin(&remote).await;
    let answer = pushed(&remote, push_of_many(100_000, 3, &truth)).await;
    assert_eq!((answer.verdict, answer.applied), (Verdict::Counted, 300_000));
    let page = ReadLog { boss: BOSS, after: truth.version, wait_ms: 0 };
    let entries = remote.read_log(page).await.unwrap().entries;
    assert!(entries[0].blob.len() > 2_000_000, "{} bytes", entries[0].blob.len());
    assert_eq!(entries, place.gate.embedded.read_log(page).await.unwrap().entries);
}

#[tokio::test]
async fn an_authority_that_has_stopped_says_so_through_the_service() {
    #[derive(Debug)]
    struct Stopped;
    impl Authority for Stopped {
        fn ask(&self, _: SyncRequest) -> authority::Answered<protocol::SyncAnswer> {
            Box::pin(async { Err(Unavailable::Stopped("its disk is full".to_owned())) })
        }
    }
    let server = crate::place::export(std::sync::Arc::new(Stopped), crate::place::ANY_PORT);
    let answer = remote(server.addr()).bosses().await;
    assert_eq!(answer, Err(Unavailable::Stopped("its disk is full".to_owned())));
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_carried_out() {
    // The port is taken, so that nobody else comes to listen on it.
    let silent = TcpSocket::new_v4().unwrap();
    silent.bind(crate::place::ANY_PORT).unwrap();
    let remote = remote(silent.local_addr().unwrap());
    let Err(Unavailable::Refused(why)) = remote.truth(BOSS).await else { panic!("refused") };
    assert!(why.contains("start it there, or correct the address"), "{why}");
    let Err(Unavailable::Refused(_)) =
        remote.read_log(ReadLog { boss: BOSS, after: Version(0), wait_ms: 0 }).await
    else {
        panic!("refused")
    };
}

#[tokio::test]
async fn a_journal_is_the_same_through_the_service_and_beside_it() {
    let place = Place::open().await;
    let remote = place.remote();
    let truth = begin(&remote).await;
    assert_eq!(pushed(&remote, push(0, 5, &truth)).await.verdict, Verdict::Counted);
    let direct = &place.gate.embedded;
    assert_eq!(pushed(direct, push(0, 5, &truth)).await.verdict, Verdict::Duplicate);
    assert_eq!(pushed(direct, push(5, 6, &truth)).await.verdict, Verdict::Counted);
    let answer = pushed(&remote, push(5, 8, &truth)).await;
    assert_eq!((answer.verdict, answer.truth.damage), (Verdict::Counted, 8));
    assert_eq!(push(0, 1, &truth).journal, JOURNAL);
}
