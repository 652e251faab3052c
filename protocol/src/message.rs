//! What a player and a shard say to each other: `[type, body]`, one message per binary frame.

use crate::limits::{FRAME_EVERY_MAX, NAME_CHARS_MAX, TALLIES_MAX};
use crate::{
    Board, BossSpec, Gen, InputSeq, PlayerId, ShardId, Share, SkillId, Status, Tick, Token,
};
use arrayvec::ArrayVec;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use ucore::{DecodeError, Reader, Run, Set, Updatable, Version, Wire, Writer};

/// Why bytes are not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The message type is not one of this protocol.
    #[error("message type {0} is unknown")]
    UnknownType(u64),
    /// Not MessagePack, not the fields of its type, or not in their one spelling.
    #[error("{0}")]
    Malformed(#[from] DecodeError),
}

macro_rules! messages {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$vdoc:meta])* $tag:literal $variant:ident($body:ty),)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name { $($(#[$vdoc])* $variant($body),)+ }

        impl $name {
            /// Reads a message.
            ///
            /// # Errors
            /// [`MessageError`](crate::MessageError), which tells an unknown type from a malformed
            /// body.
            pub fn decode(bytes: &[u8]) -> Result<Self, $crate::MessageError> {
                ucore::decode(bytes).map_err(|error| match tag(bytes) {
                    Some(tag) if ![$($tag),+].contains(&tag) => {
                        $crate::MessageError::UnknownType(tag)
                    }
                    _ => $crate::MessageError::Malformed(error),
                })
            }
        }

        /// `[type, body]`.
        impl Wire for $name {
            fn write(&self, _: Run, to: &mut Writer) {
                match self {
                    $(Self::$variant(body) => {
                        to.uint($tag);
                        to.array(|to| body.write(Run::Open, to));
                    })+
                }
            }

            fn read(_: Run, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(match from.uint()? {
                    $($tag => Self::$variant(from.array(|from| Wire::read(Run::Open, from))?),)+
                    tag => return Err(DecodeError::UnknownTag(tag)),
                })
            }
        }

        /// For people: the type and the fields by name.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(body) => ($tag, body).serialize(to),)+ }
            }
        }
    };
}

pub(crate) use messages;

/// The type of a message, whatever its body is.
pub(crate) fn tag(bytes: &[u8]) -> Option<u64> {
    let mut tag = None;
    let _ = Reader::new(bytes).array(|from| {
        tag = Some(from.uint()?);
        Ok(())
    });
    tag
}

messages! {
    /// From a player.
    PlayerMessage {
        /// The first message of a connection.
        1 Hello(Hello),
        /// The wish to damage the boss.
        2 Hit(Hit),
    }
}

messages! {
    /// From a shard.
    ShardMessage {
        /// The answer to Hello.
        1 Welcome(Welcome),
        /// What became of this session's hits.
        2 Ack(Ack),
        /// The boss as this shard knows it.
        3 State(State),
        /// The boss's scenario: after Welcome, and again when a generation brings another one.
        4 Boss(BossCard),
        /// What changed since the State or Change before it on this connection.
        5 Change(StateUpdate),
        /// The leaderboard: after Welcome, and at most once a second when it has changed.
        6 Board(Board),
        /// What this player gets of a fallen boss, once nobody can take it back.
        7 Spoils(Spoils),
    }
}

/// The first message of a connection: who comes, and which session it continues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Hello {
    /// [`crate::PROTOCOL`].
    pub protocol: u16,
    /// The name that others see: 1 to [`NAME_CHARS_MAX`] characters, none of them a control.
    pub name: String,
    /// The token of the session to resume.
    pub session: Option<Token>,
    /// Ticks from one state frame to the next, 1 to [`FRAME_EVERY_MAX`]; 0 for those alone that can
    /// be seen by who reckons between them, see [`State::hp_after`].
    pub every: u8,
}

impl Hello {
    /// Whether every field is within its limits.
    ///
    /// # Errors
    /// A sentence that names the field and the limit.
    pub fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        if self.every > FRAME_EVERY_MAX {
            return Err(format!("`every` is {}, expected 0 to {FRAME_EVERY_MAX}", self.every));
        }
        Ok(())
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let chars = name.chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&chars) {
        return Err(format!("`name` has {chars} characters, expected 1 to {NAME_CHARS_MAX}"));
    }
    if name.trim() != name || name.chars().any(char::is_control) {
        return Err("`name` has a control character, or a space at its start or end".to_owned());
    }
    Ok(())
}

/// The wish to damage the boss. The shard computes the damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Wire)]
pub struct Hit {
    /// The generation that the player sees. In another one the hit is refused.
    pub generation: Gen,
    /// Larger than that of any hit before in this session.
    pub seq: InputSeq,
    /// One of the scenario's skills.
    pub skill: SkillId,
}

/// The answer to Hello. The session is durable when it arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Welcome {
    /// Resumes this session later.
    pub session: Token,
    /// The player's id.
    pub player: PlayerId,
    /// Whether the session that Hello named goes on. If not, its unanswered hits are void.
    pub resumed: bool,
    /// The shard's label.
    pub shard: ShardId,
    /// Milliseconds of a tick.
    pub tick_ms: u16,
    /// The newest synced tick.
    pub tick: Tick,
    /// The current generation.
    pub generation: Gen,
    /// The last input sequence that is answered.
    pub seq: InputSeq,
    /// What the session's hits did, per generation, the newest [`crate::limits::TALLIES_MAX`].
    pub tallies: Tallies,
}

/// What a session's hits did, in its newest generations.
pub type Tallies = ArrayVec<Tally, TALLIES_MAX>;

/// What a session's hits did in one generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Wire)]
pub struct Tally {
    /// The generation.
    pub generation: Gen,
    /// Hits accepted.
    pub hits: u32,
    /// Damage of the accepted hits.
    pub damage: u64,
    /// The part of it that came after the generation's books had closed, and earns nothing.
    pub late: u64,
}

/// What became of a session's hits: those up to `seq` are answered, and the accepted ones among
/// them are durable. A newer Ack replaces an older one; only its refusals add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Ack {
    /// The synced tick that this record stands in.
    pub tick: Tick,
    /// The last answered input sequence.
    pub seq: InputSeq,
    /// The tallies that changed since the last Ack.
    pub tallies: Tallies,
    /// Hits that were refused since the last Ack, with the reason.
    pub refused: Vec<Refusal>,
    /// Whether it answers several ticks, or one again: then nobody can say at which of them, up to
    /// `tick`, each hit was accepted.
    pub folded: bool,
}

impl Ack {
    /// Folds a newer Ack in, for a reader that was too slow for this one.
    pub fn merge(&mut self, newer: Self) {
        self.tick = newer.tick;
        self.seq = newer.seq;
        for tally in newer.tallies {
            match self.tallies.iter_mut().find(|old| old.generation == tally.generation) {
                Some(old) => *old = tally,
                None => self.tell(tally),
            }
        }
        self.refused.extend(newer.refused);
        self.folded = true;
    }

    /// Adds a tally; the one of the oldest generation goes if there are too many.
    fn tell(&mut self, tally: Tally) {
        if !self.tallies.is_full() {
            return self.tallies.push(tally);
        }
        let oldest = self.tallies.iter_mut().min_by_key(|tally| tally.generation);
        if let Some(oldest) = oldest.filter(|oldest| oldest.generation < tally.generation) {
            *oldest = tally;
        }
    }
}

/// A hit that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Wire)]
pub struct Refusal {
    /// The hit.
    pub seq: InputSeq,
    /// Why.
    pub reason: RefusalReason,
}

ucore::codes! {
    /// Why a hit was refused.
    RefusalReason: u8 {
        /// It names another generation than the current one.
        Generation = 1,
        /// The boss is defeated, and the next generation has not begun.
        Defeated = 2,
        /// The scenario has no such skill.
        Skill = 3,
        /// The skill is cooling down.
        Cooldown = 4,
        /// More basic hits than the bucket allows: 8 a second, 16 at once.
        Rate = 5,
        /// The shard takes no hits now: it has not entered the generation yet, or is stopping.
        NotReady = 6,
        /// The shard holds its maximum of players with damage.
        Full = 7,
    }
}

impl RefusalReason {
    /// The label of this reason in metrics and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generation => "generation",
            Self::Defeated => "defeated",
            Self::Skill => "skill",
            Self::Cooldown => "cooldown",
            Self::Rate => "rate",
            Self::NotReady => "not_ready",
            Self::Full => "full",
        }
    }
}

ucore::codes! {
    /// Why a shard closes a connection.
    CloseCode: u16 {
        /// Frames that break the WebSocket protocol.
        Framing = 1002,
        /// A text frame: messages are binary.
        Text = 1003,
        /// A message beyond [`crate::limits::MESSAGE_BYTES_MAX`].
        TooLarge = 1009,
        /// The shard stops or was replaced; come back to it later.
        Restart = 1012,
        /// The connection reads too slowly, or the shard is full; come back later.
        TryLater = 1013,
        /// The first message was not Hello, or Hello came twice.
        HelloExpected = 4000,
        /// Hello did not come in time.
        HelloTimeout = 4001,
        /// Not MessagePack, or not the fields of its type.
        Malformed = 4002,
        /// A message type that this protocol lacks.
        UnknownType = 4003,
        /// Another protocol version: load the client anew.
        Protocol = 4004,
        /// A field of Hello is outside its limits.
        Field = 4005,
        /// Another connection took the session over.
        Replaced = 4006,
        /// More messages in one tick than allowed.
        Flood = 4008,
    }
}

/// The boss as a shard knows it: a level, so a newer one replaces an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Updatable)]
pub struct State {
    /// The shard's tick.
    #[update(tag = 0, ordered)]
    pub tick: Tick,
    /// The version of the truth that this state shows.
    #[update(tag = 1, ordered)]
    pub version: Version,
    /// The truth's HP.
    #[update(tag = 2, ordered)]
    pub hp: u64,
    /// The truth's HP less what this shard has admitted and the truth lacks.
    #[update(tag = 3, ordered)]
    pub predicted: u64,
    /// Damage per second of all shards, over about the last second.
    #[update(tag = 4, ordered)]
    pub rate: u64,
    /// Milliseconds since the truth was asked for.
    #[update(tag = 5, ordered)]
    pub age_ms: u64,
    /// The truth counts every hit that was accepted up to this tick.
    #[update(tag = 6, ordered)]
    pub counted: Tick,
    /// The current generation.
    #[update(tag = 7, ordered)]
    pub generation: Gen,
    /// Where it is in its life.
    #[update(tag = 8, ordered)]
    pub status: Status,
    /// The index of its phase.
    #[update(tag = 9, ordered)]
    pub phase: u8,
    /// HP at the start.
    #[update(tag = 10, ordered)]
    pub hp_max: u64,
    /// Players online, on all shards.
    #[update(tag = 11, ordered)]
    pub players: u32,
    /// Milliseconds from this tick to the next: more than usual while there is too much to do.
    #[update(tag = 12, ordered)]
    pub tick_ms: u16,
}

impl State {
    /// The update that makes `before` this state.
    #[must_use]
    pub fn since(&self, before: &Self) -> StateUpdate {
        fn new<T: Copy + PartialEq>(now: T, before: T) -> Option<Set<T>> {
            (now != before).then_some(Set(now))
        }
        StateUpdate {
            tick: new(self.tick, before.tick),
            version: new(self.version, before.version),
            hp: new(self.hp, before.hp),
            predicted: new(self.predicted, before.predicted),
            rate: new(self.rate, before.rate),
            age_ms: new(self.age_ms, before.age_ms),
            counted: new(self.counted, before.counted),
            generation: new(self.generation, before.generation),
            status: new(self.status, before.status),
            phase: new(self.phase, before.phase),
            hp_max: new(self.hp_max, before.hp_max),
            players: new(self.players, before.players),
            tick_ms: new(self.tick_ms, before.tick_ms),
        }
    }
}

/// For people: the fields that changed, by name.
impl Serialize for StateUpdate {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        macro_rules! entries {
            ($($field:ident)+) => {$(
                if let Some(Set(value)) = &self.$field {
                    map.serialize_entry(stringify!($field), value)?;
                }
            )+};
        }
        entries!(tick version hp predicted rate age_ms counted);
        entries!(generation status phase hp_max players tick_ms);
        map.end()
    }
}

/// What a player gets of a fallen boss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct Spoils {
    /// The generation.
    pub generation: Gen,
    /// The player's share.
    pub share: Share,
    /// How many players have one.
    pub players: u32,
}

/// The scenario of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Wire)]
pub struct BossCard {
    /// The generation that it describes.
    pub generation: Gen,
    /// Name, phases, skills.
    pub spec: BossSpec,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ack_that_waits_keeps_the_newest_generations_in_whatever_order_they_come() {
        let tally = |generation| Tally { generation: Gen(generation), hits: 1, damage: 1, late: 0 };
        let ack = |generations: &[u32]| Ack {
            tick: Tick(1),
            seq: InputSeq(1),
            tallies: generations.iter().copied().map(tally).collect(),
            refused: Vec::new(),
            folded: false,
        };
        let mut waiting = ack(&[8, 5, 6, 7]);
        waiting.merge(ack(&[9, 3]));
        let mut kept: Vec<_> = waiting.tallies.iter().map(|it| it.generation.0).collect();
        kept.sort_unstable();
        assert_eq!(kept, [6, 7, 8, 9]);
    }
}
