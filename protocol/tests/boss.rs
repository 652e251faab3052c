//! The boss keeps the laws of an Updatable, whatever entries it meets.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use protocol::{Boss, BossUpdate, Gen, Interval, JournalId, PlayerId, Scenario, ShardId, Status};
use ucore::{Bin, INT_MAX, Max, Updatable, decode, encode, state_hash};

fn journal() -> impl Strategy<Value = JournalId> {
    (1..4_u8).prop_map(|id| JournalId(Bin([id; 16])))
}

fn generation() -> impl Strategy<Value = Gen> {
    (1..4_u32).prop_map(Gen)
}

/// Small, so that some fit; seldom beyond the limits.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![30 => 0..6_u64, 1 => Just(INT_MAX), 1 => Just(INT_MAX + 1), 1 => Just(u64::MAX)]
}

fn interval() -> impl Strategy<Value = Interval> {
    let player = || number().prop_map(PlayerId);
    let players = btree_map(player(), number(), 0..3);
    let names = btree_map(player(), "[a-c]", 0..2);
    (generation(), number(), number(), players, names, any::<bool>()).prop_map(
        |(generation, from, to, mut totals, names, balanced)| {
            // So that many continue what was taken: one player, who did it all.
            if balanced {
                totals = [(PlayerId(1), to)].into();
            }
            let players =
                totals.into_iter().map(|(player, total)| (player, Max::of(total))).collect();
            Interval { generation, from, to, players, names }
        },
    )
}

fn update() -> impl Strategy<Value = BossUpdate> {
    let spec = Scenario::parse(Scenario::default_text()).unwrap().spec;
    let spawn = (generation(), number()).prop_map(move |(generation, hp_max)| {
        let spec = Box::new(protocol::BossSpec { hp_max: hp_max.max(1), ..spec.clone() });
        BossUpdate::Spawn { generation, spec }
    });
    let join = (journal(), proptest::option::of(journal()), any::<bool>()).prop_map(
        |(journal, parent, inherits)| BossUpdate::Join {
            journal,
            shard: ShardId(1),
            parent,
            inherits,
        },
    );
    let enter = (journal(), generation())
        .prop_map(|(journal, generation)| BossUpdate::Enter { journal, generation });
    let push = (journal(), interval(), any::<bool>(), proptest::option::of(0..6_u8), any::<bool>())
        .prop_map(|(journal, interval, last, phase, death)| BossUpdate::Push {
            journal,
            interval,
            last,
            phase,
            death,
        });
    let late = (journal(), interval(), any::<bool>())
        .prop_map(|(journal, interval, last)| BossUpdate::Late { journal, interval, last });
    let status = (generation(), prop::sample::select(Status::ALL))
        .prop_map(|(generation, status)| BossUpdate::Status { generation, status });
    let wait = generation().prop_map(|generation| BossUpdate::Wait { generation });
    prop_oneof![2 => spawn, 2 => join, 3 => enter, 8 => push, 4 => late, 5 => status, 1 => wait]
}

/// A boss that is already fought: most entries mean something to it.
fn fought() -> Boss {
    let spec = Box::new(Scenario::parse(Scenario::default_text()).unwrap().spec);
    let (journal, generation) = (JournalId(Bin([1; 16])), Gen(1));
    let mut boss = Boss::default();
    for update in [
        BossUpdate::Spawn { generation, spec },
        BossUpdate::Join { journal, shard: ShardId(1), parent: None, inherits: false },
        BossUpdate::Enter { journal, generation },
    ] {
        boss.apply(update).unwrap();
    }
    boss
}

proptest! {
    #[test]
    fn check_says_what_apply_does_and_what_does_not_fit_changes_nothing(
        updates in vec(update(), 1..60), is_new in any::<bool>()
    ) {
        let mut boss = if is_new { Boss::default() } else { fought() };
        for update in updates {
            let (before, check) = (boss.clone(), boss.check(&update));
            prop_assert_eq!(boss.apply(update.clone()), check, "{:?}", update);
            if check.is_err() {
                prop_assert_eq!(&boss, &before);
            } else {
                prop_assert_eq!(decode::<BossUpdate>(&encode(&update)), Ok(update));
            }
        }
        let back: Boss = decode(&encode(&boss)).unwrap();
        prop_assert_eq!(state_hash(&back), state_hash(&boss));
        prop_assert_eq!(back, boss);
    }
}
