//! What holds in every state.

use crate::met;
use crate::model::Cluster;
use crate::process::Stage;
use crate::state::State;
use crate::truth::Log;
use crate::uplink::View;
use protocol::{Boss, Gen, Life, PlayerId, Status, Verdict};
use shard::machine::{Answer, Request};
use stateright::Property;
use std::collections::BTreeMap;

/// A law that a step has broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Broken {
    /// Journals, players and damage do not add up.
    Sums,
    /// A death, or a step of a settlement, stands twice in the log.
    Twice,
    /// Credits do not add up.
    Credits,
    /// The log's entries do not fold to the machine's value.
    Fold,
    /// What was taken of a journal got less.
    Shrunk,
    /// Closed books, credits or grants changed.
    Closed,
    /// A sealed journal changed something.
    Sealed,
    /// A step of an old term or stage changed something.
    Slow,
    /// A player was told what can be taken back, or has been.
    TakenBack,
    /// An answer says something else than the truth.
    Lie,
    /// An honest request was refused.
    Refused,
    /// A successor did not get its parent's sessions.
    Orphaned,
    /// A process was fenced without a successor.
    FencedByNobody,
    /// The authority counts what a journal never said.
    Foreign,
    /// A shard has closed a generation's book for good too early.
    Outlived,
}

type Law = fn(&State) -> bool;

/// All properties: the laws, and what must be met.
pub(crate) fn all() -> Vec<Property<Cluster>> {
    macro_rules! always {
        ($($name:literal: $law:expr,)+) => {
            vec![$(Property::always($name, |_, state| { let law: Law = $law; law(state) }),)+]
        };
    }
    let mut all = always! {
        "journals, players and damage add up": |state| !broke(state, &[Broken::Sums]),
        "nothing counts twice": nothing_counts_twice,
        "somebody holds every accepted hit": nothing_is_forgotten,
        "what is said once in a life is said once": |state| !broke(state, &[Broken::Twice]),
        "credits add up to the boss": |state| !broke(state, &[Broken::Credits]),
        "nothing announced can be taken back": |state| !broke(state, &[Broken::TakenBack]),
        "the log folds to the truth": |state| !broke(state, &[Broken::Fold]),
        "totals grow between roll-backs": |state| !broke(state, &[Broken::Shrunk]),
        "closed books stay closed": |state| !broke(state, &[Broken::Closed]),
        "a sealed journal changes nothing": |state| !broke(state, &[Broken::Sealed]),
        "an old term and a passed stage change nothing": |state| !broke(state, &[Broken::Slow]),
        "an answer tells the truth": |state| !broke(state, &[Broken::Lie]),
        "nobody honest is refused, fenced or orphaned": |state| !broke(state, &[
            Broken::Refused,
            Broken::Orphaned,
            Broken::FencedByNobody,
            Broken::Foreign,
            Broken::Outlived,
        ]),
    };
    all.push(Property::always(
        "who has nothing more to say has been counted or told",
        quiet_is_settled,
    ));
    all.push(Property::always("it converges when faults end", converges));
    all.extend(met::sometimes());
    all
}

/// The law that a log breaks by itself.
pub(crate) fn unlawful(log: &Log) -> Option<Broken> {
    let laws: [(bool, Broken); 3] = [
        (adds_up(log.boss()), Broken::Sums),
        (log.once.values().flatten().all(|times| *times <= 1), Broken::Twice),
        (credits_add_up(log.boss()), Broken::Credits),
    ];
    laws.into_iter().find(|(holds, _)| !holds).map(|(_, broken)| broken)
}

fn broke(state: &State, laws: &[Broken]) -> bool {
    state.broken.is_some_and(|broken| laws.contains(&broken))
}

/// The law that an answer to a push breaks.
pub(crate) fn lies(request: &Request, answer: &Answer, after: &Boss) -> Option<Broken> {
    let (Request::Push(push), Answer::Push(answer)) = (request, answer) else { return None };
    let book = after.book(push.interval.generation);
    let taken = book.map_or(0, |life| life.applied(push.journal));
    let is_taken = taken >= push.interval.to || book.is_none();
    let honest = match answer.verdict {
        Verdict::Counted | Verdict::Duplicate | Verdict::Closed => is_taken,
        Verdict::Gap => taken < push.interval.from,
        Verdict::NotEntered | Verdict::Fenced | Verdict::Unknown | Verdict::Refused => true,
    };
    (!honest || answer.applied != taken).then_some(Broken::Lie)
}

/// Counted damage by player.
fn players(life: &Life) -> BTreeMap<PlayerId, u64> {
    let mut sums = BTreeMap::new();
    for (player, total) in life.counted.iter().flat_map(|(_, damage)| damage.players.iter()) {
        *sums.entry(*player).or_default() += total.get();
    }
    sums
}

fn adds_up(boss: &Boss) -> bool {
    boss.lives().all(|(_, life)| {
        let journals: u64 = life.counted.iter().map(|(_, damage)| damage.total.get()).sum();
        let players: u64 = players(life).values().sum();
        let hp = life.spec.hp_max.saturating_sub(journals);
        let dead = life.status >= Status::Defeated;
        (journals, hp) == (players, life.hp()) && journals == life.damage() && dead == (hp == 0)
    })
}

fn nothing_counts_twice(state: &State) -> bool {
    state.boss().books().all(|(generation, life)| {
        let journals = life.counted.iter().chain(life.late.iter());
        journals.into_iter().all(|(journal, damage)| {
            let accepted = state.accepted.get(&(*journal, generation)).copied().unwrap_or(0);
            damage.total.get() <= accepted
        })
    })
}

/// Every accepted hit is at the authority, or in the books of a process that will speak for it.
fn nothing_is_forgotten(state: &State) -> bool {
    state.accepted.iter().all(|((journal, generation), accepted)| {
        let taken = state.boss().book(*generation).map_or(0, |life| life.applied(*journal));
        let held = state.processes.iter().filter_map(|process| {
            let kept = match &process.stage {
                Stage::Opening(disk, _) => disk.journal.as_ref()?,
                Stage::Running(kept, _) => kept,
                Stage::Zombie(..) | Stage::Ended => return None,
            };
            let ancestor = kept.ancestors.iter().find(|it| it.id == *journal);
            let books = if kept.id == *journal { Some(&kept.books) } else { None };
            books.or(ancestor.map(|it| &it.books))?.get(generation).map(|book| book.total)
        });
        held.chain([taken]).max().unwrap_or(0) >= *accepted
    })
}

fn credits_add_up(boss: &Boss) -> bool {
    boss.lives().filter(|(_, life)| life.status >= Status::Credited).all(|(_, life)| {
        let credits = &life.settlement.credits;
        let sum: u64 = credits.iter().map(|it| it.credit).sum();
        let damage: BTreeMap<_, _> = credits.iter().map(|it| (it.player, it.damage)).collect();
        let all_won =
            life.status < Status::Rewarded || life.settlement.grants.len() == credits.len();
        sum == life.spec.hp_max && damage == players(life) && all_won
    })
}

/// What players are told stands in the log and in what a replica has that may become the authority.
/// A generation's beginning alone may be taken back.
pub(crate) fn may_be_told(log: &Log, view: View) -> bool {
    let at = log.stage();
    let begins = view.announced == Status::Alive
        && at.generation.next() == view.generation
        && at.status == Status::Rewarded;
    begins || (view.generation, view.announced) <= (at.generation, at.status)
}

/// When nobody has anything more to say, every accepted hit is counted, or late and its player was
/// told so.
fn quiet_is_settled(model: &Cluster, state: &State) -> bool {
    !model.is_quiet(state) || is_settled(state)
}

fn is_settled(state: &State) -> bool {
    let taken = state.accepted.iter().all(|((journal, generation), accepted)| {
        state.boss().book(*generation).is_none_or(|life| life.applied(*journal) == *accepted)
    });
    let running = state.processes.iter().filter(|process| process.is_running());
    let mut tallies = running.filter_map(|process| Some((process.shard, process.told()?)));
    let told = tallies.all(|(shard, tallies)| {
        let player = PlayerId(shard.0.into());
        tallies.iter().all(|tally| {
            let booked = booked(state.boss(), tally.generation, player);
            booked.is_none_or(|booked| booked == (tally.damage - tally.late, tally.late))
        })
    });
    taken && told
}

/// A player's (counted, late) damage.
fn booked(boss: &Boss, generation: Gen, player: PlayerId) -> Option<(u64, u64)> {
    let life = boss.life(generation)?;
    let counted = players(life).get(&player).copied().unwrap_or(0);
    let late = life.late.iter().map(|(journal, _)| life.late_of(*journal, player)).sum();
    Some((counted, late))
}

/// Requests of each process that an end of all faults may take.
const ROUNDS_MAX: usize = 24;

/// What is over, and every so many other states, is led on without faults: what is asked is
/// answered, and executors go on.
fn converges(model: &Cluster, state: &State) -> bool {
    if !state.is_over() && !state.digest().is_multiple_of(model.heal_every) {
        return true;
    }
    let mut state = state.clone();
    for _ in 0..ROUNDS_MAX {
        if model.is_quiet(&state) {
            return is_settled(&state) && state.broken.is_none();
        }
        model.second(&mut state);
    }
    false
}
