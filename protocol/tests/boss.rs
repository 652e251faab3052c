//! The boss keeps the laws of an Updatable, whatever entries it meets.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use protocol::{
    Boss, BossUpdate, Credit, ExecutorId, Gen, Interval, JournalId, PlayerId, RewardId, Scenario,
    Seen, ShardId, Step, Term,
};
use ucore::{Bin, Chain, INT_MAX, Max, Updatable, Version, decode, encode, state_hash};

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
    let spawn = (generation(), 0..3_u64, number()).prop_map(move |(generation, term, hp_max)| {
        let spec = Box::new(protocol::BossSpec { hp_max: hp_max.max(1), ..spec.clone() });
        BossUpdate::Spawn { generation, term, spec }
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
    let term = (1..4_u64)
        .prop_map(|number| BossUpdate::Term(Term { number, executor: ExecutorId(Bin([7; 16])) }));
    let settle = (generation(), 1..3_u64, settled())
        .prop_map(|(generation, term, step)| BossUpdate::Settle { generation, term, step });
    prop_oneof![2 => spawn, 2 => join, 3 => enter, 8 => push, 4 => late, 3 => term, 10 => settle]
}

fn settled() -> impl Strategy<Value = Step> {
    let player = || (1..3_u64).prop_map(PlayerId);
    let credit = (player(), number(), number()).prop_map(|(player, damage, credit)| Credit {
        player,
        damage,
        credit,
    });
    let rewards = vec((1..5_u8).prop_map(RewardId), 0..3);
    prop_oneof![
        4 => Just(Step::Collect),
        1 => Just(Step::Wait),
        4 => number().prop_map(|version| {
            Step::Close(Seen { version: Version(version.min(INT_MAX)), chain: Chain::START })
        }),
        4 => vec(credit, 0..3).prop_map(Step::Credit),
        4 => btree_map(player(), rewards, 0..3).prop_map(Step::Reward),
    ]
}

/// A boss that is already fought: most entries mean something to it.
fn fought() -> Boss {
    let spec = Box::new(Scenario::parse(Scenario::default_text()).unwrap().spec);
    let term = 0;
    let (journal, generation) = (JournalId(Bin([1; 16])), Gen(1));
    let mut boss = Boss::default();
    for update in [
        BossUpdate::Spawn { generation, term, spec },
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

#[test]
fn a_step_of_another_term_or_out_of_its_order_does_not_fit() {
    let mut boss = fought();
    let executor = ExecutorId(Bin([7; 16]));
    let (journal, generation) = (JournalId(Bin([1; 16])), Gen(1));
    let hp = boss.current().unwrap().1.spec.hp_max;
    let players = [(PlayerId(1), Max::of(hp))].into_iter().collect();
    let interval = Interval { generation, from: 0, to: hp, players, names: [].into() };
    boss.apply(BossUpdate::Push { journal, interval, last: false, phase: None, death: true })
        .unwrap();
    let settle = |term, step| BossUpdate::Settle { generation, term, step };
    assert!(boss.check(&settle(0, Step::Collect)).is_err(), "nobody reigns");
    for number in [1, 2] {
        boss.apply(BossUpdate::Term(Term { number, executor })).unwrap();
    }
    assert!(boss.check(&BossUpdate::Term(Term { number: 2, executor })).is_err());
    assert!(boss.check(&settle(1, Step::Collect)).is_err(), "an older term");
    assert!(boss.check(&settle(3, Step::Collect)).is_err(), "a term that nobody has taken");
    let closed = Seen { version: Version(1), chain: Chain::START };
    let credit = Credit { player: PlayerId(1), damage: hp, credit: hp };
    let steps = [
        Step::Collect,
        Step::Close(closed),
        Step::Credit(vec![credit]),
        Step::Reward([(PlayerId(1), vec![RewardId(1)])].into()),
    ];
    for (at, step) in steps.iter().enumerate() {
        for (other, wrong) in steps.iter().enumerate() {
            assert_eq!(boss.check(&settle(2, wrong.clone())).is_ok(), at == other, "{wrong:?}");
        }
        boss.apply(settle(2, step.clone())).unwrap();
    }
    let again = steps.iter().all(|step| boss.check(&settle(2, step.clone())).is_err());
    assert!(again, "each step is taken once");
    let wrong = |player, id| Step::Reward([(PlayerId(player), vec![RewardId(id)])].into());
    assert!(boss.check(&settle(2, wrong(2, 1))).is_err());
    assert_eq!(boss.fame().profiles[&PlayerId(1)].kills, 1);
}
