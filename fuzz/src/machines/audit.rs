//! A log that somebody else has written: entries of any content, chained as they should be, so that
//! what is in them is looked at.

use super::STEPS_MAX;
use crate::anything::{self, usual};
use crate::draw::Draw;
use crate::log::fold;
use authority::machine::{credits, grants};
use protocol::{
    BossUpdate, Entry, Gen, Interval, JournalId, PlayerId, RewardId, Seen, ShardId, Snapshot, Step,
    Term,
};
use ucore::{GMapDelta, Max};

pub(crate) fn audit(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let (mut value, mut entries) = (Snapshot::default(), Vec::new());
    // Where a log begins that has lost its first part.
    let (mut base, mut since) = (Snapshot::default(), 0);
    for _ in 0..STEPS_MAX {
        if draw.is_over() {
            break;
        }
        if draw.one_of(16) {
            (base, since) = (value.clone(), entries.len());
        }
        let update = update(&mut draw, &value);
        // Whoever reads a log has read its entries from bytes.
        let Ok(update) = BossUpdate::parse(&update.fields(), &update.blob()) else { continue };
        let entry = Entry::after(value.version, value.chain, &update);
        if value.follow(&entry).is_ok() {
            entries.push(entry);
        } else if draw.one_of(4) {
            entries.push(entry);
            break;
        }
    }
    fold(Snapshot::default(), &entries);
    fold(base, &entries[since..]);
}

/// An entry that may belong after this value.
fn update(draw: &mut Draw<'_>, value: &Snapshot) -> BossUpdate {
    let (boss, journal) = (&value.boss, anything::journal(draw));
    let current = boss.current().map_or(Gen(0), |(generation, _)| generation);
    let is_wild = draw.one_of(8);
    let generation = if is_wild { anything::generation(draw) } else { current };
    let term = if is_wild { draw.number() } else { boss.term().number };
    match draw.below(10) {
        0 => {
            let generation = if is_wild { generation } else { Gen(current.0.saturating_add(1)) };
            let spec = if is_wild { anything::spec(draw, false) } else { usual(draw.number()) };
            BossUpdate::Spawn { generation, term, spec: Box::new(spec) }
        }
        1 => BossUpdate::Join {
            journal,
            shard: ShardId(draw.byte().into()),
            parent: draw.option(anything::journal),
            inherits: draw.flag(),
        },
        2 => BossUpdate::Enter { journal, generation },
        3 | 4 => {
            let interval = interval(draw, value, generation, journal);
            let phase = draw.one_of(3).then(|| draw.below(3));
            BossUpdate::Push { journal, interval, last: draw.one_of(4), phase, death: draw.flag() }
        }
        5 => {
            let interval = interval(draw, value, generation, journal);
            BossUpdate::Late { journal, interval, last: draw.one_of(4) }
        }
        6 => BossUpdate::Term(Term {
            number: term.saturating_add(1),
            executor: anything::executor(draw),
        }),
        _ => BossUpdate::Settle { generation, term, step: step(draw, value) },
    }
}

fn interval(
    draw: &mut Draw<'_>,
    value: &Snapshot,
    generation: Gen,
    journal: JournalId,
) -> Interval {
    let Some(life) = value.boss.book(generation).filter(|_| !draw.one_of(8)) else {
        return anything::interval(draw);
    };
    let taken = life.late.get(&journal).or_else(|| life.counted.get(&journal));
    let total = |player| taken.map_or(0, |taken| taken.player(player));
    let lines: Vec<(PlayerId, Max)> = draw.some(3, |draw| {
        let (player, more) = (anything::player(draw), draw.number());
        (player, Max::of(total(player).saturating_add(more)))
    });
    let players: GMapDelta<_, _> = lines.into_iter().collect();
    let grown = players
        .iter()
        .fold(0, |sum: u64, (player, now)| sum.saturating_add(now.get() - total(*player)));
    let from = life.applied(journal);
    let to = from.saturating_add(grown);
    Interval { generation, from, to, players, names: [].into() }
}

/// A step of the settlement that may be next: right mostly, and sometimes nearly so.
fn step(draw: &mut Draw<'_>, value: &Snapshot) -> Step {
    let life = value.boss.current().map(|(_, life)| life);
    match draw.below(5) {
        0 => Step::Collect,
        1 => Step::Wait,
        2 if draw.one_of(8) => Step::Close(anything::seen(draw)),
        2 => Step::Close(Seen { version: value.version, chain: value.chain }),
        3 => {
            let mut due = life.map(credits).unwrap_or_default();
            if draw.one_of(4) {
                due.truncate(usize::from(draw.below(3)));
                due.extend(draw.some(2, anything::credit));
            }
            Step::Credit(due)
        }
        _ => {
            let mut due = life.map(grants).unwrap_or_default();
            if draw.one_of(4) {
                let won = draw.some(2, |draw| RewardId(draw.below(4)));
                due.insert(anything::player(draw), won);
            }
            Step::Reward(due)
        }
    }
}
