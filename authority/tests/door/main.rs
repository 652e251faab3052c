//! The door of pages, by raw frames: what it lets through, and what it does about the rest.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test waits for one thing")]

mod page;

use authority::door::{Door, Rule, anything};
use authority::{Authority, Embedded, port};
use page::{Page, connect};
use protocol::limits::{
    DOOR_MESSAGE_BYTES_MAX, DOOR_RATE_MAX, DOOR_SILENCE_MS_MAX, DOOR_UPDATES_BYTES_MAX,
};
use protocol::{
    DoorAnswer, DoorRequest, Edit, Follow, GROUPS_SUBPROTOCOL, GroupName, GroupPage, GroupRefusal,
    Introduce, Leave, Propose, ProposeVerdict, SYNC_SUBPROTOCOL, SchemaHash, Secret, Seen,
};
use score::{SVec, Server};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use ucore::{Bin, Blob, UVec, UVecOps, WriterId, plan};

/// A door to two groups: into one of them pages may write what they like, into the other nothing.
struct Place {
    addr: SocketAddr,
    door: Door,
    authority: Arc<dyn Authority>,
}

fn group(name: &str) -> GroupName {
    GroupName(name.to_owned())
}

impl Place {
    fn start() -> Self {
        let authority: Arc<dyn Authority> = Arc::new(Embedded::in_memory().unwrap());
        let nothing: Rule = Arc::new(|_| Err(GroupRefusal::NotAllowed));
        let rules = [("open", anything()), ("shown", nothing)];
        let rules: BTreeMap<_, _> = rules.map(|(name, rule)| (group(name), rule)).into();
        let door = Door::new(Arc::clone(&authority), rules);
        let listener = port::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(port::serve(listener, door.routes()));
        Self { addr, door, authority }
    }

    /// A program that shares a list with the pages.
    async fn program(&self, name: &str) -> SVec<u32> {
        let authority = Arc::clone(&self.authority);
        let server = Server::by(move |request| authority.ask(request), Handle::current());
        server.group(name).begin::<UVec<u32>>().await.unwrap()
    }

    async fn page(&self) -> Page {
        Page::new(connect(self.addr, GROUPS_SUBPROTOCOL, None).await.unwrap())
    }
}

const SECRET: Secret = Secret(Bin([5; 16]));

fn schema() -> SchemaHash {
    SchemaHash::of::<UVec<u32>>()
}

fn push(name: &str, writer: WriterId, seq: u64, value: u32) -> DoorRequest {
    let updates = Blob::of(&vec![plan::<UVec<u32>>().push(value)]);
    let edit = Edit { writer, seq, ordered: true, updates };
    let (group, schema, seen) = (group(name), schema(), schema().start());
    DoorRequest::Propose(Propose { group, schema, edit, expect: None, seen })
}

fn follow(name: &str, seen: Option<Seen>, wait_ms: u32) -> DoorRequest {
    let (group, schema) = (group(name), schema());
    DoorRequest::Follow(Follow { group, schema, seen, distrust: None, wait_ms })
}

fn page_of(answer: DoorAnswer) -> GroupPage {
    match answer {
        DoorAnswer::Page(page) => page,
        other => panic!("a page, and not {other:?}"),
    }
}

fn refusal(answer: DoorAnswer) -> GroupRefusal {
    match answer {
        DoorAnswer::Refused(refused) => refused.why,
        other => panic!("a refusal, and not {other:?}"),
    }
}

#[tokio::test]
async fn a_page_and_a_program_see_what_the_other_one_writes() {
    let place = Place::start();
    let list = place.program("open").await;
    let mut page = place.page().await;
    let DoorAnswer::Introduced(me) = page.ask(&introduce()).await else { panic!("introduced") };
    assert_eq!(me.writer, SECRET.writer());
    let DoorAnswer::Proposed(proposed) = page.ask(&push("open", me.writer, 1, 7)).await else {
        panic!("proposed")
    };
    assert_eq!(proposed.verdict, ProposeVerdict::Committed);
    assert_eq!(proposed.page.entries.len(), 1, "it brings what the page has missed");
    let seen = proposed.page.entries[0].seen();
    page.send(9, &follow("open", Some(seen), 20_000)).await;
    list.later().push(8).await.unwrap();
    assert_eq!(list.read()[..], [7, 8]);
    let (number, answer) = page.answer().await;
    assert_eq!((number, page_of(answer.unwrap()).entries.len()), (9, 1), "the wait has an end");
    // The same again, on another connection: it counts once.
    let mut again = place.page().await;
    again.ask(&introduce()).await;
    let DoorAnswer::Proposed(proposed) = again.ask(&push("open", me.writer, 1, 7)).await else {
        panic!("proposed")
    };
    assert_eq!(proposed.verdict, ProposeVerdict::Duplicate);
}

fn introduce() -> DoorRequest {
    DoorRequest::Introduce(Introduce { secret: SECRET })
}

#[tokio::test]
async fn what_a_page_may_not_do_is_refused_to_it_and_changes_nothing() {
    let place = Place::start();
    let (open, shown) = (place.program("open").await, place.program("shown").await);
    place.program("hidden").await;
    let mut page = place.page().await;
    let me = SECRET.writer();
    let not = GroupRefusal::NotAllowed;
    assert_eq!(refusal(page.ask(&push("open", me, 1, 7)).await), not, "it has not said who it is");
    page.ask(&introduce()).await;
    let other = WriterId(Bin([7; 16]));
    assert_eq!(
        refusal(page.ask(&push("open", other, 1, 7)).await),
        not,
        "not under another's name"
    );
    let leave = DoorRequest::Leave(Leave { group: group("open"), writer: other });
    assert_eq!(refusal(page.ask(&leave).await), not);
    assert_eq!(refusal(page.ask(&push("hidden", me, 1, 7)).await), not, "it is not for pages");
    assert_eq!(refusal(page.ask(&follow("hidden", None, 0)).await), not);
    assert_eq!(refusal(page.ask(&push("shown", me, 1, 7)).await), not, "its rule refuses it");
    assert!(page_of(page.ask(&follow("shown", None, 0)).await).entries.is_empty());
    let long = plan::<UVec<u32>>().extend(0..u32::try_from(DOOR_UPDATES_BYTES_MAX).unwrap());
    let DoorRequest::Propose(mut propose) = push("open", me, 1, 7) else { unreachable!() };
    propose.edit.updates = Blob::of(&vec![long]);
    let mut bytes = propose.edit.updates.to_vec();
    bytes.truncate(DOOR_UPDATES_BYTES_MAX + 1);
    propose.edit.updates = bytes.into();
    let why = refusal(page.ask(&DoorRequest::Propose(propose)).await);
    assert_eq!(why, GroupRefusal::TooLarge);
    assert!(open.read().is_empty() && shown.read().is_empty());
}

#[tokio::test]
async fn a_page_that_breaks_the_protocol_is_closed_with_a_reason_and_others_go_on() {
    let place = Place::start();
    let list = place.program("open").await;
    let mut other = place.page().await;
    other.ask(&introduce()).await;
    let long = vec![0; DOOR_MESSAGE_BYTES_MAX + 1];
    for (message, code, reason) in [
        (Message::text("hello"), 1003, "binary"),
        (Message::binary(vec![0xc1]), 1007, "not a request"),
        (Message::binary(vec![0x92, 1, 0x92, 99, 0x90]), 1007, "not a request"),
        (Message::binary(long), 1009, "too long"),
    ] {
        let mut page = place.page().await;
        page.put(message).await;
        let (found, why) = page.closed().await;
        assert_eq!(found, code, "{why}");
        assert!(why.contains(reason), "{why}");
    }
    let mut flood = place.page().await;
    for number in 0..u64::from(2 * DOOR_RATE_MAX) {
        flood.send(number, &introduce()).await;
    }
    assert_eq!(flood.closed().await, (1008, "too many requests a second".to_owned()));
    let mut greedy = place.page().await;
    let seen = Some(schema().start());
    for number in 0..20 {
        greedy.send(number, &follow("open", seen, 20_000)).await;
    }
    assert_eq!(greedy.closed().await, (1008, "too many requests are open".to_owned()));
    other.ask(&push("open", SECRET.writer(), 1, 3)).await;
    assert_eq!(list.read_at(ucore::Version(1)).unwrap()[..], [3]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_page_is_closed_in_time_and_not_before() {
    let place = Place::start();
    let mut page = place.page().await;
    for wait_ms in [0, DOOR_SILENCE_MS_MAX - 1, DOOR_SILENCE_MS_MAX / 2 - 1] {
        tokio::time::advance(Duration::from_millis(wait_ms)).await;
        page.ask(&introduce()).await;
    }
    let began = Instant::now();
    page.be_silent().await;
    let silence = Duration::from_millis(DOOR_SILENCE_MS_MAX);
    assert!((silence..silence + Duration::from_millis(100)).contains(&began.elapsed()));
}

#[tokio::test]
async fn pages_of_other_origins_and_other_protocols_do_not_get_in() {
    let place = Place::start();
    let own = format!("http://{}", place.addr);
    assert!(connect(place.addr, GROUPS_SUBPROTOCOL, Some(&own)).await.is_ok());
    for origin in ["http://evil.example", "null", &format!("{own}.evil.example")] {
        let why = connect(place.addr, GROUPS_SUBPROTOCOL, Some(origin)).await.unwrap_err();
        assert!(why.contains("403") && why.contains("another origin"), "{origin}: {why}");
    }
    let why = connect(place.addr, SYNC_SUBPROTOCOL, None).await.unwrap_err();
    assert!(why.contains("400") && why.contains(GROUPS_SUBPROTOCOL), "{why}");
}

#[tokio::test]
async fn a_server_that_stops_says_so_to_its_pages() {
    let place = Place::start();
    place.program("open").await;
    let mut page = place.page().await;
    page.ask(&introduce()).await;
    page.send(2, &follow("open", Some(schema().start()), 20_000)).await;
    place.door.stop();
    assert_eq!(page.closed().await, (1012, "this server is stopping".to_owned()));
    let why = connect(place.addr, GROUPS_SUBPROTOCOL, None).await.unwrap_err();
    assert!(why.contains("503"), "{why}");
}
