//! Values of the protocol, drawn from bytes: likely ones mostly, and whatever can travel.

use crate::draw::Draw;
use protocol::limits::NAME_CHARS_MAX;
use protocol::{
    Board, BossId, BossSpec, Claim, Credit, ExecutorId, Gen, Interval, JournalId, LateLine, Line,
    Mark, Missing, OpenJournal, Phase, PlayerId, Progress, Reward, RewardId, Seen, Share, Skill,
    SkillId, Stage, Standing, Standings, Status, Term, Timing, Truth,
};
use ucore::{Bin, Chain, GMapDelta, Max, Version};

/// The boss of all machines.
pub(crate) const BOSS: BossId = BossId(1);

pub(crate) fn generation(draw: &mut Draw<'_>) -> Gen {
    match draw.byte() {
        low @ 0..=239 => Gen(u32::from(low % 6)),
        high => Gen(u32::MAX - u32::from(255 - high)),
    }
}

pub(crate) fn journal(draw: &mut Draw<'_>) -> JournalId {
    JournalId(Bin([draw.below(6); 16]))
}

pub(crate) fn executor(draw: &mut Draw<'_>) -> ExecutorId {
    ExecutorId(Bin([draw.below(3); 16]))
}

pub(crate) fn player(draw: &mut Draw<'_>) -> PlayerId {
    match draw.byte() {
        low @ 0..=247 => PlayerId(u64::from(low % 5)),
        high => PlayerId(ucore::INT_MAX - u64::from(255 - high)),
    }
}

pub(crate) fn text(draw: &mut Draw<'_>) -> String {
    match draw.below(6) {
        0 => String::new(),
        1 => "\u{1f409}".repeat(NAME_CHARS_MAX + 1),
        2 => "a\tb".to_owned(),
        _ => "Ada".to_owned(),
    }
}

pub(crate) fn version(draw: &mut Draw<'_>) -> Version {
    Version(draw.number())
}

pub(crate) fn seen(draw: &mut Draw<'_>) -> Seen {
    Seen { version: version(draw), chain: Chain(Bin([draw.below(3); 20])) }
}

/// A boss, within its limits if `checked`: an authority refuses others, a shard takes what it gets.
pub(crate) fn spec(draw: &mut Draw<'_>, checked: bool) -> BossSpec {
    let spec = BossSpec {
        name: text(draw),
        hp_max: draw.number(),
        phases: draw.some(3, |draw| Phase { name: text(draw), percent: draw.below(101) }),
        skills: draw.some(3, skill),
        timing: Timing {
            tick_ms: draw.pick(&[100, 20, 1_000, 0, u16::MAX]),
            collect_s: draw.pick(&[1, 2, 3_600, 0]),
            respawn_s: draw.pick(&[1, 2, 3_600, 0]),
        },
        missing: draw.pick(Missing::ALL),
        rewards: draw.some(2, reward),
    };
    if !checked || spec.check().is_ok() { spec } else { usual(spec.hp_max) }
}

fn skill(draw: &mut Draw<'_>) -> Skill {
    Skill {
        id: SkillId(draw.below(4)),
        name: text(draw),
        damage: draw.word(),
        crit_percent: draw.byte(),
        crit_damage_percent: draw.pick(&[100, 200, 1_000, 0, u16::MAX]),
        cooldown_ms: draw.word(),
    }
}

fn reward(draw: &mut Draw<'_>) -> Reward {
    Reward {
        id: RewardId(draw.below(3)),
        name: text(draw),
        top_percent: draw.byte(),
        chance_percent: draw.byte(),
    }
}

/// An ordinary boss, with other HP.
pub(crate) fn usual(hp_max: u64) -> BossSpec {
    let phase = |name: &str, percent| Phase { name: name.to_owned(), percent };
    let skill = |id, damage, cooldown_ms| Skill {
        id: SkillId(id),
        name: "hit".to_owned(),
        damage,
        crit_percent: 10,
        crit_damage_percent: 200,
        cooldown_ms,
    };
    let reward = |id, top_percent, chance_percent| Reward {
        id: RewardId(id),
        name: "gold".to_owned(),
        top_percent,
        chance_percent,
    };
    BossSpec {
        name: "Ogre".to_owned(),
        hp_max: hp_max.clamp(1, protocol::limits::HP_MAX),
        phases: vec![phase("calm", 100), phase("angry", 50)],
        skills: vec![skill(1, 7, 0), skill(2, 1_000_000_000, 1_000)],
        timing: Timing { tick_ms: 100, collect_s: 2, respawn_s: 1 },
        missing: Missing::Apply,
        rewards: vec![reward(1, 100, 100), reward(2, 50, 50)],
    }
}

pub(crate) fn truth(draw: &mut Draw<'_>) -> Truth {
    let Seen { version, chain } = seen(draw);
    Truth {
        version,
        chain,
        generation: generation(draw),
        hp_max: draw.number(),
        damage: draw.number(),
        status: draw.pick(Status::ALL),
        phase: draw.below(4),
        players: draw.word(),
        waited: draw.word(),
    }
}

pub(crate) fn interval(draw: &mut Draw<'_>) -> Interval {
    let players = draw.some(3, |draw| (player(draw), Max::of(draw.number())));
    let names = draw.some(2, |draw| (player(draw), text(draw)));
    let (players, names): (GMapDelta<_, _>, _) =
        (players.into_iter().collect(), names.into_iter().collect());
    let (generation, from, to) = (generation(draw), draw.number(), draw.number());
    Interval { generation, from, to, players, names }
}

pub(crate) fn claim(draw: &mut Draw<'_>) -> Claim {
    Claim { journal: journal(draw), rests: draw.some(2, interval) }
}

pub(crate) fn line(draw: &mut Draw<'_>) -> Line {
    Line { player: player(draw), total: draw.number() }
}

pub(crate) fn late_line(draw: &mut Draw<'_>) -> LateLine {
    LateLine { generation: generation(draw), line: line(draw) }
}

pub(crate) fn term(draw: &mut Draw<'_>) -> Term {
    Term { number: draw.number(), executor: executor(draw) }
}

pub(crate) fn stage(draw: &mut Draw<'_>) -> Stage {
    Stage { generation: generation(draw), status: draw.pick(Status::ALL), waited: draw.word() }
}

pub(crate) fn progress(draw: &mut Draw<'_>) -> Progress {
    let open = |draw: &mut Draw<'_>| OpenJournal { journal: journal(draw), heard: draw.number() };
    Progress {
        term: term(draw),
        polls: draw.number(),
        spec: Box::new(spec(draw, false)),
        open: draw.some(3, open),
        truth: truth(draw),
    }
}

pub(crate) fn board(draw: &mut Draw<'_>) -> Board {
    let standing = |draw: &mut Draw<'_>| Standing {
        player: player(draw),
        name: text(draw),
        damage: draw.number(),
    };
    Board {
        generation: generation(draw),
        players: draw.word(),
        top: draw.some(2, standing),
        marks: draw.some(2, |draw| Mark { rank: draw.word(), damage: draw.number() }),
    }
}

pub(crate) fn standings(draw: &mut Draw<'_>) -> Standings {
    Standings { number: draw.number(), board: board(draw), suspects: draw.some(2, journal) }
}

pub(crate) fn share(draw: &mut Draw<'_>) -> Share {
    Share {
        player: player(draw),
        rank: draw.word(),
        damage: draw.number(),
        credit: draw.number(),
        rewards: draw.some(2, |draw| RewardId(draw.below(4))),
    }
}

pub(crate) fn credit(draw: &mut Draw<'_>) -> Credit {
    Credit { player: player(draw), damage: draw.number(), credit: draw.number() }
}
