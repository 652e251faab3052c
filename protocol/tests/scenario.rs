//! Scenario files: every mistake is named by its line and key, with what would be right.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use protocol::{Missing, Scenario};

/// The default scenario with one text replaced, and the error that this brings.
fn mistake(from: &str, to: &str) -> String {
    let text = Scenario::default_text();
    assert!(text.contains(from), "the default scenario has `{from}`");
    Scenario::parse(&text.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn the_scenario_that_comes_along_is_right() {
    let scenario = Scenario::parse(Scenario::default_text()).unwrap();
    assert_eq!(scenario.spec.phases.len(), 4);
    assert_eq!(scenario.spec.timing.tick_ms, 100);
    assert_eq!(scenario.spec.missing, Missing::Apply);
    assert!(!scenario.spec.rewards.is_empty());
}

#[test]
fn a_scenario_without_rewards_or_settlement_is_one() {
    let text = Scenario::default_text();
    let (head, rest) = text.split_once("[settlement]").unwrap();
    assert!(rest.contains("[[reward]]"), "what follows is about the end alone");
    let spec = Scenario::parse(head).unwrap().spec;
    assert_eq!((spec.missing, spec.rewards), (Missing::Apply, Vec::new()));
}

#[test]
fn a_value_out_of_range_is_named_by_line_key_and_range() {
    for (from, to, expected) in [
        (
            "hp_max = 50000000",
            "hp_max = 0",
            "line 6: `boss.hp_max` is 0, expected 1 to 4503599627370496",
        ),
        ("percent = 66", "percent = 100", "line 15: `phase.percent` is 100, expected 1 to 99"),
        ("percent = 100", "percent = 99", "line 11: `phase.percent` is 99, expected 100 to 100"),
        ("id = 2", "id = 1", "line 34: `skill.id` 1 is used twice"),
        ("damage = 600", "damage = 0", "line 36: `skill.damage` is 0, expected 1 to 1000000000"),
        ("tick_ms = 100", "tick_ms = 5", "line 50: `timing.tick_ms` is 5, expected 20 to 1000"),
        (
            "\"apply\"\n",
            "\"wait\"\n",
            "line 57: `settlement.missing` is \"wait\", expected \"apply\" or \"discard\"",
        ),
        (
            "top_percent = 10\n",
            "top_percent = 0\n",
            "line 76: `reward.top_percent` is 0, expected 1 to 100",
        ),
    ] {
        let error = mistake(from, to);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn an_unknown_missing_or_mistyped_key_is_named_with_its_line() {
    for (from, to, parts) in [
        ("hp_max", "hpmax", &["line 6", "unknown field `hpmax`", "hp_max"][..]),
        ("hp_max = 50000000", "hp_max = \"many\"", &["line 6", "invalid type"]),
        ("damage = 100\n", "", &["missing field `damage`"]),
        ("[timing]", "[timing", &["line 49"]),
    ] {
        let error = mistake(from, to);
        for part in parts {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
    }
}

#[test]
fn a_scenario_needs_phases_and_skills() {
    let text = "phase = []\nskill = []\n[boss]\nid = 1\nname = \"x\"\nhp_max = 1\n";
    let error = Scenario::parse(text).unwrap_err().to_string();
    assert_eq!(error, "line 1: there are 0 `[[phase]]`, expected 1 to 16");
}

#[test]
fn a_boss_from_elsewhere_has_the_limits_of_a_scenario_file() {
    let good = Scenario::parse(Scenario::default_text()).unwrap().spec;
    assert_eq!(good.check(), Ok(()));
    let check = |change: &dyn Fn(&mut protocol::BossSpec), what: &str| {
        let mut spec = good.clone();
        change(&mut spec);
        let why = spec.check().unwrap_err();
        assert!(why.contains(what) && why.contains("expected"), "{why}");
    };
    check(&|spec| spec.hp_max = 0, "hp_max is 0");
    check(&|spec| spec.hp_max = ucore::INT_MAX, "hp_max");
    check(&|spec| spec.timing.tick_ms = 0, "tick_ms is 0");
    check(&|spec| spec.timing.respawn_s = 0, "respawn_s");
    check(&|spec| spec.phases.clear(), "phases is 0");
    check(&|spec| spec.skills[0].damage = 0, "damage");
    check(&|spec| spec.rewards[0].chance_percent = 101, "chance_percent");
    check(&|spec| spec.rewards = vec![spec.rewards[0].clone(); 17], "rewards is 17");
    check(&|spec| spec.name = "x".repeat(65), "name is 65");
}
