//! Who waits at the end of a log, and who wakes.

use crate::all;
use crate::history::schema;
use authority::sync;
use authority::{Authority, Embedded, Remote, Steps, port};
use futures::{FutureExt, pin_mut};
use protocol::limits::READ_WAIT_MS_MAX;
use protocol::{
    Edit, Follow, Found, GroupAnswer, GroupName, GroupPage, GroupRequest, Propose, Seen,
};
use std::sync::Arc;
use std::time::Duration;
use ucore::{Bin, WriterId};

/// Longer than any of these tests may take.
const LONG: Duration = Duration::from_secs(20);

fn name(group: &str) -> GroupName {
    GroupName(group.to_owned())
}

async fn found(authority: &dyn Authority, group: &str) -> Seen {
    let found = Found { group: name(group), schema: schema(false), create: true };
    match authority.group(GroupRequest::Found(found)).await.unwrap() {
        GroupAnswer::Founded(founded) => founded.head,
        other => panic!("{other:?}"),
    }
}

async fn propose(authority: &dyn Authority, group: &str, seq: u64, seen: Seen) -> GroupPage {
    let writer = WriterId(Bin([5; 16]));
    let edit = Edit { writer, seq, ordered: false, updates: vec![1].into() };
    let (group, schema) = (name(group), schema(false));
    let propose = Propose { group, schema, edit, expect: None, seen };
    match authority.group(GroupRequest::Propose(propose)).await.unwrap() {
        GroupAnswer::Proposed(proposed) => proposed.page,
        other => panic!("{other:?}"),
    }
}

fn wait(group: &str, seen: Seen, wait_ms: u32) -> GroupRequest {
    let (group, schema) = (name(group), schema(false));
    GroupRequest::Follow(Follow { group, schema, seen: Some(seen), distrust: None, wait_ms })
}

#[tokio::test]
async fn who_waits_at_the_end_of_a_log_gets_its_next_entry_and_no_other_groups() {
    for mut subject in all() {
        let authority = subject.authority();
        let (ours, theirs) = (found(authority, "ours").await, found(authority, "theirs").await);
        let waiting = authority.group(wait("ours", ours, u32::MAX));
        pin_mut!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        propose(authority, "theirs", 1, theirs).await;
        assert!(futures::poll!(&mut waiting).is_pending(), "that was another group");
        let own = propose(authority, "ours", 1, ours).await;
        let answer = tokio::time::timeout(LONG, waiting).await.expect("it wakes").unwrap();
        let GroupAnswer::Page(page) = answer else { panic!("a page") };
        assert_eq!((page.entries.len(), page), (1, own), "the writer and the reader see the same");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_empty_when_it_was_asked_to() {
    let authority = Embedded::in_memory_within(Steps::ByHand, Default::default()).unwrap();
    let start = found(&authority, "quiet").await;
    let begun = tokio::time::Instant::now();
    for (asked, waited) in [(0, 0), (1_500, 1_500), (u32::MAX, READ_WAIT_MS_MAX)] {
        let before = begun.elapsed();
        let answer = authority.group(wait("quiet", start, asked)).await.unwrap();
        let GroupAnswer::Page(page) = answer else { panic!("a page") };
        assert_eq!((page.entries.len(), page.head.0), (0, 0));
        let took = begun.elapsed() - before;
        let waited = Duration::from_millis(waited.into());
        assert!(waited <= took && took < waited + Duration::from_secs(1), "{took:?}");
    }
}

#[tokio::test]
async fn a_wait_does_not_keep_a_service_from_stopping() {
    let embedded = Embedded::in_memory_within(Steps::ByHand, Default::default()).unwrap();
    let start = found(&embedded, "quiet").await;
    let listener = port::listen(([127, 0, 0, 1], 0).into()).unwrap();
    let server = sync::serve(listener, Arc::new(embedded)).unwrap();
    let remote = Remote::new(&format!("ws://{}", server.addr())).unwrap();
    found(&remote, "quiet").await;
    let waiting = remote.group(wait("quiet", start, READ_WAIT_MS_MAX)).boxed();
    let waiting = tokio::spawn(waiting);
    // Its own connection is there once another one of these waits has been answered.
    let GroupAnswer::Page(_) = remote.group(wait("quiet", start, 1)).await.unwrap() else {
        panic!("a page")
    };
    // It has patience for answers that are on their way, and this is none.
    let soon = Duration::from_secs(4);
    tokio::time::timeout(soon, server.stop()).await.expect("it stops");
    let answer = tokio::time::timeout(LONG, waiting).await.expect("it ends").unwrap();
    let why = answer.unwrap_err().to_string();
    // It hears so, or finds nobody when it asks again.
    let expected = ["stopping", "nothing takes connections"];
    assert!(expected.iter().any(|text| why.contains(text)), "{why}");
}

#[tokio::test]
async fn many_writers_at_once_see_one_log() {
    const WRITERS: u8 = 16;
    const EACH: u64 = 50;
    let authority =
        Arc::new(Embedded::in_memory_within(Steps::ByHand, Default::default()).unwrap());
    let start = found(&*authority, "hot").await;
    let writers = (0..WRITERS).map(|writer| {
        let authority = Arc::clone(&authority);
        tokio::spawn(async move {
            let (mut seen, mut entries) = (start, Vec::new());
            for seq in 1..=EACH {
                let edit = Edit {
                    writer: WriterId(Bin([writer; 16])),
                    seq,
                    ordered: true,
                    updates: vec![writer].into(),
                };
                let (group, schema) = (name("hot"), schema(false));
                let propose = Propose { group, schema, edit, expect: None, seen };
                let answer = authority.group(GroupRequest::Propose(propose)).await.unwrap();
                let GroupAnswer::Proposed(proposed) = answer else { panic!("{answer:?}") };
                let mine = proposed.page.entries.iter().any(|it| it.version == proposed.version);
                assert!(mine, "its own entry comes back");
                for entry in &proposed.page.entries {
                    entry.follow(seen).unwrap();
                    seen = entry.seen();
                    entries.push(entry.clone());
                }
            }
            entries
        })
    });
    let logs = futures::future::join_all(writers).await;
    let all = u64::from(WRITERS) * EACH;
    let logs: Vec<_> = logs.into_iter().map(Result::unwrap).collect();
    let longest = logs.iter().max_by_key(|log| log.len()).unwrap();
    assert_eq!(longest.len() as u64, all);
    assert!(logs.iter().all(|log| longest.starts_with(log)));
}
