//! Plans: who comes when, to which target, as what.

use super::{Arrivals, Cheat, Frames, Plan, PlanConfig, Profile, Rates, Stage, Stages};
use proptest::prelude::*;
use protocol::Micros;

const fn secs(secs: u64) -> Micros {
    Micros::from_millis(1_000 * secs)
}

fn config() -> PlanConfig {
    PlanConfig {
        targets: 2,
        players: 10,
        rate: 2.0,
        duration: secs(30),
        arrivals: Arrivals::Poisson,
        mix: false,
        frames: Frames::Every,
        names: "load".to_owned(),
        seed: 7,
        stages: None,
    }
}

fn staged(stages: &[(u64, u32)], profiles: Vec<Profile>) -> PlanConfig {
    let stages = stages.iter().map(|(duration, players)| {
        let duration = secs(*duration);
        Stage { duration, players: *players, rate: None }
    });
    let stages = Stages { arrivals: None, stages: stages.collect(), profiles };
    PlanConfig { stages: Some(stages), ..config() }
}

fn profile(name: &str, share: u32) -> Profile {
    Profile { name: name.to_owned(), share, ..Profile::default() }
}

fn plan(config: &PlanConfig) -> Plan {
    Plan::new(config).unwrap()
}

#[test]
fn without_stages_all_players_connect_before_the_load_and_stay() {
    let plan = plan(&config());
    assert!(!plan.begins_at_once());
    assert_eq!((plan.seats().len(), plan.duration()), (10, secs(30)));
    assert_eq!((plan.expected(secs(0)), plan.expected(secs(30))), (10, 10));
    let seats: Vec<_> = plan.seats().iter().map(|seat| &seat.config).collect();
    assert_eq!(seats[3].name, "load-3");
    assert_eq!((seats[3].target, seats[3].connects), (1, Micros::from_millis(2)));
    assert!(seats.iter().all(|seat| (seat.from, seat.until) == (secs(0), None)));
    assert_eq!(seats[3].rates, Rates::constant(2.0));
}

#[test]
fn players_come_and_go_evenly_and_who_came_first_leaves_first() {
    let plan = plan(&staged(&[(10, 5), (20, 5), (4, 1), (2, 2)], Vec::new()));
    assert!(plan.begins_at_once());
    assert_eq!(plan.duration(), secs(36));
    let visits: Vec<_> = plan.seats().iter().map(|it| (it.config.from, it.config.until)).collect();
    let expected = [
        (secs(2), Some(secs(31))),
        (secs(4), Some(secs(32))),
        (secs(6), Some(secs(33))),
        (secs(8), Some(secs(34))),
        (secs(10), None),
        (secs(36), None),
    ];
    assert_eq!(visits, expected);
    assert!(plan.seats().iter().all(|seat| seat.config.connects == seat.config.from));
    let meant = [0, 1, 2, 9, 10, 30, 31, 34, 35, 36, 99].map(|at| plan.expected(secs(at)));
    assert_eq!(meant, [0, 0, 1, 4, 5, 5, 4, 1, 1, 2, 2]);
}

#[test]
fn a_rate_holds_until_a_stage_names_another_one() {
    let mut config = staged(&[(10, 5), (10, 5), (10, 5), (10, 5)], Vec::new());
    let stages = &mut config.stages.as_mut().unwrap().stages;
    (stages[1].rate, stages[3].rate) = (Some(4.0), Some(0.0));
    let rates = plan(&config).seats()[0].config.rates.clone();
    let at = [0, 10, 20, 30, 40].map(|at| rates.at(secs(at)));
    assert_eq!(at, [2.0, 4.0, 4.0, 0.0, 0.0]);
}

#[test]
fn a_profile_says_what_the_command_line_does_not() {
    let own = Profile {
        rate: Some(0.5),
        arrivals: Some(Arrivals::Closed),
        mix: Some(true),
        frames: Some(Frames::Seen),
        reads_every: Some(secs(3)),
        ..profile("own", 1)
    };
    let config = plan(&staged(&[(1, 10)], vec![own])).seats()[1].config.clone();
    assert_eq!((config.rates, config.arrivals), (Rates::constant(0.5), Arrivals::Closed));
    assert_eq!((config.mix, config.every, config.reads_every), (true, 0, Some(secs(3))));
    let together = Profile { arrivals: Some(Arrivals::Every(secs(2))), ..profile("together", 1) };
    let mut file = staged(&[(1, 10)], vec![together]);
    file.stages.as_mut().unwrap().arrivals = Some(Arrivals::Every(secs(5)));
    assert_eq!(plan(&file).seats()[1].config.arrivals, Arrivals::Every(secs(2)));
    let mut file = staged(&[(1, 10)], vec![profile("plain", 1)]);
    file.stages.as_mut().unwrap().arrivals = Some(Arrivals::Every(secs(5)));
    let config = plan(&file).seats()[1].config.clone();
    assert_eq!((config.arrivals, config.mix, config.every), (Arrivals::Every(secs(5)), false, 1));
    let cheat = Profile { cheats: Some(Cheat::Rate), ..profile("hasty", 1) };
    let config = plan(&staged(&[(1, 10)], vec![cheat])).seats()[1].config.clone();
    assert_eq!((config.cheat, config.rates), (Some(Cheat::Rate), Rates::constant(20.0)));
}

#[test]
fn profiles_come_in_their_shares_at_any_time_and_on_each_target() {
    let slow = Profile { reads_every: Some(secs(1)), ..profile("slow", 20) };
    let config = staged(&[(1, 4_000)], vec![profile("most", 70), slow, profile("few", 10)]);
    for targets in 1..=6 {
        let plan = plan(&PlanConfig { targets, ..config.clone() });
        for (count, target) in [(500, 0), (4_000, 0), (4_000, targets - 1)] {
            let seats = plan.seats()[..count].iter().filter(|seat| seat.config.target == target);
            let (slow, all) = seats.fold((0.0, 0.0), |(slow, all), seat| {
                (slow + f64::from(u8::from(seat.config.reads_every.is_some())), all + 1.0)
            });
            assert!((0.17..0.23).contains(&(slow / all)), "{slow} of {all}, {targets} targets");
        }
    }
}

#[test]
fn one_of_fifty_who_get_what_can_be_seen_is_a_witness_on_each_target() {
    let plan = plan(&PlanConfig { players: 400, frames: Frames::Seen, ..config() });
    for target in 0..2 {
        let seats = plan.seats().iter().filter(|seat| seat.config.target == target);
        assert_eq!(seats.filter(|seat| seat.config.every == 1).count(), 4);
    }
}

#[test]
fn the_fingerprint_is_that_of_the_seed_and_the_configuration() {
    let print = |config: &PlanConfig| plan(config).fingerprint();
    assert_eq!(print(&config()), print(&config()));
    assert_eq!(print(&config()).len(), 16);
    for other in [
        PlanConfig { seed: 8, ..config() },
        PlanConfig { rate: 2.5, ..config() },
        PlanConfig { mix: true, ..config() },
        PlanConfig { arrivals: Arrivals::Closed, ..config() },
        staged(&[(1, 10)], Vec::new()),
    ] {
        assert_ne!(print(&config()), print(&other), "{other:?}");
    }
}

#[test]
fn a_load_that_makes_no_sense_is_refused() {
    let error = |config| Plan::new(&config).unwrap_err().to_string();
    assert!(error(PlanConfig { targets: 0, ..config() }).starts_with("there is no target"));
    assert!(error(PlanConfig { players: 0, ..config() }).starts_with("there are 0 players"));
    assert!(error(PlanConfig { rate: 8.1, ..config() }).starts_with("the rate is 8.1 hits/s"));
    assert!(error(PlanConfig { rate: f64::NAN, ..config() }).starts_with("the rate is NaN"));
    let names = "x".repeat(23);
    assert!(error(PlanConfig { names, ..config() }).contains("no name of at most 24"));
    let waves: Vec<_> = [(1, 1_000_000), (1, 0)].repeat(11);
    assert!(error(staged(&waves, Vec::new())).starts_with("11000000 players come"));
}

proptest! {
    /// How many are meant to be there is how many have come and not left.
    #[test]
    fn as_many_are_expected_as_have_come_and_not_left(
        stages in proptest::collection::vec((1..20_u64, 0..50_u32), 1..6),
    ) {
        let plan = plan(&staged(&stages, Vec::new()));
        let moves = plan.seats().iter().flat_map(|it| [Some(it.config.from), it.config.until]);
        for moved in moves.flatten() {
            for at in [moved.since(Micros(1)), moved] {
                let present = plan.seats().iter().filter(|seat| {
                    let is_gone = seat.config.until.is_some_and(|until| until <= at);
                    seat.config.from <= at && !is_gone
                });
                prop_assert_eq!(plan.expected(at) as usize, present.count());
            }
        }
    }
}
