//! The end of a generation on the machine alone: shares that add up, and one settlement, whoever
//! dies while it goes on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use authority::machine::{Machine, Output, Saga, SagaAnswer, SagaRequest, grants};
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::{
    BossId, BossSpec, Claim, Credit, Enter, Entry, ExecutorId, Gen, Interval, Join, JoinAnswer,
    JournalId, Life, Micros, Missing, PlayerId, Progress, Push, Reign, Reward, RewardId, Scenario,
    Settle, SettleStep, SettleVerdict, ShardId, Shares, SharesAnswer, Snapshot, Stage, Status,
    Term, Truth, Verdict,
};
use std::collections::BTreeMap;
use ucore::{Bin, INT_MAX, Max};

const BOSS: BossId = BossId(1);

fn journal(number: u8) -> JournalId {
    JournalId(Bin([number; 16]))
}

fn executor(number: u8) -> ExecutorId {
    ExecutorId(Bin([number; 16]))
}

fn spec(hp_max: u64) -> BossSpec {
    let mut spec = Scenario::parse(Scenario::default_text()).unwrap().spec;
    spec.hp_max = hp_max;
    (spec.timing.collect_s, spec.timing.respawn_s) = (4, 2);
    spec
}

/// A boss, and journals that have entered its first generation.
#[derive(Debug)]
struct Fight {
    machine: Machine,
    log: Vec<Entry>,
    totals: BTreeMap<JournalId, BTreeMap<PlayerId, u64>>,
    now: Micros,
}

impl Fight {
    fn new(spec: BossSpec, journals: u8) -> Self {
        let machine = Machine::new(BOSS, spec);
        let (log, totals, now) = (Vec::new(), BTreeMap::new(), Micros(0));
        let mut fight = Self { machine, log, totals, now };
        (1..=journals).for_each(|number| fight.join(number));
        fight
    }

    fn join(&mut self, number: u8) {
        let (boss, journal, shard) = (BOSS, journal(number), ShardId(number.into()));
        self.machine.handle_join(Join { boss, journal, shard, lineage: Vec::new() });
        self.machine.handle_enter(&Enter { boss, journal, generation: Gen(1) });
        self.keep();
    }

    fn keep(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            if let Output::Entry(entry) = output {
                self.log.push(entry);
            }
        }
    }

    fn hit(&mut self, number: u8, player: u64, damage: u64) -> Verdict {
        let totals = self.totals.entry(journal(number)).or_default();
        *totals.entry(PlayerId(player)).or_default() += damage;
        self.push(number, false)
    }

    fn push(&mut self, number: u8, last: bool) -> Verdict {
        let (boss, journal, generation) = (BOSS, journal(number), Gen(1));
        let totals = self.totals.get(&journal).cloned().unwrap_or_default();
        let to = totals.values().sum();
        let players = totals.into_iter().map(|(player, total)| (player, Max::of(total))).collect();
        let interval = Interval { generation, from: 0, to, players, names: BTreeMap::new() };
        let (seen, standings) = (self.machine.truth().seen(), 0);
        let push = Push { boss, journal, interval, last, online: 1, seen, standings };
        let answer = self.machine.handle_push(push);
        self.keep();
        answer.verdict
    }

    fn ask(&mut self, request: SagaRequest) -> SagaAnswer {
        match request {
            SagaRequest::Reign(reign) => SagaAnswer::Reign(self.machine.handle_reign(reign)),
            SagaRequest::Settle(settle) => SagaAnswer::Settle(self.machine.handle_settle(settle)),
        }
    }

    /// A second in which these journals are heard and this executor looks.
    fn second(&mut self, saga: &mut Saga, heard: &[u8]) {
        let is_over = self.machine.truth().status >= Status::Collecting;
        for number in heard {
            self.push(*number, is_over);
        }
        self.now = self.now + Micros::from_millis(1_000);
        saga.drive(self.now, &mut self.machine);
        self.keep();
    }

    /// Lets seconds pass until the boss is there, and gives up after 60. How many it took.
    fn seconds_until(
        &mut self,
        saga: &mut Saga,
        heard: &[u8],
        is_there: impl Fn(&Truth) -> bool,
    ) -> u32 {
        for seconds in 0..=60 {
            if is_there(&self.machine.truth()) {
                return seconds;
            }
            self.second(saga, heard);
        }
        panic!("it does not come; after 60 seconds there is {:#?}", self.machine.truth());
    }

    fn settle(&mut self, saga: &mut Saga, heard: &[u8]) {
        self.seconds_until(saga, heard, |at| at.status == Status::Rewarded);
    }

    fn status(&self) -> Status {
        self.machine.truth().status
    }

    fn life(&self) -> &Life {
        self.machine.boss().life(Gen(1)).unwrap()
    }

    fn lines(&self, kind: &str) -> usize {
        self.log.iter().filter(|entry| entry.fields.split(' ').next() == Some(kind)).count()
    }

    /// One of each step, and the fold of the log is the boss.
    fn assert_settled_once(&self) {
        for kind in ["collect", "close", "credit", "reward"] {
            assert_eq!(self.lines(kind), 1, "{kind}: {:#?}", self.log);
        }
        let deaths = self.log.iter().filter(|entry| entry.fields.ends_with(" d=1")).count();
        assert_eq!(deaths, 1);
        let mut value = Snapshot::default();
        self.log.iter().for_each(|entry| value.follow(entry).unwrap());
        assert_eq!(value, self.machine.snapshot());
    }
}

/// Shares add up to the boss, each is within a point of the exact one, and more damage is never
/// worth less.
fn check_credits(hp_max: u64, credits: &[Credit], totals: &BTreeMap<PlayerId, u64>) {
    let sum: u128 = totals.values().map(|damage| u128::from(*damage)).sum();
    assert_eq!(credits.iter().map(|it| it.credit).sum::<u64>(), hp_max, "{credits:?}");
    assert_eq!(credits.len(), totals.len());
    for Credit { player, damage, credit } in credits {
        assert_eq!(totals[player], *damage);
        let exact = u128::from(hp_max) * u128::from(*damage);
        let credit = u128::from(*credit);
        assert!(credit * sum < exact + sum && exact < (credit + 1) * sum, "{player}: {credits:?}");
    }
    assert!(credits.is_sorted_by(|a, b| {
        let is_ahead = a.damage > b.damage || a.damage == b.damage && a.player < b.player;
        is_ahead && a.credit >= b.credit
    }));
}

fn hp_max() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(1),
        3 => 2..50_u64,
        3 => 50..1_000_000_u64,
        1 => Just(INT_MAX),
        1 => INT_MAX - 5..INT_MAX,
    ]
}

/// Damage of a few players on three shards, in parts of what the boss has.
fn hits() -> impl Strategy<Value = Vec<(u8, u64, u64)>> {
    let part = prop_oneof![4 => 1..=100_u64, 2 => Just(10), 1 => Just(1), 1 => Just(1_000)];
    vec((1..=3_u8, 1..=6_u64, part), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shares_add_up_to_the_boss_to_the_last_point(hp_max in hp_max(), hits in hits()) {
        let mut fight = Fight::new(spec(hp_max), 3);
        for (journal, player, part) in hits {
            // Enough to kill in some hits; what a last hit does beyond that is overkill.
            let damage = u64::try_from(u128::from(hp_max) * u128::from(part) / 100).unwrap();
            let damage = damage.max(1).min(INT_MAX - fight.life().damage());
            if damage > 0 {
                fight.hit(journal, player, damage);
            }
        }
        if fight.status() == Status::Alive {
            fight.hit(1, 1, fight.machine.truth().hp());
        }
        let mut saga = Saga::new(BOSS, executor(1), 0);
        fight.settle(&mut saga, &[1, 2, 3]);
        fight.assert_settled_once();
        let life = fight.life();
        prop_assert!(life.damage() >= hp_max);
        check_credits(hp_max, &life.settlement.credits, &life.ranked().into_iter().collect());
    }

    #[test]
    fn one_settlement_comes_of_two_executors_whatever_is_lost(
        turns in vec((0..2_usize, 0..4_u8), 20..200)
    ) {
        let mut fight = dead();
        let alone = settled_alone();
        let mut sagas = [1, 2].map(|number| Saga::new(BOSS, executor(number), 2));
        for (turn, fate) in turns {
            fight.push(1, fight.status() >= Status::Collecting);
            fight.push(2, fight.status() >= Status::Collecting);
            fight.now = fight.now + Micros::from_millis(700);
            // A request may be lost, or its answer, or the process may stand still meanwhile.
            let saga = &mut sagas[turn];
            let Some(request) = saga.poll_request(fight.now) else { continue };
            match fate {
                0 => saga.handle_no_answer(fight.now),
                1 => {
                    fight.ask(request);
                    saga.handle_no_answer(fight.now);
                }
                _ => {
                    let answer = fight.ask(request);
                    saga.handle_answer(fight.now, &answer);
                }
            }
            fight.keep();
        }
        // Then one of them is left.
        fight.seconds_until(&mut sagas[0], &[1, 2], |at| at.generation == Gen(2));
        fight.assert_settled_once();
        prop_assert_eq!(&fight.life().settlement.credits, &alone);
        let kept = &fight.life().settlement.grants;
        prop_assert_eq!(kept, &grants(fight.life()), "the draw repeats itself");
        let terms: Vec<_> = fight.log.iter().filter(|it| it.fields.starts_with("term ")).collect();
        for (term, number) in terms.iter().zip(1..) {
            prop_assert!(term.fields.starts_with(&format!("term n={number} ")), "{:?}", terms);
        }
    }
}

/// Two journals, four players, one of them on both; dead with overkill.
fn dead() -> Fight {
    let mut fight = Fight::new(spec(1_000), 2);
    for (journal, player, damage) in [(1, 7, 333), (2, 7, 1), (2, 8, 333), (1, 9, 333), (2, 5, 77)]
    {
        fight.hit(journal, player, damage);
    }
    assert_eq!(fight.status(), Status::Defeated);
    fight
}

fn settled_alone() -> Vec<Credit> {
    let mut fight = dead();
    let mut saga = Saga::new(BOSS, executor(1), 0);
    fight.settle(&mut saga, &[1, 2]);
    fight.life().settlement.credits.clone()
}

#[test]
fn an_executor_that_dies_at_any_step_is_continued_by_another() {
    let expected = settled_alone();
    let mut deaths_met = 0;
    for steps in 0..40 {
        let mut fight = dead();
        let mut first = Saga::new(BOSS, executor(1), 0);
        for _ in 0..steps {
            let is_over = fight.status() >= Status::Collecting;
            fight.push(1, is_over);
            fight.push(2, is_over);
            fight.now = fight.now + Micros::from_millis(1_000);
            if let Some(request) = first.poll_request(fight.now) {
                let answer = fight.ask(request);
                first.handle_answer(fight.now, &answer);
            }
            fight.keep();
        }
        if fight.machine.truth().generation > Gen(1) {
            continue;
        }
        deaths_met += 1;
        let (status, waited) = (fight.status(), fight.machine.truth().waited);
        let mut second = Saga::new(BOSS, executor(2), 3);
        let seconds = fight.seconds_until(&mut second, &[1, 2], |at| at.generation == Gen(2));
        fight.assert_settled_once();
        assert_eq!(fight.life().settlement.credits, expected, "killed after {steps} requests");
        assert_eq!(fight.machine.boss().term().executor, executor(2));
        if status == Status::Rewarded && waited == 2 {
            // The wait was over, and is not waited again.
            assert!(seconds <= 5, "{seconds} seconds");
        }
    }
    assert!(deaths_met > 8, "{deaths_met}");
}

#[test]
fn shards_that_died_are_waited_for_or_not_as_the_scenario_says() {
    for (missing, waited_max) in [(Missing::Apply, 4), (Missing::Discard, 3)] {
        let mut spec = spec(1_000);
        spec.missing = missing;
        spec.timing.collect_s = if missing == Missing::Apply { 4 } else { 100 };
        let mut fight = Fight::new(spec, 2);
        let mut saga = Saga::new(BOSS, executor(1), 0);
        fight.hit(2, 8, 400);
        // Shard 2 is gone for good, and has said nothing of its last damage.
        (0..6).for_each(|_| fight.second(&mut saga, &[1]));
        assert_eq!(fight.status(), Status::Alive, "nobody is fenced for silence");
        fight.hit(1, 7, 600);
        fight.settle(&mut saga, &[1]);
        let waits = fight.lines("wait");
        assert!(waits <= waited_max, "{missing:?}: {waits} seconds");
        let life = fight.life();
        assert_eq!((life.damage(), life.applied(journal(2))), (1_000, 400), "what counted stays");
        // It comes back with more.
        let before = (life.settlement.clone(), fight.machine.boss().fame().clone());
        assert_eq!(fight.hit(2, 8, 250), Verdict::Closed);
        let life = fight.life();
        assert_eq!((life.damage(), life.late_of(journal(2), PlayerId(8))), (1_000, 250));
        assert_eq!((&life.settlement, fight.machine.boss().fame()), (&before.0, &before.1));
    }
}

#[test]
fn an_executor_that_was_away_begins_to_count_silence_from_zero() {
    let mut spec = spec(1_000);
    (spec.missing, spec.timing.collect_s) = (Missing::Discard, 100);
    let mut fight = Fight::new(spec, 2);
    let mut saga = Saga::new(BOSS, executor(1), 0);
    fight.hit(2, 8, 400);
    (0..4).for_each(|_| fight.second(&mut saga, &[1]));
    // While it stood still for a minute, the shard could have been heard at any time.
    fight.now = fight.now + Micros::from_millis(60_000);
    fight.hit(1, 7, 600);
    for _ in 0..4 {
        fight.second(&mut saga, &[1]);
        assert_eq!(fight.status(), Status::Collecting, "shard 2 is not suspect yet");
    }
    (0..3).for_each(|_| fight.second(&mut saga, &[1]));
    assert!(fight.status().is_closed());
}

#[test]
fn steps_of_an_old_term_and_of_a_passed_stage_change_nothing() {
    let mut fight = dead();
    let (old, new) = (executor(1), executor(2));
    let reign = |executor, supersedes| {
        let suspects = Vec::new();
        Reign { boss: BOSS, executor, supersedes, suspects }
    };
    let none = fight.machine.handle_reign(reign(old, None));
    assert_eq!(none.term, Term::default(), "who only looks does not reign");
    assert_eq!(fight.machine.handle_reign(reign(old, Some(9))).term, Term::default());
    let first = fight.machine.handle_reign(reign(old, Some(0)));
    assert_eq!(first.term, Term { number: 1, executor: old });
    let second = fight.machine.handle_reign(reign(new, Some(1)));
    assert_eq!(second.term, Term { number: 2, executor: new });
    let at = second.truth.stage();
    let settle = |term, at, step| Settle { boss: BOSS, term, at, step };
    let before = fight.machine.snapshot();
    let fenced = fight.machine.handle_settle(settle(first.term, at, SettleStep::Collect));
    assert_eq!(fenced.verdict, SettleVerdict::Fenced);
    let stolen = Term { number: 2, executor: old };
    let fenced = fight.machine.handle_settle(settle(stolen, at, SettleStep::Collect));
    assert_eq!(fenced.verdict, SettleVerdict::Fenced, "a term belongs to one executor");
    for (at, step) in [
        (Stage { waited: 1, ..at }, SettleStep::Collect),
        (Stage { generation: Gen(2), ..at }, SettleStep::Collect),
        (Stage { status: Status::Closed, ..at }, SettleStep::Credit),
        (at, SettleStep::Close),
        (at, SettleStep::Respawn),
    ] {
        let passed = fight.machine.handle_settle(settle(second.term, at, step));
        assert_eq!(passed.verdict, SettleVerdict::Passed, "{step:?} at {at:?}");
    }
    assert_eq!(fight.machine.snapshot(), before);
    let done = fight.machine.handle_settle(settle(second.term, at, SettleStep::Collect));
    assert_eq!(done.verdict, SettleVerdict::Done);
    let again = fight.machine.handle_settle(settle(second.term, at, SettleStep::Collect));
    assert_eq!(again.verdict, SettleVerdict::Passed);
}

#[test]
fn a_join_whose_answer_was_lost_gives_the_same_after_a_generation_has_begun() {
    let mut fight = dead();
    // The parent comes too late for the generation, so no book keeps it once it is sealed.
    let parent = Claim { journal: journal(8), rests: Vec::new() };
    let join = |number, lineage| {
        let (boss, journal, shard) = (BOSS, journal(number), ShardId(8));
        Join { boss, journal, shard, lineage }
    };
    fight.machine.handle_join(join(8, Vec::new()));
    let inherits = |fight: &mut Fight| {
        let answer = fight.machine.handle_join(join(9, vec![parent.clone()]));
        let JoinAnswer::Joined { inherits, .. } = answer else { panic!("{answer:?}") };
        inherits
    };
    assert!(inherits(&mut fight));
    let mut saga = Saga::new(BOSS, executor(1), 0);
    fight.seconds_until(&mut saga, &[1, 2], |at| at.generation == Gen(2));
    assert_eq!(fight.machine.boss().journal(journal(8)), None, "it is forgotten");
    assert!(inherits(&mut fight));
}

#[test]
fn rewards_go_to_the_best_of_a_hundred_and_to_about_as_many_as_the_chance_says() {
    let reward = |id, top_percent, chance_percent| {
        let (id, name) = (RewardId(id), format!("reward {id}"));
        Reward { id, name, top_percent, chance_percent }
    };
    let mut spec = spec(1_000_000);
    spec.rewards = vec![reward(1, 100, 100), reward(2, 100, 30), reward(3, 10, 100)];
    let mut fight = Fight::new(spec, 1);
    for player in 1..=1_000 {
        fight.totals.entry(journal(1)).or_default().insert(PlayerId(player), 2_000 - player);
    }
    assert_eq!(fight.push(1, false), Verdict::Counted);
    let mut saga = Saga::new(BOSS, executor(1), 0);
    fight.settle(&mut saga, &[1]);
    let life = fight.life();
    let winners = |id| {
        let won = life.settlement.grants.iter().filter(|(_, won)| won.contains(&RewardId(id)));
        won.map(|(player, _)| player.0).collect::<Vec<_>>()
    };
    assert_eq!(winners(1).len(), 1_000);
    assert!((230..370).contains(&winners(2).len()), "{}", winners(2).len());
    assert_eq!(winners(3), (1..=100).collect::<Vec<_>>());
    let asked =
        Shares { boss: BOSS, generation: Gen(1), players: vec![PlayerId(2), PlayerId(77_777)] };
    let SharesAnswer::Shared { shares, players } = fight.machine.handle_shares(&asked) else {
        panic!("they are drawn")
    };
    assert_eq!((shares.len(), players), (1, 1_000));
    assert_eq!((shares[0].rank, shares[0].damage), (2, 1_998));
    let profile = &fight.machine.boss().fame().profiles[&PlayerId(2)];
    assert_eq!((profile.best_rank, profile.damage, profile.kills), (2, 1_998, 1));
    assert_eq!(profile.credit, shares[0].credit);
}

#[test]
fn the_leaderboard_is_given_to_shards_that_have_another_one() {
    let mut fight = Fight::new(spec(1_000), 2);
    let mut saga = Saga::new(BOSS, executor(1), 0);
    fight.hit(1, 7, 30);
    fight.hit(2, 8, 20);
    fight.hit(2, 7, 5);
    fight.second(&mut saga, &[1, 2]);
    let ask = |fight: &mut Fight, standings| {
        let (boss, journal, generation) = (BOSS, journal(1), Gen(1));
        let (players, names) = (std::iter::empty().collect(), BTreeMap::new());
        let interval = Interval { generation, from: 30, to: 30, players, names };
        let seen = fight.machine.truth().seen();
        let push = Push { boss, journal, interval, last: false, online: 1, seen, standings };
        fight.machine.handle_push(push).standings
    };
    let standings = ask(&mut fight, 0).expect("it has none yet");
    let damage: Vec<_> = standings.board.top.iter().map(|it| (it.player.0, it.damage)).collect();
    assert_eq!(damage, [(7, 35), (8, 20)], "a player's damage on two shards is one number");
    assert_eq!(ask(&mut fight, standings.number), None);
    fight.second(&mut saga, &[1, 2]);
    assert_eq!(ask(&mut fight, standings.number), None, "nothing has changed");
    fight.hit(2, 8, 20);
    fight.second(&mut saga, &[1, 2]);
    assert!(ask(&mut fight, standings.number).is_some());
    // Shard 2 falls silent.
    (0..8).for_each(|_| fight.second(&mut saga, &[1]));
    let standings = ask(&mut fight, 0).unwrap();
    assert_eq!(standings.suspects, [journal(2)]);
}

#[test]
fn what_players_may_be_told_is_what_a_later_step_has_made_stable() {
    let mut fight = dead();
    let told = |progress: &Progress| progress.truth.announced();
    let look = |fight: &mut Fight| {
        let (executor, supersedes, suspects) = (ExecutorId::default(), None, Vec::new());
        fight.machine.handle_reign(Reign { boss: BOSS, executor, supersedes, suspects })
    };
    assert_eq!(told(&look(&mut fight)), Status::Alive, "a death that may be rolled back");
    let mut saga = Saga::new(BOSS, executor(1), 0);
    fight.second(&mut saga, &[1, 2]);
    assert_eq!((fight.status(), told(&look(&mut fight))), (Status::Collecting, Status::Defeated));
    fight.second(&mut saga, &[1, 2]);
    assert_eq!((fight.status(), told(&look(&mut fight))), (Status::Rewarded, Status::Credited));
    fight.second(&mut saga, &[1, 2]);
    assert_eq!((fight.status(), told(&look(&mut fight))), (Status::Rewarded, Status::Rewarded));
}
