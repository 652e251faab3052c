//! What a program sees: outcomes, errors with their cures, changes, and threads that wait.

use crate::place::{Place, assert_equal};
use futures::StreamExt;
use protocol::GroupRefusal;
use score::{Change, Error, Retry, SMap, SStack, SVec, Server, Shared};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use ucore::prelude::*;
use ucore::{Counter, UMap, UVec, plan};

#[test]
fn methods_give_back_what_they_met() {
    let place = Place::start();
    let map: SMap<String, u32> = place.open("map");
    assert_eq!(map.insert("a".to_owned(), 1).unwrap(), None);
    assert_eq!(map.insert("a".to_owned(), 2).unwrap(), Some(1));
    assert_eq!(map.get("a"), Some(2));
    assert_eq!(map.remove("a".to_owned()).unwrap(), Some(2));
    assert_eq!(map.remove("a".to_owned()).unwrap(), None);
    let stack: SStack<u8> = place.open("stack");
    stack.push(1).unwrap();
    stack.push(2).unwrap();
    assert_eq!((stack.pop().unwrap(), stack.read().peek().copied()), (Some(2), Some(1)));
}

#[test]
fn nested_places_work_on_the_shared_structure_as_on_a_local_one() {
    let place = Place::start();
    let notes: SMap<i32, UVec<String>> = place.open("notes");
    notes.insert(1, UVec::default()).unwrap();
    notes.at(1).push("hello".to_owned()).unwrap();
    notes.at(1).at(0).set("bye".to_owned()).unwrap();
    let pending = notes.later().at(1).push("again".to_owned());
    futures::executor::block_on(pending).unwrap();
    assert_eq!(notes.read()[&1][..], ["bye", "again"]);
}

#[test]
fn a_transaction_gives_back_its_result_or_changes_nothing() {
    let place = Place::start();
    let list: SVec<u32> = place.open("list");
    let len = list.transact(|list| {
        list.push(1)?;
        list.push(2)?;
        Ok(list.len())
    });
    assert_eq!(len.unwrap(), 2, "it sees what it did");
    let aborted = list.transact(|list| {
        list.clear()?;
        Err::<(), _>("no reason".into())
    });
    assert!(matches!(&aborted, Err(Error::Aborted(why)) if why.to_string() == "no reason"));
    let panicked = list.transact(|list| {
        list.clear()?;
        assert!(list.len() == 7, "a bug of this closure");
        Ok(())
    });
    assert!(matches!(&panicked, Err(Error::Panicked(text)) if text == "a bug of this closure"));
    assert_eq!(panicked.unwrap_err().retry(), Retry::Never);
    assert_eq!(list.read()[..], [1, 2], "and the connection goes on");
    assert_eq!(list.transact(|list| Ok(list.len())).unwrap(), 2, "one that changes nothing");
}

#[test]
fn a_transaction_that_was_overtaken_runs_again_on_the_newer_value() {
    let place = Place::start();
    let lists: Vec<SVec<u32>> = (0..4).map(|_| place.open("list")).collect();
    std::thread::scope(|scope| {
        for list in &lists {
            scope.spawn(move || {
                for _ in 0..50 {
                    let pushed = list.transact(|list| {
                        let len = u32::try_from(list.len())?;
                        Ok(list.push(len)?)
                    });
                    pushed.unwrap();
                }
            });
        }
    });
    assert_equal(&lists);
    assert!(lists[0].read().iter().copied().eq(0..200));
}

#[test]
fn transactions_that_spend_a_sum_do_not_overdraw_it() {
    let place = Place::start();
    let purses: Vec<Shared<Counter>> = (0..4).map(|_| place.open("purse")).collect();
    purses[0].add(50).unwrap();
    std::thread::scope(|scope| {
        for purse in &purses {
            scope.spawn(move || {
                for _ in 0..20 {
                    let spent = purse.transact(|purse| {
                        let has = purse.get() >= 1;
                        if has {
                            purse.sub(1)?;
                        }
                        Ok(has)
                    });
                    spent.unwrap();
                }
            });
        }
    });
    assert_equal(&purses);
    assert_eq!(purses[0].read().get(), 0, "80 wanted one each, and 50 got one");
}

#[test]
fn waiting_inside_of_a_closure_is_refused_and_does_not_hang() {
    let place = Place::start();
    let count: Shared<Counter> = place.open("count");
    let same = count.clone();
    let inner = count.transact(move |_| Ok(same.add(1)));
    assert!(matches!(inner, Ok(Err(Error::Inside))), "{inner:?}");
    let (same, calls) = (count.clone(), Arc::new(AtomicU64::new(0)));
    let noted = Arc::clone(&calls);
    let watch = count.on_change(move |_, _| {
        assert!(matches!(same.add(1), Err(Error::Inside)));
        noted.fetch_add(1, Ordering::Relaxed);
    });
    count.add(5).unwrap();
    let seen = count.read().version();
    count.add(1).unwrap();
    count.read_at(seen).unwrap();
    assert!(calls.load(Ordering::Relaxed) >= 1, "it was called");
    drop(watch);
}

#[tokio::test]
async fn waiting_inside_of_a_runtime_is_safe_and_awaiting_is_better() {
    let place = std::thread::spawn(Place::start).join().unwrap();
    let count: Shared<Counter> = place.open("count");
    count.add(1).unwrap();
    count.later().add(2).await.unwrap();
    count.begin(|count| Ok(count.add(4)?)).await.unwrap();
    assert_eq!(count.read().get(), 7);
    drop(count);
    tokio::task::spawn_blocking(move || drop(place)).await.unwrap();
}

#[test]
fn changes_come_as_a_stream_and_end_with_the_structure() {
    let place = Place::start();
    let (here, there): (SVec<u32>, SVec<u32>) = (place.open("list"), place.open("list"));
    let changes = there.changes();
    // A change of its own shows that the stream has begun.
    there.push(0).unwrap();
    (1..100).for_each(|at| here.push(at).unwrap());
    there.read_at(here.read().version()).unwrap();
    let end = there.read().clone();
    drop(there);
    let all: Vec<Change<_>> = futures::executor::block_on(changes.collect());
    let mut copy = UVec::<u32>::default();
    for change in all {
        match change {
            Change::Updates(updates) => updates.into_iter().for_each(|it| copy.apply(it).unwrap()),
            Change::Whole => panic!("it was not so much"),
        }
    }
    assert_eq!(copy, *end);
}

#[test]
fn another_type_another_name_and_nobody_there_are_refused_with_the_cure() {
    let place = Place::start();
    let server = Server::at(&place.url).unwrap();
    let _map: SMap<u32, u32> = server.map("here").unwrap();
    let refused = |error: Error| match &error {
        Error::Refused { why, .. } => (*why, error.retry(), error.to_string()),
        other => panic!("refused, and not {other:?}"),
    };
    let (why, retry, text) = refused(server.map::<u32, bool>("here").unwrap_err());
    assert_eq!((why, retry), (GroupRefusal::Schema, Retry::Never));
    assert!(text.contains("`here`") && text.contains("another type"), "{text}");
    let nobody = server.group("nobody").create(false).open::<UMap<u32, u32>>().unwrap_err();
    assert_eq!(refused(nobody).0, GroupRefusal::NoGroup);
    for name in ["", "No", "a b", &"x".repeat(65)] {
        assert_eq!(refused(server.vec::<u32>(name).unwrap_err()).0, GroupRefusal::Name, "{name:?}");
    }
    let large: Shared<UVec<String>> = server.vec("large").unwrap();
    let (why, retry, _) = refused(large.push("x".repeat(300 * 1024)).unwrap_err());
    assert_eq!((why, retry), (GroupRefusal::TooLarge, Retry::Never));
    large.push("small".to_owned()).unwrap();
    assert_eq!(large.read().len(), 1);
}

#[test]
fn who_is_away_is_waited_for_no_longer_than_was_said() {
    let place = Place::start();
    let addr = place.addr;
    let server = Server::at(&place.url).unwrap();
    let patience = Duration::from_millis(300);
    let count: Shared<Counter> = server.group("count").patience(patience).open().unwrap();
    count.add(1).unwrap();
    drop(place);
    let error = count.add(1).unwrap_err();
    assert!(matches!(error.retry(), Retry::Later | Retry::Look), "{error}");
    assert_eq!(count.read().get(), 1, "reading goes on");
    let error = Server::at(&format!("ws://{addr}")).unwrap().group("count").patience(patience);
    let error = error.open::<Counter>().unwrap_err();
    assert_eq!(error.retry(), Retry::Later);
    let text = error.to_string();
    assert!(text.contains("nothing takes connections at"), "{text}");
}

#[test]
fn a_flood_of_operations_is_refused_at_its_bound_and_all_others_are_done() {
    let place = Place::start();
    let count: Shared<Counter> = place.open("count");
    let add = |_| count.propose(plan::<Counter>().add(1));
    let pending: Vec<_> = (0..40_000).map(add).collect();
    let outcomes: Vec<_> = pending.into_iter().map(score::Pending::wait).collect();
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let busy = |outcome: &&Result<(), Error>| matches!(outcome, Err(Error::Busy { .. }));
    assert_eq!(done + outcomes.iter().filter(busy).count(), outcomes.len());
    assert_eq!(count.read().get(), i64::try_from(done).unwrap());
}

#[test]
fn a_look_that_reads_the_structure_is_told_so_and_nothing_hangs() {
    let place = Place::start();
    let count: Shared<Counter> = place.open("count");
    let same = count.clone();
    let look = move |_: &Counter| same.read().get();
    let read = count.propose_and_look(plan::<Counter>().add(1), look).wait();
    let Err(Error::Unknown { why }) = read else { panic!("not seen, and not {read:?}") };
    assert!(why.contains("use what it is given"), "{why}");
    assert_eq!(count.read().get(), 1, "the update was done, and the connection goes on");
    count.add(1).unwrap();
}

#[test]
fn every_look_sees_what_the_update_before_it_has_made() {
    let place = Place::start();
    let count: Shared<Counter> = place.open("tickets");
    let draw = |_| count.propose_and_look(plan::<Counter>().add(1), |count| count.get());
    let drawn: Vec<_> = (0..500).map(draw).collect();
    let drawn: Vec<_> = drawn.into_iter().map(|ticket| ticket.wait().unwrap()).collect();
    assert!(drawn.iter().copied().eq(0..500), "no ticket was drawn twice: {drawn:?}");
}

#[test]
fn an_update_behind_a_transaction_is_judged_by_the_value_that_it_meets() {
    let place = Place::start();
    let (here, there): (SMap<u32, u32>, SMap<u32, u32>) = (place.open("map"), place.open("map"));
    for key in 0..100 {
        here.insert(key, 1).unwrap();
        // It knows of the key from elsewhere, and its copy perhaps not yet.
        let first = there.begin(|map| Ok(map.insert(1_000, 1)?));
        let second = there.later().remove(key);
        first.wait().unwrap();
        second.wait().unwrap();
    }
}

#[test]
fn a_watch_that_is_dropped_lets_go_of_what_its_callback_holds() {
    let place = Place::start();
    let count: Shared<Counter> = place.open("count");
    let held = Arc::new(());
    let (same, mine) = (count.clone(), Arc::clone(&held));
    let watch = count.on_change(move |_, _| drop((same.read(), Arc::clone(&mine))));
    count.add(1).unwrap();
    assert_eq!(Arc::strong_count(&held), 2);
    // Behind this, it has been called, and is not called again.
    count.transact(|_| Ok(())).unwrap();
    drop(watch);
    assert_eq!(Arc::strong_count(&held), 1);
}
