//! Everything that an entry can do wrong, and what an audit says about it.

use crate::world::{interval, journal};
use authority::machine::Finding;
use protocol::{
    BossUpdate, Gen, Interval, JournalId, PlayerId, RewardId, ShardId, Snapshot, Status, Step, Term,
};
use std::collections::BTreeMap;
use ucore::{Delta, GMapDelta, Max, Version};

/// A change of one entry, and what an audit says about it.
pub(crate) type Mutation =
    (&'static str, fn(&BossUpdate, &Snapshot) -> Vec<BossUpdate>, fn(&Finding) -> bool);

macro_rules! wrong {
    ($name:literal, $change:expr, $pattern:pat) => {
        ($name, $change, |found: &Finding| matches!(found, $pattern))
    };
}

pub(crate) fn push(
    update: &BossUpdate,
    change: impl Fn(&mut Interval, &mut Option<u8>, &mut bool),
) -> Vec<BossUpdate> {
    match update.clone() {
        BossUpdate::Push { journal, mut interval, last, mut phase, mut death } => {
            change(&mut interval, &mut phase, &mut death);
            vec![BossUpdate::Push { journal, interval, last, phase, death }]
        }
        _ => Vec::new(),
    }
}

/// The push as somebody else's.
fn push_of(update: &BossUpdate, other: JournalId) -> Vec<BossUpdate> {
    match update.clone() {
        BossUpdate::Push { interval, last, phase, death, .. } => {
            vec![BossUpdate::Push { journal: other, interval, last, phase, death }]
        }
        _ => Vec::new(),
    }
}

fn settle(update: &BossUpdate, change: impl Fn(&mut Gen, &mut u64, &mut Step)) -> Vec<BossUpdate> {
    match update.clone() {
        BossUpdate::Settle { mut generation, mut term, mut step } => {
            change(&mut generation, &mut term, &mut step);
            vec![BossUpdate::Settle { generation, term, step }]
        }
        _ => Vec::new(),
    }
}

fn unchanged(update: &BossUpdate, changed: Vec<BossUpdate>) -> Vec<BossUpdate> {
    if changed.first() == Some(update) { Vec::new() } else { changed }
}

/// Everything that an entry can do wrong.
pub(crate) fn mutations() -> Vec<Mutation> {
    vec![
        wrong!(
            "more damage than the players did",
            |it, _| push(it, |interval, _, _| interval.to += 1),
            Finding::Lines { .. }
        ),
        wrong!(
            "a player did more than the journal",
            |it, _| push(it, |interval, _, _| {
                interval.players.merge(GMapDelta::line(PlayerId(77), Max::of(1)));
            }),
            Finding::Lines { .. }
        ),
        wrong!(
            "an interval that leaves a gap",
            |it, _| push(it, |interval, _, _| {
                (interval.from, interval.to) = (interval.to + 1, interval.to + 1);
            }),
            Finding::Gap { .. }
        ),
        wrong!(
            "a death that is none, or one that is forgotten",
            |it, _| push(it, |_, _, death| *death = !*death),
            Finding::Death { .. }
        ),
        wrong!(
            "another phase",
            |it, _| push(it, |_, phase, _| *phase = if phase.is_some() { None } else { Some(1) }),
            Finding::Phase { .. }
        ),
        wrong!(
            "a push of a journal that never joined",
            |it, _| push_of(it, journal(0xee)),
            Finding::NotJoined(_)
        ),
        wrong!(
            "a push of a sealed journal",
            |it, before| {
                let mut journals = before.boss.journals();
                let sealed = journals.find(|(_, record)| record.sealed).map(|(journal, _)| journal);
                sealed.map(|journal| push_of(it, journal)).unwrap_or_default()
            },
            Finding::Sealed(_)
        ),
        wrong!(
            "a push without entering",
            |it, before| match it {
                BossUpdate::Enter { journal, generation } => {
                    let interval = interval(*generation, 0, &[(1, 1)].into());
                    let life = before.boss.life(*generation);
                    let interval = Interval { generation: *generation, ..interval };
                    life.map(|_| BossUpdate::Push {
                        journal: *journal,
                        interval,
                        last: false,
                        phase: None,
                        death: false,
                    })
                    .into_iter()
                    .collect()
                }
                _ => Vec::new(),
            },
            Finding::NotEntered(..)
        ),
        wrong!(
            "late damage that is counted",
            |it, _| match it.clone() {
                BossUpdate::Late { journal, interval, last } => {
                    vec![BossUpdate::Push { journal, interval, last, phase: None, death: false }]
                }
                _ => Vec::new(),
            },
            Finding::Closed(_)
        ),
        wrong!(
            "counted damage that is told to be late",
            |it, _| match it.clone() {
                BossUpdate::Push { journal, interval, last, .. } => {
                    vec![BossUpdate::Late { journal, interval, last }]
                }
                _ => Vec::new(),
            },
            Finding::Open(_)
        ),
        wrong!(
            "an empty push",
            |it, before| match it.clone() {
                BossUpdate::Push { journal, interval, .. } => {
                    let generation = interval.generation;
                    let at = before.boss.life(generation).unwrap().applied(journal);
                    let empty =
                        Interval { from: at, to: at, players: GMapDelta::default(), ..interval };
                    let (phase, death) = (None, false);
                    vec![BossUpdate::Push { journal, interval: empty, last: false, phase, death }]
                }
                _ => Vec::new(),
            },
            Finding::Nothing
        ),
        wrong!(
            "a term that leaves one out",
            |it, _| match it.clone() {
                BossUpdate::Term(term) => {
                    vec![BossUpdate::Term(Term { number: term.number + 1, ..term })]
                }
                _ => Vec::new(),
            },
            Finding::Term { .. }
        ),
        wrong!(
            "a step of an older term",
            |it, _| settle(it, |_, term, _| *term -= 1),
            Finding::Fenced { .. }
        ),
        wrong!(
            "a step of a later generation",
            |it, _| settle(it, |generation, _, _| *generation = generation.next()),
            Finding::Generation { .. }
        ),
        wrong!(
            "a step too early",
            |it, _| unchanged(
                it,
                settle(it, |_, _, step| match step {
                    Step::Collect => *step = Step::Wait,
                    Step::Close(_) => *step = Step::Reward(BTreeMap::new()),
                    Step::Credit(_) => *step = Step::Collect,
                    Step::Reward(_) => *step = Step::Wait,
                    Step::Wait => {}
                })
            ),
            Finding::Step(_)
        ),
        wrong!(
            "books that close somewhere else",
            |it, before| unchanged(
                it,
                settle(it, |_, _, step| {
                    if let Step::Close(at) = step {
                        at.version = Version(before.version.0 - 1);
                    }
                })
            ),
            Finding::ClosedAt { .. }
        ),
        wrong!(
            "a point more than the boss had",
            |it, _| unchanged(
                it,
                settle(it, |_, _, step| {
                    if let Step::Credit(credits) = step {
                        credits[0].credit += 1;
                    }
                })
            ),
            Finding::CreditsSum { .. }
        ),
        wrong!(
            "a point that went to somebody else",
            |it, _| unchanged(
                it,
                settle(it, |_, _, step| {
                    if let Step::Credit(credits) = step
                        && credits.len() > 1
                        && credits[1].credit > 0
                    {
                        (credits[0].credit, credits[1].credit) =
                            (credits[0].credit + 1, credits[1].credit - 1);
                    }
                })
            ),
            Finding::Credits { .. }
        ),
        wrong!(
            "a reward that nobody drew, or one that is missing",
            |it, before| {
                let best =
                    before.boss.current().and_then(|(_, life)| life.settlement.credits.first());
                let best = best.map(|it| it.player);
                unchanged(
                    it,
                    settle(it, |_, _, step| {
                        if let (Step::Reward(grants), Some(best)) = (step, best)
                            && grants.remove(&best).is_none()
                        {
                            grants.insert(best, vec![RewardId(1)]);
                        }
                    }),
                )
            },
            Finding::Grants { .. }
        ),
        wrong!(
            "a second reward",
            |it, before| match (it, before.boss.current()) {
                (BossUpdate::Spawn { term, .. }, Some((generation, life))) => {
                    let grants = life.settlement.grants.clone();
                    vec![BossUpdate::Settle { generation, term: *term, step: Step::Reward(grants) }]
                }
                _ => Vec::new(),
            },
            Finding::Step(Status::Rewarded)
        ),
        wrong!(
            "a generation that is left out",
            |it, _| match it.clone() {
                BossUpdate::Spawn { generation, term, spec } => {
                    vec![BossUpdate::Spawn { generation: generation.next(), term, spec }]
                }
                _ => Vec::new(),
            },
            Finding::Generation { .. }
        ),
        wrong!(
            "a generation that begins before the last one is settled",
            |it, before| match (it, before.boss.current()) {
                (BossUpdate::Settle { term, step: Step::Close(_), .. }, Some((last, life))) => {
                    let spec = Box::new(life.spec.clone());
                    vec![BossUpdate::Spawn { generation: last.next(), term: *term, spec }]
                }
                _ => Vec::new(),
            },
            Finding::Step(Status::Collecting)
        ),
        wrong!(
            "a journal that joins twice",
            |it, _| match it {
                BossUpdate::Enter { journal, .. } => {
                    let (shard, parent, inherits) = (ShardId(1), None, false);
                    vec![BossUpdate::Join { journal: *journal, shard, parent, inherits }]
                }
                _ => Vec::new(),
            },
            Finding::JoinedTwice(_)
        ),
        wrong!(
            "a journal that enters twice",
            |it, _| match it {
                BossUpdate::Push { journal, interval, .. } => {
                    let generation = interval.generation;
                    vec![BossUpdate::Enter { journal: *journal, generation }]
                }
                _ => Vec::new(),
            },
            Finding::EnteredTwice(..)
        ),
        wrong!(
            "a journal that goes on after its last word",
            |it, before| match it {
                BossUpdate::Settle { step: Step::Close(_), .. } => {
                    let (generation, life) = before.boss.current().unwrap();
                    let done = life.entered.iter().find(|(journal, finished)| {
                        let record = before.boss.journal(**journal);
                        **finished && record.is_some_and(|record| !record.sealed)
                    });
                    done.map(|(journal, _)| {
                        let at = life.applied(*journal);
                        let interval = interval(generation, at, &BTreeMap::new());
                        let interval = Interval { to: at, ..interval };
                        let (phase, death) = (None, false);
                        BossUpdate::Push { journal: *journal, interval, last: true, phase, death }
                    })
                    .into_iter()
                    .collect()
                }
                _ => Vec::new(),
            },
            Finding::Finished(..)
        ),
    ]
}
