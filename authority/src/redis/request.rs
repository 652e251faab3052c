//! What shards and tools ask, as the arguments of functions; what these answer, as answers.

use super::Redis;
use super::library::Function;
use super::reply::odd;
use protocol::{
    BossId, BossSpec, Enter, EnterAnswer, Gen, Interval, Join, JoinAnswer, JournalId, LateLine,
    Line, Push, PushAnswer, Snapshot, Spawn, SpawnAnswer, Unavailable, Verdict, encode_record,
};
use redis::{Cmd, Value, cmd};
use ucore::encode;

/// The set of all bosses, in a slot of its own.
const BOSSES: &str = "worldboss:bosses";

impl Redis {
    pub(super) async fn spawn(&self, spawn: Spawn) -> Result<SpawnAnswer, Unavailable> {
        spawn.spec.check().map_err(Unavailable::Refused)?;
        let boss = spawn.boss;
        let mut register = cmd("SADD");
        register.arg(BOSSES).arg(boss.0);
        self.shared.link.call(&register).await?;
        let base = encode_record(&Snapshot::default());
        let (word, reply) = self
            .call(boss, Function::Spawn, |command| {
                write_spec(&spawn.spec, command);
                command.arg(base);
            })
            .await?;
        let truth = reply.seen()?.truth;
        Ok(if word == "begun" { SpawnAnswer::Begun(truth) } else { SpawnAnswer::Next(truth) })
    }

    pub(super) async fn join(&self, join: Join) -> Result<JoinAnswer, Unavailable> {
        let boss = join.boss;
        let called = self.call(boss, Function::Join, |command| write_join(&join, command));
        let (word, mut reply) = called.await?;
        Ok(match word.as_str() {
            "joined" => {
                let (inherits, is_late, spec) = (reply.flag()?, reply.flag()?, reply.spec()?);
                let seen = reply.seen()?;
                self.play(boss, seen);
                let late = if is_late { self.late_of_lineage(&join).await? } else { Vec::new() };
                JoinAnswer::Joined { inherits, late, spec, truth: seen.truth }
            }
            "gap" => {
                let journal = JournalId(reply.number()?);
                let (generation, applied) = (Gen(reply.number()?), reply.number()?);
                JoinAnswer::Gap { journal, generation, applied }
            }
            "fenced" => JoinAnswer::Fenced,
            "refused" => JoinAnswer::Refused,
            "full" => JoinAnswer::Full,
            "ahead" => JoinAnswer::Ahead,
            _ => return Err(odd(&word)),
        })
    }

    pub(super) async fn enter(&self, enter: Enter) -> Result<EnterAnswer, Unavailable> {
        let (boss, journal, generation) = (enter.boss, enter.journal, enter.generation);
        let called = self.call(boss, Function::Enter, |command| {
            command.arg(journal.to_string()).arg(generation.0);
        });
        let (word, mut reply) = called.await?;
        Ok(match word.as_str() {
            "entered" => {
                let spec = reply.spec()?;
                EnterAnswer::Entered { spec, truth: self.play(boss, reply.seen()?) }
            }
            "too_late" => EnterAnswer::TooLate { truth: self.play(boss, reply.seen()?) },
            "fenced" => EnterAnswer::Fenced,
            "unknown" => EnterAnswer::Unknown,
            _ => return Err(odd(&word)),
        })
    }

    pub(super) async fn push(&self, push: Push) -> Result<PushAnswer, Unavailable> {
        let boss = push.boss;
        let called = self.call(boss, Function::Push, |command| write_push(&push, command));
        let (word, mut reply) = called.await?;
        let verdict = verdict(&word).ok_or_else(|| odd(&word))?;
        let (applied, rolled_back, is_late) = (reply.number()?, reply.flag()?, reply.flag()?);
        let standings = reply.standings()?;
        let truth = self.play(boss, reply.seen()?);
        let late = if verdict == Verdict::Closed && is_late {
            self.late_of_push(&push).await?
        } else {
            Vec::new()
        };
        Ok(PushAnswer { verdict, applied, late, rolled_back, standings, truth })
    }

    /// Each named player's damage that came late.
    async fn late_of_push(&self, push: &Push) -> Result<Vec<Line>, Unavailable> {
        let value = self.folded(push.boss).await?;
        let named = push.interval.players.iter().map(|(player, _)| *player);
        let life = value.boss.book(push.interval.generation);
        Ok(life.map(|life| life.late_lines_of(push.journal, named)).unwrap_or_default())
    }

    /// The late damage of the journals before a new one.
    async fn late_of_lineage(&self, join: &Join) -> Result<Vec<LateLine>, Unavailable> {
        let line: Vec<_> = join.lineage.iter().map(|claim| claim.journal).collect();
        Ok(self.folded(join.boss).await?.boss.late_lines(&line))
    }

    /// All bosses that were ever spawned here, ascending.
    pub(super) async fn list(&self) -> Result<Vec<BossId>, Unavailable> {
        let mut command = cmd("SMEMBERS");
        command.arg(BOSSES);
        let Value::Array(members) = self.shared.link.call(&command).await? else {
            return Err(odd("no list of bosses"));
        };
        let ids = members.iter().map(redis::from_redis_value_ref::<u32>);
        let mut bosses = Vec::new();
        for id in ids {
            let boss = BossId(id.map_err(|_| odd("a boss without a number"))?);
            // A spawn that died between the list and the boss has left none.
            match self.seen(boss).await {
                Ok(_) => bosses.push(boss),
                Err(Unavailable::NoBoss(_)) => {}
                Err(why) => return Err(why),
            }
        }
        bosses.sort_unstable();
        Ok(bosses)
    }
}

fn write_spec(spec: &BossSpec, to: &mut Cmd) {
    // The largest HP at which each phase is reached; in Lua the product could be inexact.
    let phases = spec.phases.iter().map(|phase| {
        let hp = u128::from(spec.hp_max) * u128::from(phase.percent) / 100;
        hp.to_string()
    });
    let phases = phases.collect::<Vec<_>>().join(" ");
    to.arg(encode(spec)).arg(spec.hp_max).arg(phases);
}

fn write_join(join: &Join, to: &mut Cmd) {
    to.arg(join.journal.to_string()).arg(join.shard.0);
    for claim in &join.lineage {
        to.arg(claim.journal.to_string()).arg(claim.rests.len());
        for rest in &claim.rests {
            write_interval(rest, to);
            to.arg(rest.blob());
        }
    }
}

fn write_push(push: &Push, to: &mut Cmd) {
    to.arg(push.journal.to_string());
    write_interval(&push.interval, to);
    to.arg(u8::from(push.last)).arg(push.interval.blob()).arg(push.online);
    to.arg(push.seen.version.0).arg(push.seen.chain.to_string()).arg(push.standings);
}

fn write_interval(interval: &Interval, to: &mut Cmd) {
    to.arg(interval.generation.0).arg(interval.from).arg(interval.to);
}

fn verdict(word: &str) -> Option<Verdict> {
    Some(match word {
        "counted" => Verdict::Counted,
        "duplicate" => Verdict::Duplicate,
        "gap" => Verdict::Gap,
        "closed" => Verdict::Closed,
        "not_entered" => Verdict::NotEntered,
        "fenced" => Verdict::Fenced,
        "unknown" => Verdict::Unknown,
        "refused" => Verdict::Refused,
        _ => return None,
    })
}
