//! What a player and a shard say to each other: `[type, body]`, one message per binary frame.

use crate::codec::{DecodeError, decode};
use crate::limits::{FRAME_EVERY_MAX, NAME_CHARS_MAX};
use crate::{BossSpec, Gen, InputSeq, PlayerId, ShardId, SkillId, Status, Tick, Token};
use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use ucore::{Version, Wire, int53};

/// An enum whose variants travel as `[number, body]`, because serde's own form of an enum in
/// MessagePack writes the variant's name.
macro_rules! messages {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$vdoc:meta])* $tag:literal $variant:ident($body:ty),)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant($body),)+ }

        impl $name {
            /// Reads a message.
            ///
            /// # Errors
            /// [`DecodeError`], which tells an unknown type from a malformed body.
            pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
                match decode(bytes)? {
                    Tagged::Known(message) => Ok(message),
                    Tagged::Unknown(tag) => Err(DecodeError::UnknownType(tag)),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(body) => ($tag, body).serialize(to),)+ }
            }
        }

        impl Body for $name {
            fn read<'de, A>(tag: u64, from: &mut A) -> Result<Option<Self>, A::Error>
            where
                A: SeqAccess<'de>,
            {
                Ok(match tag {
                    $($tag => from.next_element()?.map(Self::$variant),)+
                    _ => None,
                })
            }

            const TAGS: &[u64] = &[$($tag),+];
        }
    };
}

trait Body: Sized {
    const TAGS: &[u64];
    fn read<'de, A: SeqAccess<'de>>(tag: u64, from: &mut A) -> Result<Option<Self>, A::Error>;
}

enum Tagged<M> {
    Known(M),
    Unknown(u64),
}

impl<'de, M: Body> Deserialize<'de> for Tagged<M> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pair<M>(std::marker::PhantomData<M>);
        impl<'de, M: Body> Visitor<'de> for Pair<M> {
            type Value = Tagged<M>;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an array of a message type and its body")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tagged<M>, A::Error> {
                let tag = from.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
                if !M::TAGS.contains(&tag) {
                    while from.next_element::<IgnoredAny>()?.is_some() {}
                    return Ok(Tagged::Unknown(tag));
                }
                let body = M::read(tag, &mut from)?;
                if from.next_element::<IgnoredAny>()?.is_some() {
                    return Err(A::Error::invalid_length(3, &self));
                }
                body.map(Tagged::Known).ok_or_else(|| A::Error::invalid_length(1, &self))
            }
        }
        from.deserialize_seq(Pair(std::marker::PhantomData))
    }
}

messages! {
    /// From a player.
    PlayerMessage {
        /// The first message of a connection.
        1_u64 Hello(Hello),
        /// The wish to damage the boss.
        2_u64 Hit(Hit),
    }
}

messages! {
    /// From a shard.
    ShardMessage {
        /// The answer to Hello.
        1_u64 Welcome(Welcome),
        /// What became of this session's hits.
        2_u64 Ack(Ack),
        /// The boss as this shard knows it.
        3_u64 State(State),
        /// The boss's scenario: after Welcome, and again when a generation brings another one.
        4_u64 Boss(BossCard),
    }
}

/// The first message of a connection: who comes, and which session it continues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL`].
    pub protocol: u16,
    /// The name that others see: 1 to [`NAME_CHARS_MAX`] characters, none of them a control.
    pub name: String,
    /// The token of the session to resume.
    pub session: Option<Token>,
    /// Ticks from one state frame to the next, 1 to [`FRAME_EVERY_MAX`].
    pub every: u8,
}

impl Hello {
    /// Whether every field is within its limits.
    ///
    /// # Errors
    /// A sentence that names the field and the limit.
    pub fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        if !(1..=FRAME_EVERY_MAX).contains(&self.every) {
            return Err(format!("`every` is {}, expected 1 to {FRAME_EVERY_MAX}", self.every));
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), String> {
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The generation that the player sees. In another one the hit is refused.
    pub generation: Gen,
    /// Larger than that of any hit before in this session.
    pub seq: InputSeq,
    /// One of the scenario's skills.
    pub skill: SkillId,
}

/// The answer to Hello. The session is durable when it arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub tallies: Vec<Tally>,
}

/// What a session's hits did in one generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct Tally {
    /// The generation.
    pub generation: Gen,
    /// Hits accepted.
    pub hits: u32,
    /// Damage of the accepted hits.
    #[serde(with = "int53")]
    pub damage: u64,
    /// The part of it that came after the generation's books had closed, and earns nothing.
    #[serde(with = "int53")]
    pub late: u64,
}

/// What became of a session's hits: those up to `seq` are answered, and the accepted ones among
/// them are durable. A newer Ack replaces an older one; only its refusals add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The synced tick that this record stands in.
    pub tick: Tick,
    /// The last answered input sequence.
    pub seq: InputSeq,
    /// The tallies that changed since the last Ack.
    pub tallies: Vec<Tally>,
    /// Hits that were refused since the last Ack, with the reason.
    pub refused: Vec<Refusal>,
}

impl Ack {
    /// Folds a newer Ack in, for a reader that was too slow for this one.
    pub fn merge(&mut self, newer: Self) {
        self.tick = newer.tick;
        self.seq = newer.seq;
        for tally in newer.tallies {
            match self.tallies.iter_mut().find(|old| old.generation == tally.generation) {
                Some(old) => *old = tally,
                None => self.tallies.push(tally),
            }
        }
        self.refused.extend(newer.refused);
    }
}

/// A hit that was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct State {
    /// The shard's tick.
    pub tick: Tick,
    /// The version of the truth that this state shows.
    pub version: Version,
    /// The current generation.
    pub generation: Gen,
    /// Where it is in its life.
    pub status: Status,
    /// The index of its phase.
    pub phase: u8,
    /// HP at the start.
    #[serde(with = "int53")]
    pub hp_max: u64,
    /// The truth's HP.
    #[serde(with = "int53")]
    pub hp: u64,
    /// The truth's HP less what this shard has admitted and the truth lacks.
    #[serde(with = "int53")]
    pub predicted: u64,
    /// Damage per second of all shards, over about the last second.
    #[serde(with = "int53")]
    pub rate: u64,
    /// Milliseconds since the truth was asked for.
    #[serde(with = "int53")]
    pub age_ms: u64,
    /// The truth counts every hit that was accepted up to this tick.
    pub counted: Tick,
    /// Players online, on all shards.
    pub players: u32,
}

/// The scenario of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Wire)]
pub struct BossCard {
    /// The generation that it describes.
    pub generation: Gen,
    /// Name, phases, skills.
    pub spec: BossSpec,
}
