//! The pages of a boss's book, as JSON.

use bytes::Bytes;
use protocol::limits::TOP_MAX;
use protocol::{
    Board, Boss, BossId, Fallen, Gen, Ledger, PlayerId, Profile, RewardId, Snapshot, Status,
};
use serde::Serialize;
use std::cmp::Reverse;
use ucore::{Chain, Version};

/// What may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Page {
    Ledger,
    Leaderboard,
    Hall,
    Player(PlayerId),
}

/// What every page but the ledger begins with.
#[derive(Debug, Serialize)]
struct Paged<T> {
    boss: BossId,
    version: Version,
    chain: Chain,
    #[serde(flatten)]
    body: T,
}

#[derive(Debug, Serialize)]
struct Leaderboard {
    status: Status,
    #[serde(flatten)]
    board: Board,
}

#[derive(Debug, Serialize)]
struct Hall<'a> {
    generations: Vec<Line<'a>>,
    best: Vec<Best<'a>>,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    generation: Gen,
    #[serde(flatten)]
    fallen: &'a Fallen,
}

#[derive(Debug, Serialize)]
struct Best<'a> {
    player: PlayerId,
    name: &'a str,
    damage: u64,
    kills: u32,
    best_rank: u32,
}

#[derive(Debug, Serialize)]
struct Player<'a> {
    player: PlayerId,
    name: &'a str,
    damage: u64,
    credit: u64,
    kills: u32,
    best_rank: u32,
    last: Gen,
    rewards: Vec<Won<'a>>,
}

#[derive(Debug, Serialize)]
struct Won<'a> {
    id: RewardId,
    /// None if no scenario that is kept has it any more.
    name: Option<&'a str>,
    count: u32,
}

impl Page {
    /// Whether it is the same for everybody who asks for this kind.
    pub(super) const fn is_for_all(self) -> bool {
        match self {
            Self::Ledger | Self::Leaderboard | Self::Hall => true,
            Self::Player(_) => false,
        }
    }

    /// The page at a version.
    ///
    /// # Errors
    /// A sentence, if there is nothing to tell.
    pub(super) fn render(self, id: BossId, at: &Snapshot) -> Result<Bytes, String> {
        let boss = &at.boss;
        match self {
            Self::Ledger => Ok(json(&Ledger::of(id, boss, at.version, at.chain))),
            Self::Leaderboard => {
                let current = boss.current();
                let (generation, life) = current.ok_or("this boss has not begun; ask again")?;
                let (status, board) = (life.status, life.board(generation));
                Ok(paged(id, at, Leaderboard { status, board }))
            }
            Self::Hall => Ok(paged(id, at, hall(boss))),
            Self::Player(player) => {
                let profile = boss.fame().profiles.get(&player);
                let profile = profile.ok_or_else(|| {
                    format!("player {player} has no part in a fallen boss, or was forgotten")
                })?;
                Ok(paged(id, at, whole_profile(boss, player, profile)))
            }
        }
    }
}

fn paged(boss: BossId, at: &Snapshot, body: impl Serialize) -> Bytes {
    json(&Paged { boss, version: at.version, chain: at.chain, body })
}

fn json(page: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(page).expect("a page has a JSON form"))
}

fn hall(boss: &Boss) -> Hall<'_> {
    let fame = boss.fame();
    let generations = fame.hall.iter().rev();
    let generations =
        generations.map(|(generation, fallen)| Line { generation: *generation, fallen });
    let mut best: Vec<_> = fame.profiles.iter().collect();
    let rank = |(player, profile): &(&PlayerId, &Profile)| (Reverse(profile.damage), **player);
    if best.len() > TOP_MAX {
        best.select_nth_unstable_by_key(TOP_MAX, rank);
        best.truncate(TOP_MAX);
    }
    best.sort_unstable_by_key(rank);
    let best = best.into_iter().map(|(player, profile)| Best {
        player: *player,
        name: &profile.name,
        damage: profile.damage,
        kills: profile.kills,
        best_rank: profile.best_rank,
    });
    Hall { generations: generations.collect(), best: best.collect() }
}

fn whole_profile<'a>(boss: &'a Boss, player: PlayerId, profile: &'a Profile) -> Player<'a> {
    // The newest scenario that has a reward names it.
    let name = |id: RewardId| {
        let lives: Vec<_> = boss.lives().collect();
        let mut rewards = lives.into_iter().rev().flat_map(|(_, life)| &life.spec.rewards);
        rewards.find(|reward| reward.id == id).map(|reward| reward.name.as_str())
    };
    let won = profile.rewards.iter();
    let won = won.map(|(id, count)| Won { id: *id, name: name(*id), count: *count });
    Player {
        player,
        name: &profile.name,
        damage: profile.damage,
        credit: profile.credit,
        kills: profile.kills,
        best_rank: profile.best_rank,
        last: profile.last,
        rewards: won.collect(),
    }
}
