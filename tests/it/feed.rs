//! The lines of the event feed: one story with every kind, the same in the program, in a committed
//! file and in PROTOCOL.md, and with nothing of the log missing.

use crate::world::{Truth, journal};
use protocol::{
    BossUpdate, Claim, Entry, FeedEvent, Gen, Happened, Hurt, Interval, Join, LogPage, PlayerId,
    Push, Scenario, ShardId, Snapshot, Step, Term, Verdict,
};
use score::{Feed, FeedRequest, FeedStart};
use shard::machine::{Answer, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use ucore::{Chain, GMapDelta, Max, Version};

const SCENARIO: &str = r#"
boss = { id = 1, name = "Morvath", hp_max = 1000 }
phase = [{ name = "Awakening", percent = 100 }, { name = "Last Breath", percent = 50 }]
skill = [{ id = 1, name = "Strike", damage = 100 }]
timing = { collect_s = 1, respawn_s = 1 }
reward = [{ id = 1, name = "Ember Scale", top_percent = 50, chance_percent = 100 }]
"#;

/// Names of all kinds. A new one breaks [`kind`] and belongs here, too.
const KINDS: [&str; 13] = [
    "spawn",
    "join",
    "enter",
    "push",
    "late",
    "term",
    "collect",
    "wait",
    "close",
    "credit",
    "reward",
    "rolled_back",
    "gone",
];

fn kind(happened: &Happened) -> &'static str {
    match happened {
        Happened::Spawn { .. } => "spawn",
        Happened::Join { .. } => "join",
        Happened::Enter { .. } => "enter",
        Happened::Push { .. } => "push",
        Happened::Late { .. } => "late",
        Happened::Term { .. } => "term",
        Happened::Collect { .. } => "collect",
        Happened::Wait { .. } => "wait",
        Happened::Close { .. } => "close",
        Happened::Credit { .. } => "credit",
        Happened::Reward { .. } => "reward",
        Happened::RolledBack { .. } => "rolled_back",
        Happened::Gone { .. } => "gone",
    }
}

fn interval(from: u64, to: u64, players: &[(u64, u64)], names: &[(u64, &str)]) -> Interval {
    let mut totals = GMapDelta::default();
    for (player, total) in players {
        ucore::Delta::merge(&mut totals, GMapDelta::line(PlayerId(*player), Max::of(*total)));
    }
    let names = names.iter().map(|(player, name)| (PlayerId(*player), (*name).to_owned()));
    Interval { generation: Gen(1), from, to, players: totals, names: names.collect() }
}

fn join(truth: &mut Truth, number: u8, shard: u16, lineage: Vec<Claim>) {
    let (boss, shard) = (truth.machine.id(), ShardId(shard));
    truth.join(Join { boss, journal: journal(number), shard, lineage });
    let generation = truth.machine.truth().generation;
    let enter = protocol::Enter { boss, journal: journal(number), generation };
    truth.ask(Request::Enter(enter));
}

fn push(truth: &mut Truth, number: u8, interval: Interval, last: bool) {
    let (boss, seen) = (truth.machine.id(), truth.machine.truth().seen());
    let push =
        Push { boss, journal: journal(number), interval, last, online: 1, seen, standings: 0 };
    let Answer::Push(answer) = truth.ask(Request::Push(push)) else { unreachable!() };
    assert!(matches!(answer.verdict, Verdict::Counted | Verdict::Closed), "{:?}", answer.verdict);
}

/// A generation's life: two shards, one of which restarts and one of which comes late.
fn story() -> Truth {
    let mut truth = Truth::new(Scenario::parse(SCENARIO).unwrap());
    join(&mut truth, 0xab, 1, Vec::new());
    join(&mut truth, 0xcd, 2, Vec::new());
    push(&mut truth, 0xab, interval(0, 600, &[(7, 600)], &[(7, "Ada")]), false);
    let rest = interval(600, 650, &[(7, 650)], &[]);
    join(&mut truth, 0xef, 1, vec![Claim { journal: journal(0xab), rests: vec![rest] }]);
    let names = [(7, "Ada"), (9, "Grace \"Amazing\" Hopper")];
    push(&mut truth, 0xef, interval(0, 400, &[(7, 300), (9, 100)], &names), false);
    truth.poll();
    push(&mut truth, 0xef, interval(400, 400, &[], &[]), true);
    truth.poll();
    truth.poll();
    push(&mut truth, 0xcd, interval(0, 50, &[(12, 50)], &[(12, "Lin")]), true);
    truth.poll();
    truth.poll();
    truth
}

/// What a feed tells of a log that begins at `base`, until it has seen its end.
fn tell(feed: &mut Feed, truth: &Truth, base: Option<&Snapshot>) -> Vec<FeedEvent> {
    let end = truth.machine.truth();
    let first = base.map_or(Version(0), |base| base.version);
    let (mut told, mut has_compared) = (Vec::new(), false);
    loop {
        match feed.poll_request() {
            FeedRequest::NextPage(after) if has_compared && after == end.version => return told,
            FeedRequest::Truth => {
                has_compared = true;
                feed.handle_truth(&end).unwrap();
            }
            FeedRequest::NextPage(after) | FeedRequest::Page(after) => {
                let base = base.filter(|_| after < first).cloned().map(Box::new);
                let after = after.max(first);
                let entries = truth.log.iter().filter(|entry| entry.version > after);
                feed.handle_page(LogPage { base, entries: entries.cloned().collect() }).unwrap();
                has_compared = false;
            }
        }
        told.extend(std::iter::from_fn(|| feed.poll_event()));
    }
}

/// The story, what is told of it after a roll-back, and what if its beginning is gone.
fn told() -> Vec<FeedEvent> {
    let mut truth = story();
    let mut base = Snapshot::default();
    truth.log[..3].iter().for_each(|entry| base.follow(entry).unwrap());
    let boss = truth.machine.id();
    let mut feed = Feed::new(boss, FeedStart::At(Version(1)));
    let mut told = tell(&mut feed, &truth, None);
    let whole = truth.log.clone();
    truth.log.truncate(whole.len() - 2);
    truth.machine = truth.folded();
    feed.handle_no_answer();
    told.extend(tell(&mut feed, &truth, None));
    let mut late = Feed::new(boss, FeedStart::At(Version(1)));
    told.extend(tell(&mut late, &truth, Some(&base)).into_iter().take(1));
    told
}

fn lines(events: &[FeedEvent]) -> Vec<String> {
    events.iter().map(|event| serde_json::to_string(event).unwrap()).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn the_lines_of_every_kind_are_as_they_were() {
    let events = told();
    let told_kinds: BTreeSet<_> = events.iter().map(|event| kind(&event.happened)).collect();
    assert_eq!(told_kinds, KINDS.into(), "the story has every kind");
    let text = lines(&events).join("\n") + "\n";
    let file = root().join("protocol/golden/feed.jsonl");
    let is_same = std::fs::read_to_string(&file).is_ok_and(|found| found == text);
    if !is_same {
        std::fs::write(&file, text).unwrap();
    }
    assert!(is_same, "the feed has changed and was written anew: look at the difference");
    for (event, line) in events.iter().zip(lines(&events)) {
        assert!(line.contains(&format!("\"kind\":\"{}\"", kind(&event.happened))), "{line}");
        assert_eq!(serde_json::from_str::<FeedEvent>(&line).unwrap(), *event, "it reads back");
    }
}

/// The names of all fields, also of those inside of others.
fn fields(value: &serde_json::Value, names: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                names.insert(name.clone());
                fields(value, names);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| fields(item, names)),
        _ => {}
    }
}

#[test]
fn every_kind_and_field_is_documented_with_a_line_that_the_program_writes() {
    let text = std::fs::read_to_string(root().join("PROTOCOL.md")).unwrap();
    let section = text.split("\n## ").find(|section| section.contains("The event feed\n")).unwrap();
    let written = lines(&told());
    let examples: Vec<_> =
        section.lines().filter(|line| line.starts_with("{\"version\"")).collect();
    for line in &examples {
        assert!(written.iter().any(|it| it == line), "the program does not write this: {line}");
    }
    for kind in KINDS {
        let needle = format!("\"kind\":\"{kind}\"");
        assert!(examples.iter().any(|line| line.contains(&needle)), "no example of `{kind}`");
        assert!(section.contains(&format!("\n| `{kind}` |")), "no row of `{kind}`");
    }
    let mut names = BTreeSet::new();
    written.iter().for_each(|line| fields(&serde_json::from_str(line).unwrap(), &mut names));
    for name in names {
        assert!(section.contains(&format!("`{name}`")), "the field `{name}` is not documented");
    }
}

/// The entry that a line tells, made from the line alone. None of what is no entry.
pub(crate) fn update_of(event: FeedEvent) -> Option<BossUpdate> {
    let interval = |hurt: Hurt| {
        let mut players = GMapDelta::default();
        for line in hurt.players {
            ucore::Delta::merge(&mut players, GMapDelta::line(line.player, Max::of(line.total)));
        }
        let names: BTreeMap<_, _> = hurt.names.into_iter().map(|it| (it.player, it.name)).collect();
        let (generation, from, to) = (hurt.generation, hurt.from, hurt.to);
        (hurt.journal, Interval { generation, from, to, players, names }, hurt.last)
    };
    Some(match event.happened {
        Happened::Spawn { generation, term, spec } => BossUpdate::Spawn { generation, term, spec },
        Happened::Join { journal, shard, parent, inherits } => {
            BossUpdate::Join { journal, shard, parent, inherits }
        }
        Happened::Enter { generation, journal } => BossUpdate::Enter { journal, generation },
        Happened::Push { hurt, phase, death } => {
            let (journal, interval, last) = interval(hurt);
            BossUpdate::Push { journal, interval, last, phase, death }
        }
        Happened::Late { hurt } => {
            let (journal, interval, last) = interval(hurt);
            BossUpdate::Late { journal, interval, last }
        }
        Happened::Term { term, executor } => BossUpdate::Term(Term { number: term, executor }),
        Happened::Collect { generation, term } => settle(generation, term, Step::Collect),
        Happened::Wait { generation, term } => settle(generation, term, Step::Wait),
        Happened::Close { generation, term, closed } => {
            settle(generation, term, Step::Close(closed))
        }
        Happened::Credit { generation, term, credits } => {
            settle(generation, term, Step::Credit(credits))
        }
        Happened::Reward { generation, term, winners } => {
            let grants = winners.into_iter().map(|it| (it.player, it.rewards)).collect();
            settle(generation, term, Step::Reward(grants))
        }
        Happened::RolledBack { .. } | Happened::Gone { .. } => return None,
    })
}

fn settle(generation: Gen, term: u64, step: Step) -> BossUpdate {
    BossUpdate::Settle { generation, term, step }
}

/// The fold of lines from version 1 on.
pub(crate) fn fold<'a>(lines: impl IntoIterator<Item = &'a str>) -> Snapshot {
    let mut value = Snapshot::default();
    for line in lines {
        let event: FeedEvent = serde_json::from_str(line).unwrap();
        let chain = event.chain;
        let entry = Entry::after(value.version, value.chain, &update_of(event).unwrap());
        assert_eq!(entry.chain, chain, "{line}");
        value.follow(&entry).unwrap();
    }
    value
}

#[test]
fn the_lines_hold_everything_that_the_log_holds() {
    let truth = story();
    let told = tell(&mut Feed::new(truth.machine.id(), FeedStart::At(Version(1))), &truth, None);
    let value = fold(lines(&told).iter().map(String::as_str));
    assert_eq!(value, truth.machine.snapshot());
    assert_ne!(value.chain, Chain::START);
    let damage: u64 = told
        .iter()
        .filter_map(|event| match &event.happened {
            Happened::Push { hurt, .. } => hurt.damage,
            _ => None,
        })
        .sum();
    assert_eq!(damage, value.boss.life(Gen(1)).unwrap().damage());
}
