//! A player who now and then sends a frame that is no message, and comes back when it is shut out.

use super::BotConfig;
use super::cheat::{Cheat, tell};
use super::event::Outcome;
use super::session::{Events, Session};
use protocol::{CloseCode, Gen, Hello, Hit, InputSeq, Micros, PROTOCOL, PlayerMessage, SkillId};

/// How long a shard has to close the connection, if it goes on to send at all.
const CLOSE_MAX: Micros = Micros::from_millis(5_000);
/// From a welcome, or a frame that was let through, to the next frame: at least, and at most.
const GAP_MS: std::ops::Range<u64> = 2_000..5_000;

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    CutShort,
    UnknownType,
    MoreBytes,
    SecondHello,
    Text,
}

impl Flaw {
    const ALL: [Self; 5] =
        [Self::CutShort, Self::UnknownType, Self::MoreBytes, Self::SecondHello, Self::Text];

    /// The close code that such a frame has to be answered with.
    fn code(self) -> CloseCode {
        match self {
            Self::CutShort | Self::MoreBytes | Self::Text => CloseCode::Malformed,
            Self::UnknownType => CloseCode::UnknownType,
            Self::SecondHello => CloseCode::HelloExpected,
        }
    }

    fn frame(self, config: &BotConfig, session: &Session) -> Vec<u8> {
        // A hit that would count if it were whole has the next sequence.
        let seq = InputSeq(session.seq().0.saturating_add(1));
        let hit = PlayerMessage::Hit(Hit { generation: Gen(1), seq, skill: SkillId(1) });
        let mut bytes = ucore::encode(&hit);
        match self {
            Self::CutShort => {
                bytes.pop();
                bytes
            }
            Self::UnknownType => vec![0x92, 0x09, 0x90],
            Self::MoreBytes => {
                bytes.push(0xc0);
                bytes
            }
            Self::SecondHello => {
                let (name, every) = (config.name.clone(), config.every);
                let hello = Hello { protocol: PROTOCOL, name, session: None, every };
                ucore::encode(&PlayerMessage::Hello(hello))
            }
            Self::Text => b"{\"type\":\"hit\",\"damage\":1000000}".to_vec(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Vandal {
    random: fastrand::Rng,
    /// The next flaw among all of them.
    next: usize,
    next_at: Micros,
    /// (when it has to be answered, and how): a frame that left.
    waiting: Option<(Micros, CloseCode)>,
}

impl Vandal {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let next = random.usize(..Flaw::ALL.len());
        Self { random, next, next_at: Micros(0), waiting: None }
    }

    pub(super) fn handle_welcome(&mut self, now: Micros) {
        self.next_at = now + Micros::from_millis(self.random.u64(GAP_MS));
    }

    pub(super) fn handle_lost(&mut self, code: Option<u16>, events: &mut Events) -> bool {
        let expected = self.waiting.take().map(|(_, expected)| expected.code());
        let is_right = expected.is_some() && expected == code;
        if is_right {
            tell(events, Cheat::Frames, Outcome::Refused, 1);
        }
        is_right
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    pub(super) fn poll(
        &mut self,
        (now, heard): (Micros, Micros),
        config: &BotConfig,
        session: &Session,
        events: &mut Events,
    ) -> Option<Vec<u8>> {
        // A shard that only stands still lets nothing through.
        if self.waiting.take_if(|(until, _)| *until <= heard).is_some() {
            tell(events, Cheat::Frames, Outcome::LetThrough, 1);
            self.handle_welcome(now);
        }
        if self.waiting.is_some() || self.next_at > now {
            return None;
        }
        let flaw = Flaw::ALL[self.next % Flaw::ALL.len()];
        self.next += 1;
        self.waiting = Some((now + CLOSE_MAX, flaw.code()));
        tell(events, Cheat::Frames, Outcome::Tried, 1);
        Some(flaw.frame(config, session))
    }

    /// None while what comes from the shard decides.
    pub(super) fn wake_at(&self) -> Option<Micros> {
        self.waiting.is_none().then_some(self.next_at)
    }
}
