//! Random histories: what shards do, and what happens to their requests and to the authority.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::limits::HP_MAX;
use protocol::{
    Boss, BossId, BossSpec, Claim, Enter, ExecutorId, Gen, Interval, Join, JournalId, Life,
    Missing, PlayerId, Push, Reign, Reward, RewardId, Scenario, Seen, Settle, SettleStep, ShardId,
    Shares, Spawn, Stage, Status, SyncRequest, Term, Truth,
};
use std::collections::BTreeMap;
use ucore::{Bin, Max};

/// One thing that happens.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A request to the authority. Whether its answer arrives makes no difference here: what a
    /// shard sends next is drawn anyway.
    Ask(Ask),
    /// A request of the past arrives once more.
    Again(usize),
    /// A player damages the boss, which the journal has not yet told.
    Hit {
        journal: u8,
        player: u64,
        damage: u64,
    },
    /// A new process on a disk: the next pushes of that shard come from another journal.
    Renew(u8),
    /// A second passes: the history's executor looks, and takes every step that is due.
    Second,
    Restart,
    Save,
    RollBack,
}

/// What a shard asks.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Spawn {
        hp_max: u64,
    },
    /// Joins with the journals before it.
    Join {
        journal: u8,
        from: From,
    },
    Enter {
        journal: u8,
        ahead: i8,
    },
    Push {
        journal: u8,
        /// Generations before the current one.
        back: u32,
        from: From,
        last: bool,
        seen: bool,
    },
    Truth,
    /// What a shard in order would ask next.
    Next {
        journal: u8,
    },
    /// Another executor looks, and may want the next term.
    Reign {
        executor: u8,
        supersedes: Option<i8>,
    },
    /// Somebody takes a step, maybe of another term, at another place, or that does not fit.
    Settle {
        terms_ago: i8,
        is_here: bool,
        step: SettleStep,
    },
    /// What players get of a generation.
    Shares {
        back: u32,
    },
}

/// Where an interval begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum From {
    /// Where the authority is.
    Applied,
    Zero,
    /// At one of the journal's own totals, in parts of 256.
    Some(u8),
    /// At its end: an empty one.
    End,
    /// One more than the authority has.
    Ahead,
}

/// How long a boss lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lives {
    /// Most histories see one generation, or two.
    Long,
    /// A hit kills, and seconds pass: generations come and are dropped.
    Short,
}

pub(crate) fn steps(lives: Lives) -> impl Strategy<Value = Vec<Step>> {
    let (seconds, max) = if lives == Lives::Long { (6, 150) } else { (24, 300) };
    vec(step(lives, seconds), 1..max)
}

fn step(lives: Lives, seconds: u32) -> impl Strategy<Value = Step> {
    let journal = || 0..3_u8;
    prop_oneof![
        14 => (journal(), 0..4_u64, 1..60_u64)
            .prop_map(|(journal, player, damage)| Step::Hit { journal, player, damage }),
        28 => ask(lives).prop_map(Step::Ask),
        2 => any::<prop::sample::Index>().prop_map(|idx| Step::Again(idx.index(1_000))),
        2 => journal().prop_map(Step::Renew),
        seconds => Just(Step::Second),
        1 => Just(Step::Restart),
        1 => Just(Step::Save),
        1 => Just(Step::RollBack),
    ]
}

fn ask(lives: Lives) -> impl Strategy<Value = Ask> {
    let journal = || 0..3_u8;
    let hp_max = if lives == Lives::Long { 2..400_u64 } else { 1..40 };
    prop_oneof![
        1 => prop_oneof![1 => Just(1), 8 => hp_max, 1 => Just(HP_MAX)]
            .prop_map(|hp_max| Ask::Spawn { hp_max }),
        6 => (journal(), from()).prop_map(|(journal, from)| Ask::Join { journal, from }),
        4 => (journal(), prop_oneof![8 => Just(0_i8), 1 => Just(-1), 1 => Just(1)])
            .prop_map(|(journal, ahead)| Ask::Enter { journal, ahead }),
        14 => (journal(), back(), from(), any::<bool>(), any::<bool>())
            .prop_map(|(journal, back, from, last, seen)| {
                Ask::Push { journal, back, from, last, seen }
            }),
        1 => Just(Ask::Truth),
        24 => journal().prop_map(|journal| Ask::Next { journal }),
        2 => (0..3_u8, prop_oneof![3 => Just(Some(0)), 1 => Just(None), 1 => Just(Some(-1_i8))])
            .prop_map(|(executor, supersedes)| Ask::Reign { executor, supersedes }),
        4 => (prop_oneof![4 => Just(0_i8), 1 => Just(1)], prop::bool::weighted(0.8), settle_step())
            .prop_map(|(terms_ago, is_here, step)| Ask::Settle { terms_ago, is_here, step }),
        4 => back().prop_map(|back| Ask::Shares { back }),
    ]
}

fn settle_step() -> impl Strategy<Value = SettleStep> {
    use SettleStep::{Close, Collect, Credit, Respawn, Reward, Wait};
    prop::sample::select(vec![Collect, Wait, Close, Credit, Reward, Respawn])
}

/// Generations before the current one.
fn back() -> impl Strategy<Value = u32> {
    prop_oneof![6 => Just(0), 3 => 1..5_u32]
}

fn from() -> impl Strategy<Value = From> {
    prop_oneof![
        6 => Just(From::Applied),
        1 => Just(From::Zero),
        1 => any::<u8>().prop_map(From::Some),
        1 => Just(From::End),
        1 => Just(From::Ahead),
    ]
}

/// Damage of one journal in one generation, hit by hit.
type Hits = Vec<(PlayerId, u64)>;

/// The shards of a history, as far as their requests need them.
#[derive(Debug)]
pub(crate) struct Shards {
    boss: BossId,
    /// The journals of each shard's disk, the oldest first. Each shard begins with one.
    lines: [Vec<JournalId>; 3],
    hits: BTreeMap<(JournalId, Gen), Hits>,
    names: u8,
    /// The newest truth.
    truth: Option<Truth>,
    /// One that was seen earlier, maybe before a roll-back.
    stale: Option<Truth>,
    /// The number of the newest leaderboard.
    standings: u64,
}

impl Shards {
    pub(crate) fn new(boss: BossId) -> Self {
        let mut shards = Self {
            boss,
            lines: Default::default(),
            hits: BTreeMap::new(),
            names: 0,
            truth: None,
            stale: None,
            standings: 0,
        };
        (0..3).for_each(|shard| shards.renew(shard));
        shards
    }

    pub(crate) fn renew(&mut self, shard: u8) {
        self.names += 1;
        self.lines[usize::from(shard)].push(JournalId(Bin([self.names; 16])));
    }

    pub(crate) fn hit(&mut self, shard: u8, player: u64, damage: u64) {
        let generation = self.generation();
        let journal = self.journal(shard);
        self.hits.entry((journal, generation)).or_default().push((PlayerId(player), damage));
    }

    pub(crate) fn learn(&mut self, truth: Truth) {
        if truth.version.0.is_multiple_of(3) {
            self.stale = self.truth;
        }
        self.truth = Some(truth);
    }

    pub(crate) fn learn_standings(&mut self, number: u64) {
        self.standings = number;
    }

    fn generation(&self) -> Gen {
        self.truth.map_or(Gen(1), |truth| truth.generation)
    }

    fn journal(&self, shard: u8) -> JournalId {
        *self.lines[usize::from(shard)].last().expect("a shard begins with a journal")
    }

    /// The request of a step. `known` is what the authority has, so that intervals can fit it.
    pub(crate) fn request(&self, ask: &Ask, known: Option<&Boss>) -> SyncRequest {
        let boss = self.boss;
        match *ask {
            Ask::Spawn { hp_max } => {
                SyncRequest::Spawn(Spawn { boss, spec: Box::new(spec(hp_max)) })
            }
            Ask::Join { journal: shard, from } => {
                let (journal, older) =
                    self.lines[usize::from(shard)].split_last().expect("it has one");
                let lineage = older.iter().rev().take(protocol::limits::LINEAGE_MAX).rev();
                let claims = lineage.map(|journal| self.claim(*journal, from, known));
                let (journal, lineage) = (*journal, claims.collect());
                SyncRequest::Join(Join { boss, journal, shard: ShardId(shard.into()), lineage })
            }
            Ask::Enter { journal, ahead } => {
                let generation = Gen(self.generation().0.saturating_add_signed(ahead.into()));
                SyncRequest::Enter(Enter { boss, journal: self.journal(journal), generation })
            }
            Ask::Push { journal, back, from, last, seen } => {
                let generation = Gen(self.generation().0.saturating_sub(back));
                let journal = self.journal(journal);
                let interval = self.interval(journal, generation, from, known);
                let standings = if seen { self.standings } else { 0 };
                let seen = if seen { self.truth } else { self.stale };
                let nothing = Seen { version: ucore::Version(0), chain: ucore::Chain::START };
                let seen = seen.map_or(nothing, |truth| truth.seen());
                SyncRequest::Push(Push {
                    boss,
                    journal,
                    interval,
                    last,
                    online: 3,
                    seen,
                    standings,
                })
            }
            Ask::Truth => SyncRequest::Truth(boss),
            Ask::Next { journal } => self.request(&self.next(journal, known), known),
            Ask::Reign { executor, supersedes } => {
                let number = known.map_or(0, |boss| boss.term().number);
                let supersedes = supersedes.map(|ago| number.saturating_add_signed(ago.into()));
                let suspects = vec![self.journal(executor)];
                let executor = ExecutorId(Bin([0xe0 + executor; 16]));
                SyncRequest::Reign(Reign { boss, executor, supersedes, suspects })
            }
            Ask::Settle { terms_ago, is_here, step } => {
                let Term { number, executor } = known.map(Boss::term).unwrap_or_default();
                let number = number.saturating_add_signed((-terms_ago).into());
                let mut at = known.and_then(Boss::current).map_or_else(nowhere, stage);
                if !is_here {
                    at.waited += 1;
                }
                SyncRequest::Settle(Settle { boss, term: Term { number, executor }, at, step })
            }
            Ask::Shares { back } => {
                let generation = Gen(self.generation().0.saturating_sub(back));
                let players = [3, 1, 7].map(PlayerId).to_vec();
                SyncRequest::Shares(Shares { boss, generation, players })
            }
        }
    }

    fn next(&self, shard: u8, known: Option<&Boss>) -> Ask {
        let (journal, from) = (self.journal(shard), From::Applied);
        let push = |back, last| Ask::Push { journal: shard, back, from, last, seen: true };
        let Some((boss, (current, life))) = known.and_then(|it| Some((it, it.current()?))) else {
            return Ask::Truth;
        };
        if boss.journal(journal).is_none() {
            return Ask::Join { journal: shard, from };
        }
        let owed = boss.books().find(|(_, life)| {
            let over = matches!(
                life.status,
                Status::Collecting | Status::Closed | Status::Credited | Status::Rewarded
            );
            over && life.entered.get(&journal) == Some(&false)
        });
        match owed {
            Some((generation, _)) => push(current.0 - generation.0, true),
            None if life.status == Status::Alive && !life.entered.contains_key(&journal) => {
                Ask::Enter { journal: shard, ahead: 0 }
            }
            None => push(0, false),
        }
    }

    fn claim(&self, journal: JournalId, from: From, known: Option<&Boss>) -> Claim {
        let books = self.hits.keys().filter(|(owner, _)| *owner == journal);
        let rests =
            books.map(|(_, generation)| self.interval(journal, *generation, from, known)).collect();
        Claim { journal, rests }
    }

    fn interval(
        &self,
        journal: JournalId,
        generation: Gen,
        from: From,
        known: Option<&Boss>,
    ) -> Interval {
        let none = Hits::new();
        let hits = self.hits.get(&(journal, generation)).unwrap_or(&none);
        let to: u64 = hits.iter().map(|(_, damage)| damage).sum();
        let book = known.and_then(|boss| boss.book(generation));
        let from = match from {
            From::Applied => book.map_or(0, |life| life.applied(journal)),
            From::Zero => 0,
            From::Some(part) => to * u64::from(part) / 256,
            From::End => to,
            From::Ahead => book.map_or(0, |life| life.applied(journal)) + 1,
        };
        let (mut total, mut totals, mut changed) = (0, BTreeMap::new(), BTreeMap::new());
        for (player, damage) in hits {
            total += damage;
            *totals.entry(*player).or_insert(0) += damage;
            if total > from {
                changed.insert(*player, totals[player]);
            }
        }
        // Who changed after `from` is named with the newest total.
        let players = changed.into_keys().map(|player| (player, Max::of(totals[&player])));
        let names = [(PlayerId(0), "Ada".to_owned())].into_iter().filter(|_| from == 0).collect();
        Interval { generation, from, to, players: players.collect(), names }
    }
}

/// Where a settlement is by the log.
fn stage((generation, life): (Gen, &Life)) -> Stage {
    Stage { generation, status: life.status, waited: life.waited }
}

/// A place before the first generation.
fn nowhere() -> Stage {
    Stage { generation: Gen(0), status: Status::Defeated, waited: 0 }
}

/// The scenario that comes along, with other HP, a short pause and a draw. Every second one waits
/// for those alone that are heard.
fn spec(hp_max: u64) -> BossSpec {
    let mut spec = Scenario::parse(Scenario::default_text()).unwrap().spec;
    spec.hp_max = hp_max;
    (spec.timing.collect_s, spec.timing.respawn_s) = (3, 1);
    spec.missing = if hp_max.is_multiple_of(2) { Missing::Apply } else { Missing::Discard };
    let reward = |id, top_percent, chance_percent| {
        let name = format!("reward {id}");
        Reward { id: RewardId(id), name, top_percent, chance_percent }
    };
    spec.rewards = vec![reward(1, 1, 100), reward(2, 100, 50)];
    spec
}
