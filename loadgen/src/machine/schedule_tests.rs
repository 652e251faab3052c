//! What players plan: at random, together, one after the other, while they are there.

use super::{Arrivals, BotConfig, Churn, Planned, Rates, Returns, Schedule, Wish};
use proptest::prelude::*;
use protocol::Micros;

const fn secs(secs: u64) -> Micros {
    Micros::from_millis(1_000 * secs)
}

fn config(arrivals: Arrivals, rates: &[(u64, f64)]) -> BotConfig {
    let rates = Rates::steps(rates.iter().map(|(at, rate)| (secs(*at), *rate)).collect());
    BotConfig { arrivals, rates, ..BotConfig::new("Bot", 0.0) }
}

/// What is planned in the first seconds after the load began at 100 s, each hit answered so late.
fn planned(config: &BotConfig, seed: u64, seconds: u64, answer: Micros) -> Vec<Planned> {
    let mut schedule = Schedule::new(config, seed);
    assert_eq!(schedule.take(Micros(u64::MAX)), None, "nothing before the load");
    schedule.start(secs(100));
    let hits = std::iter::from_fn(|| {
        let planned = schedule.take(secs(100 + seconds))?;
        schedule.go_on(planned.at + answer);
        Some(Planned { at: planned.at.since(secs(100)), ..planned })
    });
    hits.collect()
}

fn times(config: &BotConfig, seed: u64, seconds: u64) -> Vec<u64> {
    planned(config, seed, seconds, Micros(0)).iter().map(|hit| hit.at.0).collect()
}

#[test]
fn arrivals_come_at_the_mean_rate_with_the_spread_of_a_poisson_process() {
    let times = times(&config(Arrivals::Poisson, &[(0, 4.0)]), 7, 10_000);
    let count = times.len() as f64;
    // 40,000 are expected with a deviation of 200.
    assert!((39_000.0..41_000.0).contains(&count), "{count} arrivals");
    let mut counts = vec![0_f64; 10_000];
    times.iter().for_each(|at| counts[usize::try_from(at / 1_000_001).unwrap()] += 1.0);
    let variance = counts.iter().map(|n| (n - 4.0).powi(2)).sum::<f64>() / 10_000.0;
    assert!((3.6..4.4).contains(&variance), "variance {variance}");
}

#[test]
fn the_number_of_arrivals_follows_a_rate_that_changes() {
    let config = config(Arrivals::Poisson, &[(0, 1.0), (2_000, 0.0), (3_000, 5.0), (5_000, 2.0)]);
    let times = times(&config, 3, 6_000);
    let count = |from, to| {
        let inside = |at: &&u64| (secs(from).0..secs(to).0).contains(*at);
        times.iter().filter(inside).count()
    };
    // Expected: 2,000, 0, 10,000 and 2,000, with deviations of 45 and 100.
    assert!((1_800..2_200).contains(&count(0, 2_000)), "{}", count(0, 2_000));
    assert_eq!(count(2_000, 3_000), 0);
    assert!((9_500..10_500).contains(&count(3_000, 5_000)), "{}", count(3_000, 5_000));
    assert!((1_800..2_200).contains(&count(5_000, 6_000)), "{}", count(5_000, 6_000));
}

#[test]
fn players_who_hit_together_hit_at_the_same_moments() {
    let together = config(Arrivals::Every(secs(5)), &[(0, 2.0)]);
    assert_eq!(times(&together, 1, 16), [5, 10, 15].map(|at| secs(at).0));
    let late = BotConfig { from: Micros::from_millis(7_200), ..together };
    assert_eq!(times(&late, 2, 16), [10, 15].map(|at| secs(at).0));
}

#[test]
fn nobody_hits_together_while_the_rate_is_zero() {
    let pause = config(Arrivals::Every(secs(5)), &[(0, 1.0), (9, 0.0), (21, 1.0)]);
    assert_eq!(times(&pause, 1, 30), [5, 25, 30].map(|at| secs(at).0));
    assert_eq!(times(&config(Arrivals::Every(secs(5)), &[(0, 0.0)]), 1, 30), [0_u64; 0]);
}

#[test]
fn who_waits_for_answers_plans_from_the_answer_on() {
    let closed = config(Arrivals::Closed, &[(0, 2.0)]);
    let count = |answer| planned(&closed, 5, 4_000, answer).len();
    // Half a second to think, and as long for the answer.
    assert!((7_600..8_400).contains(&count(Micros(0))), "{}", count(Micros(0)));
    let slow = count(Micros::from_millis(500));
    assert!((3_800..4_200).contains(&slow), "{slow}");
    let mut unanswered = Schedule::new(&closed, 5);
    unanswered.start(Micros(0));
    assert!(unanswered.take(secs(1_000)).is_some());
    assert_eq!(unanswered.take(secs(1_000)), None);
}

#[test]
fn wishes_follow_from_the_seed_and_change_no_times() {
    let basic = config(Arrivals::Poisson, &[(0, 2.0)]);
    let mix = BotConfig { mix: true, ..basic.clone() };
    assert_eq!(times(&basic, 4, 1_000), times(&mix, 4, 1_000));
    let hits = planned(&mix, 4, 1_000, Micros(0));
    assert_eq!(hits, planned(&mix, 4, 1_000, Micros(0)));
    let skills = hits.iter().filter(|hit| hit.wish != Wish::Basic).count();
    assert!((hits.len() / 4..hits.len() / 2).contains(&skills), "{skills} of {}", hits.len());
    assert!(planned(&basic, 4, 1_000, Micros(0)).iter().all(|hit| hit.wish == Wish::Basic));
}

#[test]
fn a_rate_of_zero_plans_nothing_and_a_stop_ends_everything() {
    assert_eq!(times(&config(Arrivals::Poisson, &[(0, 0.0)]), 1, 100), [0_u64; 0]);
    let mut schedule = Schedule::new(&BotConfig::new("Bot", 8.0), 1);
    schedule.start(secs(5));
    assert!(schedule.next() >= Some(secs(5)));
    schedule.stop();
    schedule.go_on(secs(6));
    assert_eq!((schedule.next(), schedule.take(Micros(u64::MAX))), (None, None));
}

fn any_arrivals() -> impl Strategy<Value = Arrivals> {
    prop_oneof![
        Just(Arrivals::Poisson),
        Just(Arrivals::Closed),
        (125..5_000_u64).prop_map(|ms| Arrivals::Every(Micros::from_millis(ms))),
    ]
}

proptest! {
    /// Open arrivals do not know answers. Nobody hits before it comes, while it is away, or when
    /// it has left, and times never go back.
    #[test]
    fn hits_are_planned_in_order_while_the_player_is_there(
        arrivals in any_arrivals(),
        rates in proptest::collection::vec((0..60_u64, 0.0..8.0_f64), 1..5),
        (from, stay, seed) in (0..30_u64, 0..60_u64, any::<u64>()),
        away_ms in proptest::option::of(100..5_000_u64),
        answer in 0..3_000_000_u64,
    ) {
        let churn = away_ms.map(|ms| {
            Churn { every: secs(4), away: Micros::from_millis(ms), returns: Returns::Move }
        });
        let until = Some(secs(from + stay));
        let config = BotConfig { from: secs(from), until, churn, ..config(arrivals, &rates) };
        let hits = planned(&config, seed, 100, Micros(answer));
        prop_assert!(hits.is_sorted_by_key(|hit| hit.at));
        let mut absences = config.absences(seed);
        for hit in &hits {
            prop_assert!((secs(from)..secs(from + stay)).contains(&hit.at));
            prop_assert!(config.rates.at(hit.at) > 0.0 || arrivals != Arrivals::Poisson);
            while absences.next().is_some_and(|absence| absence.returns <= hit.at) {
                absences.pass();
            }
            prop_assert!(!absences.next().is_some_and(|absence| absence.covers(hit.at)));
        }
        if arrivals != Arrivals::Closed {
            prop_assert_eq!(hits, planned(&config, seed, 100, Micros(0)));
        }
    }
}
