//! Samples meet: a law that only ever sees updates of absent keys shows nothing.

use crate::check::{Case, samples};
use crate::sample::Sample;
use crate::structs::{Boss, Line, Sheet, World};
use ucore::{Coalesce, Counter, GMap, Max, UMap, UStack, UVec};

const CASES: usize = 400;

/// How often something happened.
#[derive(Debug, Default)]
struct Seen {
    updates: usize,
    unfit: usize,
    /// Two fit one after the other, and fold.
    folded: usize,
    /// Two fit one after the other, and do not.
    apart: usize,
}

fn seen<S: Sample>() -> Seen {
    let mut seen = Seen::default();
    for case in samples::<Case<S>>(CASES) {
        let (mut state, mut last) = (case.state, None);
        for update in case.updates {
            seen.updates += 1;
            if state.apply(update.clone()).is_err() {
                (seen.unfit, last) = (seen.unfit + 1, None);
                continue;
            }
            let folds = last.map(|mut last: S::Update| last.coalesce(update.clone()).is_ok());
            seen.folded += usize::from(folds == Some(true));
            seen.apart += usize::from(folds == Some(false));
            last = Some(update);
        }
    }
    seen
}

fn is_enough<S: Sample>() {
    let seen = seen::<S>();
    assert!(seen.unfit * 10 < seen.updates * 9, "a tenth fits: {seen:?}");
    assert!(seen.folded > CASES / 20, "some fold: {seen:?}");
}

/// The same where updates also miss and conflict.
fn is_enough_of_all<S: Sample>() {
    is_enough::<S>();
    let seen = seen::<S>();
    assert!(seen.unfit * 20 > seen.updates, "a twentieth does not fit: {seen:?}");
    assert!(seen.apart > CASES / 40, "some do not fold: {seen:?}");
}

#[test]
fn updates_of_containers_hit_and_miss_and_conflict() {
    is_enough_of_all::<UMap<u8, u8>>();
    is_enough_of_all::<UVec<u8>>();
    is_enough_of_all::<UStack<u8>>();
    is_enough_of_all::<UMap<i32, UVec<String>>>();
    is_enough_of_all::<UVec<UMap<u8, UStack<Counter>>>>();
    is_enough_of_all::<Option<(UVec<u8>, Counter)>>();
    is_enough_of_all::<UMap<u8, Boss>>();
    is_enough_of_all::<Option<Sheet>>();
    is_enough_of_all::<World>();
}

#[test]
fn deltas_hit_and_fold() {
    is_enough::<Counter>();
    is_enough::<GMap<u8, GMap<u8, Max>>>();
    is_enough::<GMap<u8, Line>>();
}
