//! The laws of updatable values, as properties over every structure.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::collection::vec;
use proptest::prelude::*;
use ucore::{
    Accumulate, Chain, Coalesce, Delta, DeltaBuffer, GMap, GMapDelta, INT_MAX, Idempotent, Max,
    Reg, Reject, Set, Updatable, Version,
};

type Board = GMap<u8, GMap<u8, Max>>;
type BoardDelta = GMapDelta<u8, GMapDelta<u8, Max>>;

fn max() -> impl Strategy<Value = Max> {
    (0..=INT_MAX).prop_map(Max::of)
}

fn board() -> impl Strategy<Value = BoardDelta> {
    let line = (0..4_u8, 0..4_u8, 0..100_u64);
    vec(line, 0..6).prop_map(|lines| {
        lines
            .into_iter()
            .map(|(key, inner, max)| (key, GMap::<u8, Max>::line(inner, Max::of(max))))
            .collect()
    })
}

fn merged<D: Delta>(a: &D, b: &D) -> D {
    let mut merged = a.clone();
    merged.merge(b.clone());
    merged
}

fn is_a_monoid<D: Delta + PartialEq + std::fmt::Debug>(a: &D, b: &D, c: &D) {
    assert_eq!(merged(&merged(a, b), c), merged(a, &merged(b, c)), "associative");
    assert_eq!(merged(a, b), merged(b, a), "commutative");
    assert_eq!(merged(a, &D::default()), *a, "Default is the identity");
    assert!(D::default().is_identity());
}

fn is_idempotent<D: Idempotent + PartialEq + std::fmt::Debug>(a: &D, b: &D) {
    let once = merged(a, b);
    assert_eq!(merged(&once, a), once, "a delivery that came before changes nothing");
}

proptest! {
    #[test]
    fn deltas_are_commutative_idempotent_monoids(
        (a, b, c) in (max(), max(), max()), (x, y, z) in (board(), board(), board())
    ) {
        is_a_monoid(&a, &b, &c);
        is_a_monoid(&x, &y, &z);
        is_idempotent(&a, &b);
        is_idempotent(&x, &y);
    }

    #[test]
    fn any_partition_into_buffers_in_any_order_gives_the_same_value(
        deltas in vec((board(), 0..3_usize), 0..20), repeat in any::<bool>()
    ) {
        let mut direct = Board::default();
        let mut buffers: [DeltaBuffer<BoardDelta>; 3] = Default::default();
        for (delta, buffer) in &deltas {
            direct.absorb(delta.clone());
            buffers[*buffer].add(delta.clone());
        }
        let mut folded = Board::default();
        for delta in buffers.iter_mut().rev().filter_map(DeltaBuffer::take) {
            folded.absorb(delta.clone());
            if repeat {
                folded.absorb(delta);
            }
        }
        prop_assert_eq!(folded, direct);
    }

    #[test]
    fn applying_a_lifted_delta_is_absorbing_it(start in board(), delta in board()) {
        let mut applied = Board::default();
        applied.absorb(start);
        let mut absorbed = applied.clone();
        applied.apply(Board::lift(delta.clone())).unwrap();
        absorbed.absorb(delta);
        prop_assert_eq!(applied, absorbed);
    }

    #[test]
    fn coalescing_is_composition(a in board(), b in board()) {
        let mut one_by_one = Board::default();
        one_by_one.apply(a.clone()).unwrap();
        one_by_one.apply(b.clone()).unwrap();
        let mut both = a;
        prop_assert!(both.coalesce(b).is_ok());
        let mut at_once = Board::default();
        at_once.apply(both).unwrap();
        prop_assert_eq!(at_once, one_by_one);
    }

    #[test]
    fn an_update_that_does_not_fit_changes_nothing(start in board(), too_large in INT_MAX + 1..) {
        let mut board = Board::default();
        board.absorb(start);
        let before = board.clone();
        let bad = Board::line(1, GMap::<u8, Max>::line(1, Max::of(too_large)));
        prop_assert_eq!(board.check(&bad), Err(Reject::TooLarge));
        prop_assert_eq!(board.apply(bad), Err(Reject::TooLarge));
        prop_assert_eq!(board, before);
    }

    #[test]
    fn two_logs_have_the_same_chain_only_if_they_are_the_same(
        log in vec(("[a-z ]{0,8}", vec(any::<u8>(), 0..8)), 1..6), at in 0_usize..6
    ) {
        let chain = |log: &[(String, Vec<u8>)]| {
            log.iter().zip(1..).fold(Chain::START, |chain, ((fields, blob), version)| {
                chain.link(Version(version), fields, blob)
            })
        };
        let mut other = log.clone();
        prop_assert_eq!(chain(&log), chain(&other));
        let at = at % log.len();
        other[at].1.push(7);
        prop_assert_ne!(chain(&log), chain(&other));
    }
}

#[test]
fn the_last_write_of_a_register_wins() {
    let mut reg = Reg::new(1);
    let mut both = Set(2);
    both.coalesce(Set(3)).unwrap();
    reg.apply(both).unwrap();
    assert_eq!(*reg.get(), 3);
}

#[test]
fn a_buffer_of_nothing_but_identities_sends_nothing() {
    let mut buffer = DeltaBuffer::default();
    buffer.add(Board::line(1, GMapDelta::default()));
    assert_eq!((buffer.folded(), buffer.take()), (1, None));
}
