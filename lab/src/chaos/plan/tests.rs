//! Files of faults: what they mean, and what is wrong with them.

use super::*;
use crate::chaos::fault::{OnProcess, Part};
use crate::chaos::setup::{Truth, example};
use std::collections::BTreeSet;

const MINUTE: Duration = Duration::from_secs(60);

fn parse(truth: Truth, text: &str) -> Result<Plan, String> {
    Plan::parse(text, &example(truth, MINUTE)).map_err(|error| error.to_string())
}

#[test]
fn faults_are_read_with_their_measures_and_come_in_the_order_of_their_times() {
    let text = "\
[[fault]]
at = \"12s\"
kind = \"kill\"
who = \"shard-2\"
for = \"3s\"
[[fault]]
at = \"1s\"
kind = \"latency\"
who = \"uplinks\"
by = \"50ms\"
[[fault]]
at = \"1s\"
kind = \"half_close\"
way = \"replies\"
who = \"players-1\"
[[fault]]
at = \"20s\"
kind = \"fail_over\"
who = \"truth\"
";
    let faults = parse(Truth::Redis, text).unwrap().faults;
    let told: Vec<_> = faults
        .iter()
        .map(|fault| format!("{} {fault} {}", seconds(fault.at), seconds(fault.lasts)))
        .collect();
    let expected = [
        "1 s latency 50ms on uplinks 3 s",
        "1 s half_close replies on players-1 0 s",
        "12 s kill on shard-2 3 s",
        "20 s fail_over on truth 0 s",
    ];
    assert_eq!(told, expected);
}

/// What is wrong with a file whose second fault is this, in line 6 and later.
fn wrong(truth: Truth, fault: &str) -> String {
    let before = "[[fault]]\nat = \"5s\"\nkind = \"reset\"\nwho = \"uplink-1\"\n[[fault]]\n";
    parse(truth, &format!("{before}{fault}")).unwrap_err()
}

#[test]
fn every_mistake_is_named_with_its_line_and_its_cure() {
    let kill = "at = \"9s\"\nkind = \"kill\"\nwho = \"shard-1\"\n";
    for (fault, needles) in [
        ("kind = \"kill\"\nwho = \"truth\"\n", &["missing field `at`"][..]),
        ("at = \"x\"\nkind = \"kill\"\nwho = \"truth\"\n", &["line 6", "`at` is \"x\"", "2s"]),
        ("at = \"9s\"\nkind = \"burn\"\nwho = \"truth\"\n", &["line 7", "\"burn\"", "black_hole"]),
        ("at = \"9s\"\nkind = \"kill\"\nwho = \"shard-4\"\n", &["line 8", "shard-4", "shard-3"]),
        ("at = \"9s\"\nkind = \"kill\"\nwho = \"uplink-1\"\n", &["line 8", "truth, shard-1"]),
        ("at = \"9s\"\nkind = \"reset\"\nwho = \"truth\"\n", &["line 8", "players-1", "uplinks"]),
        ("at = \"59s\"\nkind = \"pause\"\nwho = \"truth\"\n", &["line 6", "62 s", "--duration"]),
        ("at = \"5s\"\nkind = \"refuse\"\nwho = \"uplinks\"\n", &["line 6", "before", "move"]),
        (
            "at = \"9s\"\nkind = \"fail_over\"\nwho = \"truth\"\n",
            &["line 7", "--truth redis", "`kill`"],
        ),
        (&format!("{kill}by = \"1s\"\n"), &["line 9", "`by` belongs to latency and jitter"]),
        (&format!("{kill}way = \"replies\"\n"), &["line 9", "`way` belongs to half_close"]),
        (&format!("{kill}bytes_per_s = 1\n"), &["line 9", "throttle"]),
        (&format!("{kill}after_bytes = 1\n"), &["line 9", "cut_answer"]),
        (&format!("{kill}size = 1\n"), &["line 9", "unknown field `size`"]),
        (
            "at = \"9s\"\nkind = \"reset\"\nwho = \"players\"\nfor = \"1s\"\n",
            &["line 9", "at once", "remove `for`"],
        ),
        (
            "at = \"9s\"\nkind = \"latency\"\nwho = \"players\"\nby = \"1h\"\n",
            &["line 9", "`by`", "10s"],
        ),
        (
            "at = \"9s\"\nkind = \"throttle\"\nwho = \"players\"\nbytes_per_s = 0\n",
            &["line 9", "black_hole"],
        ),
        (
            "at = \"9s\"\nkind = \"half_close\"\nwho = \"players\"\nway = \"up\"\n",
            &["line 9", "\"requests\" or \"replies\""],
        ),
        (&format!("{kill}[random]\ncount = 9000\n"), &["at most 1000"]),
        (&format!("{kill}[random]\ncount = 900\n"), &["line 10", "no room for 900", "`count`"]),
        (&format!("{kill}[random]\ncount = 1\nkinds = []\n"), &["line 11", "`kinds` is empty"]),
        (&format!("{kill}[random]\ncount = 1\nkinds = [\"x\"]\n"), &["line 11", "\"x\""]),
        (&format!("{kill}[dice]\n"), &["line 9", "unknown field `dice`"]),
    ] {
        let said = wrong(Truth::Embedded, fault);
        for needle in needles {
            assert!(said.contains(needle), "`{needle}` is missing for\n{fault}\nin: {said}");
        }
    }
    let said = parse(Truth::Embedded, "").unwrap_err();
    assert!(said.contains("proves nothing") && said.contains("[random]"), "{said}");
    let said = parse(Truth::Embedded, &" ".repeat(70_000)).unwrap_err();
    assert!(said.contains("70000 bytes"), "{said}");
}

#[test]
fn a_seed_draws_the_same_plan_again_and_every_kind_as_often_as_the_others() {
    let setup = example(Truth::Redis, Duration::from_secs(300));
    let draw = |seed| Plan::parse("[random]\ncount = 60\n", &Setup { seed, ..setup.clone() });
    for seed in 0..50 {
        let plan = draw(seed).unwrap();
        assert_eq!(draw(seed).unwrap(), plan);
        assert_ne!(draw(seed + 1).unwrap(), plan);
        assert!(Kind::ALL.iter().all(|kind| plan.count(*kind) == 5), "{plan:?}");
        let faults = &plan.faults;
        for (index, fault) in faults.iter().enumerate() {
            assert!(fault.deed.kind().parts().contains(&fault.who.part), "{fault:?}");
            assert!(!faults[..index].iter().any(|other| overlap(other, fault)), "{fault:?}");
            assert!(fault.until() <= setup.lasts(), "{fault:?}");
        }
        let whom: BTreeSet<_> = faults.iter().map(|fault| fault.who).collect();
        assert!(whom.len() >= 8, "{whom:?}");
        assert!(whom.iter().any(|who| who.part == Part::Truth));
    }
}

#[test]
fn on_a_truth_without_a_replica_no_fail_over_is_drawn() {
    let plan = parse(Truth::Embedded, "[random]\ncount = 11\n").unwrap();
    assert_eq!((plan.count(Kind::FailOver), plan.count(Kind::Kill)), (0, 1));
}

#[test]
fn what_is_drawn_keeps_away_from_what_is_written() {
    let text = "[[fault]]\nat = \"4s\"\nkind = \"pause\"\nwho = \"truth\"\nfor = \"40s\"\n\
                [random]\ncount = 6\nkinds = [\"kill\", \"restart\"]\n";
    let plan = parse(Truth::Embedded, text).unwrap();
    assert_eq!(plan.faults.len(), 7);
    let pause = Deed::Process(OnProcess::Pause);
    let written = plan.faults.iter().find(|fault| fault.deed == pause).unwrap();
    let others = plan.faults.iter().filter(|fault| fault.deed != pause);
    assert!(others.into_iter().all(|fault| !overlap(written, fault)));
}

#[test]
fn the_committed_files_are_plans() {
    let minutes = Duration::from_secs(300);
    let slice = Duration::from_secs(24);
    for (truth, duration, text, count) in [
        (Truth::Embedded, minutes, include_str!("../../../faults/embedded.toml"), 60),
        (Truth::Redis, minutes, include_str!("../../../faults/redis.toml"), 60),
        (Truth::Embedded, slice, include_str!("../../../faults/embedded-slice.toml"), 8),
        (Truth::Embedded, slice, include_str!("../../../faults/mutants.toml"), 12),
        (Truth::Redis, slice, include_str!("../../../faults/redis-slice.toml"), 8),
    ] {
        for seed in 0..20 {
            let setup = Setup { shards: 2, seed, ..example(truth, duration) };
            let plan = Plan::parse(text, &setup).unwrap();
            assert_eq!(plan.faults.len(), count);
        }
    }
}
