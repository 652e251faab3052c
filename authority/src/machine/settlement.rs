//! The rules of a generation's end: what its players get, and who may take the next step.
//!
//! Everything after closed books is a pure function of the log up to there, so any two executors
//! come to the same.

use super::{Heard, Machine, SILENT_POLLS};
use protocol::limits::{SESSIONS_MAX, SUSPECTS_MAX};
use protocol::mutants::{self, Mutant};
use protocol::{
    BossUpdate, Credit, Gen, Grants, JournalId, Life, OpenJournal, PlayerId, Progress, Reign,
    Reward, RewardId, Seen, Settle, SettleAnswer, SettleStep, SettleVerdict, Settlement, Shares,
    SharesAnswer, Standings, Status, Step, Term,
};
use std::cmp::Reverse;

impl Machine {
    /// An executor's poll.
    pub fn handle_reign(&mut self, reign: Reign) -> Progress {
        let term = self.boss.term();
        let number = term.number;
        if term.executor != reign.executor && reign.supersedes == Some(number) {
            let term = Term { number: number + 1, executor: reign.executor };
            self.commit(BossUpdate::Term(term));
        }
        if self.boss.term().is_of(reign.executor) {
            self.polls += 1;
            self.heard.retain(|journal, heard| {
                let is_silent = self.polls - heard.poll >= SILENT_POLLS;
                heard.players = if is_silent { 0 } else { heard.players };
                self.boss.journal(*journal).is_some()
            });
            self.rank(reign.suspects);
        }
        self.progress()
    }

    /// Brings the leaderboard up to date.
    fn rank(&mut self, mut suspects: Vec<JournalId>) {
        let Some((generation, life)) = self.boss.current() else { return };
        suspects.truncate(SUSPECTS_MAX);
        let newest = self.standings.as_deref().filter(|it| it.suspects == suspects);
        let version = self.log.version();
        if newest.is_some() && version == self.ranked {
            return;
        }
        self.ranked = version;
        let board = life.board(generation);
        if newest.is_none_or(|it| it.board != board) {
            let number = self.polls;
            self.standings = Some(Box::new(Standings { number, board, suspects }));
        }
    }

    /// Takes a step, if the executor reigns and the settlement is where it has seen it.
    pub fn handle_settle(&mut self, settle: Settle) -> SettleAnswer {
        let Settle { term, at, step, .. } = settle;
        let reigns = term == self.boss.term() || mutants::is(Mutant::TermUnchecked);
        let is_there = at == self.truth().stage() || mutants::is(Mutant::SettleTwice);
        let verdict = if term.number == 0 || !reigns {
            SettleVerdict::Fenced
        } else if !is_there || !step.fits(at.status) {
            SettleVerdict::Passed
        } else {
            self.take_step(at.generation, self.boss.term().number, step);
            SettleVerdict::Done
        };
        SettleAnswer { verdict, progress: self.progress() }
    }

    fn take_step(&mut self, generation: Gen, term: u64, step: SettleStep) {
        let seen = Seen { version: self.log.version(), chain: self.log.chain() };
        let Some((_, life)) = self.boss.current() else { return };
        let step = match step {
            SettleStep::Respawn => return self.begin(generation.next(), term),
            SettleStep::Collect => Step::Collect,
            SettleStep::Wait => Step::Wait,
            SettleStep::Close => Step::Close(seen),
            SettleStep::Credit => Step::Credit(credits(life)),
            SettleStep::Reward if mutants::is(Mutant::DrawnAtTheEnd) => {
                Step::Reward(draw(&life.spec.rewards, &life.settlement.credits, seen))
            }
            SettleStep::Reward => Step::Reward(grants(life)),
        };
        self.commit(BossUpdate::Settle { generation, term, step });
    }

    /// Says what players get of a generation.
    #[must_use]
    pub fn handle_shares(&self, asked: &Shares) -> SharesAnswer {
        match self.boss.life(asked.generation) {
            Some(life) if mutants::is(Mutant::DrawnPerAsker) => {
                let here = Seen { version: self.log.version(), chain: self.log.chain() };
                let mut settlement = life.settlement.clone();
                settlement.grants = draw(&life.spec.rewards, &settlement.credits, here);
                shares_of(&settlement, &asked.players)
            }
            Some(life) if life.status == Status::Rewarded => {
                shares_of(&life.settlement, &asked.players)
            }
            Some(_) | None => SharesAnswer::Unknown,
        }
    }

    fn progress(&self) -> Progress {
        let open = self.boss.current().into_iter().flat_map(|(_, life)| life.entered.iter());
        let open = open.filter(|(_, finished)| !**finished).map(|(journal, _)| OpenJournal {
            journal: *journal,
            heard: self.heard.get(journal).map_or(0, |heard| heard.poll),
        });
        let mut open: Vec<_> = open.collect();
        open.sort_unstable_by_key(|it| it.journal);
        Progress {
            term: self.boss.term(),
            polls: self.polls,
            spec: Box::new(self.spec().clone()),
            open,
            truth: self.truth(),
        }
    }

    /// Notes that a journal was heard.
    pub(super) fn hear(&mut self, journal: JournalId, players: u32) {
        self.heard.insert(journal, Heard { players, poll: self.polls });
    }
}

/// What some players get of a boss whose rewards are drawn.
pub(crate) fn shares_of(settlement: &Settlement, players: &[PlayerId]) -> SharesAnswer {
    let wanted = players.iter().take(SESSIONS_MAX).copied().collect();
    let shares = settlement.shares_of(&wanted);
    let players = u32::try_from(settlement.credits.len()).unwrap_or(u32::MAX);
    SharesAnswer::Shared { shares, players }
}

/// Everybody's share of the boss, in the order of ranks: more damage first, then the lower id.
///
/// A share is `hp_max * own / sum`, rounded down; what is left goes, one point each, to those who
/// lost most by the rounding, in the order of ranks among equals: the method of the largest
/// remainder. So the shares add up to `hp_max` exactly.
#[must_use]
pub fn credits(life: &Life) -> Vec<Credit> {
    divide(life.spec.hp_max, life.ranked())
}

/// [`credits`] of these totals.
pub(super) fn divide(hp_max: u64, totals: Vec<(PlayerId, u64)>) -> Vec<Credit> {
    let sum: u128 = totals.iter().map(|(_, damage)| u128::from(*damage)).sum();
    let mut lines: Vec<_> = totals.into_iter().filter(|(_, damage)| *damage > 0).collect();
    lines.sort_unstable_by_key(|(player, damage)| (Reverse(*damage), *player));
    let mut left = hp_max;
    let mut remainders = Vec::with_capacity(lines.len());
    let mut credits: Vec<_> = lines
        .into_iter()
        .enumerate()
        .map(|(idx, (player, damage))| {
            let product = u128::from(hp_max) * u128::from(damage);
            let credit = u64::try_from(product / sum).expect("a part of hp_max is not above it");
            left -= credit;
            remainders.push((Reverse(product % sum), idx));
            Credit { player, damage, credit }
        })
        .collect();
    remainders.sort_unstable();
    let mut left = usize::try_from(left).expect("less than one point each is left");
    if mutants::is(Mutant::CreditsRounded) {
        left = 0;
    }
    for (_, idx) in remainders.iter().take(left) {
        credits[*idx].credit += 1;
    }
    credits
}

/// What players win. The draw follows from where the books closed, which nobody knows before, so it
/// is the same whoever repeats it.
#[must_use]
pub fn grants(life: &Life) -> Grants {
    let Some(closed) = life.settlement.closed else { return Grants::new() };
    draw(&life.spec.rewards, &life.settlement.credits, closed)
}

/// [`grants`] to those who have these credits, after books that closed here.
pub(super) fn draw(rewards: &[Reward], credits: &[Credit], closed: Seen) -> Grants {
    let wins = |rank: usize, player| {
        let rewards =
            rewards.iter().filter(|reward| is_won(reward, rank, credits.len(), player, closed));
        let mut won: Vec<RewardId> = rewards.map(|reward| reward.id).collect();
        won.sort_unstable();
        won
    };
    let won = credits.iter().zip(1..).map(|(it, rank)| (it.player, wins(rank, it.player)));
    won.filter(|(_, rewards)| !rewards.is_empty()).collect()
}

fn is_won(reward: &Reward, rank: usize, players: usize, player: PlayerId, closed: Seen) -> bool {
    let best = (players * usize::from(reward.top_percent)).div_ceil(100);
    if rank > best {
        return false;
    }
    let draw =
        closed.chain.link(closed.version, &format!("reward p={player} r={}", reward.id), &[]);
    let number = draw.0.0[..8].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    number % 100 < u64::from(reward.chance_percent)
}
