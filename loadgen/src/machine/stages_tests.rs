//! Stage files: those that come along, and every mistake with its line.

use super::{Arrivals, Cheat, Churn, Frames, Returns, Stages};
use protocol::Micros;

const EXAMPLE: &str = include_str!("../../stages/example.toml");
const LAUNCH: &str = include_str!("../../stages/launch.toml");
const HOSTILE: &str = include_str!("../../stages/hostile.toml");

const SMALL: &str = "[[stage]]\nduration = \"1s\"\nplayers = 1\n";

/// The mistake in a small file with these lines of a profile, which begin at line 7.
fn profile_error(lines: &str) -> String {
    let text = format!("{SMALL}[[profile]]\nname = \"a\"\nshare = 1\n{lines}");
    Stages::parse(&text).unwrap_err().to_string()
}

#[test]
fn the_files_that_come_along_are_right() {
    for text in [EXAMPLE, LAUNCH, HOSTILE] {
        let stages = Stages::parse(text).unwrap();
        assert!(stages.stages.len() >= 3 && stages.profiles.len() >= 4);
    }
    let hostile = Stages::parse(HOSTILE).unwrap().profiles;
    for cheat in Cheat::ALL {
        assert!(hostile.iter().any(|profile| profile.cheats == Some(cheat)), "{cheat:?}");
    }
}

#[test]
fn the_example_says_what_it_means() {
    let Stages { arrivals, stages, profiles } = Stages::parse(EXAMPLE).unwrap();
    assert_eq!(arrivals, Some(Arrivals::Poisson));
    assert_eq!((stages[0].duration, stages[0].players), (Micros::from_millis(10_000), 200));
    assert_eq!((stages[0].rate, stages[1].rate), (Some(1.0), None));
    let [fighters, watchers, commuters, gatherers, sleepers, cheaters] = &profiles[..] else {
        panic!("{profiles:?}");
    };
    assert_eq!((fighters.share, fighters.mix), (70, Some(true)));
    assert_eq!((watchers.rate, watchers.frames), (Some(0.0), Some(Frames::Seen)));
    let (every, away) = (Micros::from_millis(20_000), Micros::from_millis(2_000));
    let churn = Churn { every, away, returns: Returns::Resume };
    assert_eq!((commuters.churn, commuters.rate), (Some(churn), None));
    assert_eq!(gatherers.arrivals, Some(Arrivals::Every(Micros::from_millis(5_000))));
    assert_eq!(sleepers.reads_every, Some(Micros::from_millis(3_000)));
    assert_eq!(cheaters.cheats, Some(Cheat::Replay));
}

#[test]
fn every_mistake_names_its_line_its_key_and_what_is_right() {
    let day = "expected 1s to 1day, such as \"30s\"";
    for (text, expected) in [
        ("", "missing field `stage`"),
        ("stage = []", "line 1: there are 0 `[[stage]]`, expected 1 to 256"),
        ("arrivals = \"often\"", "missing field `stage`"),
        (&format!("arrivals = \"often\"\n{SMALL}"), "line 1: `arrivals`: `often` names no"),
        (&SMALL.replace("1s", "1"), &format!("line 2: `stage.duration` is \"1\", {day}")),
        (&SMALL.replace("1s", "900ms"), &format!("line 2: `stage.duration` is \"900ms\", {day}")),
        (&SMALL.replace("1s", "25h"), &format!("line 2: `stage.duration` is \"25h\", {day}")),
        (&SMALL.replace("= 1", "= 0"), "line 1: no `[[stage]]` has `players`"),
        (&SMALL.replace("= 1", "= 1000001"), "line 3: `stage.players` is 1000001, expected 0 to"),
        (&format!("{SMALL}rate = 9\n"), "line 4: `stage.rate` is 9, expected 0 to 8"),
        (&format!("{SMALL}rate = nan\n"), "line 4: `stage.rate` is NaN, expected 0 to 8"),
        (&format!("{SMALL}speed = 9\n"), "unknown field `speed`"),
        (&format!("{SMALL}[[profile]]\nname = \"\"\nshare = 1"), "line 5: `profile.name` has to"),
        (&format!("{SMALL}[[profile]]\nname = \"a\""), "missing field `share`"),
    ] {
        let error = Stages::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}\n{error}");
    }
    let long = "#".repeat(65_537);
    assert!(Stages::parse(&long).unwrap_err().to_string().starts_with("the file has 65537 bytes"));
}

#[test]
fn every_mistake_of_a_profile_names_its_line_its_key_and_what_is_right() {
    for (lines, expected) in [
        ("rate = -1", "line 7: `profile.rate` is -1, expected 0 to 8"),
        ("skills = \"all\"", "line 7: `profile.skills` is \"all\", expected \"basic\" or \"mix\""),
        ("frames = \"no\"", "line 7: `profile.frames` is \"no\", expected \"every\" or \"seen\""),
        ("arrivals = \"every:1ms\"", "line 7: `profile.arrivals`: `every:1ms` names no arrivals"),
        ("away = \"2s\"", "line 7: `profile.away` says nothing without `profile.leaves_every`"),
        ("\nreturns = \"move\"", "line 8: `profile.returns` says nothing without"),
        ("leaves_every = \"0s\"", "line 7: `profile.leaves_every` is \"0s\", expected 1s to 1h"),
        ("leaves_every = \"5s\"\naway = \"2h\"", "line 8: `profile.away` is \"2h\", expected"),
        ("leaves_every = \"5s\"\nreturns = \"x\"", "line 8: `profile.returns` is \"x\", expected"),
        ("reads_every = \"61s\"", "line 7: `profile.reads_every` is \"61s\", expected 100ms to 1m"),
        ("cheats = \"x\"", "is \"x\", expected \"rate\" or \"replay\" or \"frames\""),
        ("cheats = \"rate\"\nrate = 1", "line 8: a profile that cheats by \"rate\" sends 20"),
        ("cheats = \"rate\"\nskills = \"mix\"", "leave `profile.skills` out"),
        ("cheats = \"replay\"\nrate = 0", "line 8: `profile.rate` is 0, and who cheats by"),
        ("cheats = \"rate\"\nreads_every = \"3s\"", "line 8: `profile.reads_every` is there, and"),
        ("[[profile]]\nname = \"a\"\nshare = 1", "line 8: `profile.name` \"a\" is used twice"),
    ] {
        let error = profile_error(lines);
        assert!(error.contains(expected), "{lines}\n{error}");
    }
}
