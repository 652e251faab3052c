//! What went wrong with the library that this one descends from.

use crate::place::{Place, assert_equal};
use protocol::{Edit, GroupName, GroupRequest, Propose, SchemaHash, Seen, SyncRequest};
use score::{SMap, SVec, Server, Shared};
use std::collections::BTreeMap;
use std::thread::scope;
use ucore::prelude::*;
use ucore::{Bin, Blob, Counter, GMap, Reject, UMap, UVec, WriterId, plan};

/// There: 1,920 were acknowledged, and every copy held 1,921.
#[test]
fn sixty_four_writers_push_and_each_push_is_there_once() {
    const WRITERS: u32 = 64;
    const PUSHES: u32 = 30;
    let place = Place::start();
    let lists: Vec<SVec<u32>> = (0..WRITERS).map(|_| place.open("list")).collect();
    scope(|scope| {
        for (id, list) in (0..).zip(&lists) {
            scope.spawn(move || {
                for at in 0..PUSHES {
                    list.push(id * PUSHES + at).unwrap();
                }
            });
        }
    });
    assert_equal(&lists);
    let mut values = lists[0].read().to_vec();
    let of_first: Vec<u32> = values.iter().copied().filter(|it| *it < PUSHES).collect();
    assert!(of_first.is_sorted(), "a writer's pushes are in its order");
    values.sort_unstable();
    assert!(values.into_iter().eq(0..WRITERS * PUSHES));
}

/// There: each came back with another number of entries, and nobody noticed.
#[test]
fn copies_that_are_flooded_are_equal_and_a_slow_reader_of_changes_misses_nothing() {
    let place = Place::start();
    let maps: Vec<Shared<GMap<u32, Counter>>> = (0..8).map(|_| place.open("sums")).collect();
    let slow: Shared<GMap<u32, Counter>> = place.open("sums");
    let mut changes = slow.changes();
    scope(|scope| {
        for map in &maps {
            scope.spawn(move || {
                let add = |at: u32| map.propose(plan::<GMap<u32, Counter>>().at(at % 50).add(1));
                let pending: Vec<_> = (0..1_000).map(add).collect();
                pending.into_iter().for_each(|it| it.wait().unwrap());
            });
        }
    });
    assert_equal(&maps);
    let newest = maps.iter().map(|it| it.read().version()).max().unwrap();
    let end = slow.read_at(newest).unwrap();
    assert_eq!(end.iter().map(|(_, sum)| sum.get()).sum::<i64>(), 8_000);
    // It reads for the first time: one change, in which all of them are folded.
    let mut copy = GMap::<u32, Counter>::default();
    match changes.wait() {
        Some(score::Change::Updates(updates)) => {
            assert!(updates.len() < 50, "{} updates are folded", updates.len());
            updates.into_iter().for_each(|update| copy.apply(update).unwrap());
        }
        other => panic!("what has changed, and not {other:?}"),
    }
    assert_eq!(copy, *end);
}

/// There: it was acknowledged, and then every copy panicked, and every later one.
#[test]
fn an_update_that_does_not_fit_is_refused_to_its_sender_and_harms_nobody() {
    let place = Place::start();
    let (here, there): (SVec<String>, SVec<String>) = (place.open("list"), place.open("list"));
    here.push("a".to_owned()).unwrap();
    let refused = |outcome: Result<(), score::Error>| {
        assert!(
            matches!(outcome, Err(score::Error::Rejected(Reject::Missing))),
            "it is refused: {outcome:?}"
        );
    };
    refused(here.remove(7));
    refused(here.at(7).set("b".to_owned()));
    refused(here.insert(9, "b".to_owned()));
    refused(here.transact(|list| Ok(list.remove(7)?)));
    assert_eq!(there.pop().unwrap().as_deref(), Some("a"));
    assert_eq!(there.pop().unwrap(), None, "an empty list has nothing to remove");
    there.push("c".to_owned()).unwrap();
    let late: SVec<String> = place.open("list");
    assert_eq!(late.read()[..], ["c"]);
    assert_equal(&[here, there, late]);
}

/// The same from a program that does not check anything.
#[test]
fn bytes_that_are_no_updates_change_nothing_for_anybody() {
    let place = Place::start();
    let list: SVec<u32> = place.open("list");
    list.push(1).unwrap();
    let seen = Seen { version: list.read().version(), chain: list.read().chain() };
    let updates = [Blob::from(vec![0xc1]), Blob::of(&vec![7_u8]), Blob::from(Vec::new())];
    for (updates, id) in updates.into_iter().zip(1_u8..) {
        let edit = Edit { writer: WriterId(Bin([id; 16])), seq: 1, ordered: true, updates };
        let (group, schema) = (GroupName("list".to_owned()), SchemaHash::of::<UVec<u32>>());
        let propose = Propose { group, schema, edit, expect: None, seen };
        let request = SyncRequest::Group(GroupRequest::Propose(propose));
        place.runtime.block_on(place.authority.ask(request)).unwrap();
    }
    list.push(2).unwrap();
    let late: SVec<u32> = place.open("list");
    assert_eq!(late.read()[..], [1, 2]);
    assert_eq!(late.counts().unreadable, 3);
    assert_equal(&[list, late]);
}

/// There: publishing panicked.
#[test]
fn keys_may_be_anything_that_has_an_order() {
    let place = Place::start();
    let map: SMap<(i32, i32), UMap<(u8, String), bool>> = place.open("places");
    map.insert((-1, 2), UMap::default()).unwrap();
    map.at((-1, 2)).insert((3, "x".to_owned()), true).unwrap();
    let other: SMap<(i32, i32), UMap<(u8, String), bool>> = place.open("places");
    assert_eq!(other.read()[&(-1, 2)].get(&(3, "x".to_owned())), Some(&true));
}

/// There: 20,000 updates took 915 ms to read again.
#[test]
fn who_comes_late_reads_the_state_and_not_its_history() {
    let place = Place::start();
    let map: SMap<u32, u32> = place.open("map");
    let model: BTreeMap<u32, u32> = (0..20_000).map(|at| (at % 100, at)).collect();
    let set = |at: u32| map.propose(plan::<UMap<u32, u32>>().insert(at % 100, at));
    for first in (0..20_000).step_by(10) {
        // Many small entries: of one batch they would be few.
        let pending: Vec<_> = (first..first + 10).map(set).collect();
        pending.into_iter().for_each(|it| it.wait().unwrap());
    }
    // The value is kept a moment after its mark.
    let end = map.read().version();
    let mut entries = u64::MAX;
    for extra in 0..2_000 {
        let follow = protocol::Follow {
            group: GroupName("map".to_owned()),
            schema: SchemaHash::of::<UMap<u32, u32>>(),
            seen: None,
            distrust: None,
            wait_ms: 0,
        };
        let request = SyncRequest::Group(GroupRequest::Follow(follow));
        let answer = place.runtime.block_on(place.authority.ask(request)).unwrap();
        let protocol::SyncAnswer::Group(protocol::GroupAnswer::Page(page)) = answer else {
            panic!("a page, and not {answer:?}");
        };
        let base = page.base.expect("where to begin").at.version;
        entries = page.head.0 - base.0;
        // A keeper that is late has kept an early mark first.
        if entries < end.0 / 2 {
            break;
        }
        map.insert(1, extra).unwrap();
    }
    assert!(entries < end.0 / 2, "{entries} entries of {end} are read");
    let late: SMap<u32, u32> = Server::at(&place.url).unwrap().map("map").unwrap();
    assert_equal(&[map, late.clone()]);
    let unchanged =
        late.read().iter().filter(|(key, _)| **key != 1).map(|(k, v)| (*k, *v)).collect();
    let expected: BTreeMap<u32, u32> = model.into_iter().filter(|(key, _)| *key != 1).collect();
    assert_eq!(expected, unchanged);
}
